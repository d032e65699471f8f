//! Readings of a tenant's AWS.

use curfew_domain::{DiscoveryId, DiscoveryRun, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::discovery_run::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The newest reading.
    pub async fn latest_discovery(&self) -> Result<Option<DiscoveryRun>, StoreError> {
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .order_by_desc(Column::StartedAt)
            .order_by_desc(Column::Id)
            .one(self.tx())
            .await?;
        row.map(run).transpose()
    }
}

impl WriteUnit {
    /// Keeps a new reading.
    pub async fn insert_discovery(&self, run: &DiscoveryRun) -> Result<(), StoreError> {
        Entity::insert(row_of(self.wall(), run)?).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Keeps where a reading stands.
    pub async fn update_discovery(&self, run: &DiscoveryRun) -> Result<(), StoreError> {
        Entity::update_many()
            .set(row_of(self.wall(), run)?)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(run.id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Forgets the readings that ended before `before`, but for the newest. Says how many.
    pub async fn forget_discoveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        let Some(newest) = self.latest_discovery().await? else { return Ok(0) };
        let forgotten = Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::EndedAt.lt(before.micros()))
            .filter(Column::Id.ne(newest.id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(forgotten.rows_affected)
    }
}

fn row_of(wall: uuid::Uuid, run: &DiscoveryRun) -> Result<ActiveModel, StoreError> {
    let counts = serde_json::to_value(run.counts)
        .map_err(|problem| StoreError::corrupt("discovery_run", run.id, problem))?;
    Ok(ActiveModel {
        tenant_id: Set(wall),
        id: Set(run.id.uuid()),
        instance_arn: Set(run.instance.to_string()),
        state: Set(run.state.as_str().to_owned()),
        started_at: Set(run.started_at.micros()),
        ended_at: Set(micros(run.ended_at)),
        counts: Set(counts),
        error: Set(run.error.clone()),
        requested_by: Set(run.requested_by.map(UserId::uuid)),
    })
}

fn run(row: Model) -> Result<DiscoveryRun, StoreError> {
    let at = Row { table: "discovery_run", id: row.id };
    Ok(DiscoveryRun {
        id: DiscoveryId::from_uuid(row.id),
        instance: at.parse("instance_arn", &row.instance_arn)?,
        state: at.parse("state", &row.state)?,
        started_at: Timestamp::from_micros(row.started_at),
        ended_at: moment(row.ended_at),
        counts: at.json("counts", row.counts)?,
        error: row.error,
        requested_by: row.requested_by.map(UserId::from_uuid),
    })
}
