use std::str::FromStr;

use curfew_domain::Timestamp;
use curfew_store::keyring::{Keyring, Purpose};
use curfew_store::{
    Constraint, EarlierRequest, ReadUnit, RepeatableRequest, RequestHashes, StoreError, WriteUnit,
};

use crate::{AppError, Caller};

/// A creation that is to happen once, however often it is asked for: the use case's half of `Idempotency-Key`.
///
/// The row is written in the transaction that creates, so there is never a thing without its row, nor a row
/// without its thing. A use case that creates takes a `&Once` and answers [`Made`]:
///
/// ```text
/// let unit = app.store.tenant(caller.tenant).write().await?;
/// if let Some(id) = once.earlier(&unit, now).await? {
///     let policy = unit.policy(id).await?.ok_or(AppError::NotFound("policy"))?;
///     return Ok(Made::Before(policy));                         // loaded anew; secrets stay untold
/// }
/// … insert, record …
/// once.remember(&unit, policy.id, now).await?;                 // last
/// unit.commit().await?;
/// Ok(Made::Now(policy))
/// ```
#[derive(Debug, Clone, Default)]
pub struct Once(Option<RepeatableRequest>);

/// What a use case made, or had made when the same was asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made<T> {
    /// Just now.
    Now(T),
    /// By an earlier request with the same key.
    Before(T),
}

impl<T> Made<T> {
    /// The same about something else.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Made<U> {
        match self {
            Made::Now(thing) => Made::Now(f(thing)),
            Made::Before(thing) => Made::Before(f(thing)),
        }
    }

    /// The thing, whenever it was made.
    pub fn into_inner(self) -> T {
        match self {
            Made::Now(thing) | Made::Before(thing) => thing,
        }
    }
}

impl Once {
    /// No key was sent: each request creates.
    pub const fn unkeyed() -> Self {
        Self(None)
    }

    /// Whether each request creates.
    pub(crate) fn is_unkeyed(&self) -> bool {
        self.0.is_none()
    }

    /// The caller sent `key` with `body` to `route`. Neither is kept, only keyed hashes of them.
    pub fn keyed(keyring: &Keyring, caller: &Caller, route: &str, key: &str, body: &[u8]) -> Self {
        let keys = keyring.candidates(Purpose::Idempotency, &[b"key", key.as_bytes()]);
        let bodies = keyring.candidates(Purpose::Idempotency, &[b"body", body]);
        let hashes = keys
            .into_iter()
            .zip(bodies)
            .map(|(key, body)| RequestHashes { key: key.digest, body: body.digest })
            .collect();
        Self(Some(RepeatableRequest { principal: caller.actor.id(), route: route.to_owned(), hashes }))
    }

    /// The id of what the same request made before.
    ///
    /// Refuses with a conflict when the key was used with another body.
    pub async fn earlier<Id: FromStr>(
        &self,
        unit: &ReadUnit,
        now: Timestamp,
    ) -> Result<Option<Id>, AppError> {
        let Some(request) = &self.0 else { return Ok(None) };
        match unit.earlier_request(request, now).await? {
            EarlierRequest::None => Ok(None),
            EarlierRequest::Other => {
                Err(AppError::conflict("this Idempotency-Key was used with another body; use a new one"))
            }
            EarlierRequest::Same { resource_id } => match resource_id.parse() {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(AppError::internal(StoreError::Corrupt {
                    table: "idempotency",
                    id: resource_id,
                    problem: "not an id of what the operation makes".to_owned(),
                })),
            },
        }
    }

    /// Remembers what was made. To be called last, before the commit.
    ///
    /// Refuses with a conflict when a twin of the request is still running.
    pub async fn remember(
        &self,
        unit: &WriteUnit,
        id: impl ToString,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let Some(request) = &self.0 else { return Ok(()) };
        match unit.remember_request(request, &id.to_string(), now).await {
            Err(StoreError::Conflict(Constraint::IdempotencyKey)) => {
                Err(AppError::conflict("a request with this Idempotency-Key is still running; ask again"))
            }
            result => Ok(result?),
        }
    }
}
