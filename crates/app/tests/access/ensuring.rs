//! Making sure of access.

use curfew_app::policies::PolicyChange;
use curfew_app::requests::{
    self, Changed, Ensured, Entitlement, Justification, RequestFilter, Standing, Wish,
};
use curfew_app::{AppError, Caller, grants, policies};
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccessRequest, BuiltInRole, Change, DiscoveredAttributes, ErrorCode, GrantId, PageRequest, RequestId,
    Scope, Seconds,
};
use curfew_store::on_both_databases;

use crate::extending::{aws_has, times};
use crate::world::*;

fn to_have(account: &str, role: &str, seconds: u32) -> Entitlement {
    Entitlement {
        account: account.parse().unwrap(),
        role: role.parse().unwrap(),
        duration: (seconds > 0).then(|| Seconds::of(seconds)),
    }
}

fn wish(entitlements: Vec<Entitlement>) -> Wish {
    let reason = Some("to look into INC-7".parse().unwrap());
    let justification =
        Justification { reason, attachments: vec!["INC-7".into()], ticket: Some("INC-7".to_owned()) };
    Wish { entitlements, justification, dry_run: false }
}

async fn ensure(world: &World, caller: &Caller, wish: &Wish) -> Vec<Ensured> {
    requests::ensure(&world.test.app, caller, wish).await.unwrap()
}

async fn ensure_one(world: &World, caller: &Caller, entitlement: Entitlement) -> Ensured {
    ensure(world, caller, &wish(vec![entitlement])).await.remove(0)
}

fn grant(ensured: &Ensured) -> GrantId {
    match &ensured.standing {
        Standing::Grant(view) => view.grant.id,
        other => panic!("no grant: {other:?}"),
    }
}

async fn all(world: &World) -> Vec<AccessRequest> {
    let page = PageRequest::default();
    requests::list(&world.test.app, &world.admin, None, RequestFilter::default(), page).await.unwrap().items
}

on_both_databases! {
    async fn what_is_missing_is_asked_for_once_and_then_stays_as_it_is(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((first.change, first.approved, first.name.as_str()), (Changed::Activated, true, "ReadOnly in Dev"));
        assert_eq!(first.duration, Some(Seconds::of(3_600)));
        aws_has(&world, grant(&first)).await;
        world.test.clock.advance(Seconds::of(300));
        for role in ["ReadOnly", READ] {
            let again = ensure_one(&world, &alice, to_have(DEV, role, 3_600)).await;
            assert_eq!((again.change, grant(&again), again.request), (Changed::None, grant(&first), first.request));
        }
        let whatever = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 0)).await;
        assert_eq!((whatever.change, grant(&whatever)), (Changed::None, grant(&first)));
        let [request] = &all(&world).await[..] else { panic!("one request") };
        assert_eq!(Some(request.id), first.request);
        assert_eq!(request.metadata["ticket"], "INC-7");
    }

    async fn what_ends_too_early_is_extended_to_last_as_long_from_now(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        aws_has(&world, grant(&first)).await;
        world.test.clock.advance(Seconds::of(1_800));
        let longer = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((longer.change, grant(&longer)), (Changed::Extended, grant(&first)));
        let left = times(&world, grant(&first)).await.expires_at.unwrap().seconds_since(world.test.app.now());
        assert!((3_599..=3_600).contains(&left.get()), "{left:?}");
        let again = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!(again.change, Changed::None);
    }

    async fn what_can_not_last_longer_stays_and_says_why(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), "permit (principal, action, resource) when { context.duration_seconds <= 3600 };").await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        aws_has(&world, grant(&first)).await;
        world.test.clock.advance(Seconds::of(1_800));
        let before = times(&world, grant(&first)).await;
        let same = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((same.change, grant(&same), same.diagnostics[0].level), (Changed::None, grant(&first), "warning"));
        assert_eq!(times(&world, grant(&first)).await, before);
        assert_eq!(all(&world).await.len(), 1, "nothing is asked for that is known to be denied");
    }

    async fn what_waits_for_people_is_not_asked_for_twice(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((first.change, first.approved), (Changed::Requested, false));
        let again = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 7_200)).await;
        assert_eq!((again.change, again.request), (Changed::None, first.request));
        assert!(matches!(again.standing, Standing::Waiting(_)));
        let app = &world.test.app;
        let waiting = requests::access_of(app, &alice, first.request.unwrap()).await.unwrap();
        assert_eq!((waiting.grant, waiting.name.as_str()), (None, "ReadOnly in Dev"));
        requests::approve(app, &ada, first.request.unwrap(), None).await.unwrap();
        let given = requests::access_of(app, &alice, first.request.unwrap()).await.unwrap().grant.unwrap();
        aws_has(&world, given.grant.id).await;
        world.test.clock.advance(Seconds::of(1_800));
        let more = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((more.change, grant(&more)), (Changed::Requested, given.grant.id));
        assert_ne!(more.request, first.request);
        let again = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((again.change, again.request, grant(&again)), (Changed::None, more.request, given.grant.id));
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let spied = requests::access_of(app, &bob, first.request.unwrap()).await;
        assert_eq!(code(spied), ErrorCode::NotFound);
    }

    async fn the_same_denial_is_told_each_time_and_recorded_once_an_hour(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), "permit (principal, action, resource) when { context.hour > 100 };").await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!(first.diagnostics[0].code, Some(ErrorCode::Forbidden));
        world.test.clock.advance(Seconds::of(60));
        let again = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600)).await;
        assert_eq!((again.request, again.diagnostics), (first.request, first.diagnostics));
        assert_eq!(all(&world).await.len(), 1);
        let other = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 1_800)).await;
        assert_ne!(other.request, first.request, "another time is another question");
        let mut other_words = wish(vec![to_have(DEV, "ReadOnly", 1_800)]);
        other_words.justification.reason = Some("because".parse().unwrap());
        ensure(&world, &alice, &other_words).await;
        assert_eq!(all(&world).await.len(), 3);
        world.policy(auto(), "@notice(\"no\") forbid (principal, action, resource);").await;
        ensure(&world, &alice, &other_words).await;
        assert_eq!(all(&world).await.len(), 4, "another rule has decided");
        ensure(&world, &alice, &other_words).await;
        assert_eq!(all(&world).await.len(), 4);
        world.test.clock.advance(Seconds::of(3_601));
        world.identity_center_knows("alice").await;
        ensure(&world, &alice, &other_words).await;
        assert_eq!(all(&world).await.len(), 5);
    }

    async fn each_entitlement_stands_by_itself(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), &format!("permit (principal, action, resource == AwsAccount::\"{DEV}\");")).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let twin = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-cccccccccccccccc";
        world.discovered(set(twin), "Admin", Vec::new(), DiscoveredAttributes::default()).await;
        let asked = wish(vec![
            to_have(PROD, "ReadOnly", 600),
            to_have(DEV, "ReadOnly", 600),
            to_have(DEV, "Admin", 600),
            to_have(DEV, "Nothing", 600),
            to_have("999999999999", "ReadOnly", 600),
            to_have(DEV, "ReadOnly", 300_000_000),
        ]);
        let ensured = ensure(&world, &alice, &asked).await;
        let levels: Vec<Option<&str>> =
            ensured.iter().map(|one| one.diagnostics.first().map(|told| told.level)).collect();
        let error = Some("error");
        assert_eq!(levels, [error, None, error, error, error, Some("warning")]);
        assert_eq!(ensured[0].diagnostics[0].code, Some(ErrorCode::Forbidden));
        assert!(ensured[0].request.is_some(), "the denial is recorded");
        assert!(ensured[2].diagnostics[0].message.contains(twin), "both are told: {:?}", ensured[2].diagnostics);
        assert_eq!(ensured[1].change, Changed::Activated);
        assert_eq!((ensured[4].approved, ensured[4].name.as_str()), (false, "ReadOnly in 999999999999"));
        assert_eq!(world.due_assignments().await, 1);
    }

    async fn a_dry_run_says_what_would_come_of_it_and_writes_nothing(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), "permit (principal, action, resource) when { context.duration_seconds <= 3600 };").await;
        world.policy(by_people(1), "permit (principal, action, resource) when { context.duration_seconds > 3600 };").await;
        world.policy(auto(), &format!("forbid (principal, action, resource == AwsAccount::\"{PROD}\");")).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let dry = async |asked: Vec<Entitlement>| {
            let asked = Wish { dry_run: true, ..wish(asked) };
            let ensured = ensure(&world, &alice, &asked).await;
            ensured.into_iter().map(|one| (one.change, one.approved)).collect::<Vec<_>>()
        };
        let asked = vec![to_have(DEV, "ReadOnly", 600), to_have(DEV, "ReadOnly", 7_200), to_have(PROD, "ReadOnly", 600)];
        let log = world.logged().await;
        let would_be = dry(asked).await;
        assert_eq!(would_be, [(Changed::Activated, true), (Changed::Requested, false), (Changed::None, false)]);
        assert_eq!(all(&world).await, []);
        assert_eq!(world.logged().await, log);
        let first = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 600)).await;
        aws_has(&world, grant(&first)).await;
        let before = times(&world, grant(&first)).await;
        let asked = vec![to_have(DEV, "ReadOnly", 600), to_have(DEV, "ReadOnly", 1_200), to_have(DEV, "ReadOnly", 7_200)];
        let would_be = dry(asked).await;
        assert_eq!(would_be, [(Changed::None, true), (Changed::Extended, true), (Changed::Requested, true)]);
        assert_eq!(times(&world, grant(&first)).await, before);
        assert_eq!(all(&world).await.len(), 1);
    }

    async fn what_a_unit_gives_is_enough_and_is_not_extended_for_one_account(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut hour = to_read(unit(LAB));
        hour.duration = Some(Seconds::of(3_600));
        let of_unit = world.submit(&alice, hour).await.unwrap().grant.unwrap();
        aws_has(&world, of_unit).await;
        let enough = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 600)).await;
        assert_eq!((enough.change, grant(&enough)), (Changed::None, of_unit));
        let longer = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 7_200)).await;
        assert_eq!(longer.change, Changed::Activated);
        assert_ne!(grant(&longer), of_unit);
    }

    async fn what_others_have_is_not_ones_own(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let of_alice = ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 600)).await;
        let of_bob = ensure_one(&world, &bob, to_have(DEV, "ReadOnly", 600)).await;
        assert_eq!(of_bob.change, Changed::Activated);
        assert_ne!(grant(&of_alice), grant(&of_bob));
        let mut key = bob.clone();
        key.scopes = [Scope::GrantsRead].into_iter().collect();
        let refused = requests::ensure(&world.test.app, &key, &wish(vec![to_have(DEV, "ReadOnly", 600)])).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        let gone = grants::revoke(&world.test.app, &bob, grant(&of_bob), None).await.unwrap().grant.id;
        let anew = ensure_one(&world, &bob, to_have(DEV, "ReadOnly", 600)).await;
        assert_eq!(anew.change, Changed::Activated);
        assert_ne!(grant(&anew), gone);
    }

    async fn the_same_wishes_at_once_are_asked_for_once(db: &TestStore) {
        let world = World::new(db).await;
        for (mode, expected) in [(auto(), RequestStatus::Approved), (by_people(1), RequestStatus::Pending)] {
            let policy = world.policy(mode, PERMIT_ALL).await;
            let name = format!("alice-{}", expected.as_str());
            let alice = world.person(&name, BuiltInRole::User, None).await;
            let one = || ensure_one(&world, &alice, to_have(DEV, "ReadOnly", 3_600));
            let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
            let of_alice: Vec<AccessRequest> =
                all(&world).await.into_iter().filter(|request| request.requester == alice.user).collect();
            let [request] = &of_alice[..] else { panic!("{} requests for the same", of_alice.len()) };
            assert_eq!(request.decided_status, expected);
            let changed = [&a, &b, &c, &d].into_iter().filter(|one| one.change != Changed::None).count();
            assert_eq!(changed, 1, "one of them asked");
            assert!([a, b, c, d].iter().all(|one| one.request == Some(request.id)));
            let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
            policies::change(&world.test.app, &world.admin, policy.policy.id, off).await.unwrap();
        }
    }
}

/// On two nodes no door stands between them: the person's row does.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_wishes_on_two_nodes_are_asked_for_once() {
    let Some(db) = curfew_store::testing::TestStore::postgres().await else { return };
    let world = World::new(&db).await;
    world.policy(auto(), PERMIT_ALL).await;
    let parts =
        curfew_app::testing::TestParts { clock: world.test.clock.clone(), seed: 2, ..Default::default() };
    let other = curfew_app::testing::TestApp::with(&db.store, parts);
    for round in 0..8 {
        let alice = world.person(&format!("alice-{round}"), BuiltInRole::User, None).await;
        let asked = wish(vec![to_have(DEV, "ReadOnly", 3_600)]);
        let (here, there) = tokio::join!(
            requests::ensure(&world.test.app, &alice, &asked),
            requests::ensure(&other.app, &alice, &asked),
        );
        let ids: Vec<Option<RequestId>> = [here, there]
            .into_iter()
            .map(|ensured| -> Result<_, AppError> { Ok(ensured?[0].request) })
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(ids[0], ids[1]);
        let of_alice =
            all(&world).await.into_iter().filter(|request| request.requester == alice.user).count();
        assert_eq!(of_alice, 1);
    }
}
