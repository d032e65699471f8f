//! A number for each tenant that moves with all that decides who may do what: roles, groups, policies, keys,
//! suspension and lockdown. Caches ask whether it moved.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::entity::tenant_version::{ActiveModel, Column, Entity};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The unit's own tenant's version; 0 before its first change.
    pub async fn version(&self) -> Result<u64, StoreError> {
        let row = Entity::find_by_id(self.wall()).one(self.tx()).await?;
        row.map_or(Ok(0), |row| {
            Row { table: "tenant_version", id: self.tenant() }.count("version", row.version)
        })
    }
}

impl WriteUnit {
    /// Moves the tenant's version. Two units that do so wait for each other: an ordinary write must not.
    pub async fn bump_version(&self) -> Result<(), StoreError> {
        let moved = Expr::col((Entity, Column::Version)).add(1);
        Entity::insert(ActiveModel { tenant_id: Set(self.wall()), version: Set(1) })
            .on_conflict(OnConflict::column(Column::TenantId).value(Column::Version, moved).to_owned())
            .exec_without_returning(self.tx())
            .await?;
        Ok(())
    }
}
