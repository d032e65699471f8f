//! The connection test: check by check, what works and what to do about what doesn't.
//!
//! It never uses credentials from before, writes nothing to AWS, and holds no transaction while it asks. Tests of
//! the same saved version that run at the same time are one ([`TestRuns`]); each caller is audited.

mod checks;
mod keep;
mod reach;
mod report;
mod run;
mod runs;
mod session_policies;
mod sts;

pub use runs::TestRuns;

use std::sync::Arc;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::{Check, CheckName, CheckStatus, Connection, SavedConnection};
use curfew_domain::{Actor, Clock, Entropy, Scope, TenantId};
use curfew_store::{Store, StoreError};
use futures::FutureExt;
use serde_json::{Map, Value, json};
use tracing::Instrument;

use self::keep::Kept;
use self::run::{Finished, Run, Tested};
use super::entry;
use crate::settings::TenantSettings;
use crate::{App, AppError, Caller};

/// What a test says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// Whether no check failed.
    pub success: bool,
    /// The first thing to know.
    pub message: String,
    /// Each check.
    pub checks: Vec<Check>,
}

/// Tests what is saved. What passes becomes the verified connection.
pub async fn test(app: &App, caller: &Caller) -> Result<TestReport, AppError> {
    caller.require(Scope::IntegrationsTest)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let connection = unit.connection().await?;
    let ends_sessions = TenantSettings::load(&unit).await?.end_sessions;
    drop(unit);
    let (connection, saved) = saved(connection)?;
    let platform_mode = app.store.unwalled().read().await?.installation().await?.platform_mode;
    let version = connection.saved_version;
    let run = Run {
        store: app.store.clone(),
        aws: app.aws.clone(),
        nudge: app.nudge.clone(),
        clock: app.clock.clone(),
        entropy: app.entropy.clone(),
        tenant: caller.tenant,
        actor: caller.actor,
        version,
        saved: saved.clone(),
        external_ids: connection.external_ids,
        platform_mode,
        ends_sessions,
        within: app.connection_tests.within(),
    };
    let audit = Audit::of(app, caller);
    let mut began_it = false;
    let run = app.connection_tests.join(caller.tenant, version, || {
        began_it = true;
        run.run().boxed()
    });
    // On its own: what was asked of AWS is kept and in the log also when the caller does not wait for it.
    let witnessed = async move {
        let finished = run.await?;
        // Whoever began it is in the log with the result.
        if !(began_it && finished.kept == Kept::Written) {
            audit.record(&finished).await?;
        }
        Ok::<_, AppError>(finished)
    };
    let finished = tokio::spawn(witnessed.in_current_span()).await.map_err(AppError::internal)??;
    verdict(&finished, &saved)
}

fn saved(connection: Option<Connection>) -> Result<(Connection, SavedConnection), AppError> {
    let nothing =
        || AppError::NotConfigured("no role is saved yet: save the connection, then test it".to_owned());
    let connection = connection.ok_or_else(nothing)?;
    let saved = connection.saved.clone().ok_or_else(nothing)?;
    Ok((connection, saved))
}

/// Notes in the log that one of those who share a test has made it.
struct Audit {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    tenant: TenantId,
    actor: Actor,
}

impl Audit {
    fn of(app: &App, caller: &Caller) -> Self {
        Self {
            store: app.store.clone(),
            clock: app.clock.clone(),
            entropy: app.entropy.clone(),
            tenant: caller.tenant,
            actor: caller.actor,
        }
    }

    async fn record(&self, finished: &Finished) -> Result<(), StoreError> {
        let tested = tested_entry(self.actor, self.tenant, finished.version, &finished.tested)
            .with("superseded", finished.kept == Kept::Superseded);
        let unit = self.store.tenant(self.tenant).write().await?;
        unit.record(tested, self.clock.now(), self.entropy.as_ref()).await?;
        unit.commit().await
    }
}

/// That somebody has tested the saved connection, and what came of it.
fn tested_entry(actor: Actor, tenant: TenantId, version: u64, tested: &Tested) -> NewEntry {
    let checks: Map<String, Value> = tested
        .checks
        .iter()
        .map(|check| (check.name.as_str().to_owned(), Value::from(check.status.as_str())))
        .collect();
    entry(actor, AuditAction::AwsConnectionTested, tenant)
        .with("success", tested.success())
        .with("saved_version", version)
        .with("checks", checks)
}

/// Which answer a finished test gets. The two checks that ask STS for the role decide between 200 and 502.
fn verdict(finished: &Finished, saved: &SavedConnection) -> Result<TestReport, AppError> {
    let tested = &finished.tested;
    if finished.kept == Kept::Superseded {
        return Err(AppError::conflict(
            "the connection was changed while it was tested, so the result counts for nothing: test again",
        ));
    }
    let failed = tested.checks.iter().find(|check| check.status == CheckStatus::Failed);
    match failed {
        Some(check) if matches!(check.name, CheckName::AssumeRole | CheckName::CallerIdentity) => {
            Err(AppError::StsCheckFailed {
                message: format!("{}: {}", check.name.as_str(), check.message),
                details: details(finished, saved, check),
            })
        }
        Some(check) if check.name == CheckName::ExternalIdEnforced && tested.role_is_open => {
            Err(AppError::UnsafeTrustPolicy {
                message: check.message.clone(),
                details: details(finished, saved, check),
            })
        }
        Some(check) => Ok(report(finished, false, format!("{}: {}", check.name.as_str(), check.message))),
        None => Ok(report(finished, true, success_message(&tested.checks))),
    }
}

fn report(finished: &Finished, success: bool, message: String) -> TestReport {
    TestReport { success, message, checks: finished.tested.checks.clone() }
}

fn success_message(checks: &[Check]) -> String {
    let warnings: Vec<_> = checks.iter().filter(|check| check.status == CheckStatus::Warning).collect();
    match warnings.as_slice() {
        [] => "the connection works".to_owned(),
        [one] => format!("the connection works; look at {}: {}", one.name.as_str(), one.message),
        more => format!("the connection works; look at the {} warnings", more.len()),
    }
}

fn details(finished: &Finished, saved: &SavedConnection, failed: &Check) -> Map<String, Value> {
    let code = finished.tested.sts_error.as_ref().and_then(|error| error.code.clone());
    let details = json!({
        "aws_error_code": code,
        "role_arn": saved.role,
        "stage": failed.name,
        "hint": failed.message,
        "checks": finished.tested.checks,
    });
    match details {
        Value::Object(details) => details,
        _ => Map::new(),
    }
}
