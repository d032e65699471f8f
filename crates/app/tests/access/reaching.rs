//! Who can get this, and what can somebody get.

use std::collections::BTreeMap;

use curfew_app::policies::{Access, Reached};
use curfew_app::requests::{Circumstances, GroupName, PersonName, Supposed, WhatIf, WhatIfAnywhere};
use curfew_app::{AppError, Caller, policies, users};
use curfew_domain::{Action, BuiltInRole, DiscoveredAttributes, ErrorCode, Scope, Seconds, UserId};
use curfew_policy::{Decision, Outcome};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
use uuid::Uuid;

use crate::groups::group;
use crate::world::*;

const MANAGEMENT: &str = "444444444444";

fn anything(action: Action) -> WhatIfAnywhere {
    let circumstances = Circumstances { ticket: Some("OPS-7".to_owned()), ..Circumstances::default() };
    WhatIfAnywhere { action, duration: None, groups: Vec::new(), circumstances }
}

async fn who(world: &World, id: &str, arn: &str, wanted: WhatIfAnywhere) -> Result<Reached, AppError> {
    let place = (id.parse().unwrap(), arn.parse().unwrap());
    policies::who_can_access(&world.test.app, &world.admin, place, wanted).await
}

async fn what(world: &World, person: UserId, wanted: WhatIfAnywhere) -> Result<Reached, AppError> {
    policies::what_can_access(&world.test.app, &world.admin, PersonName::Id(person), wanted).await
}

/// What `evaluate` says of one pair; none where it is denied or refused.
async fn alone(
    world: &World,
    person: UserId,
    id: &str,
    arn: &str,
    wanted: &WhatIfAnywhere,
) -> Option<Decision> {
    let circumstances =
        Circumstances { permission_set: Some(arn.parse().unwrap()), ..wanted.circumstances.clone() };
    let supposed = Supposed {
        person: PersonName::Id(person),
        what_if: WhatIf {
            resource: account(id),
            action: wanted.action,
            duration: wanted.duration,
            groups: wanted.groups.clone(),
            circumstances,
        },
    };
    let evaluated = policies::evaluate(&world.test.app, &world.admin, supposed).await.ok()?;
    let permitted = !matches!(evaluated.decision.outcome, Outcome::Denied { .. });
    permitted.then_some(Decision { trace: Vec::new(), ..evaluated.decision })
}

fn found(reached: Reached) -> BTreeMap<(UserId, String, String), Decision> {
    assert!(!reached.is_cut && reached.found == reached.listed.len() as u64);
    let of = |access: Access| {
        let place = (access.account.to_string(), access.permission_set.as_str().to_owned());
        ((access.person, place.0, place.1), access.decision)
    };
    reached.listed.into_iter().map(of).collect()
}

/// An organization, people of all roles, and policies of several groups, modes and durations.
async fn inhabited(db: &TestStore) -> (World, Vec<UserId>) {
    let world = World::new(db).await;
    let attributes = DiscoveredAttributes { is_management: true, ..DiscoveredAttributes::default() };
    world.discovered(account(MANAGEMENT), "Management", Vec::new(), attributes).await;
    let far = DiscoveredAttributes {
        out_of_reach: Some("elsewhere".to_owned()),
        ..DiscoveredAttributes::default()
    };
    world.discovered(account("555555555555"), "Far", Vec::new(), far).await;
    let mut people = vec![world.admin.user];
    let mut callers = Vec::new();
    for (name, role) in [
        ("alice", BuiltInRole::User),
        ("bob", BuiltInRole::User),
        ("ann", BuiltInRole::Approver),
        ("dave", BuiltInRole::Admin),
        ("gone", BuiltInRole::User),
    ] {
        callers.push(world.person(name, role, None).await);
    }
    people.extend(callers.iter().map(|caller| caller.user));
    group(&world, "ops", &[&callers[1], &callers[2]]).await;
    users::suspend(&world.test.app, &world.admin, people[5]).await.unwrap();
    let read_only =
        format!("context has permission_set && context.permission_set == AwsPermissionSet::\"{READ}\"");
    world.policy(auto(), &format!("permit (principal in Role::\"user\", action, resource in AwsOrganizationalUnit::\"{LAB}\") when {{ {read_only} }};")).await;
    world.policy(by_people(2), "permit (principal in Role::\"admin\", action, resource);\n\
                                permit (principal == User::\"bob@acme.example\", action, resource) when { context has ticket && context.ticket like \"OPS-*\" };").await;
    world.policy(by_people(1), &format!("permit (principal, action == Action::\"read\", resource == AwsAccount::\"{PROD}\") when {{ context.duration_seconds <= 3600 }};")).await;
    let above = policies::NewPolicy {
        priority: 100,
        ..new_policy(
            auto(),
            "forbid (principal, action, resource is AwsAccount) when { resource.is_management } unless { principal == User::\"dave@acme.example\" };",
        )
    };
    let once = curfew_app::Once::unkeyed();
    policies::create(&world.test.app, &world.admin, &once, above).await.unwrap();
    (world, people)
}

const ACCOUNTS: [&str; 5] = [DEV, STAGING, PROD, MANAGEMENT, "555555555555"];

on_both_databases! {
    async fn both_say_what_is_said_when_each_is_asked_for_alone(db: &TestStore) {
        let (world, people) = inhabited(db).await;
        for (action, duration) in [(Action::RequestAccess, None), (Action::Read, Some(Seconds::of(7_200))), (Action::Read, None)] {
            let wanted = WhatIfAnywhere { duration, ..anything(action) };
            let mut expected = BTreeMap::new();
            for &person in &people {
                for (id, arn) in ACCOUNTS.iter().flat_map(|id| [(*id, READ), (*id, ADMIN)]) {
                    if let Some(decision) = alone(&world, person, id, arn, &wanted).await {
                        expected.insert((person, id.to_owned(), arn.to_owned()), decision);
                    }
                }
            }
            assert!(expected.len() > 5, "{expected:?}");
            let mut by_place = BTreeMap::new();
            for (id, arn) in ACCOUNTS.iter().flat_map(|id| [(*id, READ), (*id, ADMIN)]) {
                match who(&world, id, arn, wanted.clone()).await {
                    Ok(reached) => {
                        assert_eq!(reached.checked, 5, "all who are active");
                        by_place.extend(found(reached));
                    }
                    Err(refused) => assert_eq!(refused.code(), ErrorCode::InvalidRequest),
                }
            }
            assert_eq!(by_place, expected);
            let mut by_person = BTreeMap::new();
            for &person in &people[..5] {
                let reached = what(&world, person, wanted.clone()).await.unwrap();
                assert_eq!(reached.checked, if action == Action::Read { 4 } else { 8 });
                by_person.extend(found(reached));
            }
            assert_eq!(by_person, expected);
        }
    }

    async fn what_would_refuse_each_request_refuses_the_question(db: &TestStore) {
        let (world, people) = inhabited(db).await;
        let ask = |id: &'static str, arn: &'static str, action| who(&world, id, arn, anything(action));
        assert_eq!(fields(ask("555555555555", READ, Action::Read).await), ["account_id"]);
        assert_eq!(fields(ask("999999999999", READ, Action::Read).await), ["account_id"]);
        assert_eq!(fields(ask(DEV, ADMIN, Action::Read).await), ["action"]);
        let long = WhatIfAnywhere { duration: Some(Seconds::of(43_201)), ..anything(Action::Read) };
        assert_eq!(fields(who(&world, DEV, READ, long.clone()).await), ["duration_seconds"]);
        assert_eq!(fields(what(&world, people[1], long).await), ["duration_seconds"]);
        assert_eq!(fields(what(&world, people[5], anything(Action::Read)).await), ["principal"]);
        let unknown = WhatIfAnywhere { groups: vec!["nobodys".parse().unwrap()], ..anything(Action::Read) };
        assert_eq!(fields(what(&world, people[1], unknown).await), ["groups[0]"]);
        let nobody = UserId::from_uuid(Uuid::from_u128(7));
        assert_eq!(fields(what(&world, nobody, anything(Action::Read)).await), ["principal"]);
        db.tamper("DELETE FROM aws_connection").await;
        assert_eq!(code(ask(DEV, READ, Action::Read).await), ErrorCode::NotConfigured);
        assert_eq!(code(what(&world, people[1], anything(Action::Read)).await), ErrorCode::NotConfigured);
    }

    async fn it_takes_the_right_to_see_others_but_for_oneself(db: &TestStore) {
        let (world, people) = inhabited(db).await;
        let app = &world.test.app;
        let with = |scopes: &[Scope]| Caller { user: people[1], scopes: scopes.iter().copied().collect(), ..world.admin.clone() };
        let place = || (DEV.parse().unwrap(), READ.parse().unwrap());
        let wanted = || anything(Action::RequestAccess);
        for (scopes, others, own, names_policies) in [
            (&[][..], false, false, false),
            (&[Scope::RequestsCreate], false, true, false),
            (&[Scope::PoliciesRead], false, true, true),
            (&[Scope::RequestsRead, Scope::RequestsCreate], false, true, false),
            (&[Scope::PoliciesRead, Scope::RequestsApprove], true, true, true),
        ] {
            let caller = with(scopes);
            let allowed = |result: Result<Reached, AppError>| match result {
                Ok(reached) => Some(reached.listed.iter().all(|access| !access.decision.determining.is_empty())),
                Err(refused) => { assert_eq!(refused.code(), ErrorCode::Forbidden); None }
            };
            let who = allowed(policies::who_can_access(app, &caller, place(), wanted()).await);
            assert_eq!(who, others.then_some(true), "{scopes:?}");
            let what = async |person, wanted| allowed(policies::what_can_access(app, &caller, PersonName::Id(person), wanted).await);
            assert_eq!(what(people[2], wanted()).await, others.then_some(true), "{scopes:?}");
            assert_eq!(what(people[1], wanted()).await, own.then_some(names_policies), "{scopes:?}");
            let grouped = WhatIfAnywhere { groups: vec!["ops".parse::<GroupName>().unwrap()], ..wanted() };
            assert_eq!(what(people[1], grouped).await, names_policies.then_some(true), "{scopes:?}");
        }
    }

    async fn groups_are_supposed_for_one_person(db: &TestStore) {
        let (world, people) = inhabited(db).await;
        let wanted = anything(Action::RequestAccess);
        let supposed = WhatIfAnywhere { groups: vec!["ops".parse().unwrap()], ..wanted.clone() };
        world.policy(auto(), &format!("permit (principal in Group::\"ops\", action, resource == AwsAccount::\"{PROD}\");")).await;
        let (alone, grouped) = (what(&world, people[1], wanted).await.unwrap(), what(&world, people[1], supposed).await.unwrap());
        assert_eq!((alone.found, grouped.found), (2, 4), "{grouped:?}");
    }

    async fn another_tenants_people_and_places_are_not_there(db: &TestStore) {
        let (world, _) = inhabited(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let tess = other.person("tess", BuiltInRole::User, None).await;
        other.policy(auto(), PERMIT_ALL).await;
        other.discovered(account("666666666666"), "Theirs", Vec::new(), DiscoveredAttributes::default()).await;
        let theirs = who(&other, DEV, READ, anything(Action::Read)).await.unwrap();
        assert_eq!((theirs.found, theirs.checked), (2, 2));
        assert!(found(theirs).keys().any(|(person, ..)| *person == tess.user));
        assert_eq!(fields(who(&world, "666666666666", READ, anything(Action::Read)).await), ["account_id"]);
        assert_eq!(fields(what(&world, tess.user, anything(Action::Read)).await), ["principal"]);
        let theirs = what(&other, tess.user, anything(Action::RequestAccess)).await.unwrap();
        assert_eq!(theirs.checked, 8);
    }
}
