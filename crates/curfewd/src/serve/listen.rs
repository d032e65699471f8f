//! Taking connections, and letting them go.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use curfew_http::{Crowd, TrustedProxies};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::patient::Patient;

/// Connections at a time; the next ones wait in the system's queue.
const CONNECTIONS: usize = 2_048;

/// How many of those may be one address's; more are closed at once. Trusted proxies have as many as they like.
const CONNECTIONS_FOR_ONE: usize = 512;

/// How long a caller may leave an answer where it is: who asks and does not read holds nothing for longer.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a caller may take to send a request's head: idle and slow connections hold nothing for longer.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// The most that is read of a head. The edge refuses far less, in words; this ends what is absurd.
const HEAD_BYTES: usize = 128 * 1024;
const HEAD_FIELDS: usize = 128;

/// How long to wait when the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Room for connections.
pub(super) struct Places {
    all: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    trusted_proxies: TrustedProxies,
}

/// One connection's room.
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_one: Option<curfew_http::Place>,
}

impl Places {
    pub(super) fn new(trusted_proxies: TrustedProxies) -> Self {
        Self::of(CONNECTIONS, CONNECTIONS_FOR_ONE, trusted_proxies)
    }

    fn of(all: usize, for_one: usize, trusted_proxies: TrustedProxies) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), crowd: Crowd::of(for_one), trusted_proxies }
    }

    /// Room for a connection from `source`; none when there are too many from there.
    fn take(&self, of_all: OwnedSemaphorePermit, source: IpAddr) -> Option<Place> {
        let trusted = self.trusted_proxies.contains(source);
        let of_one = if trusted { None } else { Some(self.crowd.enter(source)?) };
        Some(Place { _of_all: of_all, _of_one: of_one })
    }
}

/// Answers connections of `listener` with `router` until `shutdown`, then finishes what is under way, for at most
/// `deadline`. Says whether everything was finished.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    places: Places,
    shutdown: CancellationToken,
    deadline: Duration,
) -> bool {
    let connections = TaskTracker::new();
    while let Some((stream, source, place)) = next(&listener, &places, &shutdown).await {
        let router = router.clone();
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            converse(stream, source, router, shutdown).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    tokio::time::timeout(deadline, connections.wait()).await.is_ok()
}

/// The next connection, once there is a place for it; none at shutdown.
async fn next(
    listener: &TcpListener,
    places: &Places,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let accepting = async {
        loop {
            let of_all = Arc::clone(&places.all).acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, source)) => {
                    if let Some(place) = places.take(of_all, source.ip()) {
                        return Some((stream, source, place));
                    }
                    tracing::debug!(%source, "too many connections from one address");
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = accepting => accepted,
    }
}

/// Answers one connection's requests. After `shutdown` the request under way is the last.
async fn converse(stream: TcpStream, source: SocketAddr, router: Router, shutdown: CancellationToken) {
    // Answers are small and whole: waiting to fill a packet only makes them late.
    let _ = stream.set_nodelay(true);
    let service =
        hyper::service::service_fn(move |request: Request<Incoming>| answer(router.clone(), source, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_PATIENCE)), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %source, "a connection broke off");
    }
}

async fn answer(
    router: Router,
    source: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(source));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;

    use super::*;

    /// A connection from one of this machine's own addresses.
    async fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(to).await.unwrap()
    }

    async fn answer_on(stream: &mut TcpStream) -> String {
        // A connection that was closed at once may refuse to be written to.
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn one_address_that_holds_its_connections_leaves_room_for_others_and_proxies_have_no_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/healthz", get(|| async { "ok" }));
        let places = Places::of(16, 2, "127.0.0.3".parse().unwrap());
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(listen(listener, router, places, shutdown.clone(), Duration::ZERO));
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(connect([127, 0, 0, 1], address).await);
        }
        assert_eq!(answer_on(&mut connect([127, 0, 0, 1], address).await).await, "");
        assert!(answer_on(&mut connect([127, 0, 0, 2], address).await).await.starts_with("HTTP/1.1 200"));
        for _ in 0..3 {
            held.push(connect([127, 0, 0, 3], address).await);
        }
        assert!(answer_on(&mut connect([127, 0, 0, 3], address).await).await.starts_with("HTTP/1.1 200"));
        shutdown.cancel();
        serving.await.unwrap();
    }
}
