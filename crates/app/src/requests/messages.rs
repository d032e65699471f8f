//! What people say to each other about a request.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    AccessRequest, AuthorType, DoneBy, MessageText, Page, PageRequest, RequestId, RequestMessage,
    RequestMessageId, Scope, Timestamp,
};
use curfew_store::ReadUnit;
use serde_json::{Map, Value};

use super::metadata;
use super::read::visible;
use crate::{App, AppError, Caller, Made, Once};

/// So much may be said about one request.
const MOST: u64 = 500;

/// Something that somebody wants to say.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// It.
    pub content: MessageText,
    /// Whatever is to be kept with it.
    pub metadata: Map<String, Value>,
}

/// What was said about a request, newest first, for whoever may see the request.
pub async fn messages(
    app: &App,
    caller: &Caller,
    request: RequestId,
    page: PageRequest,
) -> Result<Page<RequestMessage>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let request = unit.request(request).await?.ok_or(AppError::NotFound("request"))?;
    let request = visible(caller, request)?;
    Ok(unit.request_messages(request.id, &page).await?)
}

/// Says something about a request, whatever has become of it: its requester, or who may decide requests.
pub async fn add_message(
    app: &App,
    caller: &Caller,
    once: &Once,
    request: RequestId,
    said: NewMessage,
) -> Result<Made<RequestMessage>, AppError> {
    metadata::check(&said.metadata)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    // Held, so that of two who say the last thing that is kept one is the last.
    let request = unit.lock_request(request).await?.ok_or(AppError::NotFound("request"))?;
    let request = visible(caller, request)?;
    let author_type = author_type(caller, &request)?;
    let now = app.now();
    if let Some(message) = said_before(&unit, once, now).await? {
        return Ok(Made::Before(message));
    }
    if unit.count_request_messages(request.id).await? >= MOST {
        return Err(AppError::conflict(format!("a request has at most {MOST} messages")));
    }
    let message = RequestMessage {
        id: RequestMessageId::new(now, app.entropy.as_ref()),
        request: request.id,
        author_type,
        author: DoneBy::Person(caller.user),
        content: Some(said.content.clone()),
        metadata: said.metadata,
        created_at: now,
    };
    unit.insert_request_message(&message).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::RequestMessageAdded, "request", request.id)
        .with("message_id", message.id.to_string())
        .with("author_type", author_type.as_str())
        .with_personal("content", said.content.as_str());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    once.remember(&unit, message.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(message))
}

fn author_type(caller: &Caller, request: &AccessRequest) -> Result<AuthorType, AppError> {
    if request.requester == caller.user && caller.may(Scope::RequestsCreate) {
        return Ok(AuthorType::User);
    }
    caller.require(Scope::RequestsApprove)?;
    Ok(if request.requester == caller.user { AuthorType::User } else { AuthorType::Approver })
}

async fn said_before(
    unit: &ReadUnit,
    once: &Once,
    now: Timestamp,
) -> Result<Option<RequestMessage>, AppError> {
    let Some(id) = once.earlier::<RequestMessageId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.request_message(id).await?.ok_or(AppError::NotFound("message"))?))
}
