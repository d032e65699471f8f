//! The database going away, and the disk filling up.

use std::time::Duration;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::testing::SeededEntropy;
use curfew_domain::{Actor, TenantId, Timestamp};
use curfew_store::testing::{PostgresDatabase, TestStore, World};
use curfew_store::{Store, StoreError, StoreOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A door before PostgreSQL: closed, it drops all connections and refuses new ones, as a stopped server does.
struct Door {
    port: u16,
    server: String,
    open: Option<JoinHandle<()>>,
}

impl Door {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Some(tokio::spawn(forward(listener, server.clone())));
        Self { port, server, open }
    }

    async fn close(&mut self) {
        let task = self.open.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    async fn reopen(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.open = Some(tokio::spawn(forward(listener, self.server.clone())));
    }
}

/// Forwards until it is aborted; its connections end with it.
async fn forward(listener: TcpListener, server: String) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let server = server.clone();
        connections.spawn(async move {
            let mut behind = TcpStream::connect(server).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut behind).await;
        });
    }
}

#[tokio::test]
async fn postgresql_stopped_and_started_again_under_a_pool_is_an_outage_and_no_more() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let url = database.url();
    let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
    let mut door = Door::before(address.clone()).await;
    let through = url.replace(&address, &format!("127.0.0.1:{}", door.port));
    let patience = Duration::from_millis(500);
    let options = StoreOptions { acquire_timeout: Some(patience), ..StoreOptions::new(through) };
    let store = Store::open(options).await.unwrap();
    store.migrate().await.unwrap();
    let unfinished = store.unwalled().write().await.unwrap();
    unfinished.keep_clock(Timestamp::from_micros(1)).await.unwrap();
    // Several connections in the pool, all of which the outage breaks.
    let mut units = Vec::new();
    for _ in 0..5 {
        units.push(store.unwalled().read().await.unwrap());
    }
    drop(units);

    door.close().await;
    assert!(matches!(unfinished.commit().await, Err(StoreError::Unavailable(_))));
    for _ in 0..2 {
        let error = store.unwalled().read().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    }

    door.reopen().await;
    for _ in 0..8 {
        let installation = store.unwalled().read().await.unwrap().installation().await.unwrap();
        assert_eq!(installation.kept_clock, Timestamp::from_micros(0), "what was not committed is kept");
    }
}

async fn record(
    store: &Store,
    tenant: TenantId,
    length: usize,
    entropy: &SeededEntropy,
) -> Result<(), StoreError> {
    let entry = NewEntry::new(Actor::System, AuditAction::GrantCreated, "grant", "g")
        .with_personal("reason", "x".repeat(length));
    let unit = store.tenant(tenant).write().await?;
    unit.record(entry, Timestamp::from_micros(1), entropy).await?;
    unit.commit().await
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_over_when_there_is_room() {
    let db = TestStore::sqlite().await;
    let world = World::new(&db);
    let tenant = world.tenant("acme").await;
    let TestStore { store, url, .. } = &db;
    store.close().await;
    let entropy = &world.entropy;

    // As small as it is now: the next page is one too many.
    let full = db.reopen(StoreOptions { sqlite_max_pages: Some(1), ..StoreOptions::new(url) }).await;
    let mut kept = 0;
    let error = loop {
        match record(&full, tenant, 10_000, entropy).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1_000, "the disk never fills");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    // Reading goes on, and the writer is not stuck.
    let unit = full.tenant(tenant).read().await.unwrap();
    assert!(unit.this_tenant().await.unwrap().is_some());
    drop(unit);
    assert!(matches!(record(&full, tenant, 10_000, entropy).await, Err(StoreError::Full(_))));
    let small = full.unwalled().write().await.unwrap();
    small.keep_clock(Timestamp::from_micros(5)).await.unwrap();
    small.commit().await.unwrap();
    full.close().await;
    drop(full);

    let roomy = db.reopen(StoreOptions::new(url)).await;
    record(&roomy, tenant, 10_000, entropy).await.unwrap();
    assert_eq!(roomy.seal(tenant).await.unwrap(), kept + 1);
}
