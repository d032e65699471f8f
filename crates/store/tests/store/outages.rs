//! The database going away, and the disk filling up.

use std::time::Duration;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::testing::SeededEntropy;
use curfew_domain::{Actor, TenantId, Timestamp};
use curfew_store::testing::{PostgresDatabase, TestStore, World};
use curfew_store::{Store, StoreError, StoreOptions, TimeLimits, in_time};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A door before PostgreSQL: closed, it drops all connections and refuses new ones, as a stopped server does. Those that
/// are forgotten are neither dropped nor served, as after a failover that moves the server's address.
struct Door {
    port: u16,
    server: String,
    open: Option<JoinHandle<()>>,
    forgotten: watch::Sender<()>,
}

impl Door {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let forgotten = watch::Sender::new(());
        let open = Some(tokio::spawn(forward(listener, server.clone(), forgotten.clone())));
        Self { port, server, open, forgotten }
    }

    /// The URL that leads through it.
    fn before_url(&self, url: &str) -> String {
        url.replace(&self.server, &format!("127.0.0.1:{}", self.port))
    }

    /// No byte passes any more on the connections that there are.
    fn forget_connections(&self) {
        self.forgotten.send_replace(());
    }

    async fn close(&mut self) {
        let task = self.open.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    async fn reopen(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.open = Some(tokio::spawn(forward(listener, self.server.clone(), self.forgotten.clone())));
    }
}

/// Forwards until it is aborted; its connections end with it.
async fn forward(listener: TcpListener, server: String, forgotten: watch::Sender<()>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let server = server.clone();
        let mut forgotten = forgotten.subscribe();
        connections.spawn(async move {
            let mut behind = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut behind) => {}
                _ = forgotten.changed() => std::future::pending().await,
            }
        });
    }
}

#[tokio::test]
async fn postgresql_stopped_and_started_again_under_a_pool_is_an_outage_and_no_more() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let url = database.url();
    let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
    let mut door = Door::before(address.clone()).await;
    let through = door.before_url(&url);
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

#[tokio::test]
async fn a_postgresql_that_goes_silent_takes_no_place_of_the_pool_with_it() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let address = database.url().split(['@', '/']).nth(3).unwrap().to_owned();
    let door = Door::before(address).await;
    let options = StoreOptions { max_connections: 2, ..StoreOptions::new(door.before_url(&database.url())) };
    let store = Store::open(options).await.unwrap();
    store.migrate().await.unwrap();
    let (one, other) = (store.unwalled().write().await.unwrap(), store.unwalled().read().await.unwrap());

    door.forget_connections();
    let moment = Duration::from_millis(100);
    let asked = in_time(moment, one.keep_clock(Timestamp::from_micros(1))).await;
    assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    let asked = in_time(moment, other.installation()).await;
    assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    drop((one, other));

    let again = async {
        while store.unwalled().read().await.is_err() {}
        let (_one, other) = (store.unwalled().write().await.unwrap(), store.unwalled().read().await.unwrap());
        other.installation().await.unwrap().kept_clock
    };
    let kept = tokio::time::timeout(Duration::from_mins(1), again).await;
    assert_eq!(kept.expect("there is room in the pool again"), Timestamp::from_micros(0));
}

/// The same database for a node that is held to these limits.
async fn limited(database: &PostgresDatabase, time_limits: TimeLimits) -> Store {
    let store = Store::open(StoreOptions { time_limits, ..StoreOptions::new(database.url()) }).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[tokio::test]
async fn a_lock_that_another_node_holds_is_not_waited_for_without_end() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let impatient = TimeLimits { lock: Duration::from_millis(100), ..TimeLimits::default() };
    let store = limited(&database, impatient).await;
    let holds = store.unwalled().write().await.unwrap();
    holds.keep_clock(Timestamp::from_micros(1)).await.unwrap();
    let wants = store.unwalled().write().await.unwrap();
    let refused = wants.keep_clock(Timestamp::from_micros(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_unit_of_which_nothing_is_heard_is_ended_by_postgresql_and_its_locks_with_it() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let store = limited(&database, TimeLimits::default()).await;
    let short = TimeLimits { idle_unit: Duration::from_millis(100), ..TimeLimits::default() };
    let silent = limited(&database, short).await.unwalled().write().await.unwrap();
    silent.keep_clock(Timestamp::from_micros(1)).await.unwrap();
    let wants = store.unwalled().write().await.unwrap();
    wants.keep_clock(Timestamp::from_micros(2)).await.unwrap();
    wants.commit().await.unwrap();
    let ended = silent.commit().await;
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
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
