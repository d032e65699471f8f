//! Readings of a tenant's AWS.

use curfew_domain::{DiscoveryCounts, DiscoveryId, DiscoveryRun, DiscoveryState, Seconds, Timestamp};
use curfew_store::on_both_databases;
use curfew_store::testing::World;

/// A reading that took a minute.
fn reading(world: &World<'_>, started_at: Timestamp) -> DiscoveryRun {
    DiscoveryRun {
        id: DiscoveryId::new(started_at, &world.entropy),
        instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        state: DiscoveryState::Succeeded,
        started_at,
        ended_at: Some(started_at + Seconds::of(60)),
        counts: DiscoveryCounts::default(),
        error: None,
        requested_by: None,
    }
}

on_both_databases! {
    async fn readings_of_long_ago_are_forgotten_but_for_the_newest(db: &TestStore) {
        let world = World::new(db);
        let (acme, now) = (world.tenant("acme").await, world.now());
        let runs = [300, 200, 100].map(|ago| reading(&world, now - Seconds::of(ago)));
        let unit = db.store.tenant(acme).write().await.unwrap();
        for run in &runs {
            unit.insert_discovery(run).await.unwrap();
        }
        assert_eq!(unit.forget_discoveries(now - Seconds::of(200)).await.unwrap(), 1);
        assert_eq!(unit.forget_discoveries(now).await.unwrap(), 1);
        assert_eq!(unit.forget_discoveries(now).await.unwrap(), 0);
        assert_eq!(unit.latest_discovery().await.unwrap().as_ref(), Some(&runs[2]));
    }
}
