//! Counts of tries to sign in, while they are being forgotten.

use std::time::Duration;

use curfew_domain::Timestamp;
use curfew_store::keyring::{KeyId, KeyedHash};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
use curfew_store::{LoginTries, TriesOf};

const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

fn keys() -> [(TriesOf, KeyedHash); 2] {
    let hash = |byte| KeyedHash { key: KeyId::from_u32(1), digest: [byte; 32] };
    [(TriesOf::Pair, hash(7)), (TriesOf::Account, hash(8))]
}

/// Counts that nobody needs any more.
async fn keep_old_counts(db: &TestStore) {
    let unit = db.store.unwalled().write().await.unwrap();
    let kept = unit.lock_login_tries(&keys(), NOW).await.unwrap();
    let wrong: Vec<_> = kept.into_iter().map(|one| LoginTries { failures: 3, ..one }).collect();
    unit.save_login_tries(&wrong).await.unwrap();
    unit.commit().await.unwrap();
}

on_both_databases! {
    async fn counts_are_forgotten_when_their_time_has_come(db: &TestStore) {
        keep_old_counts(db).await;
        let unit = db.store.unwalled().write().await.unwrap();
        let before = Timestamp::from_micros(NOW.micros() - 1);
        assert_eq!(unit.forget_login_tries(before).await.unwrap(), 0);
        assert_eq!(unit.forget_login_tries(NOW).await.unwrap(), 2);
        let anew = unit.lock_login_tries(&keys(), NOW).await.unwrap();
        assert_eq!(anew.iter().map(|one| one.failures).collect::<Vec<_>>(), [0, 0]);
    }
}

// SQLite's one writer never meets another: what follows can happen on PostgreSQL alone.

#[tokio::test]
async fn a_login_waits_for_the_tidying_of_its_count_and_makes_it_anew() {
    let Some(db) = TestStore::postgres().await else { return };
    keep_old_counts(&db).await;
    let tidying = db.store.unwalled().write().await.unwrap();
    assert_eq!(tidying.forget_login_tries(NOW).await.unwrap(), 2);
    let store = db.store.clone();
    let mut login = tokio::spawn(async move {
        let unit = store.unwalled().write().await.unwrap();
        unit.lock_login_tries(&keys(), NOW).await
    });
    let early = tokio::time::timeout(Duration::from_millis(300), &mut login).await;
    assert!(early.is_err(), "{early:?}");
    tidying.commit().await.unwrap();
    let counts = login.await.unwrap().unwrap();
    assert_eq!(counts.iter().map(|one| one.failures).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn tidying_leaves_alone_what_a_login_has_in_hand() {
    let Some(db) = TestStore::postgres().await else { return };
    keep_old_counts(&db).await;
    let login = db.store.unwalled().write().await.unwrap();
    login.lock_login_tries(&keys()[..1], NOW).await.unwrap();
    let tidying = db.store.unwalled().write().await.unwrap();
    let forgotten = tokio::time::timeout(Duration::from_secs(20), tidying.forget_login_tries(NOW));
    assert_eq!(forgotten.await.expect("it does not wait").unwrap(), 1);
}
