//! Credentials, found by their hashes before the tenant is known.

use curfew_domain::{ApiKeyId, CredentialId};
use curfew_store::keyring::{KeyId, KeyedHash};
use curfew_store::testing::World;
use curfew_store::{Backend, Constraint, Credential, CredentialSubject, StoreError, on_both_databases};

fn hash(key: u32, byte: u8) -> KeyedHash {
    KeyedHash { key: KeyId::from_u32(key), digest: [byte; 32] }
}

fn credential(world: &World<'_>, tenant: curfew_domain::TenantId, hash: KeyedHash) -> Credential {
    let now = world.now();
    Credential {
        id: CredentialId::new(now, &world.entropy),
        hash,
        tenant,
        subject: CredentialSubject::ApiKey(ApiKeyId::new(now, &world.entropy)),
        expires_at: Some(now),
        revoked_at: None,
        version: 1,
    }
}

on_both_databases! {
    async fn a_credential_is_found_by_any_of_its_candidates(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let kept = credential(&world, tenant, hash(u32::MAX, 7));
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.insert_credential(&kept).await.unwrap();
        unit.commit().await.unwrap();

        let unit = db.store.unwalled().read().await.unwrap();
        let found = unit.find_credential(&[hash(1, 9), kept.hash]).await.unwrap();
        assert_eq!(found, Some(kept));
        assert_eq!(unit.find_credential(&[hash(1, 9)]).await.unwrap(), None);
        assert_eq!(unit.find_credential(&[hash(1, 7)]).await.unwrap(), None, "the same digest under another key");
    }

    async fn a_hash_is_kept_once(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.insert_credential(&credential(&world, tenant, hash(1, 7))).await.unwrap();
        let error = unit.insert_credential(&credential(&world, tenant, hash(1, 7))).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(Constraint::CredentialHash)), "{error:?}");
    }

    async fn revoking_ends_the_subjects_credentials_of_this_tenant_alone(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let kept = credential(&world, theirs, hash(1, 7));
        let unit = db.store.tenant(theirs).write().await.unwrap();
        unit.insert_credential(&kept).await.unwrap();
        unit.commit().await.unwrap();

        let unit = db.store.tenant(ours).write().await.unwrap();
        assert_eq!(unit.revoke_credentials(kept.subject, world.now()).await.unwrap(), 0);
        drop(unit);
        let unit = db.store.tenant(theirs).write().await.unwrap();
        let now = world.now();
        assert_eq!(unit.revoke_credentials(kept.subject, now).await.unwrap(), 1);
        assert_eq!(unit.revoke_credentials(kept.subject, world.now()).await.unwrap(), 0);
        unit.commit().await.unwrap();
        let unit = db.store.unwalled().read().await.unwrap();
        let found = unit.find_credential(&[kept.hash]).await.unwrap().unwrap();
        assert_eq!((found.revoked_at, found.version), (Some(now), 2));
    }

    async fn a_version_moves_for_its_own_tenant(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        for expected in 1..=2 {
            let unit = db.store.tenant(ours).write().await.unwrap();
            unit.bump_version().await.unwrap();
            unit.commit().await.unwrap();
            for (tenant, version) in [(ours, expected), (theirs, 0)] {
                let unit = db.store.tenant(tenant).read().await.unwrap();
                assert_eq!(unit.versions().await.unwrap().rules, version);
            }
        }
    }

    async fn only_a_database_on_another_machine_has_a_clock_of_its_own(db: &TestStore) {
        let unit = db.store.unwalled().read().await.unwrap();
        let first = unit.database_clock().await.unwrap();
        assert_eq!(first.is_some(), db.store.backend() == Backend::Postgres);
        assert!(unit.database_clock().await.unwrap() >= first);
    }

    async fn the_kept_clock_never_goes_back(db: &TestStore) {
        let world = World::new(db);
        let (early, late) = (world.now(), world.now());
        for kept in [late, early] {
            let unit = db.store.unwalled().write().await.unwrap();
            unit.keep_clock(kept).await.unwrap();
            unit.commit().await.unwrap();
        }
        let unit = db.store.unwalled().read().await.unwrap();
        assert_eq!(unit.installation().await.unwrap().kept_clock, late);
    }
}
