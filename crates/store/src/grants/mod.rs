//! Grants, as people see and end them. Their moments are the reconciler's to write.

mod extend;
mod filter;
mod link;
mod open;
mod same_access;
mod story;
mod view;

use curfew_domain::{Grant, GrantId, RequestId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
};
use serde_json::Value;

use crate::entity::access_grant::{ActiveModel, Column, Entity, Model};
use crate::reconcile::times_of;
use crate::row::{Row, micros};
use crate::{ReadUnit, StoreError, WriteUnit};

pub use filter::GrantFilter;
pub(crate) use filter::gives_access_to;
pub(crate) use link::its_grant;
pub(crate) use open::open;
pub use story::{Story, StoryCall};
pub use view::GrantView;

impl ReadUnit {
    async fn one_grant(&self, id: GrantId, lock: Option<LockType>) -> Result<Option<Grant>, StoreError> {
        let mut query = Entity::find_by_id((self.wall(), id.uuid()));
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        query.one(self.tx()).await?.map(grant).transpose()
    }
}

impl WriteUnit {
    /// The grant by that id, held against other writers until the unit ends.
    pub async fn lock_grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.one_grant(id, Some(LockType::NoKeyUpdate)).await
    }

    /// Keeps a new grant. A request that has its grant already is a conflict.
    pub async fn insert_grant(&self, grant: &Grant) -> Result<(), StoreError> {
        let times = &grant.times;
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(grant.id.uuid()),
            request_id: Set(grant.request.map(RequestId::uuid)),
            grantee_id: Set(grant.grantee.uuid()),
            resource_type: Set(grant.resource.kind().as_str().to_owned()),
            resource_id: Set(grant.resource.id().to_owned()),
            action: Set(grant.action.as_str().to_owned()),
            account_id: Set(grant.account.as_ref().map(ToString::to_string)),
            permission_set_arn: Set(grant.permission_set.to_string()),
            duration_seconds: Set(times.duration.get()),
            decided_at: Set(times.decided_at.micros()),
            start_by: Set(times.start_by.micros()),
            started_at: Set(micros(times.started_at)),
            succeeded_at: Set(micros(times.succeeded_at)),
            expires_at: Set(micros(times.expires_at)),
            failed_at: Set(micros(times.failed_at)),
            end_noted_at: Set(None),
            expiring_noted_at: Set(None),
            revoked_at: Set(micros(times.revoked_at)),
            is_open: NotSet,
            revoked_by: Set(grant.revoked_by.map(|by| by.to_string())),
            revoke_reason: Set(grant.revoke_reason.as_ref().map(ToString::to_string)),
            failure: Set(grant.failure.clone()),
            audit_enabled: Set(grant.audit_enabled),
            metadata: Set(Value::Object(grant.metadata.clone())),
            created_at: Set(grant.created_at.micros()),
            updated_at: Set(grant.updated_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Writes that somebody ended a grant. Touch what is due besides.
    pub async fn save_revocation(&self, grant: &Grant) -> Result<(), StoreError> {
        let reason = grant.revoke_reason.as_ref().map(ToString::to_string);
        self.change_grant(grant, |update| {
            update
                .col_expr(Column::RevokedAt, Expr::value(micros(grant.times.revoked_at)))
                .col_expr(Column::RevokedBy, Expr::value(grant.revoked_by.map(|by| by.to_string())))
                .col_expr(Column::RevokeReason, Expr::value(reason))
        })
        .await
    }

    /// Writes whether a grant's sessions are followed.
    pub async fn save_grant_audit(&self, grant: &Grant) -> Result<(), StoreError> {
        self.change_grant(grant, |update| {
            update.col_expr(Column::AuditEnabled, Expr::value(grant.audit_enabled))
        })
        .await
    }

    async fn change_grant(
        &self,
        grant: &Grant,
        change: impl FnOnce(sea_orm::UpdateMany<Entity>) -> sea_orm::UpdateMany<Entity>,
    ) -> Result<(), StoreError> {
        let written = change(Entity::update_many())
            .col_expr(Column::UpdatedAt, Expr::value(grant.updated_at.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(grant.id.uuid()))
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale { table: "access_grant" }) }
    }
}

fn grant(row: Model) -> Result<Grant, StoreError> {
    let at = Row { table: "access_grant", id: row.id };
    let times = times_of(&row)?;
    let resource =
        curfew_domain::ResourceRef::new(at.parse("resource_type", &row.resource_type)?, &row.resource_id)
            .map_err(|problem| at.corrupt("resource_id", problem))?;
    Ok(Grant {
        id: GrantId::from_uuid(row.id),
        request: row.request_id.map(RequestId::from_uuid),
        grantee: UserId::from_uuid(row.grantee_id),
        resource,
        action: at.parse("action", &row.action)?,
        account: at.parse_some("account_id", row.account_id.as_deref())?,
        permission_set: at.parse("permission_set_arn", &row.permission_set_arn)?,
        times,
        revoked_by: at.parse_some("revoked_by", row.revoked_by.as_deref())?,
        revoke_reason: at.parse_some("revoke_reason", row.revoke_reason.as_deref())?,
        failure: row.failure,
        audit_enabled: row.audit_enabled,
        metadata: at.json("metadata", row.metadata)?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
