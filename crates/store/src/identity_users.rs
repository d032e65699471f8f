//! People as Identity Center's directory has them.

use curfew_domain::{Email, IdentityStoreId, IdentityUser, StorePrincipalId, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::identity_user::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The people of a directory with that address who are not gone and were seen after `oldest`: one, in a sound
    /// directory.
    pub async fn identity_users_by_email(
        &self,
        store: &IdentityStoreId,
        email: &Email,
        oldest: Timestamp,
    ) -> Result<Vec<IdentityUser>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::IdentityStoreId.eq(store.as_str()))
            .filter(Column::EmailFolded.eq(email.folded()))
            .filter(Column::GoneAt.is_null())
            .filter(Column::SeenAt.gt(oldest.micros()))
            .limit(2)
            .all(self.tx())
            .await?;
        rows.into_iter().map(identity_user).collect()
    }

    /// Somebody of a directory, as AWS told of them last.
    pub async fn identity_user(
        &self,
        store: &IdentityStoreId,
        principal: &StorePrincipalId,
    ) -> Result<Option<IdentityUser>, StoreError> {
        let key = (self.wall(), store.to_string(), principal.to_string());
        Entity::find_by_id(key).one(self.tx()).await?.map(identity_user).transpose()
    }
}

impl WriteUnit {
    /// Keeps what AWS told of a person.
    pub async fn save_identity_user(&self, user: &IdentityUser) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            identity_store_id: Set(user.identity_store.to_string()),
            principal_id: Set(user.principal.to_string()),
            user_name: Set(user.user_name.clone()),
            email: Set(user.email.clone()),
            email_folded: Set(user.email.as_ref().map(|email| email.to_lowercase())),
            status: Set(user.status.clone()),
            seen_at: Set(user.seen_at.micros()),
            gone_at: Set(micros(user.gone_at)),
        };
        let again = OnConflict::columns([Column::TenantId, Column::IdentityStoreId, Column::PrincipalId])
            .update_columns([
                Column::UserName,
                Column::Email,
                Column::EmailFolded,
                Column::Status,
                Column::SeenAt,
                Column::GoneAt,
            ])
            .to_owned();
        Entity::insert(row).on_conflict(again).exec_without_returning(self.tx()).await?;
        self.note_aws_moved();
        Ok(())
    }

    /// Marks those whom a full discovery that began at `began` has not seen in a directory. Says how many.
    pub async fn mark_identity_users_gone(
        &self,
        store: &IdentityStoreId,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let gone = Entity::update_many()
            .col_expr(Column::GoneAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::IdentityStoreId.eq(store.as_str()))
            .filter(Column::SeenAt.lt(began.micros()))
            .filter(Column::GoneAt.is_null())
            .exec(self.tx())
            .await?;
        self.note_aws_moved();
        Ok(gone.rows_affected)
    }
}

fn identity_user(row: Model) -> Result<IdentityUser, StoreError> {
    let at = Row { table: "identity_user", id: row.principal_id.clone() };
    Ok(IdentityUser {
        identity_store: at.parse::<IdentityStoreId>("identity_store_id", &row.identity_store_id)?,
        principal: at.parse::<StorePrincipalId>("principal_id", &row.principal_id)?,
        user_name: row.user_name,
        email: row.email,
        status: row.status,
        seen_at: Timestamp::from_micros(row.seen_at),
        gone_at: moment(row.gone_at),
    })
}
