//! What is said of every request holds of each that is tried.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::*;
use curfew_analysis::{Account, Answer, Idleness};
use curfew_domain::policy::{Policy, PolicyRule};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, AuthProvider, DayOfWeek, GroupId, LocalMoment, Seconds, UserId};
use curfew_policy::{
    AccessQuestion, AccountFacts, CompiledPolicies, Decision, Outcome, PermissionSetFacts, PersonFacts,
    Shift, Target, decide,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

/// How many requests each answer is held to.
const TRIED: usize = 300;

const BOB: &str = "00000000-0000-0000-0000-000000000002";
const OTHER_SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-000000000000000a";

const CONDITIONS: [&str; 26] = [
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
    "when { principal.mfa && principal.auth_provider == \"local\" }",
    "when { principal in Group::\"00000000-0000-0000-0000-0000000000e1\" }",
    "when { principal == User::\"00000000-0000-0000-0000-000000000001\" }",
    "unless { principal.email like \"*@acme.example\" }",
    "when { resource is AwsAccount && resource.hasTag(\"env\") && resource.getTag(\"env\") == \"prod\" }",
    "when { context has account && context.account.name like \"Pay*\" }",
    "when { context has permission_set && context.permission_set == AwsPermissionSet::\"arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef\" }",
    "when { context has permission_set && context.permission_set has rank && context.permission_set.rank < 1 }",
    "unless { context has permission_set && context.permission_set.session_seconds > 3600 }",
    "when { context has ticket && context.ticket like \"OPS-*\" }",
    "unless { context has reason && context.reason == \"because\" }",
    "when { context has source_ip && context.source_ip.isInRange(ip(\"10.0.0.0/8\")) }",
    "when { [\"saturday\", \"sunday\"].contains(context.day_of_week) }",
    "when { if context has ticket then context.ticket == \"OPS-7\" else principal.mfa }",
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
    let usual = prop::option::of(prop::sample::select(vec![600_u32, 1_200]));
    let terms = (mode, maximum, timeout, 1..3_u16, groups, any::<bool>(), cap, usual);
    let brought = (
        prop::collection::vec(prop::bool::weighted(0.7), 2),
        prop::collection::vec(prop::option::weighted(0.3, prop::sample::select(vec!["Mind", "Gap"])), 2),
    );
    (0..3_i32, terms, any_rules(), brought).prop_map(move |(priority, terms, rules, (followed, notices))| {
        let (mode, maximum, timeout, approvals, groups, allow_break_glass, cap, usual) = terms;
        let mut policy = policy(number, priority, &rules);
        for ((rule, followed), notice) in policy.rules.iter_mut().zip(followed).zip(notices) {
            rule.audit_session = followed;
            rule.notice = notice.map(|notice| notice.parse().unwrap());
        }
        on(policy, |terms| {
            terms.default = usual.map(Seconds::of);
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

fn any_account() -> impl Strategy<Value = AccountFacts> {
    let place = prop::sample::select(vec![
        (DEV, Some(DEV_OU), false),
        (DEV, Some(TOP_OU), true),
        (PROD, None, true),
        (PROD, None, false),
    ]);
    let tag = prop::option::of(prop::sample::select(vec!["prod", "dev"]));
    let name = prop::sample::select(vec!["Payments", "Sandbox"]);
    (place, tag, name).prop_map(|((account, unit, is_management), tag, name)| AccountFacts {
        id: account.parse().unwrap(),
        name: name.to_owned(),
        tags: tag.map(|tag| ("env".to_owned(), tag.to_owned())).into_iter().collect(),
        is_management,
        unit: unit.map(|unit| unit.parse().unwrap()),
    })
}

fn any_set() -> impl Strategy<Value = PermissionSetFacts> {
    let arn = prop::sample::select(vec![SET, OTHER_SET]);
    let rank = prop::option::of(prop::sample::select(vec![0, 1]));
    (arn, rank, prop::sample::select(vec![3_600_u32, 7_200])).prop_map(|(arn, rank, session)| {
        PermissionSetFacts {
            arn: arn.parse().unwrap(),
            name: "ReadOnly".to_owned(),
            rank,
            session: Seconds::of(session),
        }
    })
}

fn any_person() -> impl Strategy<Value = PersonFacts> {
    let who = prop::sample::select(vec![(ALICE, "alice@acme.example"), (BOB, "bob@other.example")]);
    let roles = prop::sample::subsequence(vec!["user", "admin"], 0..=2);
    let provider = prop::sample::select(AuthProvider::ALL.to_vec());
    (who, roles, any::<bool>(), provider, any::<bool>()).prop_map(
        |((id, email), roles, is_engineer, auth_provider, mfa)| PersonFacts {
            id: UserId::from_uuid(id.parse().unwrap()),
            email: email.parse().unwrap(),
            name: "Somebody".parse().unwrap(),
            roles: roles.into_iter().map(|role| role.parse().unwrap()).collect(),
            groups: is_engineer.then(|| GroupId::from_uuid(ENGINEERS.parse().unwrap())).into_iter().collect(),
            auth_provider,
            mfa,
        },
    )
}

fn any_question() -> impl Strategy<Value = AccessQuestion> {
    let duration =
        prop::option::of(prop::sample::select(vec![1_u32, 17, 600, 1_800, 1_801, 3_600, 28_800, 43_200]));
    let action = prop::sample::select(Action::ALL.to_vec());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let day = prop::sample::select(vec![DayOfWeek::Monday, DayOfWeek::Sunday]);
    let words = (
        prop::option::of(prop::sample::select(vec!["127.0.0.1", "because"])),
        prop::option::of(prop::sample::select(vec!["OPS-7", "OPS-8", "none"])),
        prop::option::of(prop::sample::select(vec!["10.1.2.3", "192.0.2.1", "::1"])),
    );
    let place = (any_person(), any_account(), any_set());
    (place, duration, action, (0..24_u8, day), flags, words).prop_map(
        |((person, account, set), duration, action, (hour, day), flags, (reason, ticket, from))| {
            let (break_glass, mfa, facts_are_fresh) = flags;
            AccessQuestion {
                person,
                action,
                targets: vec![Target { account, permission_set: set }],
                named: None,
                units: BTreeMap::from([
                    (DEV_OU.parse().unwrap(), Some(TOP_OU.parse().unwrap())),
                    (TOP_OU.parse().unwrap(), None),
                ]),
                duration: duration.map(Seconds::of),
                longest: LONGEST,
                break_glass,
                requested_at: now(),
                local: LocalMoment { day_of_week: day, hour },
                mfa,
                reason: reason.map(str::to_owned),
                source_ip: from.map(|ip| ip.parse().unwrap()),
                ticket: ticket.map(str::to_owned),
                facts_are_fresh,
            }
        },
    )
}

/// What of `asked` a proof speaks of. Where rules look at the duration, one that leaves it out is judged as if it had named
/// what it is given.
fn as_named(asked: &AccessQuestion, given: Seconds, sides: [&[Policy]; 2]) -> AccessQuestion {
    let mut rules = sides.into_iter().flatten().flat_map(|policy| &policy.rules);
    let look_at_it = rules.any(|rule| rule.text.contains("duration_seconds"));
    let duration = if look_at_it { Some(given) } else { asked.duration };
    AccessQuestion { duration, ..asked.clone() }
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
        let sides = [&before[..], &after[..]];
        let (before, after) = (CompiledPolicies::new(&before), CompiledPolicies::new(&after));
        match answer {
            Answer::Proved => for asked in tried() {
                let Some(duration) = given(&decide(&after, &asked).outcome) else { continue };
                let asked = as_named(&asked, duration, sides);
                let (was, is) = (decide(&before, &asked), decide(&after, &asked));
                let shift = Shift::between(&was.outcome, &is.outcome);
                let narrower = matches!(shift, Shift::Same | Shift::Narrower);
                prop_assert!(narrower, "{shift:?} {asked:?} {was:?} {is:?}");
                prop_assert!(is.audit_session || !was.audit_session, "{asked:?} {was:?} {is:?}");
            },
            Answer::Refuted(widened) => {
                let (was, is) = (decide(&before, &widened.question), decide(&after, &widened.question));
                let shift = Shift::between(&was.outcome, &is.outcome);
                let unfollowed = was.audit_session && !is.audit_session;
                prop_assert!(unfollowed || matches!(shift, Shift::Wider | Shift::Other));
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
            for asked in tried() {
                let how = rule.how;
                let duration = given(&decide(&compiled, &asked).outcome).or(asked.duration);
                let Some(duration) = duration else { continue };
                let asked = as_named(&asked, duration, [&policies, &[]]);
                let (with, without) = (decide(&compiled, &asked), decide(&without, &asked));
                let notices = |decision: &Decision| decision.notices.iter().cloned().collect::<BTreeSet<_>>();
                // Which shorter duration a denial names is no part of what can be had.
                let both_deny = given(&with.outcome).is_none() && given(&without.outcome).is_none();
                let shift = Shift::between(&with.outcome, &without.outcome);
                prop_assert!(both_deny || shift == Shift::Same, "{shift:?} {how:?} {asked:?}");
                prop_assert_eq!(with.audit_session, without.audit_session, "{:?} {:?}", how, asked);
                prop_assert_eq!(notices(&with), notices(&without), "{:?} {:?}", how, asked);
                let groups = with.trace.iter().flat_map(|point| &point.groups);
                let matched = groups.flat_map(|group| group.permits.iter().chain(&group.forbids));
                let matched = matched.copied().any(|matched| matched == rule.rule);
                prop_assert!(how == Idleness::Shadowed || !matched, "{asked:?}");
            }
        }
    }
}
