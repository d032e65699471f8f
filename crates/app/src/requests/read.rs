//! Reading requests: one's own, and everybody's with the right to.

use curfew_domain::{AccessRequest, Page, PageRequest, RequestId, Scope};
use curfew_store::{RequestFilter, ToReview};

use super::review::Decider;
use crate::{App, AppError, Caller};

/// From whose side requests are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedFor {
    /// The caller's own.
    Mine,
    /// Those that wait for the caller's word.
    ToReview,
}

/// A page of requests, newest first: everybody's for those who may see or decide them, else one's own.
pub async fn list(
    app: &App,
    caller: &Caller,
    listed_for: Option<ListedFor>,
    filter: RequestFilter,
    page: PageRequest,
) -> Result<Page<AccessRequest>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let mut filter = filter;
    let mut own_only = !sees_all(caller);
    match listed_for {
        Some(ListedFor::ToReview) => {
            caller.require(Scope::RequestsApprove)?;
            let Decider { reviewer, groups } = Decider::of(&unit, caller).await?;
            filter.to_review_by = Some(ToReview { reviewer, groups });
        }
        Some(ListedFor::Mine) => own_only = true,
        None => {}
    }
    if own_only {
        caller_sees_own(caller)?;
        if filter.requester.is_some_and(|requester| requester != caller.user) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        filter.requester = Some(caller.user);
    }
    Ok(unit.requests(&filter, app.now(), &page).await?)
}

/// One request. Another's is not there for those who may not see it.
pub async fn get(app: &App, caller: &Caller, id: RequestId) -> Result<AccessRequest, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let request = unit.request(id).await?.ok_or(AppError::NotFound("request"))?;
    visible(caller, request)
}

/// The request, if the caller may know of it.
pub(super) fn visible(caller: &Caller, request: AccessRequest) -> Result<AccessRequest, AppError> {
    if sees_all(caller) {
        return Ok(request);
    }
    caller_sees_own(caller)?;
    if request.requester == caller.user { Ok(request) } else { Err(AppError::NotFound("request")) }
}

/// Whether the caller may see what everybody asks for.
pub(crate) fn check_sees_all(caller: &Caller) -> Result<(), AppError> {
    if sees_all(caller) { Ok(()) } else { Err(AppError::missing_scope(Scope::RequestsRead)) }
}

fn sees_all(caller: &Caller) -> bool {
    caller.may(Scope::RequestsRead) || caller.may(Scope::RequestsApprove)
}

/// Whoever may ask may see what they asked.
fn caller_sees_own(caller: &Caller) -> Result<(), AppError> {
    if caller.may(Scope::RequestsCreate) { Ok(()) } else { Err(AppError::missing_scope(Scope::RequestsRead)) }
}
