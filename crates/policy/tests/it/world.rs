//! Policies and questions for tests.

use std::collections::BTreeMap;

use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccountId, Action, AuthProvider, BuiltInRole, DayOfWeek, GroupId, LocalMoment, OuId, PermissionSetArn,
    PolicyId, RuleId, Seconds, Timestamp, UserId,
};
use curfew_policy::{
    AccessQuestion, AccountFacts, CompiledPolicies, Decision, Outcome, PermissionSetFacts, PersonFacts,
    Target, Terms, decide,
};
use uuid::Uuid;

pub(crate) const HOUR: Seconds = Seconds::of(3_600);
pub(crate) const ALICE: &str = "00000000-0000-0000-0000-000000000001";
pub(crate) const ENGINEERS: &str = "00000000-0000-0000-0000-0000000000e1";
pub(crate) const DEV: &str = "111111111111";
pub(crate) const PROD: &str = "222222222222";
pub(crate) const SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
pub(crate) const DEV_OU: &str = "ou-ab12-11111111";
pub(crate) const TOP_OU: &str = "ou-ab12-00000000";
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_123_456);

pub(crate) fn account(id: &str) -> AccountFacts {
    AccountFacts {
        id: id.parse::<AccountId>().unwrap(),
        name: id.to_owned(),
        tags: BTreeMap::from([("env".to_owned(), if id == DEV { "dev" } else { "prod" }.to_owned())]),
        is_management: false,
        unit: (id == DEV).then(|| DEV_OU.parse().unwrap()),
    }
}

pub(crate) fn target(id: &str) -> Target {
    let permission_set = PermissionSetFacts {
        arn: SET.parse::<PermissionSetArn>().unwrap(),
        name: "ReadOnly".to_owned(),
        rank: Some(1),
        session: HOUR,
    };
    Target { account: account(id), permission_set }
}

/// Alice asks to read in the dev account for an hour.
pub(crate) fn question() -> AccessQuestion {
    let units: BTreeMap<OuId, Option<OuId>> = BTreeMap::from([
        (DEV_OU.parse().unwrap(), Some(TOP_OU.parse().unwrap())),
        (TOP_OU.parse().unwrap(), None),
    ]);
    AccessQuestion {
        person: PersonFacts {
            id: UserId::from_uuid(ALICE.parse::<Uuid>().unwrap()),
            email: "alice@acme.example".parse().unwrap(),
            name: "Alice".parse().unwrap(),
            roles: vec![BuiltInRole::User.slug()],
            groups: vec![GroupId::from_uuid(ENGINEERS.parse::<Uuid>().unwrap())],
            auth_provider: AuthProvider::Local,
            mfa: false,
        },
        action: Action::Read,
        targets: vec![target(DEV)],
        named: None,
        units,
        duration: Some(HOUR),
        longest: Seconds::of(43_200),
        break_glass: false,
        requested_at: NOW,
        local: LocalMoment { day_of_week: DayOfWeek::Sunday, hour: 12 },
        mfa: false,
        reason: None,
        source_ip: None,
        ticket: None,
        facts_are_fresh: true,
    }
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// Policy number `n`, `auto` for up to eight hours, with these statements as its rules.
pub(crate) fn policy(n: u128, priority: i32, rules: &[&str]) -> Policy {
    let rule = |(number, text): (usize, &&str)| PolicyRule {
        id: RuleId::from_uuid(id(n * 1_000 + number as u128)),
        ordinal: u32::try_from(number).unwrap(),
        text: (*text).to_owned(),
        resolved: (*text).to_owned(),
        notice: text.contains("@notice").then(|| format!("notice {n}.{number}").parse().unwrap()),
        audit_session: true,
        created_at: NOW,
    };
    Policy {
        id: PolicyId::from_uuid(id(n)),
        name: format!("policy {n}").parse().unwrap(),
        description: None,
        enabled: true,
        priority,
        terms: PolicyTerms { mode: ApprovalMode::Auto, ..PolicyTerms::lasting_up_to(Seconds::of(28_800)) },
        notification_channel: None,
        rules: rules.iter().enumerate().map(rule).collect(),
        version: u32::try_from(n).unwrap() + 10,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The same policy on other terms.
pub(crate) fn on_terms(policy: Policy, change: impl FnOnce(&mut PolicyTerms)) -> Policy {
    let mut policy = policy;
    change(&mut policy.terms);
    policy
}

pub(crate) fn ask(policies: &[Policy], question: &AccessQuestion) -> Decision {
    decide(&CompiledPolicies::new(policies), question)
}

pub(crate) fn terms(decision: &Decision) -> Terms {
    match &decision.outcome {
        Outcome::Approved { terms, .. } | Outcome::NeedsApproval { terms, .. } => *terms,
        Outcome::Denied { .. } => panic!("denied: {decision:?}"),
    }
}

pub(crate) fn is_denied(decision: &Decision) -> bool {
    matches!(decision.outcome, Outcome::Denied { .. })
}

pub(crate) const PERMIT_ALL: &str = "permit (principal, action, resource);";
pub(crate) const FORBID_ALL: &str = "forbid (principal, action, resource);";
