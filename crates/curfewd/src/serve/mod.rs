//! The server: put together, then run on a port until it is told to stop.

mod background;
mod error;
mod heads_file;
mod listen;
mod loops;
mod open;
mod patient;
mod wiring;

use std::sync::Arc;
use std::time::Duration;

use curfew_app::App;
use curfew_domain::Timestamp;
use curfew_http::{EdgeSettings, MetricsPage};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use error::ServeError;
pub(crate) use open::{check_is_there, migrate, open_as_it_is};
pub use wiring::{ServerClock, Wiring};

use crate::config::{Config, SigningKey};
use background::Background;
use heads_file::HeadsFile;
use listen::Places;
use open::Opened;

/// How long requests that are under way may take after the server was told to stop. This and the two below are less than
/// 30 s together: then whoever stops it kills it (docs/operations.md).
const LAST_ANSWERS: Duration = Duration::from_secs(15);

/// How long the loops may take to hand over after that.
const LAST_WORK: Duration = Duration::from_secs(7);

/// How long it may take to seal what was written meanwhile, and to close the database.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// A server that is ready to take its port: settings, secrets, database and schema are in order.
pub struct Server {
    config: Config,
    app: Arc<App>,
    clock: ServerClock,
    signing: SigningKey,
    heads: Arc<HeadsFile>,
    metrics: MetricsPage,
    reconciles: bool,
}

/// Puts a server together and runs it on `listener` until `shutdown`.
///
/// Tests and the demo call it in their own process, with a clock, an AWS and a port of their own. Nothing global is
/// touched but the collector of metrics, which all servers of a process share.
pub async fn serve(
    config: Config,
    wiring: Wiring,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    Server::prepare(config, wiring).await?.run(listener, shutdown).await
}

impl Server {
    /// Opens everything but the port.
    pub async fn prepare(config: Config, wiring: Wiring) -> Result<Self, ServeError> {
        let metrics = MetricsPage::install()?;
        let reconciles = wiring.reconciles;
        let Opened { app, clock, signing, heads } = open::open(&config, wiring).await?;
        Ok(Self { config, app: Arc::new(app), clock, signing, heads: Arc::new(heads), metrics, reconciles })
    }

    /// The use cases' own: for whoever runs a server in their process.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Takes it that it is later than `moment`, whatever this machine's clock says.
    pub(crate) fn not_before(&self, moment: Timestamp) {
        self.clock.not_before(moment);
    }

    /// Works with what the server would, without serving; then keeps the clock, seals the log, and closes the database.
    pub(crate) async fn while_open<T>(self, work: impl AsyncFnOnce(&Arc<App>) -> T) -> T {
        loops::keep_clock(&self.app, &self.clock).await;
        let worked = work(&self.app).await;
        self.close().await;
        worked
    }

    /// Serves until `shutdown`: then takes no more connections, finishes what is under way, hands over its leases,
    /// seals the audit log, and closes the database.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
        let settings = EdgeSettings {
            requests_a_minute: self.config.requests_a_minute,
            over_tls: self.config.public.console.is_secure(),
            trusted_proxies: self.config.trusted_proxies.clone(),
            ..EdgeSettings::default()
        };
        self.warn_of_a_nameless_proxy();
        let router = curfew_http::router(Arc::clone(&self.app), &settings, self.metrics.clone());
        loops::keep_clock(&self.app, &self.clock).await;
        let background = Background::new(shutdown.clone());
        loops::start(&background, &self);
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, reconciles = self.reconciles, "server is listening");
        }
        let places = Places::new(self.config.trusted_proxies.clone());
        let answered = listen::listen(listener, router, places, shutdown, LAST_ANSWERS).await;
        let handed_over = background.end(LAST_WORK).await;
        // A database that says nothing would be waited for by all three, each in its own way.
        let closed = tokio::time::timeout(LAST_WORDS, self.close()).await.is_ok();
        tracing::info!(answered, handed_over, closed, "server stopped");
        Ok(())
    }

    async fn close(&self) {
        loops::finish(self).await;
        self.app.store.close().await;
    }

    /// TLS is a proxy's work: a server that is reached over it has one before it.
    fn warn_of_a_nameless_proxy(&self) {
        if self.config.public.console.is_secure() && self.config.trusted_proxies.is_empty() {
            tracing::warn!(
                "PUBLIC_URL is https, and CURFEW_TRUSTED_PROXIES names no proxy: all callers have the proxy's address"
            );
        }
    }
}
