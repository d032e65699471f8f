//! The server: one port on loopback for all five services and the control endpoint.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Response, header},
    routing::any,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt;

use crate::{
    control::{self, SimControl},
    dispatch::{self, ConnectionDropped},
    state::State,
    world::{World, WorldError},
};

/// Starts stand-ins for AWS.
pub struct Sim;

/// A running stand-in. It ends when this is dropped.
pub struct SimHandle {
    address: SocketAddr,
    control: SimControl,
    task: JoinHandle<()>,
}

/// Why a stand-in can't start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Its control endpoint obeys anyone who reaches it.
    #[error("the stand-in listens on loopback only, not on {0}")]
    NotLoopback(IpAddr),
    /// The world doesn't fit together.
    #[error("the world can't be played: {0}")]
    World(#[from] WorldError),
    /// The address can't be had.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the machine says.
        source: std::io::Error,
    },
}

/// What connections and controls share.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// Counts up with every call and every move of a control.
    pub(crate) moved: watch::Sender<u64>,
    /// The world that `reset` goes back to.
    pub(crate) first_world: World,
}

impl Sim {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(world: World) -> Result<SimHandle, SimError> {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world).await
    }

    /// Starts on an address, which must be loopback.
    pub async fn start_on(address: SocketAddr, world: World) -> Result<SimHandle, SimError> {
        if !address.ip().is_loopback() {
            return Err(SimError::NotLoopback(address.ip()));
        }
        world.check()?;
        let listen = |source| SimError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let state = Mutex::new(State::new(world.clone()));
        let shared = Arc::new(Shared { state, moved: watch::Sender::new(0), first_world: world });
        let control = SimControl::new(shared.clone());
        let task = tokio::spawn(serve(listener, shared));
        Ok(SimHandle { address, control, task })
    }
}

impl SimHandle {
    /// `http://127.0.0.1:PORT`, the value for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The hand that moves it.
    pub fn control(&self) -> &SimControl {
        &self.control
    }

    /// Ends it; connections end with it.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = router(&shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve_connection(stream, router.clone(), shared.clone()));
            }
            Some(_) = connections.join_next() => {}
            // No descriptor was free for the connection.
            else => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let aws = any({
        let shared = shared.clone();
        move |request: Request| dispatch::answer(shared.clone(), request)
    });
    Router::new().nest("/_sim", control::routes(shared.clone())).fallback_service(aws)
}

/// Serves one connection by hand, for axum's own server can't end one without an answer.
async fn serve_connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answered = router.clone().oneshot(request.map(Body::new));
        let shared = shared.clone();
        async move {
            let mut response = answered.await.unwrap_or_else(|never: Infallible| match never {});
            if let Some(dropped) = response.extensions().get::<ConnectionDropped>() {
                return Err(*dropped);
            }
            date(&mut response, &shared);
            Ok(response)
        }
    });
    // SDKs send headers and body apart: without this each call would wait for a delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended");
    }
}

/// SDKs correct their clocks by this header: it must tell the stand-in's time.
fn date(response: &mut Response<Body>, shared: &Shared) {
    let now = shared.state.lock().clock.wall();
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::DATE, value);
    }
}
