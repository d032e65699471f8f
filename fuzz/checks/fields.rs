//! Whatever stands in the fields of a rule: the text that is assembled from them says just that, or there is none.

use curfew_domain::Action;
use curfew_domain::policy::Effect;
use curfew_policy::{ActionScope, EntityRef, RuleShape, Scope, Statement};

/// No UTF-8 text holds this byte.
const BETWEEN_FIELDS: u8 = 0xFF;

/// The first byte says which kinds of scope there are, and the fields follow.
pub(crate) fn check(data: &[u8]) {
    let Some((choice, fields)) = data.split_first() else { return };
    let mut fields = fields.split(|byte| *byte == BETWEEN_FIELDS).map(String::from_utf8_lossy);
    let mut next = || fields.next().map(std::borrow::Cow::into_owned);
    let principal = scope(choice & 7, next().unwrap_or_default(), next().unwrap_or_default());
    let resource = scope(choice >> 3 & 7, next().unwrap_or_default(), next().unwrap_or_default());
    let (conditions, notice) = (next(), next());
    let (effect, action) = match choice >> 6 {
        0 => (Effect::Permit, ActionScope::Any),
        1 => (Effect::Permit, ActionScope::Eq(Action::Read)),
        2 => (Effect::Forbid, ActionScope::In(Action::ALL.to_vec())),
        _ => (Effect::Forbid, ActionScope::Any),
    };
    says_just_that(&RuleShape { effect, principal, action, resource, conditions }, notice.as_deref());
}

fn scope(choice: u8, kind: String, id: String) -> Scope {
    match choice {
        0 => Scope::Any,
        1 => Scope::Eq(EntityRef::new(kind, id)),
        2 => Scope::In(EntityRef::new(kind, id)),
        3 => Scope::Is(kind),
        4 => Scope::IsIn(kind.clone(), EntityRef::new(kind, id)),
        // A type that is one, so that the id is looked at.
        5 => Scope::Eq(EntityRef::new("User", id)),
        6 => Scope::In(EntityRef::new("AwsOrganizationalUnit", id)),
        _ => Scope::IsIn("AwsAccount".to_owned(), EntityRef::new("AwsOrganizationalUnit", id)),
    }
}

fn says_just_that(shape: &RuleShape, notice: Option<&str>) {
    let Ok(statement) = shape.assemble(notice) else { return };
    let conditions = shape.conditions.as_deref().map(str::trim).filter(|said| !said.is_empty());
    let intended = RuleShape { conditions: conditions.map(str::to_owned), ..shape.clone() };
    let text = statement.text();
    let rules = Statement::all(text).expect("what was assembled is read again");
    assert_eq!(rules.len(), 1, "{text}");
    assert_eq!(RuleShape::of(&rules[0]).expect("it has fields"), intended, "{text}");
    let read = cedar_policy::Policy::parse(None, text).expect("Cedar reads it too");
    let annotations: Vec<_> = read.annotations().collect();
    let notices: Vec<_> = notice.map(|notice| ("notice", notice)).into_iter().collect();
    assert_eq!(annotations, notices, "{text}");
}
