//! Whether anybody gets into an account without a person's approval.

use std::collections::BTreeMap;

use crate::world::*;
use curfew_analysis::{Account, Answer, Why};
use curfew_domain::{AccessLevel, Action};
use curfew_policy::{AccountFacts, PermissionSetFacts};

fn account(id: &str) -> Account {
    Account {
        facts: AccountFacts {
            id: id.parse().unwrap(),
            name: "Payments".to_owned(),
            tags: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
            is_management: false,
            unit: Some(DEV_OU.parse().unwrap()),
        },
        above: vec![DEV_OU.parse().unwrap(), TOP_OU.parse().unwrap()],
        permission_sets: None,
        action: None,
    }
}

fn set(name: &str) -> PermissionSetFacts {
    PermissionSetFacts {
        arn: SET.parse().unwrap(),
        name: name.to_owned(),
        rank: None,
        session: curfew_domain::Seconds::of(3_600),
    }
}

#[tokio::test]
async fn an_account_is_reached_through_the_unit_above_its_unit() {
    let through = |unit: &str| {
        [policy(
            1,
            0,
            &format!(r#"permit (principal, action, resource in AwsOrganizationalUnit::"{unit}");"#),
        )]
    };
    let reached = refuted(reaches(&through(TOP_OU), &account(PROD)).await);
    assert_eq!(reached.question.targets[0].account.id.as_str(), PROD);
    assert_eq!(reaches(&through("ou-ab12-99999999"), &account(PROD)).await, Answer::Proved);
}

#[tokio::test]
async fn what_is_known_of_the_account_counts() {
    let when = |condition: &str| {
        [policy(1, 0, &format!("permit (principal, action, resource is AwsAccount) when {{ {condition} }};"))]
    };
    for holds in
        [r#"resource.name == "Payments""#, r#"resource.hasTag("env") && resource.getTag("env") == "prod""#]
    {
        refuted(reaches(&when(holds), &account(PROD)).await);
    }
    for fails in ["resource.is_management", r#"resource.hasTag("owner")"#, r#"resource.name like "Sandbox*""#]
    {
        assert_eq!(reaches(&when(fails), &account(PROD)).await, Answer::Proved, "{fails}");
    }
}

#[tokio::test]
async fn approval_by_people_is_not_at_once_but_an_emergency_is() {
    let permit = || requiring(policy(1, 0, "permit (principal, action, resource);"), 1);
    assert_eq!(reaches(&[permit()], &account(PROD)).await, Answer::Proved);
    let emergency = on(permit(), |terms| terms.allow_break_glass = true);
    assert!(refuted(reaches(&[emergency], &account(PROD)).await).question.break_glass);
}

#[tokio::test]
async fn the_strictest_of_those_that_decide_together_counts() {
    let auto = || policy(1, 0, r#"permit (principal, action == Action::"read", resource);"#);
    let people = |priority| requiring(policy(2, priority, "permit (principal, action, resource);"), 1);
    assert_eq!(reaches(&[auto(), people(0)], &account(PROD)).await, Answer::Proved);
    assert_eq!(reaches(&[auto(), people(1)], &account(PROD)).await, Answer::Proved);
    let reached = refuted(reaches(&[auto(), people(-1)], &account(PROD)).await);
    assert_eq!(reached.question.action, Action::Read);
}

#[tokio::test]
async fn a_permission_set_and_an_action_narrow_the_question() {
    let rule = r#"permit (principal, action == Action::"read", resource) when { context has permission_set && context.permission_set.name == "ReadOnly" };"#;
    let ask = |name: &str, action| Account {
        permission_sets: Some(vec![(set(name), AccessLevel::Read)]),
        action,
        ..account(PROD)
    };
    refuted(reaches(&[policy(1, 0, rule)], &ask("ReadOnly", Some(Action::Read))).await);
    for (name, action) in [("Admin", None), ("ReadOnly", Some(Action::Write))] {
        assert_eq!(reaches(&[policy(1, 0, rule)], &ask(name, action)).await, Answer::Proved, "{name}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_had_nothing_is_proved() {
    let permit = [policy(1, 0, "permit (principal, action, resource);")];
    let ask =
        |permission_sets, action| Account { permission_sets: Some(permission_sets), action, ..account(PROD) };
    let admin = || vec![(set("Admin"), AccessLevel::Admin)];
    for asked in [ask(Vec::new(), None), ask(admin(), Some(Action::Read))] {
        let answer = reaches(&permit, &asked).await;
        assert_eq!(answer, Answer::Unknown(Why::NothingToHave));
    }
    refuted(reaches(&permit, &ask(admin(), None)).await);
}
