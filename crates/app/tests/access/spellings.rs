//! One access has one name: however it is spelled, it is given only where its accounts by themselves are.

use std::collections::BTreeSet;

use curfew_app::Once;
use curfew_app::policies::{self, Edit, Evaluated, Outcome};
use curfew_app::requests::{Circumstances, PersonName, Supposed, WhatIf};
use curfew_domain::{
    AccountId, Action, BuiltInRole, DiscoveredAttributes, OuId, PermissionSetArn, ResourceRef, ResourceType,
};
use curfew_store::on_both_databases;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::world::*;

/// Organizations, each with policies of its own, that every spelling is tried in.
const ORGANIZATIONS: usize = 8;
const UNITS: usize = 3;
const ACCOUNTS: usize = 5;
const SETS: [&str; 2] = [READ, ADMIN];

/// Units and accounts by number, each with the unit that it lies in; a unit lies in one before it.
#[derive(Debug, Clone)]
struct Organization {
    units: Vec<Option<usize>>,
    accounts: Vec<Option<usize>>,
    management: usize,
    /// By priority, one statement or two each.
    policies: Vec<(i32, String)>,
}

fn organization() -> impl Strategy<Value = Organization> {
    let units = (0..UNITS).map(|unit| prop::option::of(0..unit.max(1)).boxed()).collect::<Vec<_>>();
    let accounts = prop::collection::vec(prop::option::weighted(0.8, 0..UNITS), ACCOUNTS);
    let statements = prop::collection::vec(statement(), 1..3).prop_map(|statements| statements.join("\n"));
    let policies = prop::collection::vec((0..3_i32, statements), 2..6);
    (units, accounts, 0..ACCOUNTS, policies).prop_map(|(mut units, accounts, management, policies)| {
        units[0] = None;
        Organization { units, accounts, management, policies }
    })
}

fn statement() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("permit"), 1 => Just("forbid")];
    let principal = prop::sample::select(vec![
        "principal",
        "principal in Role::\"user\"",
        "principal == User::\"alice@acme.example\"",
    ]);
    let action = prop::sample::select(vec![
        "action",
        "action in Action::\"request_access\"",
        "action == Action::\"read\"",
        "action == Action::\"admin\"",
    ]);
    let resource = prop_oneof![
        3 => Just("resource".to_owned()),
        1 => Just("resource is AwsAccount".to_owned()),
        1 => Just("resource is AwsOrganizationalUnit".to_owned()),
        1 => Just("resource is AwsPermissionSet".to_owned()),
        2 => (0..ACCOUNTS).prop_map(|n| format!("resource == AwsAccount::\"{}\"", account_id(n))),
        2 => (0..UNITS).prop_map(|n| format!("resource in AwsOrganizationalUnit::\"{}\"", unit_id(n))),
        1 => (0..UNITS).prop_map(|n| format!("resource == AwsOrganizationalUnit::\"{}\"", unit_id(n))),
        1 => prop::sample::select(&SETS[..]).prop_map(|set| format!("resource == AwsPermissionSet::\"{set}\"")),
    ];
    let condition = prop_oneof![
        3 => Just(String::new()),
        1 => Just("when { resource is AwsAccount && resource.is_management }".to_owned()),
        1 => Just("unless { resource is AwsAccount && resource.is_management }".to_owned()),
        1 => prop::sample::select(&SETS[..]).prop_map(|set| {
            format!("when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{set}\" }}")
        }),
        1 => (0..ACCOUNTS).prop_map(|n| {
            format!("unless {{ context has account && context.account == AwsAccount::\"{}\" }}", account_id(n))
        }),
    ];
    (effect, principal, action, resource, condition).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!("{effect} ({principal}, {action}, {resource}) {condition};")
        },
    )
}

fn account_id(n: usize) -> AccountId {
    format!("40000000000{n}").parse().unwrap()
}

fn unit_id(n: usize) -> OuId {
    format!("ou-cd34-0000000{n}").parse().unwrap()
}

impl Organization {
    /// The unit and all above it, the nearest first.
    fn chain(&self, unit: Option<usize>) -> Vec<usize> {
        std::iter::successors(unit, |unit| self.units[*unit]).collect()
    }

    fn below(&self, unit: usize) -> BTreeSet<AccountId> {
        let lies_in = |account: &usize| self.chain(self.accounts[*account]).contains(&unit);
        (0..ACCOUNTS).filter(lies_in).map(account_id).collect()
    }

    async fn take_place(&self, world: &World) {
        let units = |chain: Vec<usize>| chain.into_iter().map(unit_id).collect();
        for (number, above) in self.units.iter().enumerate() {
            let resource = unit(unit_id(number).as_str());
            world
                .discovered(resource, "unit", units(self.chain(*above)), DiscoveredAttributes::default())
                .await;
        }
        for (number, unit) in self.accounts.iter().enumerate() {
            let is_management = number == self.management;
            let attributes = DiscoveredAttributes { is_management, ..DiscoveredAttributes::default() };
            let resource = ResourceRef::from(account_id(number));
            world.discovered(resource, "account", units(self.chain(*unit)), attributes).await;
        }
        for (priority, statements) in &self.policies {
            let mut policy = new_policy(auto(), statements);
            policy.priority = *priority;
            policies::create(&world.test.app, &world.admin, &Once::unkeyed(), policy).await.unwrap();
        }
    }

    async fn leave(world: &World) {
        let (app, admin) = (&world.test.app, &world.admin);
        let unit = app.store.tenant(world.tenant).read().await.unwrap();
        let all = unit.policies_with_rules().await.unwrap();
        drop(unit);
        for policy in all {
            policies::delete(app, admin, policy.id, Edit::default()).await.unwrap();
        }
    }

    /// Every other way to ask for something, and the accounts that it comes down to.
    fn spellings(&self) -> Vec<(Spelling, BTreeSet<AccountId>)> {
        let units = (0..UNITS).map(|number| {
            let resource = unit(unit_id(number).as_str());
            (resource, None, self.below(number))
        });
        let by_set = (0..ACCOUNTS).flat_map(|number| {
            let one = BTreeSet::from([account_id(number)]);
            SETS.map(|arn| (set(arn), Some(account_id(number)), one.clone()))
        });
        let mut found = Vec::new();
        for (resource, account, accounts) in units.chain(by_set) {
            for (action, arn) in Action::ALL.into_iter().flat_map(|action| SETS.map(|arn| (action, arn))) {
                let is_set = resource.kind() == ResourceType::AwsPermissionSet;
                if is_set && resource.id() != arn {
                    continue;
                }
                let spelling = Spelling {
                    resource: resource.clone(),
                    action,
                    permission_set: arn.parse().unwrap(),
                    account: account.clone(),
                };
                found.push((spelling, accounts.clone()));
            }
        }
        found
    }
}

/// What Alice asks for.
#[derive(Debug, Clone)]
struct Spelling {
    resource: ResourceRef,
    action: Action,
    permission_set: PermissionSetArn,
    account: Option<AccountId>,
}

impl Spelling {
    /// The same for one account, by its own name.
    fn plainly(&self, account: &AccountId) -> Self {
        Self { resource: account.clone().into(), account: None, ..self.clone() }
    }

    /// What the policies say; none where the request is refused before they are asked.
    async fn answer(self, world: &World) -> Option<Evaluated> {
        let is_set = self.resource.kind() == ResourceType::AwsPermissionSet;
        let wanted = Supposed {
            person: PersonName::Email("alice@acme.example".parse().unwrap()),
            what_if: WhatIf {
                resource: self.resource,
                action: self.action,
                duration: None,
                groups: Vec::new(),
                circumstances: Circumstances {
                    permission_set: Some(self.permission_set).filter(|_| !is_set),
                    account: self.account,
                    ..Circumstances::default()
                },
            },
        };
        policies::evaluate(&world.test.app, &world.admin, wanted).await.ok()
    }
}

fn is_permitted(evaluated: &Evaluated) -> bool {
    !matches!(evaluated.decision.outcome, Outcome::Denied { .. })
}

on_both_databases! {
    async fn no_spelling_is_permitted_whose_accounts_by_themselves_are_not(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        let mut runner = TestRunner::deterministic();
        let (mut permitted, mut denied, mut accounts_alone) = (0, 0, 0);
        for _ in 0..ORGANIZATIONS {
            let organization = organization().new_tree(&mut runner).unwrap().current();
            organization.take_place(&world).await;
            for (spelling, accounts) in organization.spellings() {
                let Some(answer) = spelling.clone().answer(&world).await else { continue };
                let asked: BTreeSet<AccountId> =
                    answer.decision.trace.iter().map(|point| point.account.clone()).collect();
                assert_eq!(asked, accounts, "{spelling:?} in {organization:?}");
                if !is_permitted(&answer) {
                    denied += 1;
                    continue;
                }
                permitted += 1;
                for account in &accounts {
                    let alone = spelling.plainly(account).answer(&world).await.expect("it can be asked for");
                    assert!(is_permitted(&alone), "{spelling:?} but not {account} in {organization:?}");
                    accounts_alone += 1;
                }
            }
            Organization::leave(&world).await;
        }
        assert!(permitted > 30 && denied > 100 && accounts_alone > 50, "{permitted} {denied} {accounts_alone}");
    }
}
