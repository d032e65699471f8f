//! Permission sets that nobody but Curfew may assign.

use std::collections::BTreeMap;

use curfew_domain::{InstanceArn, PermissionSetArn, ResourceType, Timestamp};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select,
    Statement,
};
use uuid::Uuid;

use crate::entity::aws_resource::{Column, Entity};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// An instance's, each with the moment at which somebody has said so.
    pub async fn exclusive_sets(
        &self,
        instance: &InstanceArn,
    ) -> Result<BTreeMap<PermissionSetArn, Timestamp>, StoreError> {
        let rows = self
            .exclusive()
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .select_only()
            .column(Column::AwsId)
            .column(Column::ExclusiveSince)
            .into_tuple::<(String, Option<i64>)>()
            .all(self.tx())
            .await?;
        let at = Row { table: "aws_resource", id: instance.as_str() };
        let set = |(arn, since): (String, Option<i64>)| {
            Ok((at.parse("aws_id", &arn)?, Timestamp::from_micros(since.unwrap_or_default())))
        };
        rows.into_iter().map(set).collect()
    }

    fn exclusive(&self) -> Select<Entity> {
        Entity::find().filter(
            Condition::all()
                .add(Column::TenantId.eq(self.wall()))
                .add(Column::Kind.eq(ResourceType::AwsPermissionSet.as_str()))
                .add(Column::Exclusive.eq(true)),
        )
    }
}

impl WriteUnit {
    /// From now on some node owns the tenant's connection also while nothing is due, where a permission set is exclusive;
    /// else only while something is.
    pub async fn watch_exclusive(&self) -> Result<(), StoreError> {
        let watched = self.exclusive().count(self.tx()).await? > 0;
        let sql = "INSERT INTO connection_lease (tenant_id, node_id, fence, expires_at, is_watched) \
                   VALUES ($1, $2, 0, 0, $3) \
                   ON CONFLICT (tenant_id) DO UPDATE SET is_watched = excluded.is_watched";
        let values = [self.wall().into(), Uuid::nil().into(), watched.into()];
        let backend = self.tx().get_database_backend();
        self.tx().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(())
    }
}
