//! Nudges between nodes that share a database: who is asked and who owns a connection are often two.

use std::sync::Arc;
use std::time::Duration;

use curfew_store::{NudgeListener, StoreError};
use tokio_util::sync::CancellationToken;

use crate::patience::in_time;
use crate::{App, with_causes};

/// Nudges that come so soon after each other are told together.
const TOGETHER: Duration = Duration::from_millis(5);

/// How long to wait before the database is asked again that did not answer.
const AFTER_WRONG: Duration = Duration::from_secs(5);

/// Tells other nodes of this one's nudges, and this one of theirs.
pub struct Relay {
    app: Arc<App>,
    listens: bool,
}

impl Relay {
    /// Both ways; or where this node works for nobody (`--no-reconcile`), outward alone.
    pub fn new(app: Arc<App>, listens: bool) -> Self {
        Self { app, listens }
    }

    /// Relays until `shutdown`. With SQLite there is nobody else.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            ((), ()) = async { tokio::join!(self.tell(), self.listen()) } => {}
        }
    }

    async fn tell(&self) {
        loop {
            let tenants = self.app.nudge.to_tell_others().await;
            let tenants: Vec<_> = tenants.into_iter().collect();
            if let Err(error) = in_time(self.app.store.nudge_nodes(&tenants)).await {
                tracing::debug!(error = with_causes(&error), "other nodes could not be nudged");
            }
            tokio::time::sleep(TOGETHER).await;
        }
    }

    async fn listen(&self) {
        if !self.listens {
            return;
        }
        loop {
            match in_time(self.app.store.listen_for_nudges()).await {
                Ok(None) => return,
                Ok(Some(listener)) => self.hear(listener).await,
                Err(error) => wrong(&error).await,
            }
        }
    }

    async fn hear(&self, mut listener: NudgeListener) {
        loop {
            match listener.next().await {
                Ok(Some(tenant)) => self.app.nudge.heard(tenant),
                // Whatever was lost is due: it is looked for at once.
                Ok(None) => self.app.nudge.work(),
                Err(error) => return wrong(&error).await,
            }
        }
    }
}

async fn wrong(error: &StoreError) {
    tracing::debug!(error = with_causes(error), "other nodes' nudges can't be heard");
    tokio::time::sleep(AFTER_WRONG).await;
}
