//! What a person has or has asked for of one access: an account and a permission set.

use curfew_domain::request::RequestStatus;
use curfew_domain::{AccessRequest, AccountId, PermissionSetArn, Timestamp, UserId};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{access_grant, access_request};
use crate::{GrantView, ReadUnit, StoreError};

use super::filter::gives_access_to;
use super::grant;
use super::open::open;

impl ReadUnit {
    /// The live grants that give a person a permission set in an account, newest first.
    pub async fn live_grants_to(
        &self,
        grantee: UserId,
        account: &AccountId,
        permission_set: &PermissionSetArn,
        now: Timestamp,
    ) -> Result<Vec<GrantView>, StoreError> {
        use access_grant::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::GranteeId.eq(grantee.uuid()))
            .filter(Column::PermissionSetArn.eq(permission_set.as_str()))
            .filter(open())
            .filter(gives_access_to(account))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(self.tx())
            .await?;
        let mut grants = rows.into_iter().map(grant).collect::<Result<Vec<_>, _>>()?;
        grants.retain(|grant| grant.times.is_live(now));
        self.with_assignments(grants, now).await
    }

    /// A person's request for a new grant of just that which waits at `now`: the newest, if there are several.
    pub async fn pending_request_for(
        &self,
        requester: UserId,
        account: &AccountId,
        permission_set: &PermissionSetArn,
        now: Timestamp,
    ) -> Result<Option<AccessRequest>, StoreError> {
        use access_request::{Column, Entity};
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequesterId.eq(requester.uuid()))
            .filter(Column::Status.eq(RequestStatus::Pending.as_str()))
            .filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.micros())))
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Column::PermissionSetArn.eq(permission_set.as_str()))
            .filter(Column::ExtendsGrantId.is_null())
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .one(self.tx())
            .await?;
        Ok(self.with_approvals(row.into_iter().collect()).await?.pop())
    }

    /// The last request of a person for an account and a permission set since `since`, whatever became of it.
    pub async fn last_request_for(
        &self,
        requester: UserId,
        account: &AccountId,
        permission_set: &PermissionSetArn,
        since: Timestamp,
    ) -> Result<Option<AccessRequest>, StoreError> {
        use access_request::{Column, Entity};
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequesterId.eq(requester.uuid()))
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Column::PermissionSetArn.eq(permission_set.as_str()))
            .filter(Column::ExtendsGrantId.is_null())
            .filter(Column::CreatedAt.gte(since.micros()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .one(self.tx())
            .await?;
        Ok(self.with_approvals(row.into_iter().collect()).await?.pop())
    }
}
