//! What is warned of, and what is not.

use crate::world::*;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{AccountId, GroupId, Seconds};
use curfew_policy::{
    AccountFacts, CompiledPolicies, MOST_WARNINGS, PermissionSetFacts, Surroundings, Warning, WarningCode,
    Warnings, warnings_of, warnings_of_order,
};

use WarningCode::{
    ApproverGroupEmpty, AutoOnManagementAccount, AutoOnTopRank, NeverMatches, NotChecked, PermitForEveryone,
    TooFewApprovers, Unreachable,
};

const MANAGEMENT: &str = "999999999999";
const STRONGEST: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-ffffffffffffffff";

fn around() -> Surroundings {
    let management = AccountFacts {
        id: MANAGEMENT.parse::<AccountId>().unwrap(),
        is_management: true,
        unit: Some(DEV_OU.parse().unwrap()),
        ..account(PROD)
    };
    Surroundings {
        longest: Seconds::of(28_800),
        management: Some(management),
        units: question().units,
        strongest: vec![PermissionSetFacts {
            arn: STRONGEST.parse().unwrap(),
            name: "Everything".to_owned(),
            rank: Some(9),
            session: HOUR,
        }],
        approvers: None,
    }
}

/// What is said when the first of these is saved.
fn said(policies: &[Policy]) -> Vec<Warning> {
    warnings_of(&policies[0], None, &CompiledPolicies::new(policies), &around()).listed
}

fn codes(policies: &[Policy]) -> Vec<WarningCode> {
    said(policies).into_iter().map(|warning| warning.code).collect()
}

/// What is said of one rule that waits for people.
fn of_rule(rule: &str) -> Vec<WarningCode> {
    codes(&[by_people(policy(1, 0, &[rule]))])
}

/// What is said of one rule that gives at once.
fn of_auto(rule: &str) -> Vec<WarningCode> {
    let mut codes = codes(&[policy(1, 0, &[rule])]);
    codes.retain(|code| *code != PermitForEveryone);
    codes
}

fn by_people(policy: Policy) -> Policy {
    on_terms(policy, |terms| terms.mode = ApprovalMode::Require)
}

#[test]
fn a_permit_that_looks_at_nobody_is_for_everyone() {
    for everyone in [
        PERMIT_ALL,
        "permit (principal is User, action, resource);",
        "permit (principal, action == Action::\"read\", resource) when { context.hour > 8 };",
        "permit (principal, action, resource) when { context has reason && context.reason == \"principal\" };",
    ] {
        assert_eq!(of_rule(everyone), [PermitForEveryone], "{everyone}");
    }
    for somebody in [
        "forbid (principal, action, resource) when { context.hour > 8 };",
        "permit (principal in Role::\"user\", action, resource);",
        "permit (principal, action, resource) when { principal.mfa };",
        "permit (principal, action, resource) unless { context.hour > 8 || !(principal in Role::\"user\") };",
    ] {
        assert_eq!(of_rule(somebody), [], "{somebody}");
    }
}

#[test]
fn a_rule_that_contradicts_itself_matches_never() {
    for never in [
        "forbid (principal, action, resource) when { false };",
        "forbid (principal is User, action, resource) when { principal is Group };",
        "forbid (principal, action, resource is AwsAccount) when { resource is AwsS3Bucket };",
    ] {
        assert_eq!(of_rule(never), [NeverMatches], "{never}");
    }
    assert_eq!(of_rule("forbid (principal, action, resource) when { context.mfa };"), []);
}

#[test]
fn a_rule_that_contradicts_itself_but_may_fail_is_told_to_forbid_then() {
    let fails = "permit (principal, action, resource) when { context.hour + 9223372036854775807 > 0 && resource is AwsAccount && resource is AwsS3Bucket };";
    let told = |rule: &str| -> Vec<bool> {
        let told = said(&[by_people(policy(1, 0, &[rule]))]).into_iter();
        told.filter(|warning| warning.code == NeverMatches)
            .map(|warning| warning.message.contains("fail"))
            .collect()
    };
    assert_eq!(told(fails), [true]);
    assert_eq!(
        told(
            "permit (principal, action, resource) when { resource is AwsAccount && resource is AwsS3Bucket };"
        ),
        [false]
    );
    // Whatever it forbids when it fails: another kind of resource, and another action alone.
    assert_eq!(
        told(
            "forbid (principal, action, resource is AwsS3Bucket) when { context.hour + 9223372036854775807 > 0 && resource is AwsAccount };"
        ),
        [true]
    );
    assert_eq!(
        told(
            "forbid (principal, action == Action::\"admin\", resource) when { context.hour + 9223372036854775807 > 0 && false };"
        ),
        [true]
    );
    assert_eq!(
        told(
            "forbid (principal, action, resource) when { false && context.hour + 9223372036854775807 > 0 };"
        ),
        [false]
    );
}

const SOME: &str = "permit (principal in Role::\"user\", action, resource);";

#[test]
fn what_stands_below_a_policy_that_always_decides_is_not_reached() {
    let below = || policy(1, 0, &[SOME, "forbid (principal in Role::\"admin\", action, resource);"]);
    let above = |rule: &str| policy(2, 5, &[rule]);
    let told = said(&[by_people(below()), above(FORBID_ALL)]);
    assert_eq!((told[0].code, told[0].rule, told.len()), (Unreachable, None, 1));
    assert_eq!(told[0].policy, Some(below().id));
    assert!(told[0].message.contains("\"policy 2\" of priority 5 forbids every request"), "{told:?}");
    assert_eq!(said(&[above(FORBID_ALL), by_people(below())]), told, "also when the other one is saved");
    for rule in [
        "forbid (principal is User, action in Action::\"request_access\", resource);",
        "permit (principal, action, resource);",
    ] {
        assert_eq!(codes(&[by_people(below()), above(rule)]), [Unreachable], "{rule}");
    }
    for rule in [
        SOME,
        "forbid (principal, action == Action::\"request_access\", resource);",
        "forbid (principal, action, resource is AwsS3Bucket);",
        "forbid (principal, action, resource) when { context.mfa };",
    ] {
        assert_eq!(codes(&[by_people(below()), above(rule)]), [], "{rule}");
    }
    let off = Policy { enabled: false, ..above(FORBID_ALL) };
    assert_eq!(codes(&[by_people(below()), off.clone()]), []);
    assert_eq!(codes(&[off, by_people(below())]), []);
}

#[test]
fn a_permit_above_decides_only_what_is_not_too_long_for_it_and_no_emergency_alone() {
    let below =
        || by_people(policy(1, 0, &[SOME, "forbid (principal in Role::\"admin\", action, resource);"]));
    let above = |maximum, mode| {
        let change = |terms: &mut curfew_domain::policy::PolicyTerms| {
            terms.maximum = Seconds::of(maximum);
            terms.mode = mode;
        };
        on_terms(policy(2, 5, &[PERMIT_ALL]), change)
    };
    assert_eq!(codes(&[below(), above(28_800, ApprovalMode::Require)]), [Unreachable]);
    assert_eq!(codes(&[below(), above(28_799, ApprovalMode::Require)]), []);
    assert_eq!(codes(&[below(), above(28_800, ApprovalMode::BreakGlass)]), []);
    // Of a shorter one below, the forbid is still reached by what lasts long.
    let short = on_terms(below(), |terms| terms.maximum = HOUR);
    let told = said(&[short.clone(), above(3_600, ApprovalMode::Require)]);
    assert_eq!((told.len(), told[0].code, told[0].rule), (1, Unreachable, Some(short.rules[0].id)));
}

#[test]
fn permits_beside_a_forbid_of_everything_are_pointless_and_its_fellow_forbids_are_not() {
    let both = by_people(policy(
        1,
        0,
        &[SOME, FORBID_ALL, "forbid (principal, action, resource) when { context.mfa };"],
    ));
    let told = said(std::slice::from_ref(&both));
    assert_eq!((told.len(), told[0].code, told[0].rule), (1, Unreachable, Some(both.rules[0].id)));
    let other = policy(2, 0, &[FORBID_ALL]);
    let told = said(&[other, by_people(policy(1, 0, &[SOME]))]);
    assert_eq!((told.len(), told[0].code, told[0].rule), (1, Unreachable, None));
}

#[test]
fn an_order_is_warned_of_as_a_whole() {
    let policies = [policy(1, 30, &[SOME]), policy(2, 20, &[FORBID_ALL]), policy(3, 10, &[SOME])];
    let Warnings { listed, left_out } =
        warnings_of_order(&CompiledPolicies::new(&policies), Seconds::of(28_800));
    assert_eq!((listed.len(), left_out), (1, 0));
    assert_eq!((listed[0].code, listed[0].policy), (Unreachable, Some(policies[2].id)));
}

#[test]
fn an_automatic_permit_that_may_give_what_is_strongest_is_told() {
    let both = [AutoOnManagementAccount, AutoOnTopRank];
    assert_eq!(of_auto(PERMIT_ALL), both);
    assert_eq!(
        of_auto("permit (principal in Role::\"admin\", action, resource) when { context.hour > 8 };"),
        both
    );
    assert_eq!(of_auto("permit (principal, action == Action::\"read\", resource);"), both);
    // Of the management account alone.
    for rule in [
        format!(
            "permit (principal, action, resource == AwsAccount::\"{MANAGEMENT}\") when {{ context has permission_set && context.permission_set.name == \"ReadOnly\" }};"
        ),
        format!(
            "permit (principal, action, resource in AwsOrganizationalUnit::\"{TOP_OU}\") when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{SET}\" }};"
        ),
    ] {
        assert_eq!(of_auto(&rule), [AutoOnManagementAccount], "{rule}");
    }
    // Of the strongest set alone.
    for rule in [
        "permit (principal, action, resource is AwsAccount) unless { resource.is_management };".to_owned(),
        format!("permit (principal, action, resource == AwsAccount::\"{DEV}\");"),
        "permit (principal, action, resource is AwsAccount) when { context has permission_set && context.permission_set has rank && context.permission_set.rank > 8 && !resource.is_management };".to_owned(),
    ] {
        assert_eq!(of_auto(&rule), [AutoOnTopRank], "{rule}");
    }
    for rule in [
        format!("permit (principal, action, resource == AwsAccount::\"{DEV}\") when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{SET}\" }};"),
        "forbid (principal, action, resource) when { context.mfa };".to_owned(),
        "permit (principal, action, resource is AwsAccount) when { context has permission_set && context.permission_set has rank && context.permission_set.rank < 9 && !resource.is_management };".to_owned(),
    ] {
        assert_eq!(of_auto(&rule), [], "{rule}");
    }
    assert_eq!(of_rule(PERMIT_ALL), [PermitForEveryone], "where people approve");
}

fn strong_set(number: u64) -> PermissionSetFacts {
    let arn = format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{number:016x}");
    PermissionSetFacts { arn: arn.parse().unwrap(), ..around().strongest.remove(0) }
}

#[test]
fn whichever_of_the_strongest_sets_it_is_that_may_be_given_it_is_told() {
    let around = |sets: u64| Surroundings { strongest: (0..sets).map(strong_set).collect(), ..around() };
    let last = |sets: u64| {
        let set = strong_set(sets - 1);
        format!(
            "permit (principal, action, resource is AwsAccount) when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{}\" && !resource.is_management }};",
            set.arn.as_str()
        )
    };
    let told = |policies: &[Policy], sets: u64| -> Vec<WarningCode> {
        let told = warnings_of(&policies[0], None, &CompiledPolicies::new(policies), &around(sets)).listed;
        told.into_iter().map(|warning| warning.code).filter(|code| *code != PermitForEveryone).collect()
    };
    assert_eq!(told(&[policy(1, 0, &[&last(20)])], 20), [AutoOnTopRank]);
    let forbid = "forbid (principal, action, resource) when { context.mfa };";
    let many = policy(2, 5, &[forbid; 50]);
    assert_eq!(told(&[policy(1, 0, &[&last(20)]), many], 20), [NotChecked], "more than is looked at");
    assert_eq!(told(&[policy(1, 0, &[forbid])], 20), [], "it permits nothing");
}

#[test]
fn what_can_not_be_asked_is_told() {
    let (unit, other) = (DEV_OU.parse().unwrap(), TOP_OU.parse().unwrap());
    let (unit, other): (curfew_domain::OuId, curfew_domain::OuId) = (unit, other);
    let round = [(unit.clone(), Some(other.clone())), (other, Some(unit))];
    let around = Surroundings { units: round.into(), ..around() };
    let policy = policy(1, 0, &[SOME]);
    let told = warnings_of(&policy, None, &CompiledPolicies::new([&policy]), &around).listed;
    let codes: Vec<WarningCode> = told.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [NotChecked, AutoOnTopRank], "{told:?}");
    assert!(told[0].message.contains(MANAGEMENT), "{told:?}");
}

#[test]
fn a_forbid_that_takes_it_from_everybody_first_silences_the_warning() {
    let auto = || policy(1, 0, &["permit (principal in Role::\"user\", action, resource);"]);
    let never = |priority, action: &str| {
        policy(
            2,
            priority,
            &[
                &format!(
                    "forbid (principal, {action}, resource is AwsAccount) when {{ resource.is_management }};"
                ),
                "forbid (principal, action, resource) when { context has permission_set && context.permission_set has rank && context.permission_set.rank > 8 };",
            ],
        )
    };
    assert_eq!(codes(&[auto(), never(100, "action")]), []);
    assert_eq!(codes(&[auto(), never(0, "action")]), []);
    assert_eq!(codes(&[auto(), never(-1, "action")]), [AutoOnManagementAccount, AutoOnTopRank]);
    assert_eq!(codes(&[auto(), never(100, "action == Action::\"read\"")]), [AutoOnManagementAccount]);
    let spares =
        policy(2, 100, &["forbid (principal, action, resource) unless { principal in Role::\"admin\" };"]);
    assert_eq!(codes(&[auto(), spares]), [AutoOnManagementAccount, AutoOnTopRank]);
}

#[test]
fn fewer_approvers_than_are_required_are_told() {
    let told = |required, found, groups: bool| {
        let groups = if groups { vec![GroupId::from_uuid(id(7))] } else { Vec::new() };
        let policy = on_terms(by_people(policy(1, 0, &[SOME])), |terms| {
            terms.approvals_required = required;
            terms.approver_groups = groups;
        });
        let around = Surroundings { approvers: found, ..around() };
        let told = warnings_of(&policy, None, &CompiledPolicies::new([&policy]), &around).listed;
        assert!(told.iter().all(|warning| warning.policy == Some(policy.id) && warning.rule.is_none()));
        told.into_iter().map(|warning| (warning.code, warning.message)).collect::<Vec<_>>()
    };
    for enough in [(1, None), (1, Some(1)), (3, Some(3))] {
        assert_eq!(told(enough.0, enough.1, true), []);
    }
    for (required, found, groups, code, words) in [
        (
            1,
            0,
            true,
            ApproverGroupEmpty,
            "an approval is required by members of the policy's approver groups, and nobody",
        ),
        (
            3,
            2,
            true,
            TooFewApprovers,
            "3 approvals are required by members of the policy's approver groups, and only 2 people",
        ),
        (2, 1, false, TooFewApprovers, "2 approvals are required, and only one person could give one"),
        (1, 0, false, TooFewApprovers, "an approval is required, and nobody could give one"),
    ] {
        let told = told(required, Some(found), groups);
        assert_eq!((told.len(), told[0].0), (1, code), "{told:?}");
        assert!(told[0].1.starts_with(words), "{told:?}");
    }
}

#[test]
fn no_more_are_listed_than_somebody_reads() {
    let rules = vec!["permit (principal, action, resource) when { context.mfa };"; MOST_WARNINGS + 7];
    let policy = by_people(policy(1, 0, &rules));
    let warnings = warnings_of(&policy, None, &CompiledPolicies::new([&policy]), &around());
    assert_eq!((warnings.listed.len(), warnings.left_out), (MOST_WARNINGS, 7));
}

#[test]
fn of_a_rule_that_was_changed_its_fellow_rules_are_not_warned_of() {
    let everyone = "permit (principal, action, resource) when { context.mfa };";
    let policy = policy(1, 0, &[everyone, SOME, everyone]);
    let all = CompiledPolicies::new([&policy]);
    for (at, expected) in [
        (0, vec![PermitForEveryone, AutoOnManagementAccount, AutoOnTopRank]),
        (1, vec![AutoOnManagementAccount, AutoOnTopRank]),
    ] {
        let rule = policy.rules[at].id;
        let told = warnings_of(&policy, Some(rule), &all, &around()).listed;
        assert!(told.iter().all(|warning| warning.rule == Some(rule)), "{told:?}");
        assert_eq!(told.iter().map(|warning| warning.code).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_rule_that_was_changed_gives_nothing_that_its_fellow_rules_forbid() {
    let policy = policy(1, 0, &[SOME, "forbid (principal, action, resource) when { true };"]);
    let all = CompiledPolicies::new([&policy]);
    assert_eq!(warnings_of(&policy, Some(policy.rules[0].id), &all, &around()).listed, []);
}
