//! Reading a tenant's AWS into the cache: accounts, units, permission sets and people.
//!
//! A reading is asked for by a row ([`start`], a passed test, or time) and done by whoever owns the tenant's
//! connection ([`Discoverer`]), a page at a time and well within AWS's rate limits. What a full reading no longer
//! sees is marked gone.

mod due;
mod organization;
mod pace;
mod people;
mod permission_sets;
mod places;
mod read;
mod worker;

pub use pace::Rates;
pub use worker::Discoverer;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    DiscoveryCounts, DiscoveryId, DiscoveryRun, DiscoveryState, Entropy, InstanceArn, Scope, Timestamp,
    UserId,
};
use curfew_store::{StoreError, WriteUnit};

use crate::connection;
use crate::{App, AppError, Caller};

/// Asks for a reading. One that waits or runs already is the answer.
pub async fn start(app: &App, caller: &Caller) -> Result<DiscoveryRun, AppError> {
    caller.require(Scope::AwsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // The lock makes one of two that ask at once.
    let connection = unit.lock_connection().await?;
    let instance = connection::usable(connection.as_ref())?.saved.instance.clone();
    let run = ask(&unit, &instance, Some(caller.user), now, app.entropy.as_ref()).await?;
    let started = NewEntry::new(caller.actor, AuditAction::AwsSyncStarted, "aws_sync", run.id);
    unit.record(started, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.nudge.discovery();
    Ok(run)
}

/// The newest reading; none before the first.
pub async fn latest(app: &App, caller: &Caller) -> Result<Option<DiscoveryRun>, AppError> {
    caller.require(Scope::AwsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.latest_discovery().await?)
}

/// Asks for a reading in a unit that holds the connection, unless one is open.
pub(crate) async fn ask(
    unit: &WriteUnit,
    instance: &InstanceArn,
    requested_by: Option<UserId>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<DiscoveryRun, StoreError> {
    if let Some(open) = unit.latest_discovery().await?
        && open.state.is_open()
        && open.instance == *instance
    {
        return Ok(open);
    }
    let run = DiscoveryRun {
        id: DiscoveryId::new(now, entropy),
        instance: instance.clone(),
        state: DiscoveryState::Waiting,
        started_at: now,
        ended_at: None,
        counts: DiscoveryCounts::default(),
        error: None,
        requested_by,
    };
    unit.insert_discovery(&run).await?;
    Ok(run)
}
