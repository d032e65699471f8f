//! The log in the database: sealed once, listed whole, proved against whoever may write everything.

use std::collections::BTreeSet;
use std::time::Duration;

use curfew_domain::audit::{AuditAction, ChainHead, NewEntry};
use curfew_domain::testing::SeededEntropy;
use curfew_domain::{Actor, Page, PageLimit, PageRequest, TenantId};
use curfew_store::audit::verify::{Finding, Verification};
use curfew_store::audit::{AuditFilter, AuditRecord, SignedHead};
use curfew_store::testing::{TestStore, World, sealed_log};
use curfew_store::{Backend, StoreOptions, on_both_databases};

/// A tenant with `count` sealed entries, and the chain's head.
async fn sealed(world: &World<'_>, count: usize) -> (TenantId, ChainHead) {
    let tenant = world.tenant("acme").await;
    for number in 0..count {
        world.record(tenant, Actor::System, &format!("grant-{number}")).await;
    }
    assert_eq!(world.db.store.seal(tenant).await.unwrap(), count as u64);
    let unit = world.db.store.tenant(tenant).read().await.unwrap();
    (tenant, unit.chain_head(world.now()).await.unwrap().unwrap())
}

async fn verify(world: &World<'_>, tenant: TenantId, heads: &[ChainHead]) -> Verification {
    world.db.store.tenant(tenant).walk_audit(heads).to_end().await.unwrap()
}

async fn verify_by_kept_heads(world: &World<'_>, tenant: TenantId) -> Verification {
    world.db.store.tenant(tenant).walk_audit_by_kept_heads().to_end().await.unwrap()
}

async fn in_order(world: &World<'_>, tenant: TenantId) -> Vec<AuditRecord> {
    sealed_log(&world.db.store, tenant).await
}

/// A log that is read in three batches.
async fn long(world: &World<'_>) -> TenantId {
    let tenant = world.tenant("acme").await;
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    for number in 0..1_001 {
        let entry = NewEntry::new(Actor::System, AuditAction::GrantExpired, "grant", number);
        unit.record(entry, world.now(), &world.entropy).await.unwrap();
    }
    unit.commit().await.unwrap();
    world.db.store.seal(tenant).await.unwrap();
    tenant
}

async fn keep_head(world: &World<'_>, tenant: TenantId, head: ChainHead) {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let signed = SignedHead { head, key_id: "k1".to_owned(), signature: vec![7; 64] };
    assert!(unit.insert_head(&signed).await.unwrap());
    unit.commit().await.unwrap();
}

/// Bytes as SQL writes them.
fn bytes(db: &TestStore, hex: &str) -> String {
    match db.store.backend() {
        Backend::Sqlite => format!("x'{hex}'"),
        Backend::Postgres => format!("decode('{hex}', 'hex')"),
    }
}

on_both_databases! {
    async fn an_entry_is_read_back_with_its_texts(db: &TestStore) {
        let world = World::new(db);
        let (tenant, user) = (world.tenant("acme").await, world.user());
        let id = world.record(tenant, Actor::Local(user), "grant-1").await;
        let unit = db.store.tenant(tenant).read().await.unwrap();
        let entry = unit.audit_entry(id).await.unwrap().unwrap();
        assert_eq!((entry.body.actor_id, entry.body.action), (user.to_string(), AuditAction::GrantRevoked));
        assert_eq!(entry.personal[0].text, "grant-1 for Dana");
        assert_eq!(entry.sealed, None);
    }

    async fn a_change_that_is_undone_leaves_no_entry(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let entry = curfew_domain::audit::NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g");
        unit.record(entry, world.now(), &world.entropy).await.unwrap();
        drop(unit);
        assert_eq!(db.store.seal(tenant).await.unwrap(), 0);
        assert_eq!(in_order(&world, tenant).await, vec![]);
    }

    async fn sealing_numbers_from_one_without_gaps_and_is_done_once(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 3).await;
        assert_eq!(db.store.seal(tenant).await.unwrap(), 0);
        assert_eq!(db.store.unwalled().read().await.unwrap().tenants_with_unsealed().await.unwrap(), vec![]);
        let entries = in_order(&world, tenant).await;
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.sealed.unwrap().sequence).collect();
        assert_eq!(numbers, vec![1, 2, 3]);
        assert_eq!(entries[2].sealed.unwrap().hash, head.hash);
        world.record(tenant, Actor::System, "grant-4").await;
        assert_eq!(db.store.unwalled().read().await.unwrap().tenants_with_unsealed().await.unwrap(), vec![tenant]);
        assert_eq!(db.store.seal(tenant).await.unwrap(), 1);
        assert!(verify(&world, tenant, &[head]).await.is_sound());
    }

    async fn any_number_of_entries_is_sealed_in_the_order_of_their_times(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let mut written = Vec::new();
        for number in 0..23 {
            written.push(world.record(tenant, Actor::System, &format!("grant-{number}")).await);
        }
        assert_eq!(db.store.seal(tenant).await.unwrap(), 23);
        let sealed: Vec<_> = in_order(&world, tenant).await.into_iter().map(|entry| entry.id).collect();
        assert_eq!(sealed, written);
        assert!(verify(&world, tenant, &[]).await.is_sound());
    }

    async fn eight_writers_and_three_sealers_make_one_chain(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let mut work = Vec::new();
        for writer in 0..8_u64 {
            let (store, now) = (db.store.clone(), world.now());
            work.push(tokio::spawn(async move {
                let entropy = SeededEntropy::new(1_000 + writer);
                for number in 0..20 {
                    let entry = curfew_domain::audit::NewEntry::new(
                        Actor::System, AuditAction::GrantExpired, "grant", format!("{writer}-{number}"),
                    );
                    let unit = store.tenant(tenant).write().await.unwrap();
                    unit.record(entry, now, &entropy).await.unwrap();
                    unit.commit().await.unwrap();
                }
            }));
        }
        for _ in 0..3 {
            let store = db.store.clone();
            work.push(tokio::spawn(async move {
                for _ in 0..20 {
                    store.seal(tenant).await.unwrap();
                }
            }));
        }
        for one in work {
            one.await.unwrap();
        }
        db.store.seal(tenant).await.unwrap();
        let verification = verify(&world, tenant, &[]).await;
        assert!(verification.is_sound(), "{verification:?}");
        assert_eq!((verification.sealed, verification.unsealed), (160, 0));
    }

    async fn pages_are_newest_first_and_filtered(db: &TestStore) {
        let world = World::new(db);
        let (tenant, user) = (world.tenant("acme").await, world.user());
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(world.record(tenant, Actor::System, &format!("grant-{number}")).await);
        }
        let theirs = world.record(tenant, Actor::Local(user), "grant-0").await;
        let unit = db.store.tenant(tenant).read().await.unwrap();
        let system = AuditFilter { actor_id: Some("system".to_owned()), ..AuditFilter::default() };
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let request = PageRequest { limit: PageLimit::new(2).unwrap(), after };
            let Page { items, next } = unit.audit_page(&system, &request).await.unwrap();
            seen.extend(items.into_iter().map(|entry| entry.id));
            after = next;
            if after.is_none() {
                break;
            }
        }
        ids.reverse();
        assert_eq!(seen, ids);
        let about = AuditFilter { resource_id: Some("grant-0".to_owned()), ..AuditFilter::default() };
        let about: BTreeSet<_> = unit
            .audit_page(&about, &PageRequest::default())
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        assert_eq!(about, BTreeSet::from([theirs, ids[4]]));
    }

    async fn a_changed_body_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        db.tamper("UPDATE audit_entry SET body = REPLACE(body, 'grant-1', 'grant-9') WHERE sequence = 2").await;
        let findings = verify(&world, tenant, &[head]).await.findings;
        assert!(matches!(findings[..], [Finding::Changed { sequence: 2, .. }]), "{findings:?}");
    }

    async fn a_changed_column_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        db.tamper("UPDATE audit_entry SET resource_id = 'hidden' WHERE sequence = 3").await;
        let findings = verify(&world, tenant, &[head]).await.findings;
        assert!(matches!(findings[..], [Finding::Changed { sequence: 3, .. }]), "{findings:?}");
    }

    async fn a_removed_entry_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        db.tamper("DELETE FROM audit_entry WHERE sequence = 2").await;
        assert_eq!(verify(&world, tenant, &[head]).await.findings, vec![Finding::Removed { from: 2, to: 2 }]);
    }

    async fn reordered_entries_are_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        db.tamper(
            "UPDATE audit_entry SET sequence = 100 WHERE sequence = 2;
             UPDATE audit_entry SET sequence = 2 WHERE sequence = 3;
             UPDATE audit_entry SET sequence = 3 WHERE sequence = 100;",
        )
        .await;
        let findings = verify(&world, tenant, &[head]).await.findings;
        assert!(matches!(findings[0], Finding::Unlinked { sequence: 2, .. }), "{findings:?}");
    }

    async fn an_inserted_entry_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        let forged = world.record(tenant, Actor::System, "forged").await;
        let id = world.literal(forged);
        db.tamper(&format!("DELETE FROM audit_unsealed WHERE entry_id = {id}")).await;
        assert_eq!(verify(&world, tenant, &[head]).await.findings, vec![Finding::Unqueued { entry: forged }]);
        db.tamper(&format!(
            "UPDATE audit_entry SET sequence = sequence + 1000 WHERE sequence > 2;
             UPDATE audit_entry SET sequence = sequence - 999 WHERE sequence > 1000;
             UPDATE audit_entry SET sequence = 3, hash = s.hash, previous_hash = s.previous_hash
             FROM (SELECT hash, previous_hash FROM audit_entry WHERE sequence = 1) s WHERE id = {id};"
        ))
        .await;
        let findings = verify(&world, tenant, &[head]).await.findings;
        assert!(matches!(findings[0], Finding::Unlinked { sequence: 3, .. }), "{findings:?}");
    }

    async fn a_cut_tail_is_found_by_a_head_that_left(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        db.tamper("DELETE FROM audit_entry WHERE sequence > 2").await;
        let blind = verify(&world, tenant, &[]).await;
        assert!(blind.is_sound() && blind.not_headed.is_none());
        assert_eq!(verify(&world, tenant, &[head]).await.findings, vec![Finding::TailCut { last: 2, head: 4 }]);
    }

    async fn an_entry_removed_before_it_was_sealed_is_found_and_holds_nothing_up(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 2).await;
        let lost = world.record(tenant, Actor::System, "lost").await;
        world.record(tenant, Actor::System, "kept").await;
        db.tamper(&format!("DELETE FROM audit_entry WHERE id = {}", world.literal(lost))).await;
        assert_eq!(db.store.seal(tenant).await.unwrap(), 1);
        let verification = verify(&world, tenant, &[head]).await;
        assert_eq!(verification.findings, vec![Finding::RemovedUnsealed { entry: lost }]);
        assert_eq!((verification.sealed, verification.not_headed), (3, Some(1)));
    }

    async fn a_changed_text_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 2).await;
        db.tamper("UPDATE audit_text SET text = 'nobody' WHERE text LIKE 'grant-0%'").await;
        let findings = verify(&world, tenant, &[head]).await.findings;
        assert!(matches!(&findings[..], [Finding::TextChanged { name, .. }] if name == "reason"), "{findings:?}");
    }

    async fn erasing_a_person_leaves_a_chain_that_verifies(db: &TestStore) {
        let world = World::new(db);
        let (tenant, user, other) = (world.tenant("acme").await, world.user(), world.user());
        let own = world.record(tenant, Actor::Local(user), "grant-1").await;
        let kept = world.record(tenant, Actor::Local(other), "grant-2").await;
        db.store.seal(tenant).await.unwrap();
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert_eq!(unit.erase_audit_texts_of(user).await.unwrap(), 1);
        unit.commit().await.unwrap();
        let unit = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(unit.audit_entry(own).await.unwrap().unwrap().personal, vec![]);
        assert_eq!(unit.audit_entry(kept).await.unwrap().unwrap().personal("reason"), Some("grant-2 for Dana"));
        let verification = verify(&world, tenant, &[]).await;
        assert!(verification.is_sound(), "{verification:?}");
        assert_eq!(verification.erased_texts, 1);
    }

    async fn a_head_is_kept_once(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 2).await;
        let signed = SignedHead { head, key_id: "k1".to_owned(), signature: vec![7; 64] };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert!(unit.insert_head(&signed).await.unwrap());
        assert!(!unit.insert_head(&signed).await.unwrap());
        unit.commit().await.unwrap();
        let unit = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(unit.latest_head().await.unwrap(), Some(signed.clone()));
        assert_eq!(unit.head_at(2).await.unwrap(), Some(signed));
        assert_eq!(unit.head_at(1).await.unwrap(), None);
    }

    async fn a_hash_that_is_none_is_found_and_accuses_no_other(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 5).await;
        let none = bytes(db, "00");
        db.tamper(&format!(
            "UPDATE audit_entry SET hash = {none} WHERE sequence = 2;
             UPDATE audit_entry SET previous_hash = {none} WHERE sequence = 4;"
        ))
        .await;
        let found = verify(&world, tenant, &[head]).await;
        let misplaced = |finding: &Finding| match finding {
            Finding::Changed { sequence, what: "its place in the chain", .. } => Some(*sequence),
            _ => None,
        };
        let accused: Vec<_> = found.findings.iter().map(misplaced).collect();
        assert_eq!((accused, found.sealed), (vec![Some(2), Some(4)], 5));
    }

    async fn a_salt_that_is_none_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 2).await;
        let short = bytes(db, "0011");
        db.tamper(&format!("UPDATE audit_text SET salt = {short} WHERE text LIKE 'grant-0%'")).await;
        let found = verify(&world, tenant, &[head]).await;
        assert!(
            matches!(&found.findings[..], [Finding::TextChanged { name, .. }] if name == "reason"),
            "{found:?}"
        );
        assert_eq!(found.erased_texts, 0);
    }

    async fn heads_of_another_tenant_prove_nothing_here(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 2).await;
        let other = ChainHead { tenant: world.new_tenant("other").id, sequence: 7, ..head };
        let found = verify(&world, tenant, &[other]).await;
        assert!(found.is_sound() && found.not_headed.is_none(), "{found:?}");
    }

    async fn a_long_log_is_walked_batch_by_batch_and_keeps_no_connection_in_between(db: &TestStore) {
        let world = World::new(db);
        let tenant = long(&world).await;
        db.store.close().await;
        let one_connection = StoreOptions {
            max_connections: 1,
            acquire_timeout: Some(Duration::from_secs(5)),
            ..StoreOptions::new(&db.url)
        };
        let store = db.reopen(one_connection).await;
        let mut walks = [store.tenant(tenant).walk_audit(&[]), store.tenant(tenant).walk_audit(&[])];
        for walk in &mut walks {
            for _ in 0..2 {
                assert_eq!(walk.step().await.unwrap(), None);
                store.ping().await.unwrap();
            }
        }
        for walk in walks {
            let found = walk.to_end().await.unwrap();
            assert!(found.is_sound(), "{found:?}");
            assert_eq!(found.sealed, 1_001);
        }
    }

    async fn what_grows_while_a_walk_goes_on_is_walked_too(db: &TestStore) {
        let world = World::new(db);
        let tenant = long(&world).await;
        let mut walk = db.store.tenant(tenant).walk_audit_by_kept_heads();
        assert_eq!(walk.step().await.unwrap(), None);
        world.record(tenant, Actor::System, "grant-later").await;
        db.store.seal(tenant).await.unwrap();
        let found = walk.to_end().await.unwrap();
        assert!(found.is_sound(), "{found:?}");
        assert_eq!((found.sealed, found.unsealed), (1_002, 0));
    }

    async fn kept_heads_are_read_along_with_the_entries(db: &TestStore) {
        let world = World::new(db);
        let tenant = long(&world).await;
        for entry in in_order(&world, tenant).await {
            let place = entry.sealed.unwrap();
            if place.sequence % 400 == 0 {
                let head = ChainHead { tenant, sequence: place.sequence, hash: place.hash, at: world.now() };
                keep_head(&world, tenant, head).await;
            }
        }
        let found = verify_by_kept_heads(&world, tenant).await;
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(found.not_headed, Some(201));
        let (other, none) = (bytes(db, &"07".repeat(32)), bytes(db, "07"));
        db.tamper(&format!(
            "UPDATE audit_head SET hash = {other} WHERE sequence = 400; UPDATE audit_head SET hash = {none} WHERE sequence = 800;"
        ))
        .await;
        let expected = [400, 800].map(|sequence| Finding::OtherThanHead { sequence });
        assert_eq!(verify_by_kept_heads(&world, tenant).await.findings, expected);
    }

    async fn a_tail_that_was_cut_behind_a_kept_head_is_found(db: &TestStore) {
        let world = World::new(db);
        let (tenant, head) = sealed(&world, 4).await;
        keep_head(&world, tenant, head).await;
        db.tamper("DELETE FROM audit_entry WHERE sequence > 2").await;
        let findings = verify_by_kept_heads(&world, tenant).await.findings;
        assert_eq!(findings, vec![Finding::TailCut { last: 2, head: 4 }]);
    }
}

#[tokio::test]
async fn an_entry_before_the_first_is_found() {
    let db = TestStore::sqlite().await;
    let world = World::new(&db);
    let (tenant, head) = sealed(&world, 2).await;
    let hidden = world.record(tenant, Actor::System, "hidden").await;
    let id = world.literal(hidden);
    db.tamper(&format!(
        "PRAGMA ignore_check_constraints = ON;
         DELETE FROM audit_unsealed WHERE entry_id = {id};
         UPDATE audit_entry SET sequence = 0, hash = zeroblob(32), previous_hash = zeroblob(32) WHERE id = {id};"
    ))
    .await;
    assert_eq!(verify(&world, tenant, &[head]).await.findings, vec![Finding::Unqueued { entry: hidden }]);
}
