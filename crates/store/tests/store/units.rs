//! Units that write at the same time. SQLite has one writer, and those who wait for it share a commit.

use std::sync::Arc;
use std::task::Poll;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::testing::SeededEntropy;
use curfew_domain::{Actor, TenantId, Timestamp};
use curfew_store::testing::{TestStore, World};
use curfew_store::{Backend, Store, StoreError, StoreOptions, WriteUnit, on_both_databases};
use tokio::task::JoinSet;

async fn record(unit: &WriteUnit, about: &str) -> Result<(), StoreError> {
    // Its id is of a moment of its own, since the randomness is the same for all.
    let entropy = SeededEntropy::new(about.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte)));
    let entry = NewEntry::new(Actor::System, AuditAction::GrantCreated, "grant", about);
    unit.record(entry, Timestamp::from_micros(1), &entropy).await.map(drop)
}

async fn write(store: Store, tenant: TenantId, about: String) -> Result<(), StoreError> {
    let unit = store.tenant(tenant).write().await?;
    record(&unit, &about).await?;
    unit.commit().await
}

on_both_databases! {
    async fn all_who_write_at_once_are_kept(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        let mut writers = JoinSet::new();
        for number in 0..40 {
            writers.spawn(write(db.store.clone(), tenant, format!("g{number}")));
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap().unwrap();
        }
        assert_eq!(db.store.seal(tenant).await.unwrap(), 40);
    }

    async fn what_is_undone_takes_nothing_of_the_others_with_it(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        let mut writers = JoinSet::new();
        for number in 0..40 {
            let store = db.store.clone();
            writers.spawn(async move {
                if number % 4 == 0 {
                    let unit = store.tenant(tenant).write().await?;
                    record(&unit, &format!("g{number}")).await?;
                    drop(unit);
                    return Ok(());
                }
                write(store, tenant, format!("g{number}")).await
            });
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap().unwrap();
        }
        assert_eq!(db.store.seal(tenant).await.unwrap(), 30);
    }

    async fn whoever_waits_for_the_connection_is_let_by_before_those_who_would_share_it(db: &TestStore) {
        // SQLite has one writer anyway.
        if db.store.backend() == Backend::Sqlite {
            return;
        }
        let tenant = World::new(db).tenant("acme").await;
        let first = db.store.tenant(tenant).write().await.unwrap();
        first.hold_connection().await.unwrap();
        let store = db.store.clone();
        let lockdown = tokio::spawn(async move {
            let unit = store.tenant(tenant).write().await.unwrap();
            unit.lock_connection().await.unwrap();
            unit
        });
        let waiting = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while db.ask(waiting).await != "1" {
            tokio::task::yield_now().await;
        }
        let store = db.store.clone();
        let later = tokio::spawn(async move {
            let unit = store.tenant(tenant).write().await.unwrap();
            unit.hold_connection().await.unwrap();
        });
        while db.ask(waiting).await != "2" {
            tokio::task::yield_now().await;
            assert!(!later.is_finished(), "it went past whoever waits");
        }
        drop(first);
        let lockdown = lockdown.await.unwrap();
        assert!(!later.is_finished());
        drop(lockdown);
        later.await.unwrap();
    }

    async fn whoever_goes_while_their_unit_begins_leaves_nothing_open(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        if db.store.backend() == Backend::Sqlite {
            return;
        }
        let one = db.reopen(StoreOptions { max_connections: 1, ..StoreOptions::new(&db.url) }).await;
        for polls in 0..400 {
            let store = one.clone();
            let mut beginning = Box::pin(async move { store.tenant(tenant).read().await.map(drop) });
            for _ in 0..polls {
                let begun =
                    std::future::poll_fn(|context| Poll::Ready(beginning.as_mut().poll(context).is_ready()));
                if begun.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(beginning);
            // In a transaction that was left open this would be its first statement, and the unit not at its beginning.
            one.ping().await.unwrap();
            drop(one.tenant(tenant).read().await.unwrap());
        }
    }

    async fn a_unit_is_seen_by_all_as_soon_as_it_is_kept(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        for number in 1..=20 {
            let unit = db.store.unwalled().write().await.unwrap();
            unit.keep_clock(Timestamp::from_micros(number)).await.unwrap();
            unit.commit().await.unwrap();
            let seen = db.store.unwalled().read().await.unwrap().installation().await.unwrap();
            assert_eq!(seen.kept_clock, Timestamp::from_micros(number));
        }
        assert_eq!(db.store.seal(tenant).await.unwrap(), 0);
    }

    async fn who_goes_away_while_their_unit_begins_takes_nothing_of_the_others_with_it(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        let mut kept = 0;
        for polls in (1..=8).cycle().take(80) {
            // Both wait for one before them, and so share a commit; the second goes away after so many steps.
            let before = db.store.tenant(tenant).write().await.unwrap();
            let first = tokio::spawn(write(db.store.clone(), tenant, format!("g{kept}")));
            let store = db.store.clone();
            let leaving = tokio::spawn(async move {
                let tenant = store.tenant(tenant);
                let (mut second, mut polled) = (std::pin::pin!(tenant.write()), 0);
                std::future::poll_fn(|context| {
                    polled += 1;
                    let begun = second.as_mut().poll(context).is_ready();
                    if begun || polled == polls { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            });
            tokio::task::yield_now().await;
            before.commit().await.unwrap();
            kept += u64::from(first.await.unwrap().is_ok());
            leaving.await.unwrap();
        }
        assert_eq!(db.store.seal(tenant).await.unwrap(), kept, "what somebody was told of is kept");
    }

    async fn who_gives_up_waiting_keeps_nobody_from_writing(db: &TestStore) {
        let tenant = World::new(db).tenant("acme").await;
        let first = db.store.tenant(tenant).write().await.unwrap();
        record(&first, "first").await.unwrap();
        let waiting = tokio::spawn(write(db.store.clone(), tenant, "impatient".to_owned()));
        tokio::task::yield_now().await;
        waiting.abort();
        let _ = waiting.await;
        first.commit().await.unwrap();
        write(db.store.clone(), tenant, "last".to_owned()).await.unwrap();
        assert!(db.store.seal(tenant).await.unwrap() >= 2, "the impatient one may have come through on PostgreSQL");
    }
}

/// Some errors make SQLite undo the whole transaction by itself, that of those who wrote before too.
#[tokio::test]
async fn nobody_is_told_of_success_when_sqlite_undid_everything_and_writing_goes_on() {
    let db = TestStore::sqlite().await;
    let tenant = World::new(&db).tenant("acme").await;
    db.tamper(
        "CREATE TRIGGER undo_everything BEFORE INSERT ON audit_entry WHEN NEW.resource_id = 'poison'
         BEGIN SELECT RAISE(ROLLBACK, 'everything is undone'); END",
    )
    .await;
    let told = Arc::new(std::sync::Mutex::new(0));
    for round in 0..10 {
        let mut writers = JoinSet::new();
        for number in 0..8 {
            let (store, told) = (db.store.clone(), Arc::clone(&told));
            let about = if number == 4 { "poison".to_owned() } else { format!("r{round}n{number}") };
            writers.spawn(async move {
                let written = write(store, tenant, about.clone()).await;
                assert!(written.is_err() || about != "poison");
                *told.lock().unwrap() += u64::from(written.is_ok());
            });
        }
        writers.join_all().await;
    }
    write(db.store.clone(), tenant, "after".to_owned()).await.unwrap();
    let told = *told.lock().unwrap() + 1;
    let TestStore { store, url, .. } = &db;
    store.close().await;
    let again = db.reopen(StoreOptions::new(url)).await;
    let kept = again.seal(tenant).await.unwrap();
    assert_eq!(kept, told, "what somebody was told of is kept, and nothing else");
}
