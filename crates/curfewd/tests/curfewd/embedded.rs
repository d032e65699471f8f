//! The server as a library, within another program.

use std::sync::Arc;

use async_trait::async_trait;
use curfew_app::credentials::password::PresentedPassword;
use curfew_app::login::{self, SignIn};
use curfew_app::testing::{PASSWORD, TestApp, TestParts};
use curfew_app::{App, setup};
use curfew_aws::{AwsError, KeyRefused, MacKeys};
use curfew_domain::testing::{SeededEntropy, TestClock};
use curfew_domain::{KmsKeyName, PlatformMode, Region, SessionKind, Timestamp};
use curfewd::{Config, MonotonicWall, Server, ServerClock, Source, Wiring, serve};
use secrecy::{SecretSlice, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::program::Place;

/// Completes the first run on the database of `place`, while no server runs there.
pub(crate) async fn set_up(place: &Place, settings: &[(&str, &str)]) {
    let app = app_of(place, settings).await;
    setup::complete(&app, TestApp::first_run(PlatformMode::Single), None).await.unwrap();
    app.store.close().await;
}

/// Has the admin sign in, while no server runs: the log grows.
pub(crate) async fn sign_in(place: &Place) {
    assert!(try_to_sign_in(place, PASSWORD).await);
}

/// Has the admin try to, with this password: the log grows too, by something else.
pub(crate) async fn try_to_sign_in(place: &Place, password: &str) -> bool {
    let app = app_of(place, &[]).await;
    let ask = SignIn {
        email: "root@acme.example".parse().unwrap(),
        password: PresentedPassword::new(&SecretString::from(password)),
        tenant: Some("acme".parse().unwrap()),
        kind: SessionKind::Bearer,
        source: None,
    };
    let signed_in = login::sign_in(&app, ask).await.is_ok();
    app.store.close().await;
    signed_in
}

async fn app_of(place: &Place, settings: &[(&str, &str)]) -> Arc<App> {
    let mut source = Source::default();
    source.set("DATABASE_URL", &format!("sqlite://{}", place.path("curfew.db").display()));
    for (name, value) in settings {
        source.set(name, value);
    }
    let config = Config::read(&source).unwrap();
    Arc::clone(Server::prepare(config, wiring(&Arc::default())).await.unwrap().app())
}

/// A KMS without a key.
struct NoKeys;

#[async_trait]
impl MacKeys for NoKeys {
    async fn hmac_sha_256(
        &self,
        _: &KmsKeyName,
        _: &Region,
        _: &[u8],
    ) -> Result<SecretSlice<u8>, KeyRefused> {
        Err(KeyRefused::NotFound(AwsError::out_of_time("kms:GenerateMac")))
    }
}

fn wiring(clock: &Arc<TestClock>) -> Wiring {
    Wiring {
        clock: ServerClock::Given(Arc::clone(clock) as _),
        entropy: Arc::new(SeededEntropy::new(7)),
        aws: TestParts::default().aws,
        keys: Arc::new(NoKeys),
        reconciles: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_run_in_one_process_each_with_its_own_clock_and_port() {
    let directory = tempfile::tempdir().unwrap();
    let mut running = Vec::new();
    for name in ["one", "two"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut source = Source::default();
        source.set("DATABASE_URL", &format!("sqlite://{}/{name}.db", directory.path().display()));
        source.set("SERVER_PORT", &address.port().to_string());
        let config = Config::read(&source).unwrap();
        let clock = Arc::new(TestClock::default());
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(config, wiring(&clock), listener, shutdown.clone()));
        running.push((format!("http://{address}"), server, shutdown));
    }
    for (url, _, _) in &running {
        let alive = reqwest::get(format!("{url}/healthz")).await.unwrap();
        assert_eq!(alive.status(), 200);
    }
    for (url, server, shutdown) in running {
        shutdown.cancel();
        server.await.unwrap().unwrap();
        assert!(reqwest::get(format!("{url}/healthz")).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_from_the_clock_that_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let mut source = Source::default();
    source.set("DATABASE_URL", &format!("sqlite://{}/curfew.db", directory.path().display()));
    let ahead = Arc::new(TestClock::at(Timestamp::from_micros(4_000_000_000_000_000)));
    run_once(&source, ServerClock::Given(ahead), |_| {}).await;
    let clock = Arc::new(MonotonicWall::from_system(Timestamp::from_micros(0)));
    run_once(&source, ServerClock::System(clock), |app| {
        assert!(app.now() > Timestamp::from_micros(4_000_000_000_000_000));
        assert!(app.check_deciding().is_err(), "the wall is decades behind: nothing new is decided");
    })
    .await;
}

/// Runs a server from its start to its stop; `look` is called once it answers.
async fn run_once(source: &Source, clock: ServerClock, look: impl FnOnce(&App)) {
    let config = Config::read(source).unwrap();
    let mut wiring = wiring(&Arc::new(TestClock::default()));
    wiring.clock = clock;
    let server = Server::prepare(config, wiring).await.unwrap();
    let app = Arc::clone(server.app());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/healthz", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(listener, shutdown.clone()));
    assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
    look(&app);
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
