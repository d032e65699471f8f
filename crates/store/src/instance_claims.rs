//! Which tenant has connected which Identity Center instance: one instance, one tenant.

use curfew_domain::{InstanceArn, TenantId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::instance_claim::{ActiveModel, Column, Entity};
use crate::{StoreError, UnwalledRead, WriteUnit};

impl UnwalledRead {
    /// Who has connected an instance.
    pub async fn instance_claimed_by(&self, instance: &InstanceArn) -> Result<Option<TenantId>, StoreError> {
        let row = Entity::find_by_id(instance.as_str()).one(self.tx()).await?;
        Ok(row.map(|row| TenantId::from_uuid(row.tenant_id)))
    }

    /// The tenants that have connected an instance: those whose connection was verified.
    pub async fn connected_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::TenantId).all(self.tx()).await?;
        Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
    }
}

impl WriteUnit {
    /// Claims an instance for the unit's tenant, in place of the one it had. False when another tenant has it: then
    /// the unit is to be dropped.
    pub async fn claim_instance(&self, instance: &InstanceArn, now: Timestamp) -> Result<bool, StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.ne(instance.as_str()))
            .exec(self.tx())
            .await?;
        let row = ActiveModel {
            instance_arn: Set(instance.to_string()),
            tenant_id: Set(self.wall()),
            claimed_at: Set(now.micros()),
        };
        let unless_claimed = OnConflict::column(Column::InstanceArn).do_nothing().to_owned();
        Entity::insert(row).on_conflict(unless_claimed).exec_without_returning(self.tx()).await?;
        let owner = Entity::find_by_id(instance.as_str()).one(self.tx()).await?;
        Ok(owner.is_some_and(|owner| owner.tenant_id == self.wall()))
    }

    /// Gives up the instance that the unit's tenant has connected.
    pub async fn release_instance(&self) -> Result<(), StoreError> {
        Entity::delete_many().filter(Column::TenantId.eq(self.wall())).exec(self.tx()).await?;
        Ok(())
    }
}
