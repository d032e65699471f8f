//! A tenant's connection to AWS: what is saved, what a test has verified, and the `ExternalId` between the two.
//!
//! All work goes by the *verified* tuple; a test tries the *saved* one, and one that passes makes it the verified.
//! A failed test changes nothing but its own record, except where it shows that the verified tuple must not be
//! trusted any more: then creations and discovery stop, and deletions go on.

mod config;
mod external_id;
mod template;
mod test;
mod words;

pub use config::{ConnectionConfig, config, delete, save};
pub use external_id::{cancel_rotation, commit_rotation, external_ids, rotate};
pub use template::{TemplateFor, bootstrap_template};
pub use test::{TestReport, TestRuns, test};

pub(crate) use config::partition_problems;
pub(crate) use words::{aws_unreachable, explain};

use curfew_aws::RoleAccess;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use curfew_domain::{Actor, ExternalId, TenantId, Timestamp};
use curfew_store::WriteUnit;

use crate::{App, AppError};

/// Gives a new tenant its `ExternalId`, and saves a connection where one is at hand already: one without
/// `partition_problems`.
pub async fn begin(
    app: &App,
    unit: &WriteUnit,
    actor: Actor,
    saved: Option<&SavedConnection>,
    now: Timestamp,
) -> Result<(), AppError> {
    let connection = Connection { saved: saved.cloned(), ..new_connection(app) };
    unit.insert_connection(&connection, now).await?;
    if let Some(saved) = saved {
        unit.record(config::saved_entry(actor, unit.tenant(), saved), now, app.entropy.as_ref()).await?;
    }
    Ok(())
}

fn new_connection(app: &App) -> Connection {
    Connection {
        saved: None,
        saved_version: 1,
        verified: None,
        suspended: None,
        external_ids: ExternalIds { current: ExternalId::generate(app.entropy.as_ref()), pending: None },
        pending_proved_at: None,
    }
}

/// An entry about a tenant's connection.
fn entry(actor: Actor, action: AuditAction, tenant: TenantId) -> NewEntry {
    NewEntry::new(actor, action, "aws_connection", tenant)
}

/// The verified tuple, where it may be worked with: not while the connection is suspended.
pub(crate) fn usable(connection: Option<&Connection>) -> Result<&VerifiedConnection, AppError> {
    let verified = connection.and_then(|connection| connection.verified.as_ref());
    let verified = verified.ok_or_else(|| {
        AppError::NotConfigured("AWS is not connected yet: save the connection, then test it".to_owned())
    })?;
    match connection.and_then(|connection| connection.suspended) {
        None => Ok(verified),
        Some(reason) => Err(AppError::NotConfigured(format!(
            "the AWS connection is suspended ({}): correct what its test says, then test it again",
            reason.as_str()
        ))),
    }
}

/// The way into the tenant's AWS by the verified tuple.
pub(crate) fn access(tenant: TenantId, verified: &VerifiedConnection, ids: &ExternalIds) -> RoleAccess {
    RoleAccess {
        tenant,
        role: verified.saved.role.clone(),
        region: verified.saved.region.clone(),
        external_ids: ids.in_order().cloned().collect(),
    }
}
