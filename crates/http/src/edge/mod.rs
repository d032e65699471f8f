//! What surrounds every route: limits, the request id, the log line, metrics, and the rendering of faults.

mod body;
mod crowd;
mod frame;
mod limits;
mod proxies;
mod quota;
mod request_id;
mod turn;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::Extensions;
use axum::middleware::from_fn_with_state;
use curfew_domain::{Clock, CredentialId, Entropy};
use tokio::sync::Semaphore;

pub use crowd::{Crowd, Place};
pub use proxies::TrustedProxies;
pub use request_id::RequestId;

use crate::ApiError;
use quota::{Neighbourhood, Quota};

/// How much the edge lets through.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Requests a minute for one credential and, tenfold, for one address; none for no limit.
    pub requests_a_minute: Option<NonZeroU32>,
    /// Requests that are worked on at a time; more are answered 503 at once.
    pub at_a_time: usize,
    /// How many of those may be one address's; more are answered 429.
    pub at_a_time_for_one: usize,
    /// How long one request may take.
    pub patience: Duration,
    /// Whether the server is reached over TLS (`PUBLIC_URL` is https), so that browsers may be told to insist on it.
    pub over_tls: bool,
    /// The proxies that say truly whom a request comes from.
    pub trusted_proxies: TrustedProxies,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            requests_a_minute: NonZeroU32::new(1_200),
            at_a_time: 512,
            at_a_time_for_one: 128,
            // The slowest operation, the connection test, takes 15 s at most (product.md).
            patience: Duration::from_secs(30),
            over_tls: false,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// How many times as much one address may ask as one credential: an office shares an address.
const ADDRESS_FACTOR: u32 = 10;

/// The edge's own state, shared by all requests.
pub(crate) struct Edge {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    addresses: Option<Quota<Neighbourhood>>,
    credentials: Option<Quota<CredentialId>>,
    turns: Semaphore,
    crowd: Arc<Crowd>,
    patience: Duration,
    over_tls: bool,
    trusted_proxies: TrustedProxies,
}

impl Edge {
    pub(crate) fn new(settings: &EdgeSettings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let quota = |factor| settings.requests_a_minute.map(|n| n.saturating_mul(factor));
        let one = NonZeroU32::MIN;
        let tenfold = one.saturating_add(ADDRESS_FACTOR - 1);
        Self {
            addresses: quota(tenfold).map(|n| Quota::a_minute(n, Arc::clone(&clock))),
            credentials: quota(one).map(|n| Quota::a_minute(n, Arc::clone(&clock))),
            turns: Semaphore::new(settings.at_a_time),
            crowd: Crowd::of(settings.at_a_time_for_one),
            patience: settings.patience,
            over_tls: settings.over_tls,
            trusted_proxies: settings.trusted_proxies.clone(),
            clock,
            entropy,
        }
    }

    /// Counts one request of a credential that was found good. Made-up credentials are counted by address alone.
    pub(crate) fn count_credential(&self, credential: CredentialId) -> Result<(), ApiError> {
        self.credentials.as_ref().map_or(Ok(()), |quota| quota.take(&credential))
    }
}

/// Puts the edge around `routes`. Requests pass from the last layer here to the first.
pub(crate) fn surround(routes: Router, edge: &Arc<Edge>) -> Router {
    routes
        .layer(from_fn_with_state(Arc::clone(edge), turn::take_turn))
        .layer(from_fn_with_state(Arc::clone(edge), limits::check))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(frame::panicked))
        .layer(from_fn_with_state(Arc::clone(edge), frame::frame))
}

/// Where the request comes from, where the server knows it: found once, by the outermost layer.
pub(crate) fn source_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Source>().map(|Source(address)| *address)
}

/// The address that is on the other side of the connection, or that trusted proxies name.
#[derive(Debug, Clone, Copy)]
struct Source(IpAddr);

impl Source {
    fn of(edge: &Edge, request: &Request) -> Option<Self> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        Some(Self(edge.trusted_proxies.source(peer.ip(), request.headers())))
    }
}

/// Probes and scrapes are answered whatever the load is: they tell of it.
pub(crate) fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

#[cfg(test)]
mod tests;
