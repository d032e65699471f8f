//! Curfew in this process: the same server as `curfewd serve`, with the stand-in as its AWS.

use std::path::Path;

use curfew_sim::world::{CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY};
use curfewd::config::{Config, Source};
use curfewd::{ServeError, Wiring};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::TourError;

/// A running server.
pub(crate) struct Embedded {
    url: String,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ServeError>>,
}

impl Embedded {
    /// Starts on loopback, with its database in `folder` and `aws_url` as all of AWS. Port 0 takes a free one.
    pub(crate) async fn start(folder: &Path, port: u16, aws_url: &str) -> Result<Self, TourError> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let config = Config::read(&settings(folder, port, &url)).map_err(ServeError::Config)?;
        let wiring = Wiring::with_aws_at(aws_url, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY).await;
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(curfewd::serve(config, wiring, listener, shutdown.clone()));
        Ok(Self { url, shutdown, running })
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it as SIGTERM would.
    pub(crate) async fn stop(self) -> Result<(), TourError> {
        self.shutdown.cancel();
        Ok(self.running.await.unwrap_or(Ok(()))?)
    }
}

fn settings(folder: &Path, port: u16, url: &str) -> Source {
    let mut source = Source::default();
    source.set("DATABASE_URL", &format!("sqlite://{}", folder.join("curfew.db").display()));
    source.set("SERVER_PORT", &port.to_string());
    source.set("PUBLIC_URL", url);
    source
}
