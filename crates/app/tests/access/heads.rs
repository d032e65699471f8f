//! Heads that leave the database, and what is done when the log contradicts them.

use curfew_app::audit::heads::{self, HeadLine, HeadSink};
use curfew_domain::PlatformMode;
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
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

on_both_databases! {
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
