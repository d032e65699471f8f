//! Who can get what: each answer is the one that is given when it is asked for alone.

use crate::one_access::*;
use crate::world::*;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, BuiltInRole, GroupId, Seconds, UserId};
use curfew_policy::{AccessQuestion, CompiledPolicies, Decision, PersonFacts, Reach, decide};
use proptest::prelude::*;

const PEOPLE: usize = 4;

fn person_id(number: usize) -> UserId {
    UserId::from_uuid(id(0xa0 + number as u128))
}

fn group_id(number: usize) -> GroupId {
    GroupId::from_uuid(id(0xe0 + number as u128))
}

/// Person `number`; the bits say which roles and groups they are in.
fn person(number: usize, bits: u8) -> PersonFacts {
    let roles = [BuiltInRole::User, BuiltInRole::Approver, BuiltInRole::Admin];
    let held = |bit: usize| bits >> bit & 1 == 1;
    PersonFacts {
        id: person_id(number),
        email: format!("p{number}@acme.example").parse().unwrap(),
        roles: (0..3).filter(|bit| held(*bit)).map(|bit| roles[bit].slug()).collect(),
        groups: (0..2).filter(|group| held(group + 3)).map(group_id).collect(),
        mfa: held(5),
        ..question().person
    }
}

fn principal() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("principal".to_owned()),
        1 => Just("principal is User".to_owned()),
        1 => (0..PEOPLE).prop_map(|n| format!("principal == User::\"{}\"", person_id(n))),
        2 => prop::sample::select(vec!["user", "approver", "admin"])
            .prop_map(|role| format!("principal in Role::\"{role}\"")),
        1 => (0..2_usize).prop_map(|n| format!("principal is User in Group::\"{}\"", group_id(n))),
    ]
}

/// Conditions on each side and on the context; some fail, and some name what only some of the questions know.
fn condition() -> impl Strategy<Value = String> {
    let account = (0..ACCOUNTS).prop_map(account_id);
    let unit = (0..UNITS).prop_map(unit_id);
    let set = (0..SETS).prop_map(set_arn);
    prop_oneof![
        Just("true".to_owned()),
        Just("principal.mfa".to_owned()),
        Just("principal.roles.contains(\"admin\")".to_owned()),
        (0..PEOPLE).prop_map(|n| format!("User::\"{}\".mfa", person_id(n))),
        (0..PEOPLE).prop_map(|n| format!("(User::\"{}\".mfa && false)", person_id(n))),
        account.clone().prop_map(|id| format!("AwsAccount::\"{id}\".is_management")),
        account.clone().prop_map(|id| format!("(context has account && context.account == AwsAccount::\"{id}\")")),
        account.prop_map(|id| format!("(AwsAccount::\"{id}\" in AwsOrganizationalUnit::\"{}\")", unit_id(0))),
        unit.clone().prop_map(|id| format!("(context has account && context.account in AwsOrganizationalUnit::\"{id}\")")),
        unit.prop_map(|id| format!("(resource in AwsOrganizationalUnit::\"{id}\")")),
        Just("(resource is AwsAccount && resource.is_management)".to_owned()),
        Just("(resource is AwsAccount && resource.hasTag(\"env\") && resource.getTag(\"env\") == \"prod\")".to_owned()),
        Just("(resource is AwsAccount && resource.getTag(\"env\") == \"prod\")".to_owned()),
        set.prop_map(|arn| format!("(context has permission_set && context.permission_set == AwsPermissionSet::\"{arn}\")")),
        Just("(context has permission_set && context.permission_set has rank && context.permission_set.rank < 1)".to_owned()),
        Just("(context has permission_set.rank && context.permission_set.rank > 0)".to_owned()),
        Just("context.duration_seconds <= 1800".to_owned()),
        Just("(context.hour > 11)".to_owned()),
        Just("(context.hour + 9223372036854775807 > 0)".to_owned()),
        Just("(context has ticket && context.ticket like \"OPS-*\")".to_owned()),
        Just("(context has reason && ip(context.reason).isLoopback())".to_owned()),
        Just("(if context has ticket then context.ticket == \"OPS-7\" else principal.mfa)".to_owned()),
        Just("(!(context has reason) || context.reason == \"because\")".to_owned()),
        Just("(context has source_ip && context.source_ip.isInRange(ip(\"10.0.0.0/8\")))".to_owned()),
        Just("(context.requested_at < datetime(\"2026-03-02\"))".to_owned()),
        Just("(action == Action::\"read\")".to_owned()),
        Just("context.break_glass".to_owned()),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        2 => Just("action".to_owned()),
        1 => prop::sample::select(ACTIONS.to_vec()).prop_map(|action| format!("action == Action::\"{action}\"")),
        1 => Just("action in Action::\"request_access\"".to_owned()),
    ];
    let joined = prop::sample::select(vec!["&&", "||"]);
    let conditions = (prop::collection::vec(condition(), 0..4), joined, any::<bool>());
    (prop::bool::weighted(0.75), principal(), action, resource(), conditions).prop_map(
        |(permits, principal, action, resource, (conditions, joined, when))| {
            let effect = if permits { "permit" } else { "forbid" };
            let kind = if when { "when" } else { "unless" };
            let conditions = match conditions.len() {
                0 => String::new(),
                _ => format!("{kind} {{ {} }}", conditions.join(&format!(" {joined} "))),
            };
            format!("{effect} ({principal}, {action}, {resource}) {conditions};")
        },
    )
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let modes =
        prop::sample::select(vec![ApprovalMode::Auto, ApprovalMode::Require, ApprovalMode::BreakGlass]);
    let maximum = prop::sample::select(vec![600_u32, 3_600, 28_800]);
    let one = (0..3_i32, modes, maximum, prop::collection::vec(rule(), 1..5));
    prop::collection::vec(one, 1..5).prop_map(|all| {
        let policy =
            |(number, (priority, mode, maximum, rules)): (u128, (i32, ApprovalMode, u32, Vec<String>))| {
                let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
                on_terms(policy(number, priority, &texts), |terms| {
                    terms.mode = mode;
                    terms.maximum = Seconds::of(maximum);
                })
            };
        (1..).zip(all).map(policy).collect()
    })
}

/// Everything but the person and the place.
fn circumstances() -> impl Strategy<Value = AccessQuestion> {
    let durations = prop::option::of(prop::sample::select(vec![60_u32, 1_200, 3_600, 20_000]));
    let reasons = prop::option::of(prop::sample::select(vec!["127.0.0.1", "because"]));
    let tickets = prop::option::of(prop::sample::select(vec!["OPS-7", "none"]));
    let from = prop::option::of(prop::sample::select(vec!["10.1.2.3", "192.0.2.1"]));
    let action = prop::sample::select(ACTIONS.to_vec());
    (durations, reasons, tickets, from, action, any::<bool>()).prop_map(
        |(duration, reason, ticket, from, action, emergency)| AccessQuestion {
            action,
            duration: duration.map(Seconds::of),
            reason: reason.map(str::to_owned),
            ticket: ticket.map(str::to_owned),
            source_ip: from.map(|ip| ip.parse().unwrap()),
            break_glass: emergency,
            ..question()
        },
    )
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn who_and_what_are_decided_as_each_question_alone_is(
        organization in organization(),
        policies in policies(),
        people in prop::collection::vec(any::<u8>(), PEOPLE),
        asked in circumstances(),
    ) {
        let compiled = CompiledPolicies::new(&policies);
        let about = |who: usize, account: usize, set: usize| AccessQuestion {
            person: person(who, people[who]),
            targets: vec![organization.target(account, set)],
            units: organization.units(),
            ..asked.clone()
        };
        let by_place: Vec<Reach> =
            (0..PEOPLE).map(|who| Reach::of_places(&compiled, &about(who, 0, 0))).collect();
        for (account, set) in (0..ACCOUNTS).map(|account| (account, account % SETS)) {
            let of_people = Reach::of_people(&compiled, &about(0, account, set));
            for (who, of_places) in by_place.iter().enumerate() {
                let question = about(who, account, set);
                let alone = Decision { trace: Vec::new(), ..decide(&compiled, &question) };
                for reach in [&of_people, of_places] {
                    prop_assert_eq!(&reach.decide(&question), &alone);
                    prop_assert!(reach.may_permit(&question) || is_denied(&alone));
                }
            }
        }
    }
}

#[test]
fn what_can_match_nobody_is_left_out() {
    let set = "context has permission_set && context.permission_set.name == \"ReadOnly\"";
    let rules = [
        format!("permit (principal in Role::\"user\", action, resource) when {{ principal.mfa && {set} }};"),
        format!("permit (principal, action, resource) unless {{ {set} }};"),
        "permit (principal, action, resource is AwsAccount) when { resource.is_management };".to_owned(),
        "permit (principal, action, resource) when { context.hour == 3 };".to_owned(),
        "permit (principal, action == Action::\"admin\", resource);".to_owned(),
        "permit (principal in Role::\"admin\", action, resource);".to_owned(),
        format!("permit (principal, action, resource == AwsAccount::\"{PROD}\");"),
    ];
    let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
    let compiled = CompiledPolicies::new([&policy(1, 0, &texts)]);
    assert_eq!(Reach::of_people(&compiled, &question()).rules(), 2, "the first and the one for admins");
    let elsewhere = AccessQuestion { action: Action::Read, ..question() };
    assert_eq!(
        Reach::of_places(&compiled, &elsewhere).rules(),
        3,
        "neither at night, for admins, nor to administer"
    );
    let nobody = CompiledPolicies::new([&policy(1, 0, &texts[2..5])]);
    assert!(!Reach::of_people(&nobody, &question()).may_permit(&question()));
}
