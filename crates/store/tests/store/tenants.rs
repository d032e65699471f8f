//! Tenants behind their walls.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, PageRequest, PlatformMode};
use curfew_store::testing::World;
use curfew_store::{Constraint, StoreError, on_both_databases};

on_both_databases! {
    async fn a_tenant_is_read_back_as_it_was_written(db: &TestStore) {
        let world = World::new(db);
        let acme = world.new_tenant("acme");
        let unit = db.store.tenant(acme.id).write().await.unwrap();
        unit.insert_this_tenant(&acme).await.unwrap();
        unit.commit().await.unwrap();

        let unit = db.store.tenant(acme.id).read().await.unwrap();
        assert_eq!(unit.this_tenant().await.unwrap(), Some(acme));
    }

    async fn what_is_not_committed_is_undone(db: &TestStore) {
        let world = World::new(db);
        let acme = world.new_tenant("acme");
        let unit = db.store.tenant(acme.id).write().await.unwrap();
        unit.insert_this_tenant(&acme).await.unwrap();
        drop(unit);

        let unit = db.store.tenant(acme.id).write().await.unwrap();
        assert_eq!(unit.this_tenant().await.unwrap(), None);
    }

    async fn a_slug_is_taken_once_in_the_whole_installation(db: &TestStore) {
        let world = World::new(db);
        for expected in [None, Some(Constraint::TenantSlug)] {
            let acme = world.new_tenant("acme");
            let unit = db.store.tenant(acme.id).write().await.unwrap();
            match (unit.insert_this_tenant(&acme).await, expected) {
                (Ok(()), None) => unit.commit().await.unwrap(),
                (Err(StoreError::Conflict(taken)), Some(expected)) => assert_eq!(taken, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn setup_is_completed_once(db: &TestStore) {
        let world = World::new(db);
        let mut tries = Vec::new();
        for number in 0..20 {
            let (store, acme) = (db.store.clone(), world.new_tenant(&format!("acme-{number}")));
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
        let world = World::new(db);
        let master = world.new_tenant("master");
        let unit = db.store.tenant(master.id).write().await.unwrap();
        unit.insert_this_tenant(&master).await.unwrap();
        unit.commit().await.unwrap();

        let child = world.new_tenant("child");
        let entry = || NewEntry::new(Actor::System, AuditAction::TenantCreated, "tenant", child.id);
        let founding = db.store.found_child(master.id, &child).await.unwrap();
        founding.record(entry(), world.now(), &world.entropy).await.unwrap();
        let unit = founding.cross().await.unwrap();
        unit.record(entry(), world.now(), &world.entropy).await.unwrap();
        drop(unit);
        let reading = db.store.tenant(master.id).read().await.unwrap();
        assert_eq!(reading.tenants(&PageRequest::default()).await.unwrap().items.len(), 1);
        drop(reading);

        let founding = db.store.found_child(master.id, &child).await.unwrap();
        founding.record(entry(), world.now(), &world.entropy).await.unwrap();
        let unit = founding.cross().await.unwrap();
        unit.record(entry(), world.now(), &world.entropy).await.unwrap();
        unit.commit().await.unwrap();

        let reading = db.store.tenant(master.id).read().await.unwrap();
        let seen = reading.tenant_by_id(child.id).await.unwrap().unwrap();
        assert_eq!((seen.parent, seen.is_master), (Some(master.id), false));
        let reading = db.store.tenant(child.id).read().await.unwrap();
        assert_eq!(reading.this_tenant().await.unwrap().unwrap(), seen);
        assert_eq!(reading.tenant_by_id(master.id).await.unwrap(), None);
    }
}
