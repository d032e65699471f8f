//! Texts that are written anew, read in again and resolved say what they said.

use cedar_policy::Policy;
use curfew_domain::{GroupId, UserId};
use curfew_policy::{
    NameKind, PrincipalId, RuleShape, Statement, laid_out, resolved_names, with_annotations,
    with_its_annotations,
};
use proptest::prelude::*;

use crate::rules::{hostile, shape, sound_conditions};

/// What Cedar reads.
pub(crate) fn cedar(text: &str) -> Policy {
    Policy::parse(None, text).unwrap()
}

/// What a text means, apart from its annotations.
fn meaning(text: &str) -> serde_json::Value {
    let mut json = cedar(text).to_json().unwrap();
    json.as_object_mut().unwrap().remove("annotations");
    json
}

fn annotations(text: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        cedar(text).annotations().map(|(name, said)| (name.to_owned(), said.to_owned())).collect();
    all.sort();
    all
}

fn quoted(name: &str, said: &str) -> String {
    format!("@{name}(\"{}\")", said.escape_debug())
}

/// A statement as somebody could write it: annotations, comments, and a layout of their own.
fn written() -> impl Strategy<Value = String> {
    let comment = || prop::sample::select(vec!["", "\n", "// why\n", " // \"; permit (\n", "//\r\n", "\t"]);
    let annotation =
        |name: &'static str| prop::option::of(hostile().prop_map(move |said| quoted(name, &said)));
    let silence = prop::sample::select(vec!["", "@audit_session(\"false\")", "@audit_session (\"true\") "]);
    let behind = prop::sample::select(vec!["", " // behind", "// one\n  // two\n", "\n\n"]);
    (comment(), annotation("notice"), comment(), annotation("id"), silence, shape(sound_conditions()), behind)
        .prop_map(|(first, notice, second, id, silence, shape, behind)| {
            let (notice, id) = (notice.unwrap_or_default(), id.unwrap_or_default());
            let body = shape.assemble(None).unwrap().text().to_owned();
            format!("{first}{notice}{second}{id}{silence}{body}{behind}")
        })
}

proptest! {
    #![proptest_config(crate::cases(100))]

    #[test]
    fn fields_that_are_read_off_a_text_say_what_it_says(text in written()) {
        let statement = Statement::one(&text).unwrap();
        let shape = RuleShape::of(&statement).unwrap();
        let assembled = shape.assemble(statement.annotation("notice")).unwrap();
        prop_assert_eq!(meaning(assembled.text()), meaning(&text));
        prop_assert_eq!(RuleShape::of(&assembled).unwrap(), shape);
    }

    #[test]
    fn other_fields_change_a_text_to_exactly_those_and_leave_its_annotations(
        text in written(),
        other in shape(prop::option::of(hostile())),
    ) {
        let statement = Statement::one(&text).unwrap();
        if let Ok(reshaped) = statement.reshaped(&other) {
            prop_assert_eq!(annotations(reshaped.text()), annotations(&text));
            prop_assert_eq!(meaning(reshaped.text()), meaning(other.assemble(None).unwrap().text()));
        }
    }

    #[test]
    fn fields_that_are_one_rule_can_be_put_into_any_text(text in written(), other in shape(sound_conditions())) {
        let reshaped = Statement::one(&text).unwrap().reshaped(&other).unwrap();
        prop_assert_eq!(RuleShape::of(&reshaped).unwrap(), other);
    }

    #[test]
    fn another_notice_changes_nothing_but_the_notice(
        text in written(),
        notice in prop::option::of(hostile().prop_filter("a notice says something", |said| !said.is_empty())),
        audit_session in any::<bool>(),
    ) {
        let told = with_annotations(&text, notice.as_deref(), audit_session);
        let read = Statement::one(&told).unwrap();
        prop_assert_eq!(read.annotation("notice").filter(|said| !said.is_empty()), notice.as_deref());
        prop_assert_eq!(read.audit_session().unwrap().unwrap_or(true), audit_session);
        let retold = with_its_annotations(&text, notice.as_deref(), audit_session);
        for text_now in [&told, &retold] {
            prop_assert_eq!(meaning(text_now), meaning(&text));
            let others = |text: &str| {
                let mut all = annotations(text);
                all.retain(|(name, _)| name == "id");
                all
            };
            prop_assert_eq!(others(text_now), others(&text));
        }
        prop_assert_eq!(&with_annotations(&told, notice.as_deref(), audit_session), &told);
    }

    #[test]
    fn what_is_laid_out_together_is_read_in_as_the_same_rules(texts in prop::collection::vec(written(), 1..4)) {
        let document = laid_out(texts.iter().map(String::as_str));
        let read = Statement::all(&document).unwrap();
        prop_assert_eq!(read.len(), texts.len());
        for (read, text) in read.iter().zip(&texts) {
            prop_assert_eq!(meaning(read.text()), meaning(text));
            prop_assert_eq!(annotations(read.text()), annotations(text));
            prop_assert_eq!(read.text().matches("// why").count(), text.matches("// why").count());
            prop_assert_eq!(read.text().matches("// behind").count(), text.matches("// behind").count());
        }
        let again = laid_out(read.iter().map(Statement::text));
        prop_assert_eq!(again, document);
    }

    #[test]
    fn names_are_resolved_whatever_they_are_and_nothing_else_is(text in written()) {
        let statement = Statement::one(&text).unwrap();
        let resolved = statement.resolve(|name| {
            Ok(match name.kind {
                NameKind::User => PrincipalId::User(UserId::from_uuid(uuid::Uuid::from_u128(1))),
                NameKind::Group => PrincipalId::Group(GroupId::from_uuid(uuid::Uuid::from_u128(2))),
            })
        });
        if let Ok(rule) = resolved {
            prop_assert_eq!(&rule.text, &text);
            prop_assert_eq!(annotations(&rule.resolved), annotations(&text));
            let now = RuleShape::of(&Statement::one(&rule.resolved).unwrap()).unwrap();
            prop_assert_eq!((now.effect, &now.action, &now.resource), (rule.shape.effect, &rule.shape.action, &rule.shape.resource));
            prop_assert_eq!(resolved_names(&rule.text, &rule.resolved).len(), Statement::one(&rule.resolved).unwrap().names().len());
            for name in Statement::one(&rule.resolved).unwrap().names() {
                prop_assert!(name.id().is_some(), "{:?}", name);
            }
        }
    }
}
