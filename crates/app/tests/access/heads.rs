//! Heads that leave the database, and what is done when the log contradicts them.

use curfew_app::audit;
use curfew_app::audit::heads::{self, HeadLine, HeadSink, HeadsError};
use curfew_domain::{PlatformMode, TenantId};
use curfew_store::testing::TestStore;
use curfew_store::{Backend, StoreError, on_both_databases};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;

use crate::world::*;

/// Keeps the lines that were sent.
#[derive(Default)]
struct Outside(Mutex<Vec<String>>);

impl HeadSink for Outside {
    fn append(&self, line: &str) -> std::io::Result<()> {
        self.0.lock().push(line.to_owned());
        Ok(())
    }
}

impl Outside {
    fn sequences(&self) -> Vec<u64> {
        let lines = self.0.lock();
        lines.iter().map(|line| line.parse::<HeadLine>().unwrap().head().unwrap().sequence).collect()
    }
}

/// The master's log of two entries, whose head has left.
async fn sent(db: &TestStore) -> (World, Outside) {
    let (world, outside) = (World::new(db).await, Outside::default());
    let unit = world.test.app.store.tenant(world.tenant).write().await.unwrap();
    assert!(unit.complete_setup(PlatformMode::Single, world.test.app.now()).await.unwrap());
    unit.commit().await.unwrap();
    world.policy(auto(), PERMIT_ALL).await;
    world.policy(auto(), PERMIT_ALL).await;
    send(&world, &outside).await;
    (world, outside)
}

async fn send(world: &World, outside: &Outside) -> u64 {
    let app = &world.test.app;
    app.store.seal(world.tenant).await.unwrap();
    let key = SigningKey::from_bytes(&[1; 32]);
    heads::send_out(&app.store, &key, outside, app.now()).await.unwrap()
}

/// Two more tenants beside that of `world`, the master's children; all three have an entry to seal. The chain of the one
/// in the middle can't be gone on with, for its last hash is none.
async fn with_a_broken_one_in_the_midst(db: &TestStore, world: &World) -> TenantId {
    let broken = World::beside(world.test.clone(), 2).await;
    let sound = World::beside(world.test.clone(), 3).await;
    for one in [world, &broken, &sound] {
        one.policy(auto(), PERMIT_ALL).await;
    }
    audit::seal_all(&db.store).await.unwrap();
    let (id, master, none) = match db.store.backend() {
        Backend::Sqlite => (
            format!("x'{}'", broken.tenant.uuid().simple()),
            format!("x'{}'", world.tenant.uuid().simple()),
            "x'00'",
        ),
        Backend::Postgres => (format!("'{}'", broken.tenant), format!("'{}'", world.tenant), "'\\x00'"),
    };
    db.tamper(&format!(
        "UPDATE audit_entry SET hash = {none} WHERE tenant_id = {id};
         UPDATE tenant SET parent_id = {master} WHERE id <> {master};"
    ))
    .await;
    for one in [world, &broken, &sound] {
        one.policy(auto(), PERMIT_ALL).await;
    }
    broken.tenant
}

on_both_databases! {
    async fn a_chain_that_can_not_go_on_keeps_no_other_from_being_sealed(db: &TestStore) {
        let (world, _) = sent(db).await;
        let broken = with_a_broken_one_in_the_midst(db, &world).await;
        let went = audit::seal_all(&db.store).await;
        assert!(matches!(went, Err(StoreError::Corrupt { .. })), "{went:?}");
        let waiting = db.store.unwalled().read().await.unwrap().tenants_with_unsealed().await.unwrap();
        assert_eq!(waiting, [broken]);
    }

    async fn a_chain_without_a_head_keeps_no_other_head_from_leaving(db: &TestStore) {
        let (world, outside) = sent(db).await;
        with_a_broken_one_in_the_midst(db, &world).await;
        let app = &world.test.app;
        let key = SigningKey::from_bytes(&[1; 32]);
        let went = heads::send_out(&app.store, &key, &outside, app.now()).await;
        assert!(matches!(went, Err(HeadsError::Store(StoreError::Corrupt { .. }))), "{went:?}");
        assert_eq!(outside.sequences(), [2, 3, 1]);
    }

    async fn a_head_leaves_once(db: &TestStore) {
        let (world, outside) = sent(db).await;
        assert_eq!(send(&world, &outside).await, 0);
        world.policy(auto(), PERMIT_ALL).await;
        assert_eq!(send(&world, &outside).await, 1);
        assert_eq!(outside.sequences(), [2, 3]);
    }

    async fn a_chain_that_is_shorter_than_its_head_sends_one_all_the_same(db: &TestStore) {
        let (world, outside) = sent(db).await;
        db.tamper("DELETE FROM audit_entry WHERE sequence > 1").await;
        assert_eq!(send(&world, &outside).await, 1);
        assert_eq!(outside.sequences(), [2, 1]);
    }

    async fn a_chain_that_is_another_than_its_head_sends_one_all_the_same(db: &TestStore) {
        let (world, outside) = sent(db).await;
        db.tamper("DELETE FROM audit_entry WHERE sequence > 1").await;
        world.policy(auto(), PERMIT_ALL).await;
        assert_eq!(send(&world, &outside).await, 1);
        assert_eq!(outside.sequences(), [2, 2]);
        let lines = outside.0.lock().clone();
        assert_ne!(lines[0], lines[1]);
    }
}
