//! Who reads, and when.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::Connection;
use curfew_domain::{Actor, DiscoveryCounts, DiscoveryRun, DiscoveryState, NodeId, TenantId, Timestamp};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::due::is_due;
use super::pace::Rates;
use super::read::{Reading, Stopped};
use crate::connection;
use crate::patience::in_time;
use crate::{App, AppError, with_causes};

/// How often it is looked whose reading is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many tenants are read at once.
const AT_ONCE: usize = 4;
/// The connection's lease, as the reconciler takes it.
const LEASE: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// One node's reader. It reads for the connections that this node owns.
pub struct Discoverer {
    app: Arc<App>,
    node: NodeId,
    rates: Rates,
    /// Whom this process is reading.
    reading: Mutex<HashSet<TenantId>>,
}

impl Discoverer {
    /// `node` is the reconciler's: they own the same connections.
    pub fn new(app: Arc<App>, node: NodeId) -> Self {
        Self { app, node, rates: Rates::default(), reading: Mutex::default() }
    }

    /// At another pace than AWS bears.
    #[must_use]
    pub fn at(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
    }

    /// Reads what is due until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let this = Arc::new(self);
        let mut readings = JoinSet::new();
        while !shutdown.is_cancelled() {
            for tenant in this.due_or_none().await {
                if readings.len() < AT_ONCE {
                    let (this, shutdown) = (this.clone(), shutdown.clone());
                    readings.spawn(async move { this.read_until(tenant, &shutdown).await });
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = this.app.nudge.discovery_wanted() => {}
                Some(_) = readings.join_next() => {}
            }
        }
        while readings.join_next().await.is_some() {}
    }

    /// Reads all that is due now, one tenant after the other.
    pub async fn pass(&self) -> Result<(), AppError> {
        for tenant in self.due().await? {
            self.read(tenant).await?;
        }
        Ok(())
    }

    async fn due_or_none(&self) -> Vec<TenantId> {
        self.due().await.unwrap_or_else(|error| {
            tracing::warn!(error = with_causes(&error), "discovery could not read what is due");
            Vec::new()
        })
    }

    async fn due(&self) -> Result<Vec<TenantId>, AppError> {
        let connected = in_time(self.connected()).await?;
        let now = self.app.now();
        let mut due = Vec::new();
        for tenant in connected {
            match in_time(self.is_due(tenant, now)).await {
                Ok(true) => due.push(tenant),
                Ok(false) => {}
                // What is wrong with one tenant's rows keeps no other waiting.
                Err(error) => {
                    tracing::warn!(%tenant, error = with_causes(&error),
                        "discovery could not read whether it is due");
                }
            }
        }
        Ok(due)
    }

    async fn connected(&self) -> Result<Vec<TenantId>, AppError> {
        let unit = self.app.store.unwalled().read().await?;
        Ok(unit.connected_tenants().await?)
    }

    async fn is_due(&self, tenant: TenantId, now: Timestamp) -> Result<bool, AppError> {
        if self.reading.lock().contains(&tenant) {
            return Ok(false);
        }
        let unit = self.app.store.tenant(tenant).read().await?;
        let connection = unit.connection().await?;
        let usable = connection::usable(connection.as_ref()).is_ok();
        Ok(usable && is_due(unit.latest_discovery().await?.as_ref(), now))
    }

    async fn read_until(&self, tenant: TenantId, shutdown: &CancellationToken) {
        let read = tokio::select! {
            () = shutdown.cancelled() => return,
            read = self.read(tenant) => read,
        };
        if let Err(error) = read {
            tracing::warn!(%tenant, error = with_causes(&error), "discovery failed here");
        }
    }

    /// Reads one tenant's AWS, as long as this node owns its connection.
    async fn read(&self, tenant: TenantId) -> Result<(), AppError> {
        if !self.reading.lock().insert(tenant) {
            return Ok(());
        }
        let read = self.read_as_owner(tenant).await;
        self.reading.lock().remove(&tenant);
        read
    }

    async fn read_as_owner(&self, tenant: TenantId) -> Result<(), AppError> {
        if !self.owns(tenant).await? {
            return Ok(());
        }
        let Some((connection, run)) = in_time(self.begin(tenant)).await? else { return Ok(()) };
        let reading = Reading::new(&self.app, tenant, &connection, self.rates)?;
        let outcome = tokio::select! {
            outcome = reading.read_all() => outcome,
            lost = self.until_lost(tenant) => return lost,
        };
        in_time(self.end(tenant, run, outcome)).await
    }

    async fn owns(&self, tenant: TenantId) -> Result<bool, AppError> {
        Ok(in_time(self.app.store.take_lease(tenant, self.node, LEASE)).await?.is_some())
    }

    /// Ends when the lease is another node's: that one begins the reading anew.
    async fn until_lost(&self, tenant: TenantId) -> Result<(), AppError> {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if !self.owns(tenant).await? {
                return Ok(());
            }
        }
    }

    /// Takes the reading that waits, or begins one.
    async fn begin(&self, tenant: TenantId) -> Result<Option<(Connection, DiscoveryRun)>, AppError> {
        let now = self.app.now();
        let unit = self.app.store.tenant(tenant).write().await?;
        let connection = unit.lock_connection().await?;
        let Ok(verified) = connection::usable(connection.as_ref()) else { return Ok(None) };
        let entropy = self.app.entropy.as_ref();
        let mut run = super::ask(&unit, &verified.saved.instance, None, now, entropy).await?;
        run.state = DiscoveryState::Running;
        unit.update_discovery(&run).await?;
        unit.commit().await?;
        Ok(connection.map(|connection| (connection, run)))
    }

    async fn end(
        &self,
        tenant: TenantId,
        mut run: DiscoveryRun,
        outcome: Result<DiscoveryCounts, Stopped>,
    ) -> Result<(), AppError> {
        match outcome {
            Ok(counts) => {
                run.state = DiscoveryState::Succeeded;
                run.counts = counts;
            }
            Err(Stopped::ByAws(words)) => {
                run.state = DiscoveryState::Failed;
                run.error = Some(words);
            }
            // As soon as the connection may be read through, it is begun anew.
            Err(Stopped::Superseded) => return self.put_off(tenant, run).await,
            // It is still open: whoever owns the connection when the database is back begins it anew.
            Err(Stopped::ByStore(error)) => return Err(error.into()),
        }
        let now = self.app.now();
        run.ended_at = Some(now);
        let unit = self.app.store.tenant(tenant).write().await?;
        unit.update_discovery(&run).await?;
        if run.requested_by.is_some() {
            let ended = NewEntry::new(Actor::System, AuditAction::AwsSyncEnded, "aws_sync", run.id)
                .with("state", run.state.as_str());
            unit.record(ended, now, self.app.entropy.as_ref()).await?;
        }
        unit.commit().await?;
        tracing::info!(%tenant, discovery_id = %run.id, state = run.state.as_str(), accounts = run.counts.accounts,
            permission_sets = run.counts.permission_sets, users = run.counts.users, "discovery ended");
        Ok(())
    }

    async fn put_off(&self, tenant: TenantId, mut run: DiscoveryRun) -> Result<(), AppError> {
        run.state = DiscoveryState::Waiting;
        let unit = self.app.store.tenant(tenant).write().await?;
        unit.update_discovery(&run).await?;
        unit.commit().await?;
        tracing::info!(%tenant, discovery_id = %run.id, "discovery stopped, since the connection has changed");
        Ok(())
    }
}
