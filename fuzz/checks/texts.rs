//! Whatever text is sent as Cedar: it is refused, or it means the same however it is written again, and can be decided by.

use cedar_policy::Policy;
use curfew_domain::policy::Policy as AccessPolicy;
use curfew_domain::{GroupId, UserId};
use curfew_policy::{
    CompiledPolicies, Explainer, NameKind, PrincipalId, RuleShape, Statement, decide, formatted, laid_out,
    with_annotations,
};
use serde_json::Value;
use uuid::Uuid;

use crate::world;

/// Takes it for a file of statements.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(statements) = Statement::all(text) else { return };
    for statement in &statements {
        is_itself(statement);
        survives_other_notices(statement.text());
        survives_its_fields(statement);
        can_be_decided_by(statement);
    }
    let written = laid_out(statements.iter().map(Statement::text));
    let read = Statement::all(&written).expect("what was laid out is read again");
    assert_eq!(meanings(&read), meanings(&statements), "{text}");
}

fn is_itself(statement: &Statement) {
    let text = statement.text();
    assert_eq!(Statement::one(text).expect("it was read before").text(), text);
    if let Ok(formatted) = formatted(text) {
        assert_eq!(meaning(&formatted), meaning(text), "{text}");
    }
}

fn survives_other_notices(text: &str) {
    let told = with_annotations(text, Some("\"; } // why"), false);
    assert_eq!(without_annotations(&told), without_annotations(text), "{text}");
    let read = Statement::kept(&told).expect("a notice takes nothing away");
    assert_eq!(read.annotation("notice"), Some("\"; } // why"));
}

fn survives_its_fields(statement: &Statement) {
    let Ok(shape) = RuleShape::of(statement) else { return };
    // Conditions that nobody would write in one field may be refused.
    let Ok(assembled) = shape.assemble(None) else { return };
    assert_eq!(without_annotations(assembled.text()), without_annotations(statement.text()));
}

fn can_be_decided_by(statement: &Statement) {
    let resolved = statement.resolve(|name| {
        Ok(match name.kind {
            NameKind::User => PrincipalId::User(UserId::from_uuid(Uuid::from_u128(1))),
            NameKind::Group => PrincipalId::Group(GroupId::from_uuid(Uuid::from_u128(2))),
        })
    });
    let Ok(rule) = resolved else { return };
    assert_eq!(rule.text, statement.text());
    let policies: [AccessPolicy; 1] = [world::policy(1, 0, &[&rule.resolved])];
    let (compiled, question) = (CompiledPolicies::new(&policies), world::question());
    let decision = decide(&compiled, &question);
    Explainer::new(&policies).explain(&question, &decision);
}

fn meanings(statements: &[Statement]) -> Vec<Value> {
    statements.iter().map(|statement| meaning(statement.text())).collect()
}

/// What Cedar reads.
fn meaning(text: &str) -> Value {
    let policy = Policy::parse(None, text).expect("it was read before");
    policy.to_json().expect("a policy can be written as JSON")
}

fn without_annotations(text: &str) -> Value {
    let mut meaning = meaning(text);
    if let Some(meaning) = meaning.as_object_mut() {
        meaning.remove("annotations");
    }
    meaning
}
