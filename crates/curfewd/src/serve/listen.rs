//! Taking connections, and letting them go.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections at a time; the next ones wait in the system's queue.
const CONNECTIONS: usize = 2_048;

/// How long a caller may take to send a request's head: idle and slow connections hold nothing for longer.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// The most that is read of a head. The edge refuses far less, in words; this ends what is absurd.
const HEAD_BYTES: usize = 128 * 1024;
const HEAD_FIELDS: usize = 128;

/// How long to wait when the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Answers connections of `listener` with `router` until `shutdown`, then finishes what is under way, for at most
/// `deadline`. Says whether everything was finished.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    deadline: Duration,
) -> bool {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
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
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let accepting = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, source)) => return Some((stream, source, place)),
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
        .serve_connection(TokioIo::new(stream), service);
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
