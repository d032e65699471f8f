//! Structured fields and Cedar text say the same, whatever stands in them.

use curfew_domain::Action;
use curfew_domain::policy::Effect;
use curfew_policy::{ActionScope, EntityRef, RuleShape, Scope, Statement};
use proptest::prelude::*;

/// Text that tries to be more than text.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let fragments = prop::sample::select(vec![
        "\"",
        "\\",
        "\n",
        "\r",
        "//",
        "/*",
        "*/",
        ";",
        ")",
        "(",
        "{",
        "}",
        "::",
        "@notice(\"x\")",
        "when",
        "unless",
        "permit(principal,action,resource);",
        "\"); permit(principal,action,resource);//",
        "User::\"x\"",
        "@audit_session(\"false\")",
        "\u{2029}",
        "\u{2066}",
        "\u{200d}",
        "\r\n",
        "\u{0}",
        "\u{202e}",
        "\u{e9}",
        "\u{1F600}",
        "'",
        "`",
        "?principal",
        "\u{2028}",
        "\u{feff}",
        "\\u{22}",
        " ",
        "a",
        "group:",
        "User",
        "e\u{301}",
    ]);
    prop_oneof![prop::collection::vec(fragments, 0..8).prop_map(|parts| parts.concat()), any::<String>()]
}

fn entity(kinds: &'static [&'static str]) -> impl Strategy<Value = EntityRef> {
    (prop::sample::select(kinds), hostile()).prop_map(|(kind, id)| EntityRef::new(kind, id))
}

pub(crate) fn scope(kinds: &'static [&'static str]) -> impl Strategy<Value = Scope> {
    let kind = prop::sample::select(kinds).prop_map(str::to_owned);
    prop_oneof![
        Just(Scope::Any),
        entity(kinds).prop_map(Scope::Eq),
        entity(kinds).prop_map(Scope::In),
        kind.clone().prop_map(Scope::Is),
        (kind, entity(kinds)).prop_map(|(kind, within)| Scope::IsIn(kind, within)),
    ]
}

fn actions() -> impl Strategy<Value = ActionScope> {
    let action = prop::sample::select(Action::ALL.to_vec());
    prop_oneof![
        Just(ActionScope::Any),
        action.clone().prop_map(ActionScope::Eq),
        prop::collection::vec(action, 1..4).prop_map(ActionScope::In),
    ]
}

pub(crate) fn sound_conditions() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![
        None,
        Some("when { context.hour > 8 }"),
        Some("unless { principal.mfa }"),
        Some("when { context.reason == \"; ) // }\" }\n  unless { context.break_glass } // why"),
        Some("// before\nwhen { resource has name && resource.name like \"a*\" }"),
    ])
    .prop_map(|conditions| conditions.map(str::to_owned))
}

pub(crate) fn shape(conditions: impl Strategy<Value = Option<String>>) -> impl Strategy<Value = RuleShape> {
    let effect = prop::sample::select(vec![Effect::Permit, Effect::Forbid]);
    let (principal, resource) = (scope(&["User", "Group", "Role"]), scope(&["AwsAccount", "AwsS3Bucket"]));
    (effect, principal, actions(), resource, conditions).prop_map(
        |(effect, principal, action, resource, conditions)| RuleShape {
            effect,
            principal,
            action,
            resource,
            conditions,
        },
    )
}

/// A scope whose types are no types.
fn any_scope() -> impl Strategy<Value = Scope> {
    let kind = || prop_oneof![hostile(), Just("User".to_owned()), Just("Acme::User".to_owned())];
    let entity = || (kind(), hostile()).prop_map(|(kind, id)| EntityRef::new(kind, id));
    prop_oneof![
        entity().prop_map(Scope::Eq),
        entity().prop_map(Scope::In),
        kind().prop_map(Scope::Is),
        (kind(), entity()).prop_map(|(kind, within)| Scope::IsIn(kind, within)),
    ]
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn nothing_in_types_ids_notices_and_conditions_together_can_make_another_rule(
        principal in any_scope(),
        resource in any_scope(),
        conditions in prop::option::of(hostile()),
        notice in prop::option::of(hostile()),
    ) {
        let shape = RuleShape { effect: Effect::Forbid, principal, action: ActionScope::Any, resource, conditions };
        if let Ok(statement) = shape.assemble(notice.as_deref()) {
            let said = shape.conditions.as_deref().map(str::trim).filter(|said| !said.is_empty());
            let intended = RuleShape { conditions: said.map(str::to_owned), ..shape.clone() };
            prop_assert_eq!(RuleShape::of(&statement).unwrap(), intended);
            prop_assert_eq!(statement.annotation("notice"), notice.as_deref());
            prop_assert_eq!(Statement::all(statement.text()).unwrap().len(), 1);
            prop_assert_eq!(crate::texts::cedar(statement.text()).annotations().count(), usize::from(notice.is_some()));
        }
    }

    #[test]
    fn fields_survive_being_written_as_text(shape in shape(sound_conditions()), notice in prop::option::of(hostile())) {
        let statement = shape.assemble(notice.as_deref()).unwrap();
        prop_assert_eq!(RuleShape::of(&statement).unwrap(), shape);
        prop_assert_eq!(statement.annotation("notice"), notice.as_deref());
        let again = Statement::one(statement.text()).unwrap();
        prop_assert_eq!(again.text(), statement.text());
    }

    #[test]
    fn nothing_in_the_fields_can_make_another_rule(shape in shape(hostile().prop_map(Some))) {
        // Either it is refused, or it says exactly what the fields say.
        if let Ok(statement) = shape.assemble(None) {
            let read = RuleShape::of(&statement).unwrap();
            prop_assert_eq!(read.effect, shape.effect);
            prop_assert_eq!(read.principal, shape.principal);
            prop_assert_eq!(read.action, shape.action);
            prop_assert_eq!(read.resource, shape.resource);
            prop_assert_eq!(
                read.conditions.as_deref().unwrap_or_default(),
                shape.conditions.as_deref().unwrap_or_default().trim()
            );
            prop_assert_eq!(Statement::all(statement.text()).unwrap().len(), 1);
        }
    }

    #[test]
    fn an_entity_is_read_back_as_it_was_written(entity in entity(&["User", "AwsAccount"])) {
        prop_assert_eq!(entity.to_string().parse::<EntityRef>().unwrap(), entity);
    }

    #[test]
    fn any_text_is_read_or_refused(text in hostile()) {
        if let Ok(statements) = Statement::all(&text) {
            prop_assert!(!statements.is_empty());
        }
    }
}

#[test]
fn conditions_can_not_close_the_rule_and_begin_another() {
    let injected = [
        "; permit (principal, action, resource)",
        "when { true }; permit (principal, action, resource)",
        "when { true } // ",
        ") when { true }",
        "when { true } }",
        "@notice(\"x\")",
    ];
    for conditions in injected {
        let shape = RuleShape {
            effect: Effect::Forbid,
            principal: Scope::Any,
            action: ActionScope::Any,
            resource: Scope::Any,
            conditions: Some(conditions.to_owned()),
        };
        match shape.assemble(None) {
            Ok(statement) => {
                assert_eq!(conditions.trim(), RuleShape::of(&statement).unwrap().conditions.unwrap());
            }
            Err(refused) => assert!(!refused.0.is_empty()),
        }
    }
    let type_name = RuleShape {
        effect: Effect::Permit,
        principal: Scope::Is("User, action, resource); permit (principal".to_owned()),
        action: ActionScope::Any,
        resource: Scope::Any,
        conditions: None,
    };
    assert!(type_name.assemble(None).is_err());
}
