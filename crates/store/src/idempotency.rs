use curfew_domain::{Seconds, Timestamp};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryFilter};

use crate::entity::idempotency::{ActiveModel, Column, Entity, Model};
use crate::{ReadUnit, StoreError, WriteUnit};

/// How long a repeated request is recognised: 24 hours (api.md, "Conventions").
const REMEMBERED: Seconds = Seconds::of(24 * 60 * 60);

/// A request that may be repeated: by whom, where, and keyed hashes of its key and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatableRequest {
    /// Who asks; the same person with another token is the same.
    pub principal: String,
    /// The operation.
    pub route: String,
    /// Hashes under each master key, the current one first.
    pub hashes: Vec<RequestHashes>,
}

/// The hashes of one request under one master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHashes {
    /// Of the `Idempotency-Key`.
    pub key: [u8; 32],
    /// Of the body.
    pub body: [u8; 32],
}

/// What came of the same key before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlierRequest {
    /// Nothing.
    None,
    /// The same request made this resource.
    Same {
        /// Its id.
        resource_id: String,
    },
    /// The key was used for another body.
    Other,
}

impl ReadUnit {
    /// Looks for an earlier request under the same key.
    pub async fn earlier_request(
        &self,
        request: &RepeatableRequest,
        now: Timestamp,
    ) -> Result<EarlierRequest, StoreError> {
        let keys = request.hashes.iter().map(|hashes| hashes.key.to_vec());
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Principal.eq(&request.principal))
            .filter(Column::Route.eq(&request.route))
            .filter(Column::KeyHash.is_in(keys))
            .filter(Column::ExpiresAt.gt(now.micros()))
            .one(self.tx())
            .await?;
        Ok(row.map_or(EarlierRequest::None, |row| compare(request, row)))
    }
}

impl WriteUnit {
    /// Remembers that `request` made the resource, in the transaction that makes it, and forgets what is too old.
    /// To be called last: of two that run at once on PostgreSQL, the second waits here, and then is refused as
    /// [`Constraint::IdempotencyKey`](crate::Constraint::IdempotencyKey).
    pub async fn remember_request(
        &self,
        request: &RepeatableRequest,
        resource_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(hashes) = request.hashes.first() else { return Ok(()) };
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ExpiresAt.lte(now.micros()))
            .exec(self.tx())
            .await?;
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            principal: Set(request.principal.clone()),
            route: Set(request.route.clone()),
            key_hash: Set(hashes.key.to_vec()),
            body_hash: Set(hashes.body.to_vec()),
            status: Set(Some(CREATED)),
            resource_id: Set(Some(resource_id.to_owned())),
            created_at: Set(now.micros()),
            expires_at: Set((now + REMEMBERED).micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

/// The status of what made something.
const CREATED: i32 = 201;

fn compare(request: &RepeatableRequest, row: Model) -> EarlierRequest {
    let same_body = request
        .hashes
        .iter()
        .any(|hashes| hashes.key.as_slice() == row.key_hash && hashes.body.as_slice() == row.body_hash);
    match row.resource_id {
        Some(resource_id) if same_body => EarlierRequest::Same { resource_id },
        _ => EarlierRequest::Other,
    }
}
