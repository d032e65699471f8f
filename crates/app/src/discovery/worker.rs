//! Who reads, and when.

use std::sync::Arc;
use std::time::Duration;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::Connection;
use curfew_domain::{Actor, DiscoveryCounts, DiscoveryRun, DiscoveryState, TenantId, Timestamp};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::due::{Due, how_due};
use super::pace::Rates;
use super::places::{Place, Places};
use super::read::{Reading, Stopped};
use crate::connection::{self, explain};
use crate::patience::in_time;
use crate::reconciler::{Node, lease};
use crate::{App, AppError, with_causes};

/// How often it is looked whose reading is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// One node's reader. It reads for the connections that this node owns.
pub struct Discoverer {
    app: Arc<App>,
    node: Node,
    rates: Rates,
    places: Places,
}

impl Discoverer {
    /// On the reconciler's own node.
    pub fn new(app: Arc<App>, node: Node) -> Self {
        let places = Places::new(Arc::clone(&app.clock));
        Self { app, node, rates: Rates::default(), places }
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
            this.begin_what_is_due(&mut readings, &shutdown).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = this.app.nudge.discovery_wanted() => {}
                Some(ended) = readings.join_next() => note_end(ended),
            }
        }
        while let Some(ended) = readings.join_next().await {
            note_end(ended);
        }
    }

    /// Reads all that is due now, one tenant after the other.
    pub async fn pass(&self) -> Result<(), AppError> {
        for due in self.due().await? {
            if let Some(place) = self.place_for(due).await? {
                self.read(place).await?;
            }
        }
        Ok(())
    }

    async fn begin_what_is_due(self: &Arc<Self>, readings: &mut JoinSet<()>, shutdown: &CancellationToken) {
        let due = self.due().await.unwrap_or_else(|error| {
            tracing::warn!(error = with_causes(&error), "discovery could not read what is due");
            Vec::new()
        });
        for due in due {
            if shutdown.is_cancelled() {
                return;
            }
            match self.place_for(due).await {
                Ok(Some(place)) => {
                    let (this, shutdown) = (Arc::clone(self), shutdown.clone());
                    readings.spawn(async move { this.read_until(place, &shutdown).await });
                }
                Ok(None) => {}
                Err(error) => note_failure(due.tenant, &error),
            }
        }
    }

    /// What is due, and not under way here, in the order in which it is to be read.
    async fn due(&self) -> Result<Vec<Due>, AppError> {
        let connected = in_time(self.connected()).await?;
        let now = self.app.now();
        let mut due = Vec::new();
        for tenant in connected.into_iter().filter(|tenant| !self.places.has(*tenant)) {
            match in_time(self.is_due(tenant, now)).await {
                Ok(found) => due.extend(found),
                // What is wrong with one tenant's rows keeps no other waiting.
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, error = with_causes(&error),
                        "discovery could not read whether it is due");
                }
            }
        }
        due.sort_by_key(|due| due.how);
        Ok(due)
    }

    async fn connected(&self) -> Result<Vec<TenantId>, AppError> {
        let unit = self.app.store.unwalled().read().await?;
        Ok(unit.connected_tenants().await?)
    }

    async fn is_due(&self, tenant: TenantId, now: Timestamp) -> Result<Option<Due>, AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        if connection::usable(unit.connection().await?.as_ref()).is_err() {
            return Ok(None);
        }
        let how = how_due(unit.latest_discovery().await?.as_ref(), now);
        Ok(how.map(|how| Due { tenant, how }))
    }

    /// A place for a tenant's reading, if this node owns the connection: who does not takes no place from who does.
    async fn place_for(&self, due: Due) -> Result<Option<Place>, AppError> {
        let Some(place) = self.places.take(due.tenant, due.how) else { return Ok(None) };
        Ok(self.owns(due.tenant).await?.then_some(place))
    }

    async fn read_until(&self, place: Place, shutdown: &CancellationToken) {
        let tenant = place.tenant();
        let read = tokio::select! {
            () = shutdown.cancelled() => return,
            read = self.read(place) => read,
        };
        if let Err(error) = read {
            note_failure(tenant, &error);
        }
    }

    /// Reads one tenant's AWS, as long as this node owns its connection.
    async fn read(&self, place: Place) -> Result<(), AppError> {
        let tenant = place.tenant();
        let Some((connection, run)) = in_time(self.begin(tenant)).await? else { return Ok(()) };
        let reading = Reading::new(&self.app, tenant, &connection, self.rates)?;
        let outcome = tokio::select! {
            outcome = reading.read_all() => outcome,
            lost = self.until_lost(tenant) => return lost,
        };
        in_time(self.end(&reading, run, outcome)).await?;
        place.ended();
        Ok(())
    }

    async fn owns(&self, tenant: TenantId) -> Result<bool, AppError> {
        if self.node.reach.keeps_away(tenant, self.app.now()) {
            return Ok(false);
        }
        Ok(in_time(self.app.store.take_lease(tenant, self.node.id, lease::LASTS)).await?.is_some())
    }

    /// Ends when the lease is another node's, or may be: that one begins the reading anew. A database that does not
    /// answer is asked again as long as the lease lasts.
    async fn until_lost(&self, tenant: TenantId) -> Result<(), AppError> {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(lease::RENEW_EVERY).await;
            let asked = Instant::now();
            match self.owns(tenant).await {
                Ok(true) => renewed = asked,
                Ok(false) => return Ok(()),
                Err(error) if Instant::now() + lease::RENEW_EVERY < renewed + lease::LASTS => {
                    tracing::warn!(tenant_id = %tenant, error = with_causes(&error),
                        "discovery could not renew its lease");
                }
                Err(error) => return Err(error),
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
        reading: &Reading<'_>,
        mut run: DiscoveryRun,
        outcome: Result<DiscoveryCounts, Stopped>,
    ) -> Result<(), AppError> {
        let tenant = reading.tenant;
        match outcome {
            Ok(counts) => {
                run.state = DiscoveryState::Succeeded;
                run.counts = counts;
            }
            Err(Stopped::ByAws(error)) => {
                run.state = DiscoveryState::Failed;
                run.error = Some(explain(&error, &reading.verified.saved.region));
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
        tracing::info!(tenant_id = %tenant, discovery_id = %run.id, state = run.state.as_str(), accounts = run.counts.accounts,
            permission_sets = run.counts.permission_sets, users = run.counts.users, "discovery ended");
        Ok(())
    }

    async fn put_off(&self, tenant: TenantId, mut run: DiscoveryRun) -> Result<(), AppError> {
        run.state = DiscoveryState::Waiting;
        let unit = self.app.store.tenant(tenant).write().await?;
        unit.update_discovery(&run).await?;
        unit.commit().await?;
        tracing::info!(tenant_id = %tenant, discovery_id = %run.id, "discovery stopped, since the connection has changed");
        Ok(())
    }
}

fn note_failure(tenant: TenantId, error: &AppError) {
    tracing::warn!(tenant_id = %tenant, error = with_causes(error), "discovery failed here");
}

/// A reading that broke is begun again; whoever runs Curfew must hear of it.
fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a reading of discovery broke; it is begun again");
        metrics::counter!("curfew_background_faults_total", "loop" => "discovery").increment(1);
    }
}
