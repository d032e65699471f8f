//! Grants of access that is in AWS already.

use curfew_app::grants;
use curfew_domain::assignment::Phase;
use curfew_domain::grant::ProvisioningStatus;
use curfew_domain::{BuiltInRole, GrantId, Seconds};
use curfew_store::on_both_databases;

use crate::grants::seen;
use crate::world::*;

/// AWS has all that is due now in `phase`, and the owner has nothing to do for an hour.
async fn settle(world: &World, phase: Phase) {
    let app = &world.test.app;
    let (now, later) = (app.now(), app.now() + Seconds::of(3_600));
    for due in app.store.due_for(&[world.tenant], now, 100).await.unwrap() {
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        unit.save_observed(due.assignment, &seen(phase, now), 1, now).await.unwrap();
        assert!(unit.settle_due(due.assignment, due.generation, Some(later), None).await.unwrap());
        unit.commit().await.unwrap();
    }
}

/// Whether the grant has begun, by its moments and by the log.
async fn has_begun(world: &World, grant: GrantId) -> bool {
    let view = grants::get(&world.test.app, &world.admin, grant).await.unwrap();
    let begun = view.grant.times.succeeded_at.is_some();
    assert_eq!(world.logged().await.last().unwrap() == "grant.active", begun);
    begun
}

on_both_databases! {
    async fn a_grant_of_access_that_is_there_begins_at_once(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let first = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        assert!(!has_begun(&world, first).await);
        settle(&world, Phase::Present).await;
        world.test.clock.advance(Seconds::of(60));
        let mut short = to_read(account(DEV));
        short.duration = Some(Seconds::of(600));
        let second = world.submit(&alice, short).await.unwrap().grant.unwrap();
        assert!(has_begun(&world, second).await);
        let view = grants::get(app, &alice, second).await.unwrap();
        let end = view.grant.times.decided_at + Seconds::of(600);
        assert_eq!(view.grant.times.expires_at, Some(end));
        assert_eq!(view.provisioning(app.now()), ProvisioningStatus::Successful);
        assert!(app.store.due_for(&[world.tenant], app.now(), 10).await.unwrap().is_empty());
        assert_eq!(app.store.due_for(&[world.tenant], end, 10).await.unwrap().len(), 1);
    }

    async fn an_owner_that_has_not_seen_a_grant_does_not_settle_over_it(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        settle(&world, Phase::Present).await;
        let far = app.now() + Seconds::of(86_400);
        let [seen] = app.store.due_for(&[world.tenant], far, 10).await.unwrap()[..] else { panic!("one") };
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        assert!(!unit.settle_due(seen.assignment, seen.generation, None, None).await.unwrap());
    }

    async fn a_grant_waits_for_whatever_is_not_there(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        let phases = [Phase::Unseen, Phase::Creating, Phase::Deleting, Phase::Standing, Phase::Gone];
        for (phase, name) in phases.into_iter().zip(["ann", "ben", "cat", "dan", "eve"]) {
            let person = world.person(name, BuiltInRole::User, None).await;
            world.submit(&person, to_read(account(DEV))).await.unwrap();
            settle(&world, phase).await;
            let grant = world.submit(&person, to_read(account(DEV))).await.unwrap().grant.unwrap();
            assert!(!has_begun(&world, grant).await, "{phase:?}");
            assert_eq!(app.store.due_for(&[world.tenant], app.now(), 10).await.unwrap().len(), 1, "{phase:?}");
            settle(&world, Phase::Gone).await;
        }
        let person = world.person("fay", BuiltInRole::User, None).await;
        world.submit(&person, to_read(account(DEV))).await.unwrap();
        settle(&world, Phase::Present).await;
        let grant = world.submit(&person, to_read(unit(LAB))).await.unwrap().grant.unwrap();
        assert!(!has_begun(&world, grant).await, "one of the unit's accounts is not there");
    }
}
