//! E-mail domains that tenants claim.

use curfew_domain::{DomainId, TenantDomain, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::tenant_domain::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The tenant's domains, in the order in which they were claimed.
    pub async fn domains(&self) -> Result<Vec<TenantDomain>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        rows.into_iter().map(domain).collect()
    }
}

impl WriteUnit {
    /// Keeps a claimed domain.
    pub async fn insert_domain(&self, new: &TenantDomain) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(new.id.uuid()),
            domain: Set(new.name.to_string()),
            verified_at: Set(micros(new.verified_at)),
            verification_token: Set(new.verification_token.clone()),
            created_at: Set(new.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn domain(row: Model) -> Result<TenantDomain, StoreError> {
    let at = Row { table: "tenant_domain", id: row.id };
    Ok(TenantDomain {
        id: DomainId::from_uuid(row.id),
        name: at.parse("domain", &row.domain)?,
        verified_at: moment(row.verified_at),
        verification_token: row.verification_token,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
