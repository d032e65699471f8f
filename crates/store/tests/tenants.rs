//! Tenants behind their walls.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::testing::{SeededEntropy, TestClock};
use curfew_domain::{Actor, Clock, PageRequest, PlatformMode, Tenant, TenantId, TenantState, Timestamp};
use curfew_store::{Constraint, StoreError, on_both_databases};

fn tenant(slug: &str, now: Timestamp, entropy: &SeededEntropy) -> Tenant {
    Tenant {
        id: TenantId::new(now, entropy),
        parent: None,
        name: "Acme".parse().unwrap(),
        slug: slug.parse().unwrap(),
        locale: "en".parse().unwrap(),
        owner_email: Some("owner@acme.example".parse().unwrap()),
        owner: None,
        sso_start_url: Some("https://acme.awsapps.com/start".parse().unwrap()),
        sso_region: Some("eu-central-1".parse().unwrap()),
        is_master: true,
        state: TenantState::Active,
        mfa_required: true,
        created_at: now,
        updated_at: now,
    }
}

on_both_databases! {
    async fn a_tenant_is_read_back_as_it_was_written(db: &TestStore) {
        let (clock, entropy) = (TestClock::default(), SeededEntropy::new(1));
        let acme = tenant("acme", clock.now(), &entropy);
        let unit = db.store.tenant(acme.id).write().await.unwrap();
        unit.insert_this_tenant(&acme).await.unwrap();
        unit.commit().await.unwrap();

        let unit = db.store.tenant(acme.id).read().await.unwrap();
        assert_eq!(unit.this_tenant().await.unwrap(), Some(acme));
    }

    async fn what_is_not_committed_is_undone(db: &TestStore) {
        let (clock, entropy) = (TestClock::default(), SeededEntropy::new(1));
        let acme = tenant("acme", clock.now(), &entropy);
        let unit = db.store.tenant(acme.id).write().await.unwrap();
        unit.insert_this_tenant(&acme).await.unwrap();
        drop(unit);

        let unit = db.store.tenant(acme.id).write().await.unwrap();
        assert_eq!(unit.this_tenant().await.unwrap(), None);
    }

    async fn a_slug_is_taken_once_in_the_whole_installation(db: &TestStore) {
        let (clock, entropy) = (TestClock::default(), SeededEntropy::new(1));
        for expected in [None, Some(Constraint::TenantSlug)] {
            let acme = tenant("acme", clock.now(), &entropy);
            let unit = db.store.tenant(acme.id).write().await.unwrap();
            match (unit.insert_this_tenant(&acme).await, expected) {
                (Ok(()), None) => unit.commit().await.unwrap(),
                (Err(StoreError::Conflict(taken)), Some(expected)) => assert_eq!(taken, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn setup_is_completed_once(db: &TestStore) {
        let (clock, entropy) = (TestClock::default(), SeededEntropy::new(1));
        let mut tries = Vec::new();
        for number in 0..20 {
            let (store, acme) = (db.store.clone(), tenant(&format!("acme-{number}"), clock.now(), &entropy));
            tries.push(tokio::spawn(async move {
                let unit = store.tenant(acme.id).write().await.unwrap();
                unit.insert_this_tenant(&acme).await.unwrap();
                let first = unit.complete_setup(PlatformMode::Multi, acme.created_at).await.unwrap();
                if first {
                    unit.commit().await.unwrap();
                }
                first.then_some(acme.id)
            }));
        }
        let mut masters = Vec::new();
        for one in tries {
            masters.extend(one.await.unwrap());
        }
        assert_eq!(masters.len(), 1);
        let installation = db.store.unwalled().read().await.unwrap().installation().await.unwrap();
        assert_eq!(installation.master, Some(masters[0]));
        assert_eq!(installation.platform_mode, PlatformMode::Multi);
    }

    async fn a_child_is_founded_across_two_walls_or_not_at_all(db: &TestStore) {
        let (clock, entropy) = (TestClock::default(), SeededEntropy::new(1));
        let master = tenant("master", clock.now(), &entropy);
        let unit = db.store.tenant(master.id).write().await.unwrap();
        unit.insert_this_tenant(&master).await.unwrap();
        unit.commit().await.unwrap();

        let child = tenant("child", clock.now(), &entropy);
        let entry = || NewEntry::new(Actor::System, AuditAction::TenantCreated, "tenant", child.id);
        let founding = db.store.found_child(master.id, &child).await.unwrap();
        founding.record(entry(), clock.now(), &entropy).await.unwrap();
        let unit = founding.cross().await.unwrap();
        unit.record(entry(), clock.now(), &entropy).await.unwrap();
        drop(unit);
        let reading = db.store.tenant(master.id).read().await.unwrap();
        assert_eq!(reading.tenants(&PageRequest::default()).await.unwrap().items.len(), 1);
        drop(reading);

        let founding = db.store.found_child(master.id, &child).await.unwrap();
        founding.record(entry(), clock.now(), &entropy).await.unwrap();
        let unit = founding.cross().await.unwrap();
        unit.record(entry(), clock.now(), &entropy).await.unwrap();
        unit.commit().await.unwrap();

        let reading = db.store.tenant(master.id).read().await.unwrap();
        let seen = reading.tenant_by_id(child.id).await.unwrap().unwrap();
        assert_eq!((seen.parent, seen.is_master), (Some(master.id), false));
        let reading = db.store.tenant(child.id).read().await.unwrap();
        assert_eq!(reading.this_tenant().await.unwrap().unwrap(), seen);
        assert_eq!(reading.tenant_by_id(master.id).await.unwrap(), None);
    }
}
