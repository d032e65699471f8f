//! Ending all live grants of a person, of an account, or of the tenant at once: in statements of bounded length, however
//! many there are.
//!
//! Locks are taken in the one order: the grants by their ids, and then the due rows of all their assignments by theirs. So
//! nobody who makes, ends or carries out grants at the same time waits in a ring.

use curfew_domain::{DoneBy, GrantId, LockdownOf, Reason, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::access_grant::{Column, Entity};
use crate::grants::{gives_access_to, open};
use crate::{StoreError, WriteUnit};

/// So many grants are ended by one statement.
const CHUNK: usize = 1_000;

/// A grant that was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedGrant {
    /// Its id.
    pub grant: GrantId,
    /// Whose it was.
    pub grantee: UserId,
}

impl WriteUnit {
    /// Revokes all live grants that `covered` covers, and makes their assignments due now, before what is to be given.
    /// Answers which. What is being made at the same time is not among them: hold what those units hold before.
    pub async fn revoke_all(
        &self,
        covered: &LockdownOf,
        by: DoneBy,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Vec<RevokedGrant>, StoreError> {
        let revoked = self.lock_live(covered, now).await?;
        let ids: Vec<GrantId> = revoked.iter().map(|revoked| revoked.grant).collect();
        for chunk in ids.chunks(CHUNK) {
            Entity::update_many()
                .col_expr(Column::RevokedAt, Expr::value(now.micros()))
                .col_expr(Column::RevokedBy, Expr::value(by.to_string()))
                .col_expr(Column::RevokeReason, Expr::value(reason.as_str()))
                .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
                .filter(Column::TenantId.eq(self.wall()))
                .filter(Column::Id.is_in(chunk.iter().map(|id| id.uuid())))
                .exec(self.tx())
                .await?;
        }
        self.touch_due_of_grants(&ids, now).await?;
        Ok(revoked)
    }

    async fn lock_live(&self, covered: &LockdownOf, now: Timestamp) -> Result<Vec<RevokedGrant>, StoreError> {
        let rows: Vec<(Uuid, Uuid)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::GranteeId])
            .filter(Column::TenantId.eq(self.wall()))
            .filter(live(now))
            .filter(condition(covered))
            .order_by_asc(Column::Id)
            .lock(LockType::NoKeyUpdate)
            .into_tuple()
            .all(self.tx())
            .await?;
        let revoked = |(grant, grantee)| RevokedGrant {
            grant: GrantId::from_uuid(grant),
            grantee: UserId::from_uuid(grantee),
        };
        Ok(rows.into_iter().map(revoked).collect())
    }
}

/// `GrantTimes::is_live`, for the database. A live grant is open, by which the database finds it.
pub(crate) fn live(now: Timestamp) -> Condition {
    let not_over = Column::ExpiresAt
        .gt(now.micros())
        .or(Column::ExpiresAt.is_null().and(Column::StartBy.gt(now.micros())));
    Condition::all()
        .add(open())
        .add(Column::RevokedAt.is_null())
        .add(Column::FailedAt.is_null())
        .add(not_over)
}

fn condition(covered: &LockdownOf) -> Condition {
    match covered {
        LockdownOf::User(user) => Condition::all().add(Column::GranteeId.eq(user.uuid())),
        LockdownOf::Account(account) => gives_access_to(account),
        LockdownOf::Tenant => Condition::all(),
    }
}
