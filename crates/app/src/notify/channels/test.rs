use std::time::Duration;

use curfew_domain::audit::AuditAction;
use curfew_domain::{ChannelId, Delivery, DeliveryFailure, DeliveryState, Scope};
use curfew_store::StoredChannel;
use curfew_store::audit::AuditRecord;
use tokio::time::Instant;

use super::{NO_SUCH_CHANNEL, entry};
use crate::notify::sending::{Attempt, send};
use crate::notify::telling::first_delivery;
use crate::{App, AppError, Caller};

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestResult {
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Why it did not arrive; none where it did.
    pub failure: Option<DeliveryFailure>,
    /// How long it took.
    pub took: Duration,
}

/// Sends a channel a message now, whether it is turned on or not, and waits for the answer. It is sent once.
pub async fn test(app: &App, caller: &Caller, id: ChannelId) -> Result<TestResult, AppError> {
    caller.require(Scope::NotificationChannelsWrite)?;
    let _turn = app.outbound.trial().ok_or(AppError::RateLimited { retry_after_seconds: 5 })?;
    let (channel, tried) = begin(app, caller, id).await?;
    let began = Instant::now();
    let attempt = send(app, caller.tenant, &channel, &tried).await;
    let took = began.elapsed();
    keep(app, caller, id, &tried, attempt).await?;
    Ok(TestResult { status: attempt.status, failure: attempt.failure, took })
}

/// The channel, and the entry that says that it is tried. That is what is sent.
async fn begin(app: &App, caller: &Caller, id: ChannelId) -> Result<(StoredChannel, AuditRecord), AppError> {
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let stored = unit.channel(id).await?.ok_or(NO_SUCH_CHANNEL)?;
    let entry = entry(caller, AuditAction::NotificationChannelTested, &stored.channel);
    let tried = unit.record(entry, now, app.entropy.as_ref()).await?;
    let tried = unit.audit_entry(tried).await?.ok_or(AppError::NotFound("audit log entry"))?;
    unit.commit().await?;
    Ok((stored, tried))
}

/// Lists it among the channel's messages.
async fn keep(
    app: &App,
    caller: &Caller,
    id: ChannelId,
    tried: &AuditRecord,
    attempt: Attempt,
) -> Result<(), AppError> {
    let unit = app.store.tenant(caller.tenant).write().await?;
    // It may have been deleted while the message was under way.
    if unit.lock_channel(id).await?.is_none() {
        return Ok(());
    }
    let now = app.now();
    let state = if attempt.failure.is_none() { DeliveryState::Delivered } else { DeliveryState::Failed };
    let delivery = Delivery {
        state,
        attempts: 1,
        next_attempt_at: None,
        last_attempt_at: Some(now),
        status_code: attempt.status,
        failure: attempt.failure,
        ..first_delivery(app, id, tried.id, tried.body.action.as_str(), now)
    };
    unit.insert_deliveries(&[delivery]).await?;
    Ok(unit.commit().await?)
}
