//! One access has one name: whatever it is asked for as, it is permitted only where each account by itself is.

use std::collections::BTreeMap;

use crate::world::*;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, OuId, ResourceRef, Seconds};
use curfew_policy::{AccessQuestion, AccountFacts, NamedResource, Outcome, PermissionSetFacts, Target};
use proptest::prelude::*;

pub(crate) const UNITS: usize = 5;
pub(crate) const ACCOUNTS: usize = 6;
pub(crate) const SETS: usize = 3;
pub(crate) const ACTIONS: [Action; 5] =
    [Action::RequestAccess, Action::Assume, Action::Read, Action::Write, Action::Admin];

/// Which unit each unit lies in, and which each account: a number past the last one is the root.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    unit_in: Vec<usize>,
    account_in: Vec<usize>,
    management: usize,
    tagged: Vec<bool>,
}

/// The unit, or none at the root.
fn parent(unit: usize) -> Option<OuId> {
    (unit < UNITS).then(|| unit_id(unit))
}

impl Organization {
    pub(crate) fn units(&self) -> BTreeMap<OuId, Option<OuId>> {
        (0..UNITS).map(|unit| (unit_id(unit), parent(self.unit_in[unit]))).collect()
    }

    pub(crate) fn target(&self, account: usize, set: usize) -> Target {
        let id = account_id(account);
        let tags =
            if self.tagged[account] { vec![("env".to_owned(), "prod".to_owned())] } else { Vec::new() };
        Target {
            account: AccountFacts {
                id: id.parse().unwrap(),
                name: id,
                tags: tags.into_iter().collect(),
                is_management: account == self.management,
                unit: parent(self.account_in[account]),
            },
            permission_set: PermissionSetFacts {
                arn: set_arn(set).parse().unwrap(),
                name: format!("set {set}"),
                rank: i64::try_from(set).ok(),
                session: HOUR,
            },
        }
    }

    fn is_below(&self, account: usize, unit: usize) -> bool {
        let mut at = self.account_in[account];
        while at < UNITS {
            if at == unit {
                return true;
            }
            at = self.unit_in[at];
        }
        false
    }
}

pub(crate) fn organization() -> impl Strategy<Value = Organization> {
    // A unit lies in one of a higher number, or in the root.
    let unit_in = (0..UNITS).map(|unit| unit + 1..=UNITS).collect::<Vec<_>>();
    let account_in = prop::collection::vec(0..=UNITS, ACCOUNTS);
    (unit_in, account_in, 0..ACCOUNTS, prop::collection::vec(any::<bool>(), ACCOUNTS)).prop_map(
        |(unit_in, account_in, management, tagged)| Organization { unit_in, account_in, management, tagged },
    )
}

pub(crate) fn unit_id(unit: usize) -> OuId {
    format!("ou-ab12-{unit:08}").parse().unwrap()
}

pub(crate) fn account_id(account: usize) -> String {
    format!("{:012}", 111_111_111_111 + account)
}

pub(crate) fn set_arn(set: usize) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcde{set}")
}

/// How an access is asked for.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Account,
    PermissionSet,
    Unit(usize),
    Bucket,
    Database,
    Instance,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        Just(Spelling::Account),
        Just(Spelling::PermissionSet),
        (0..UNITS).prop_map(Spelling::Unit),
        Just(Spelling::Bucket),
        Just(Spelling::Database),
        Just(Spelling::Instance),
    ]
}

const DATABASE: &str = "arn:aws:rds:eu-central-1:111111111111:db:orders";

pub(crate) fn resource() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("resource".to_owned()),
        (0..ACCOUNTS).prop_map(|n| format!("resource == AwsAccount::\"{}\"", account_id(n))),
        (0..ACCOUNTS).prop_map(|n| format!("resource in AwsAccount::\"{}\"", account_id(n))),
        (0..UNITS).prop_map(|n| format!("resource in AwsOrganizationalUnit::\"{}\"", unit_id(n))),
        (0..UNITS).prop_map(|n| format!("resource == AwsOrganizationalUnit::\"{}\"", unit_id(n))),
        (0..SETS).prop_map(|n| format!("resource == AwsPermissionSet::\"{}\"", set_arn(n))),
        Just("resource == AwsS3Bucket::\"logs\"".to_owned()),
        Just(format!("resource == AwsRdsInstance::\"{DATABASE}\"")),
        prop::sample::select(vec![
            "AwsAccount",
            "AwsPermissionSet",
            "AwsOrganizationalUnit",
            "AwsS3Bucket",
            "AwsRdsInstance",
            "AwsEc2Instance",
        ])
        .prop_map(|kind| format!("resource is {kind}")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        Just("action".to_owned()),
        prop::sample::select(ACTIONS.to_vec()).prop_map(|action| format!("action == Action::\"{action}\"")),
        Just("action in Action::\"request_access\"".to_owned()),
    ];
    let condition = prop_oneof![
        3 => Just(String::new()),
        1 => Just("unless { resource is AwsAccount && resource.is_management }".to_owned()),
        1 => Just("when { resource is AwsAccount && resource.hasTag(\"env\") }".to_owned()),
        1 => Just("when { context has account && context.account.is_management }".to_owned()),
        1 => (0..UNITS).prop_map(|n| {
            format!("when {{ context has account && context.account in AwsOrganizationalUnit::\"{}\" }}", unit_id(n))
        }),
        1 => (0..SETS).prop_map(|n| {
            format!("when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{}\" }}", set_arn(n))
        }),
    ];
    (prop::bool::weighted(0.8), action, resource(), condition).prop_map(
        |(permits, action, resource, condition)| {
            let effect = if permits { "permit" } else { "forbid" };
            format!("{effect} (principal, {action}, {resource}) {condition};")
        },
    )
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let modes = prop::sample::select(vec![ApprovalMode::Auto, ApprovalMode::Require]);
    let one = (0..3_i32, modes, prop::collection::vec(rule(), 1..4));
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let policy = |(number, (priority, mode, rules)): (u128, (i32, ApprovalMode, Vec<String>))| {
            let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
            on_terms(policy(number, priority, &texts), |terms| terms.mode = mode)
        };
        (1..).zip(all).map(policy).collect()
    })
}

/// The question that a request comes down to.
fn asked(
    organization: &Organization,
    spelling: Spelling,
    account: usize,
    set: usize,
    action: Action,
) -> AccessQuestion {
    let accounts: Vec<usize> = match spelling {
        Spelling::Unit(unit) => {
            (0..ACCOUNTS).filter(|account| organization.is_below(*account, unit)).collect()
        }
        _ => vec![account],
    };
    let named = |resource: String, in_account: bool| {
        let account = in_account.then(|| account_id(account).parse().unwrap());
        Some(NamedResource { resource: resource.parse::<ResourceRef>().unwrap(), account })
    };
    let mut question = question();
    question.action = action;
    question.units = organization.units();
    question.targets = accounts.into_iter().map(|account| organization.target(account, set)).collect();
    question.named = match spelling {
        Spelling::Account => None,
        Spelling::PermissionSet => named(format!("aws_permission_set:{}", set_arn(set)), false),
        Spelling::Unit(unit) => named(format!("aws_organizational_unit:{}", unit_id(unit)), false),
        Spelling::Bucket => named("aws_s3_bucket:logs".to_owned(), true),
        Spelling::Database => named(format!("aws_rds_instance:{DATABASE}"), true),
        Spelling::Instance => named("aws_ec2_instance:i-0123456789abcdef0".to_owned(), true),
    };
    question
}

/// What one triple is asked as: by its account, and nothing else.
fn alone(question: &AccessQuestion, target: &Target) -> AccessQuestion {
    AccessQuestion { targets: vec![target.clone()], named: None, ..question.clone() }
}

fn strictness(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Approved { .. } => 0,
        Outcome::NeedsApproval { .. } => 1,
        Outcome::Denied { .. } => 2,
    }
}

fn given(outcome: &Outcome) -> Option<Seconds> {
    match outcome {
        Outcome::Approved { terms, .. } | Outcome::NeedsApproval { terms, .. } => Some(terms.duration),
        Outcome::Denied { .. } => None,
    }
}

proptest! {
    #![proptest_config(crate::cases(256))]

    #[test]
    fn no_spelling_gives_what_its_accounts_alone_would_not(
        organization in organization(),
        policies in policies(),
        spelling in spelling(),
        (account, set) in (0..ACCOUNTS, 0..SETS),
        action in prop::sample::select(ACTIONS.to_vec()),
    ) {
        let question = asked(&organization, spelling, account, set, action);
        let all = ask(&policies, &question);
        prop_assert!(!question.targets.is_empty() || is_denied(&all), "what comes down to nothing is denied");
        for target in &question.targets {
            let one = ask(&policies, &alone(&question, target));
            prop_assert!(strictness(&all.outcome) >= strictness(&one.outcome), "{spelling:?} against {target:?}");
            prop_assert!(given(&all.outcome).is_none_or(|all| given(&one.outcome).is_some_and(|one| all <= one)));
        }
    }

    #[test]
    fn a_forbid_on_an_account_holds_by_every_name(
        organization in organization(),
        policies in policies(),
        spelling in spelling(),
        (account, set) in (0..ACCOUNTS, 0..SETS),
        action in prop::sample::select(ACTIONS.to_vec()),
    ) {
        let question = asked(&organization, spelling, account, set, action);
        let forbidden = question.targets.first().map(|target| target.account.id.to_string());
        prop_assume!(forbidden.is_some());
        let closed = format!("forbid (principal, action, resource == AwsAccount::\"{}\");", forbidden.unwrap());
        let mut policies = policies;
        policies.push(policy(99, 100, &[&closed]));
        prop_assert!(is_denied(&ask(&policies, &question)));
    }
}
