//! What an explanation says, held against Cedar's own word on the rule alone.

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy as CedarPolicy, PolicyId, PolicySet, Request,
};
use curfew_domain::policy::PolicyRule;
use curfew_domain::{RuleId, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::rule::{Answer, Dissected, RuleText};

const ATOMS: [&str; 21] = [
    "true",
    "false",
    "context.mfa",
    "context.hour == 1",
    "context.hour >= 2",
    "1 + context.hour * 2 < 4",
    "principal.roles.contains(\"admin\")",
    "[\"monday\", \"(\"].contains(context.day_of_week)",
    "principal in Group::\"engineers\"",
    "resource is AwsAccount in AwsOrganizationalUnit::\"dev\"",
    "resource.hasTag(\"env\")",
    "context has reason",
    "\"a && b || (c // \\\" }\" like \"a*\"",
    "{a: 1, \"&&\": [2]}.a == 1",
    "context has set.rank && context.set.rank > 1",
    // These can't always be evaluated.
    "context.reason == \"x && y\"",
    "resource.getTag(\"owner\") == \"me\"",
    "ip(context.day_of_week).isLoopback()",
    "9223372036854775807 + context.hour > 0",
    "context.hour",
    "context.hour.nothing",
];

const GAPS: [&str; 4] = [" ", "", "\n\t", " // && ) || }\n"];

const PRINCIPALS: [&str; 5] = [
    "principal",
    "principal == User::\"alice\"",
    "principal in Group::\"engineers\"",
    "principal in Group::\"others\"",
    "principal is User in Group::\"engineers\"",
];

const ACTIONS: [&str; 4] = [
    "action",
    "action == Action::\"read\"",
    "action in Action::\"request_access\"",
    "action in [Action::\"write\", Action::\"admin\"]",
];

const RESOURCES: [&str; 4] = [
    "resource",
    "resource is AwsAccount",
    "resource in AwsOrganizationalUnit::\"dev\"",
    "resource == AwsAccount::\"2\"",
];

fn condition() -> impl Strategy<Value = String> {
    let gap = || prop::sample::select(GAPS.to_vec());
    let atom = prop::sample::select(ATOMS.to_vec()).prop_map(str::to_owned);
    let inner = atom.prop_recursive(4, 16, 3, move |inner| {
        let pair = (inner.clone(), inner.clone(), gap(), gap());
        prop_oneof![
            4 => pair.clone().prop_map(|(a, b, x, y)| format!("{a}{x}&&{y}{b}")),
            2 => pair.prop_map(|(a, b, x, y)| format!("{a}{x}||{y}{b}")),
            2 => (inner.clone(), gap()).prop_map(|(a, x)| format!("({x}{a}{x})")),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    });
    (inner, any::<bool>()).prop_map(|(condition, is_bare)| match condition.strip_prefix("(if") {
        Some(rest) if is_bare && rest.find(')') == Some(rest.len() - 1) => {
            format!("if{}", &rest[..rest.len() - 1])
        }
        _ => condition,
    })
}

fn rule() -> impl Strategy<Value = String> {
    let clause = (any::<bool>(), condition(), prop::sample::select(GAPS.to_vec())).prop_map(
        |(when, condition, gap)| {
            format!("{} {{{gap}{condition}{gap}}}", if when { "when" } else { "unless" })
        },
    );
    let scope = (
        prop::sample::select(PRINCIPALS.to_vec()),
        prop::sample::select(ACTIONS.to_vec()),
        prop::sample::select(RESOURCES.to_vec()),
    );
    // Rules that fit tell more.
    let scope = prop_oneof![3 => Just((PRINCIPALS[0], ACTIONS[0], RESOURCES[0])), 1 => scope];
    (any::<bool>(), scope, prop::collection::vec(clause, 0..3)).prop_map(
        |(permits, (principal, action, resource), clauses)| {
            let effect = if permits { "permit" } else { "forbid" };
            format!("@id(\"; {{\") {effect} ({principal}, {action}, {resource}) {};", clauses.join(" "))
        },
    )
}

fn asked() -> impl Strategy<Value = (Request, Entities)> {
    let reason = prop::option::of(prop::sample::select(vec!["x && y", "z"]));
    let rank = prop::option::of(0..3_i64);
    (0..4_i64, any::<bool>(), any::<bool>(), reason, rank).prop_map(|(hour, mfa, is_tagged, reason, rank)| {
        let tags = if is_tagged { json!({ "env": "dev", "owner": "me" }) } else { json!({}) };
        let set = json!({ "__entity": { "type": "AwsPermissionSet", "id": "set" } });
        let roles = if mfa { json!(["admin"]) } else { json!([]) };
        let rank = rank.map_or(json!({}), |rank| json!({ "rank": rank }));
        let entity = |kind, id, attrs, parents, tags| json!({ "uid": { "type": kind, "id": id }, "attrs": attrs, "parents": parents, "tags": tags });
        let entities = json!([
            entity("User", "alice", json!({ "roles": roles }), json!([{ "type": "Group", "id": "engineers" }]), json!({})),
            entity("AwsAccount", "1", json!({}), json!([{ "type": "AwsOrganizationalUnit", "id": "dev" }]), tags),
            entity("AwsPermissionSet", "set", rank, json!([]), json!({})),
            entity("Action", "read", json!({}), json!([{ "type": "Action", "id": "request_access" }]), json!({})),
        ]);
        let mut context = json!({ "hour": hour, "mfa": mfa, "day_of_week": "monday", "set": set });
        if let Some(reason) = reason {
            context["reason"] = reason.into();
        }
        let uid = |text: &str| text.parse::<EntityUid>().unwrap();
        let request = Request::new(
            uid("User::\"alice\""),
            uid("Action::\"read\""),
            uid("AwsAccount::\"1\""),
            Context::from_json_value(context, None).unwrap(),
            None,
        );
        (request.unwrap(), Entities::from_json_value(entities, None).unwrap())
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Matched,
    Failed,
    Erred,
}

fn word_of_cedar(rule: &str, request: &Request, entities: &Entities) -> Word {
    let policy = CedarPolicy::parse(Some(PolicyId::new("rule")), rule).unwrap();
    let rules = PolicySet::from_policies([policy]).unwrap();
    let response = Authorizer::new().is_authorized(request, &rules, entities);
    if response.diagnostics().errors().count() > 0 {
        Word::Erred
    } else if response.diagnostics().reason().count() > 0 {
        Word::Matched
    } else {
        Word::Failed
    }
}

fn explained(rule: &str, request: &Request, entities: &Entities) -> Answer {
    let rule = PolicyRule {
        id: RuleId::from_uuid(Uuid::nil()),
        ordinal: 0,
        text: rule.to_owned(),
        resolved: rule.to_owned(),
        notice: None,
        audit_session: false,
        created_at: Timestamp::from_micros(0),
    };
    let rule = RuleText::of(&rule, None);
    Dissected::of(&rule).answer(request, entities)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn an_explanation_says_of_a_rule_what_cedar_says(rule in rule(), (request, entities) in asked()) {
        let answer = explained(&rule, &request, &entities);
        let word = match &answer {
            Answer::Matches => Word::Matched,
            Answer::Fails(_) => Word::Failed,
            Answer::Errs(..) => Word::Erred,
        };
        prop_assert_eq!(word, word_of_cedar(&rule, &request, &entities), "{}", rule);
        if let Answer::Fails(at) | Answer::Errs(_, at) = answer {
            // What is shown is where it says it is.
            let excerpt = at.excerpt.unwrap();
            let line = rule.split('\n').nth(excerpt.line - 1).unwrap();
            let there: String = line.chars().skip(excerpt.column - 1).collect();
            let first = excerpt.text.lines().next().unwrap().trim_end_matches('…').to_owned();
            prop_assert!(there.starts_with(&first), "{} in {}", first, rule);
        }
    }
}
