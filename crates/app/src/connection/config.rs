//! Saving what shall be connected.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::{Connection, SavedConnection, Suspension};
use curfew_domain::{Actor, InstanceArn, Scope, TenantId, Timestamp};
use curfew_store::{ReadUnit, WriteUnit};

use super::{entry, new_connection};
use crate::{App, AppError, Caller, FieldProblem};

/// What is saved, and whether a test has passed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// What was saved last; none before.
    pub saved: Option<SavedConnection>,
    /// What a form may begin with before anything is saved.
    pub offered: Option<InstanceArn>,
    /// When a test of just that passed.
    pub verified_at: Option<Timestamp>,
    /// Why nothing is created for now.
    pub suspended: Option<Suspension>,
}

impl From<Connection> for ConnectionConfig {
    fn from(connection: Connection) -> Self {
        let verified =
            connection.verified.filter(|verified| Some(&verified.saved) == connection.saved.as_ref());
        Self {
            saved: connection.saved,
            offered: None,
            verified_at: verified.map(|verified| verified.at),
            suspended: connection.suspended,
        }
    }
}

/// What is saved.
pub async fn config(app: &App, caller: &Caller) -> Result<ConnectionConfig, AppError> {
    caller.require(Scope::IntegrationsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let connection = unit.connection().await?.unwrap_or_else(|| new_connection(app));
    let offered = if connection.saved.is_none() { offered(app, &unit).await? } else { None };
    Ok(ConnectionConfig { offered, ..connection.into() })
}

/// The instance of whoever runs Curfew is the master's, and no other tenant's business.
async fn offered(app: &App, unit: &ReadUnit) -> Result<Option<InstanceArn>, AppError> {
    let tenant = unit.this_tenant().await?;
    Ok(app.offered_instance.clone().filter(|_| tenant.is_some_and(|tenant| tenant.is_master)))
}

/// Saves what shall be tested. Work goes on with what was verified before.
///
/// Another role of the same account is always taken. Another instance or account only when nothing is left to be
/// taken back through the one that was verified.
pub async fn save(app: &App, caller: &Caller, saved: SavedConnection) -> Result<ConnectionConfig, AppError> {
    caller.require(Scope::IntegrationsWrite)?;
    let problems = partition_problems(&saved);
    if !problems.is_empty() {
        return Err(AppError::Invalid(problems));
    }
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut connection = lock_or_begin(app, &unit, now).await?;
    if connection.saved.as_ref() == Some(&saved) {
        return Ok(connection.into());
    }
    if connection.leads_elsewhere(&saved) {
        refuse_while_needed(&unit, "another instance or account can be saved", now).await?;
    }
    connection.saved = Some(saved.clone());
    connection.saved_version += 1;
    unit.update_connection(&connection, now).await?;
    unit.record(saved_entry(caller.actor, caller.tenant, &saved), now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(connection.into())
}

/// Forgets the connection and gives up the instance. The `ExternalId` stays the tenant's.
pub async fn delete(app: &App, caller: &Caller) -> Result<(), AppError> {
    caller.require(Scope::IntegrationsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let Some(mut connection) = unit.lock_connection().await? else { return Ok(()) };
    if connection.saved.is_none() && connection.verified.is_none() {
        return Ok(());
    }
    refuse_while_needed(&unit, "the connection can be deleted", now).await?;
    connection.saved = None;
    connection.verified = None;
    connection.suspended = None;
    connection.pending_proved_at = None;
    connection.saved_version += 1;
    unit.update_connection(&connection, now).await?;
    unit.release_instance().await?;
    let deleted = entry(caller.actor, AuditAction::AwsConfigDeleted, caller.tenant);
    unit.record(deleted, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.aws.forget(caller.tenant);
    Ok(())
}

/// The row of the tenant's connection, made now where the tenant has none.
async fn lock_or_begin(app: &App, unit: &WriteUnit, now: Timestamp) -> Result<Connection, AppError> {
    if let Some(connection) = unit.lock_connection().await? {
        return Ok(connection);
    }
    let connection = new_connection(app);
    unit.insert_connection(&connection, now).await?;
    Ok(connection)
}

async fn refuse_while_needed(unit: &ReadUnit, what: &str, now: Timestamp) -> Result<(), AppError> {
    if unit.has_unfinished_assignments().await? {
        let message =
            format!("{what} only when every assignment is gone from AWS: revoke the grants and wait");
        return Err(AppError::conflict(message));
    }
    if unit.session_ends_without_cut_off(now).await? > 0 {
        let message = format!(
            "{what} only when no session is denied without a cut-off, or somebody would be shut out for good: wait a moment"
        );
        return Err(AppError::conflict(message));
    }
    Ok(())
}

/// Partitions of AWS don't mix: a role of one can't reach an instance of another.
pub(crate) fn partition_problems(saved: &SavedConnection) -> Vec<FieldProblem> {
    let partition = saved.instance.partition();
    let problem = |path: &str, found: &str| FieldProblem {
        path: path.to_owned(),
        problem: format!("is of the partition {found}, and the instance of {partition}"),
    };
    let mut problems = Vec::new();
    if saved.role.partition() != partition {
        problems.push(problem("role_arn", saved.role.partition().as_str()));
    }
    if saved.region.partition() != partition {
        problems.push(problem("region", saved.region.partition().as_str()));
    }
    problems
}

pub(super) fn saved_entry(actor: Actor, tenant: TenantId, saved: &SavedConnection) -> NewEntry {
    entry(actor, AuditAction::AwsConfigSaved, tenant)
        .with("sso_instance_arn", saved.instance.as_str())
        .with("role_arn", saved.role.as_str())
        .with("region", saved.region.as_str())
}
