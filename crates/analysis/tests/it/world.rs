//! Policies and what is known, for tests.

use std::time::Duration;

use curfew_analysis::{Answer, Known, Reached, Solver, Widened};
use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{PolicyId, RuleId, Seconds, Timestamp, ZoneName};
use curfew_policy::CompiledPolicies;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) const DEV: &str = "111111111111";
pub(crate) const PROD: &str = "222222222222";
pub(crate) const ALICE: &str = "00000000-0000-0000-0000-000000000001";
pub(crate) const ENGINEERS: &str = "00000000-0000-0000-0000-0000000000e1";
pub(crate) const SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
pub(crate) const DEV_OU: &str = "ou-ab12-11111111";
pub(crate) const TOP_OU: &str = "ou-ab12-00000000";
pub(crate) const LONGEST: Seconds = Seconds::of(43_200);

pub(crate) fn now() -> Timestamp {
    "2026-03-02T07:30:00Z".parse().unwrap()
}

/// The solver that these tests need: without it they fail.
pub(crate) fn solver() -> Solver {
    let path = std::env::var("PATH").unwrap();
    Solver::find(None, &path, 2).expect("these tests need cvc5: apt-get install cvc5")
}

/// Calls `with` with what is known.
pub(crate) async fn asked<T>(with: impl AsyncFnOnce(Known<'_>) -> T) -> T {
    let (solver, zone) = (solver(), ZoneName::utc());
    let end = Instant::now() + Duration::from_mins(1);
    with(Known { solver: &solver, longest: LONGEST, now: now(), zone: &zone, end }).await
}

pub(crate) async fn narrows(before: &[Policy], after: &[Policy]) -> Answer<Widened> {
    let (before, after) = (CompiledPolicies::new(before), CompiledPolicies::new(after));
    asked(async |known| curfew_analysis::narrows(known, &before, &after).await).await
}

pub(crate) async fn reaches(policies: &[Policy], account: &curfew_analysis::Account) -> Answer<Reached> {
    let policies = CompiledPolicies::new(policies);
    asked(async |known| curfew_analysis::reaches(known, &policies, account).await).await
}

/// What refuted it.
pub(crate) fn refuted<C: std::fmt::Debug>(answer: Answer<C>) -> C {
    match answer {
        Answer::Refuted(by) => *by,
        other => panic!("{other:?}"),
    }
}

/// Policy number `n`, `auto` for up to eight hours, with this Cedar as its only rule, or several apart by blank lines.
pub(crate) fn policy(n: u128, priority: i32, rules: &str) -> Policy {
    let rule = |(number, text): (usize, &str)| PolicyRule {
        id: RuleId::from_uuid(Uuid::from_u128(n * 1_000 + number as u128)),
        ordinal: u32::try_from(number).unwrap(),
        text: text.to_owned(),
        resolved: text.to_owned(),
        notice: None,
        audit_session: true,
        created_at: now(),
    };
    Policy {
        id: PolicyId::from_uuid(Uuid::from_u128(n)),
        name: format!("policy {n}").parse().unwrap(),
        description: None,
        enabled: true,
        priority,
        terms: PolicyTerms { mode: ApprovalMode::Auto, ..PolicyTerms::lasting_up_to(Seconds::of(28_800)) },
        notification_channel: None,
        rules: rules.split("\n\n").enumerate().map(rule).collect(),
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

/// The same policy on other terms.
pub(crate) fn on(policy: Policy, change: impl FnOnce(&mut PolicyTerms)) -> Policy {
    let mut policy = policy;
    change(&mut policy.terms);
    policy
}

/// The same policy, whose rules follow no sessions.
pub(crate) fn unfollowed(policy: Policy) -> Policy {
    let mut policy = policy;
    policy.rules.iter_mut().for_each(|rule| rule.audit_session = false);
    policy
}

/// The same policy, whose rules tell people this.
pub(crate) fn telling(policy: Policy, notice: &str) -> Policy {
    let mut policy = policy;
    policy.rules.iter_mut().for_each(|rule| rule.notice = Some(notice.parse().unwrap()));
    policy
}

pub(crate) fn requiring(policy: Policy, approvals: u16) -> Policy {
    on(policy, |terms| {
        terms.mode = ApprovalMode::Require;
        terms.approvals_required = approvals;
    })
}
