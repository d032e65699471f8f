//! What is known of a tenant's AWS.

use std::collections::BTreeMap;

use curfew_domain::{
    AccountId, CachedResource, CachedResourceId, Discovered, InstanceArn, Pushed, ResourceRef, ResourceType,
    Timestamp,
};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Map, Value};

use crate::entity::aws_resource::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// One resource, as it was seen through `instance` or pushed for it.
    pub async fn aws_resource(
        &self,
        instance: &InstanceArn,
        resource: &ResourceRef,
    ) -> Result<Option<CachedResource>, StoreError> {
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .filter(Column::Kind.eq(resource.kind().as_str()))
            .filter(Column::AwsId.eq(resource.id()))
            .one(self.tx())
            .await?;
        row.map(cached).transpose()
    }

    /// Several resources, as far as they are known.
    pub async fn aws_resources(
        &self,
        instance: &InstanceArn,
        resources: &[ResourceRef],
    ) -> Result<Vec<CachedResource>, StoreError> {
        let one_of = resources.iter().fold(Condition::any(), |any, resource| {
            any.add(Column::Kind.eq(resource.kind().as_str()).and(Column::AwsId.eq(resource.id())))
        });
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .filter(one_of)
            .all(self.tx())
            .await?;
        rows.into_iter().map(cached).collect()
    }

    /// All resources of a kind, by AWS's ids.
    pub async fn aws_resources_of(
        &self,
        instance: &InstanceArn,
        kind: ResourceType,
    ) -> Result<Vec<CachedResource>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .filter(Column::Kind.eq(kind.as_str()))
            .order_by_asc(Column::AwsId)
            .all(self.tx())
            .await?;
        rows.into_iter().map(cached).collect()
    }
}

impl WriteUnit {
    /// Keeps what AWS told of a resource; what was pushed stays as it is. `id` is used where it is new.
    pub async fn save_discovered(
        &self,
        id: CachedResourceId,
        instance: &InstanceArn,
        resource: &ResourceRef,
        account: Option<&AccountId>,
        discovered: &Discovered,
    ) -> Result<(), StoreError> {
        let json = |value: Result<Value, serde_json::Error>| {
            value.map_err(|problem| StoreError::corrupt("aws_resource", resource, problem))
        };
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(id.uuid()),
            instance_arn: Set(instance.to_string()),
            kind: Set(resource.kind().as_str().to_owned()),
            aws_id: Set(resource.id().to_owned()),
            account_id: Set(account.map(ToString::to_string)),
            discovered_name: Set(Some(discovered.name.clone())),
            parents: Set(Some(json(serde_json::to_value(&discovered.units))?)),
            tags: Set(Some(json(serde_json::to_value(&discovered.tags))?)),
            state: Set(discovered.state.clone()),
            attributes: Set(Some(json(serde_json::to_value(&discovered.attributes))?)),
            seen_at: Set(Some(discovered.seen_at.micros())),
            gone_at: Set(micros(discovered.gone_at)),
            exclusive: Set(false),
            created_at: Set(discovered.seen_at.micros()),
            updated_at: Set(discovered.seen_at.micros()),
            ..ActiveModel::default()
        };
        let again = OnConflict::columns([Column::TenantId, Column::InstanceArn, Column::Kind, Column::AwsId])
            .update_columns([
                Column::AccountId,
                Column::DiscoveredName,
                Column::Parents,
                Column::Tags,
                Column::State,
                Column::Attributes,
                Column::SeenAt,
                Column::GoneAt,
                Column::UpdatedAt,
            ])
            .to_owned();
        Entity::insert(row).on_conflict(again).exec_without_returning(self.tx()).await?;
        self.note_aws_moved();
        Ok(())
    }

    /// Marks what a full discovery that began at `began` has not seen of a kind. Says how many.
    pub async fn mark_resources_gone(
        &self,
        instance: &InstanceArn,
        kind: ResourceType,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let gone = Entity::update_many()
            .col_expr(Column::GoneAt, Expr::value(now.micros()))
            .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(Column::SeenAt.lt(began.micros()))
            .filter(Column::GoneAt.is_null())
            .exec(self.tx())
            .await?;
        self.note_aws_moved();
        Ok(gone.rows_affected)
    }

    /// Keeps what somebody told of a resource; what AWS told stays as it is. `id` is used where it is new.
    pub async fn save_pushed(
        &self,
        id: CachedResourceId,
        instance: &InstanceArn,
        resource: &ResourceRef,
        account: Option<&AccountId>,
        pushed: &Pushed,
    ) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(id.uuid()),
            instance_arn: Set(instance.to_string()),
            kind: Set(resource.kind().as_str().to_owned()),
            aws_id: Set(resource.id().to_owned()),
            account_id: Set(account.map(ToString::to_string)),
            pushed_name: Set(pushed.name.as_ref().map(ToString::to_string)),
            rank: Set(pushed.rank),
            metadata: Set(Some(Value::Object(pushed.metadata.clone()))),
            access_level: Set(pushed.access_level.map(|level| level.as_str().to_owned())),
            exclusive: Set(pushed.exclusive),
            exclusive_since: Set(pushed.exclusive.then_some(pushed.at.micros())),
            pushed_at: Set(Some(pushed.at.micros())),
            created_at: Set(pushed.at.micros()),
            updated_at: Set(pushed.at.micros()),
            ..ActiveModel::default()
        };
        // Where AWS has told, it alone says what account a resource is in.
        let account = Expr::case(
            Expr::col((Entity, Column::SeenAt)).is_null(),
            Expr::col((Alias::new("excluded"), Column::AccountId)),
        )
        .finally(Expr::col((Entity, Column::AccountId)));
        // What is said again counts from when it was first said.
        let new = |column| Expr::col((Alias::new("excluded"), column));
        let exclusive_since = Expr::case(
            new(Column::Exclusive).eq(true).and(Expr::col((Entity, Column::Exclusive)).eq(true)),
            Expr::col((Entity, Column::ExclusiveSince)),
        )
        .finally(new(Column::ExclusiveSince));
        let again = OnConflict::columns([Column::TenantId, Column::InstanceArn, Column::Kind, Column::AwsId])
            .update_columns([
                Column::PushedName,
                Column::Rank,
                Column::Metadata,
                Column::AccessLevel,
                Column::Exclusive,
                Column::PushedAt,
                Column::UpdatedAt,
            ])
            .value(Column::AccountId, account)
            .value(Column::ExclusiveSince, exclusive_since)
            .to_owned();
        Entity::insert(row).on_conflict(again).exec_without_returning(self.tx()).await?;
        self.note_aws_moved();
        Ok(())
    }
}

pub(crate) fn cached(row: Model) -> Result<CachedResource, StoreError> {
    let at = Row { table: "aws_resource", id: row.id };
    let resource = ResourceRef::new(at.parse("type", &row.kind)?, &row.aws_id)
        .map_err(|problem| at.corrupt("aws_id", problem))?;
    let pushed = row
        .pushed_at
        .map(|pushed_at| {
            Ok::<_, StoreError>(Pushed {
                name: at.parse_some("pushed_name", row.pushed_name.as_deref())?,
                rank: row.rank,
                metadata: at.json("metadata", row.metadata.clone().unwrap_or(Value::Object(Map::new())))?,
                access_level: at.parse_some("access_level", row.access_level.as_deref())?,
                exclusive: row.exclusive,
                at: Timestamp::from_micros(pushed_at),
            })
        })
        .transpose()?;
    let account = at.parse_some("account_id", row.account_id.as_deref())?;
    Ok(CachedResource {
        id: CachedResourceId::from_uuid(row.id),
        instance: at.parse("instance_arn", &row.instance_arn)?,
        resource,
        account,
        pushed,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        discovered: discovered(&at, row)?,
    })
}

fn discovered(at: &Row<uuid::Uuid>, row: Model) -> Result<Option<Discovered>, StoreError> {
    let Some(seen_at) = row.seen_at else { return Ok(None) };
    let or_empty = |value: Option<Value>, empty: Value| value.unwrap_or(empty);
    Ok(Some(Discovered {
        name: row.discovered_name.unwrap_or_else(|| row.aws_id.clone()),
        units: at.json("parents", or_empty(row.parents, Value::Array(Vec::new())))?,
        tags: at.json::<BTreeMap<String, String>>("tags", or_empty(row.tags, Value::Object(Map::new())))?,
        state: row.state,
        attributes: at.json("attributes", or_empty(row.attributes, Value::Object(Map::new())))?,
        seen_at: Timestamp::from_micros(seen_at),
        gone_at: moment(row.gone_at),
    }))
}
