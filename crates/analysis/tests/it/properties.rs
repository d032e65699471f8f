//! What is said of every request holds of each that is tried.

use std::collections::BTreeMap;

use crate::world::*;
use curfew_analysis::{Account, Answer, Idleness};
use curfew_domain::policy::{Policy, PolicyRule};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, AuthProvider, DayOfWeek, GroupId, LocalMoment, Seconds, UserId};
use curfew_policy::{
    AccessQuestion, AccountFacts, CompiledPolicies, Outcome, PermissionSetFacts, PersonFacts, Shift, Target,
    decide,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

/// How many requests each answer is held to.
const TRIED: usize = 300;

const CONDITIONS: [&str; 12] = [
    "",
    "when { context.hour < 12 }",
    "when { context.hour >= 8 }",
    "unless { resource is AwsAccount && resource.is_management }",
    "when { resource == AwsAccount::\"111111111111\" }",
    "when { resource in AwsOrganizationalUnit::\"ou-ab12-11111111\" }",
    "when { resource in AwsOrganizationalUnit::\"ou-ab12-00000000\" }",
    "when { context.duration_seconds <= 1800 }",
    "when { context.break_glass || context.mfa }",
    "when { principal in Role::\"admin\" }",
    "unless { principal.roles.contains(\"user\") }",
    // Fails for long ones.
    "when { context.duration_seconds * 576460752303423487 > 0 || context.hour == 3 }",
];

fn any_rules() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec!["action", "action == Action::\"read\""]);
    let rule = (prop::bool::weighted(0.7), action, prop::sample::select(CONDITIONS.to_vec()));
    let rule = rule.prop_map(|(permits, action, condition)| {
        format!("{} (principal, {action}, resource) {condition};", if permits { "permit" } else { "forbid" })
    });
    prop::collection::vec(rule, 1..3).prop_map(|rules| rules.join("\n\n"))
}

fn any_policy(number: u128) -> impl Strategy<Value = Policy> {
    let mode =
        prop::sample::select(vec![ApprovalMode::Auto, ApprovalMode::Require, ApprovalMode::BreakGlass]);
    let maximum = prop::sample::select(vec![1_800_u32, 3_600, 28_800]);
    let timeout = prop::option::of(prop::sample::select(vec![60_u32, 600]));
    let groups = prop::collection::vec(1..3_u128, 0..2);
    let cap = prop::option::of(Just(Seconds::of(900)));
    let terms = (mode, maximum, timeout, 1..3_u16, groups, any::<bool>(), cap);
    (0..3_i32, terms, any_rules()).prop_map(move |(priority, terms, rules)| {
        let (mode, maximum, timeout, approvals, groups, allow_break_glass, cap) = terms;
        on(policy(number, priority, &rules), |terms| {
            terms.mode = mode;
            terms.maximum = Seconds::of(maximum);
            terms.approval_timeout = timeout.map(Seconds::of);
            terms.approvals_required = approvals;
            terms.approver_groups =
                groups.into_iter().map(|n| GroupId::from_uuid(Uuid::from_u128(n))).collect();
            terms.allow_break_glass = allow_break_glass;
            terms.break_glass_maximum = cap.filter(|_| terms.allows_emergencies());
        })
    })
}

fn any_policies() -> impl Strategy<Value = Vec<Policy>> {
    (any_policy(1), any_policy(2), any_policy(3), 1..4_usize)
        .prop_map(|(a, b, c, count)| [a, b, c].into_iter().take(count).collect())
}

/// Policies, and a change of one of them: another one in its place, another priority, or none.
fn a_change() -> impl Strategy<Value = (Vec<Policy>, Vec<Policy>)> {
    (any_policies(), any_policy(1), 0..3_usize, 0..4_i32).prop_map(|(before, other, which, how)| {
        let mut after = before.clone();
        let which = which % after.len();
        match how {
            0 => after[which] = Policy { id: after[which].id, ..other },
            1 => after[which].priority += 1,
            2 => drop(after.remove(which)),
            _ => after[which].terms.mode = ApprovalMode::Require,
        }
        (before, after)
    })
}

fn any_question() -> impl Strategy<Value = AccessQuestion> {
    let roles = prop::sample::subsequence(vec!["user", "admin"], 0..=2);
    let unit = prop::option::of(prop::sample::select(vec![DEV_OU, TOP_OU]));
    let account = (prop::sample::select(vec![DEV, PROD]), unit, any::<bool>());
    let duration =
        prop::option::of(prop::sample::select(vec![1_u32, 17, 600, 1_800, 1_801, 3_600, 28_800, 43_200]));
    let action = prop::sample::select(Action::ALL.to_vec());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (roles, account, duration, action, 0..24_u8, flags).prop_map(
        |(
            roles,
            (account, unit, is_management),
            duration,
            action,
            hour,
            (break_glass, mfa, facts_are_fresh),
        )| {
            AccessQuestion {
                person: PersonFacts {
                    id: UserId::from_uuid(ALICE.parse().unwrap()),
                    email: "alice@acme.example".parse().unwrap(),
                    name: "Alice".parse().unwrap(),
                    roles: roles.into_iter().map(|role| role.parse().unwrap()).collect(),
                    groups: Vec::new(),
                    auth_provider: AuthProvider::Local,
                    mfa,
                },
                action,
                targets: vec![Target {
                    account: AccountFacts {
                        id: account.parse().unwrap(),
                        name: account.to_owned(),
                        tags: BTreeMap::new(),
                        is_management,
                        unit: unit.map(|unit| unit.parse().unwrap()),
                    },
                    permission_set: PermissionSetFacts {
                        arn: SET.parse().unwrap(),
                        name: "ReadOnly".to_owned(),
                        rank: None,
                        session: Seconds::of(3_600),
                    },
                }],
                named: None,
                units: BTreeMap::from([
                    (DEV_OU.parse().unwrap(), Some(TOP_OU.parse().unwrap())),
                    (TOP_OU.parse().unwrap(), None),
                ]),
                duration: duration.map(Seconds::of),
                longest: LONGEST,
                break_glass,
                requested_at: now(),
                local: LocalMoment { day_of_week: DayOfWeek::Monday, hour },
                mfa,
                reason: None,
                source_ip: None,
                ticket: None,
                facts_are_fresh,
            }
        },
    )
}

fn tried() -> Vec<AccessQuestion> {
    let mut runner = TestRunner::deterministic();
    (0..TRIED).map(|_| any_question().new_tree(&mut runner).unwrap().current()).collect()
}

fn block_on<T>(asking: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(asking)
}

/// What is given, and for how long.
fn given(outcome: &Outcome) -> Option<Seconds> {
    match outcome {
        Outcome::Approved { terms, .. } | Outcome::NeedsApproval { terms, .. } => Some(terms.duration),
        Outcome::Denied { .. } => None,
    }
}

proptest! {
    #![proptest_config(crate::cases(12))]

    #[test]
    fn a_change_that_is_proved_to_narrow_gives_nothing_more((before, after) in a_change()) {
        let answer = block_on(narrows(&before, &after));
        let (before, after) = (CompiledPolicies::new(&before), CompiledPolicies::new(&after));
        match answer {
            Answer::Proved => for asked in tried() {
                let is = decide(&after, &asked).outcome;
                let Some(duration) = given(&is) else { continue };
                let was = decide(&before, &AccessQuestion { duration: Some(duration), ..asked.clone() }).outcome;
                let shift = Shift::between(&was, &is);
                prop_assert!(matches!(shift, Shift::Same | Shift::Narrower), "{shift:?} {asked:?} {was:?} {is:?}");
            },
            Answer::Refuted(widened) => {
                let (was, is) = (decide(&before, &widened.question), decide(&after, &widened.question));
                prop_assert!(matches!(Shift::between(&was.outcome, &is.outcome), Shift::Wider | Shift::Other));
            }
            Answer::Unknown(why) => prop_assert!(false, "{why:?}"),
        }
    }

    #[test]
    fn an_account_that_is_proved_to_need_approval_needs_it(policies in any_policies(), management in any::<bool>()) {
        let account = Account {
            facts: AccountFacts { is_management: management, ..tried()[0].targets[0].account.clone() },
            above: Vec::new(),
            permission_sets: None,
            action: None,
        };
        let account = Account { facts: AccountFacts { unit: None, ..account.facts }, ..account };
        let answer = block_on(reaches(&policies, &account));
        let policies = CompiledPolicies::new(&policies);
        match answer {
            Answer::Proved => for mut asked in tried() {
                asked.targets[0].account = account.facts.clone();
                let outcome = decide(&policies, &asked).outcome;
                let is_approved = matches!(outcome, Outcome::Approved { .. });
                prop_assert!(!is_approved, "{asked:?} {outcome:?}");
            },
            Answer::Refuted(reached) => {
                let outcome = decide(&policies, &reached.question).outcome;
                let is_approved = matches!(outcome, Outcome::Approved { .. });
                prop_assert!(is_approved);
            }
            Answer::Unknown(why) => prop_assert!(false, "{why:?}"),
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(4))]

    #[test]
    fn a_rule_that_is_said_never_to_matter_changes_nothing(policies in any_policies()) {
        let compiled = CompiledPolicies::new(&policies);
        let idle = block_on(asked(async |known| curfew_analysis::idle_rules(known, &compiled, None).await)).unwrap();
        prop_assert!(idle.untold.is_empty(), "{:?}", idle.untold);
        for rule in idle.idle {
            let is_left = |known: &PolicyRule| known.id != rule.rule;
            let mut without = policies.clone();
            for policy in &mut without {
                policy.rules.retain(is_left);
            }
            let without = CompiledPolicies::new(&without);
            for asked in tried().into_iter().filter(|asked| asked.duration.is_some()) {
                let (with, without) = (decide(&compiled, &asked), decide(&without, &asked));
                let (shift, how) = (Shift::between(&with.outcome, &without.outcome), rule.how);
                // What is cut by an emergency's cap could have been asked for as it is given.
                let as_asked = given(&with.outcome) == asked.duration;
                prop_assert!(!as_asked || shift == Shift::Same, "{how:?} {asked:?}");
                let groups = with.trace.iter().flat_map(|point| &point.groups);
                let matched = groups.flat_map(|group| group.permits.iter().chain(&group.forbids));
                let matched = matched.copied().any(|matched| matched == rule.rule);
                prop_assert!(how == Idleness::Shadowed || !matched, "{asked:?}");
            }
        }
    }
}
