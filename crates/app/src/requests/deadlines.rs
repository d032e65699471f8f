//! What time alone does to requests: what nobody decides in time expires, and reviews that are owed are told of.
//!
//! A request's state follows from its stored moments, so nothing waits for this. What is done here happens once, on
//! whatever node comes first: that it has expired is written and told, and so is each reminder.

use std::sync::Arc;
use std::time::Duration;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::emergency::{Review, ReviewStatus};
use curfew_domain::request::{RequestEvent, RequestStatus};
use curfew_domain::{AccessRequest, Actor, DoneBy, Seconds, Timestamp};
use curfew_store::{DueRequest, StoreError, WriteUnit};
use tokio_util::sync::CancellationToken;

use super::review::{decided, decided_before};
use crate::patience::in_time;
use crate::{App, AppError, with_causes};

/// So many requests are read at once.
const BATCH: u16 = 100;

/// How long it sleeps at most: another node may have made a request that is due before all that were known.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// How long at least.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// When a request that could not be looked at is looked at again: meanwhile it keeps no other from its turn.
const PUT_OFF: Seconds = Seconds::of(60);

/// Looks at requests whose time has come.
pub struct Deadlines {
    app: Arc<App>,
}

impl Deadlines {
    /// Any number of nodes may have one.
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Works until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let next = self.round(&shutdown).await.unwrap_or_else(|error| {
                tracing::warn!(error = with_causes(&error), "deadlines of requests could not be read");
                None
            });
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(until(next, self.app.now())) => {}
            }
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<Option<Timestamp>, StoreError> {
        let due = in_time(self.app.store.due_requests(self.app.now(), BATCH)).await?;
        for row in due {
            if shutdown.is_cancelled() {
                break;
            }
            attend(&self.app, row).await;
        }
        in_time(self.app.store.next_due_request()).await
    }
}

fn until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    next.map_or(LONGEST_SLEEP, |next| next.since(now)).clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
}

/// Looks once at all requests that are due now, and says how many were.
pub async fn keep_deadlines(app: &App) -> Result<usize, AppError> {
    let due = app.store.due_requests(app.now(), BATCH).await?;
    for row in &due {
        attend(app, *row).await;
    }
    Ok(due.len())
}

/// One that goes wrong is looked at later.
async fn attend(app: &App, row: DueRequest) {
    let Err(error) = in_time(look_at(app, row)).await else { return };
    tracing::error!(tenant_id = %row.tenant, request_id = %row.request, error = with_causes(&error),
        "a request whose time has come could not be looked at");
    if let Err(error) = in_time(put_off(app, row)).await {
        tracing::warn!(tenant_id = %row.tenant, request_id = %row.request, error = with_causes(&error),
            "a request could not be put off");
    }
}

async fn put_off(app: &App, row: DueRequest) -> Result<(), StoreError> {
    let unit = app.store.tenant(row.tenant).write().await?;
    unit.set_request_due(row.request, Some(app.now() + PUT_OFF)).await?;
    unit.commit().await
}

/// Does what the request's time has come for, unless another node did or somebody decided in between.
async fn look_at(app: &App, row: DueRequest) -> Result<(), AppError> {
    let unit = app.store.tenant(row.tenant).write().await?;
    let Some(request) = unit.lock_request(row.request).await? else {
        unit.set_request_due(row.request, None).await?;
        return Ok(unit.commit().await?);
    };
    // Whoever holds the request alone moves its row, so what it says now is what is so.
    let now = app.now();
    if unit.request_due_at(row.request).await?.is_none_or(|due| due > now) {
        return Ok(());
    }
    let request = if request.decided_status == RequestStatus::Pending
        && request.status(now) == RequestStatus::Expired
    {
        expire(app, &unit, request, now).await?
    } else {
        if let Some(review) = owed(&request, now) {
            remind(app, &unit, &request, review).await?;
        }
        request
    };
    unit.set_request_due(request.id, request.next_due(now)).await?;
    Ok(unit.commit().await?)
}

/// Writes down that nobody decided in time.
async fn expire(
    app: &App,
    unit: &WriteUnit,
    request: AccessRequest,
    now: Timestamp,
) -> Result<AccessRequest, AppError> {
    let status = request.decided_status.on(RequestEvent::TimedOut).map_err(decided_before)?;
    let deadline = request.expires_at;
    let mut request = decided(request, status, DoneBy::System, None, now);
    request.decided_at = deadline;
    unit.save_decided_request(&request).await?;
    let entry = NewEntry::new(Actor::System, AuditAction::RequestExpired, "request", request.id)
        .with("requester_id", request.requester.to_string())
        .with("approvals", request.approvals.len());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(request)
}

/// The review that is owed of a request, once it is due.
fn owed(request: &AccessRequest, now: Timestamp) -> Option<&Review> {
    request.review.as_ref().filter(|review| review.status() == ReviewStatus::Owed && review.due_at <= now)
}

async fn remind(
    app: &App,
    unit: &WriteUnit,
    request: &AccessRequest,
    review: &Review,
) -> Result<(), AppError> {
    let entry = NewEntry::new(Actor::System, AuditAction::RequestReviewOwed, "request", request.id)
        .with("requester_id", request.requester.to_string())
        .with("grant_id", request.grant.map(|id| id.to_string()))
        .with("review_due_at", review.due_at.to_string());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sleeps_until_the_next_deadline_but_not_for_long() {
        let now = Timestamp::from_micros(1_772_366_400_000_000);
        assert_eq!(until(None, now), LONGEST_SLEEP);
        assert_eq!(until(Some(now + Seconds::of(2)), now), Duration::from_secs(2));
        assert_eq!(until(Some(now + Seconds::of(60)), now), LONGEST_SLEEP);
        assert_eq!(
            until(Some(now - Seconds::of(60)), now),
            SHORTEST_SLEEP,
            "what is due is not asked for in a hot loop"
        );
    }
}
