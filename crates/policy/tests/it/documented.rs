//! What docs/cedar.md says of the schema and of what does not fit it.

use crate::world::id;
use curfew_domain::GroupId;
use curfew_policy::{ACCESS_SCHEMA, PrincipalId, Statement};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../../docs/cedar.md");

fn block(fence: &str) -> &'static str {
    let (_, behind) = PAGE.split_once(&format!("```{fence}\n")).expect("the page has such a block");
    behind.split_once("```").expect("the block ends").0
}

#[test]
fn the_page_has_the_schema_that_rules_are_checked_against() {
    assert_eq!(block("cedarschema"), ACCESS_SCHEMA);
}

#[test]
fn a_rule_that_does_not_fit_is_refused_as_the_page_says() {
    let rule = "permit (principal, action, resource is AwsAccount)\nwhen { resource.tier == \"gold\" };";
    let refused = Statement::one(rule).unwrap().resolve(|_| unreachable!("it names nobody")).unwrap_err();
    let shown: Vec<Value> = refused
        .0
        .iter()
        .map(|problem| {
            json!({ "message": problem.message, "line": problem.line, "column": problem.column, "hint": problem.hint })
        })
        .collect();
    let documented: Value = serde_json::from_str(block("json")).unwrap();
    assert_eq!(json!({ "errors": shown }), documented);
}

#[test]
fn the_first_rules_of_the_page_fit_the_schema() {
    let rules = Statement::all(block("cedar")).unwrap();
    assert_eq!(rules.len(), 3);
    for rule in rules {
        let somebody = PrincipalId::Group(GroupId::from_uuid(id(7)));
        let resolved = rule.resolve(|_| Ok(somebody));
        assert!(resolved.is_ok(), "{resolved:?}");
    }
}
