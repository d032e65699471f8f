//! Roles that a tenant has made.

use std::collections::BTreeMap;

use curfew_domain::{BuiltInRole, CustomRole, LongText, RoleId, RoleSlug, ScopeSet, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::entity::custom_role::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The roles that the tenant has made, oldest first.
    pub async fn custom_roles(&self) -> Result<Vec<CustomRole>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        rows.into_iter().map(custom_role).collect()
    }

    /// One of them.
    pub async fn custom_role(&self, id: RoleId) -> Result<Option<CustomRole>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        row.map(custom_role).transpose()
    }

    /// What those of these roles allow that the tenant has made.
    pub async fn scopes_of_custom(
        &self,
        roles: impl IntoIterator<Item = &RoleSlug>,
    ) -> Result<BTreeMap<RoleSlug, ScopeSet>, StoreError> {
        let slugs: Vec<&str> = roles
            .into_iter()
            .filter(|role| BuiltInRole::named(role).is_none())
            .map(RoleSlug::as_str)
            .collect();
        if slugs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Slug.is_in(slugs))
            .all(self.tx())
            .await?;
        rows.into_iter().map(|row| custom_role(row).map(|role| (role.slug, role.scopes))).collect()
    }
}

/// Before any of these call [`WriteUnit::bump_version`].
impl WriteUnit {
    /// Makes a role.
    pub async fn insert_custom_role(&self, role: &CustomRole) -> Result<(), StoreError> {
        Entity::insert(self.role_columns(role)).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Writes a role as it shall be.
    pub async fn update_custom_role(&self, role: &CustomRole) -> Result<(), StoreError> {
        Entity::update_many()
            .set(self.role_columns(role))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(role.id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Deletes a role.
    pub async fn delete_custom_role(&self, id: RoleId) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    fn role_columns(&self, role: &CustomRole) -> ActiveModel {
        let scopes: Vec<Value> = role.scopes.iter().map(|scope| scope.as_str().into()).collect();
        ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(role.id.uuid()),
            slug: Set(role.slug.to_string()),
            name: Set(role.name.to_string()),
            description: Set(role.description.as_ref().map(LongText::to_string)),
            scopes: Set(scopes.into()),
            created_by: Set(role.created_by.uuid()),
            updated_by: Set(role.updated_by.uuid()),
            created_at: Set(role.created_at.micros()),
            updated_at: Set(role.updated_at.micros()),
        }
    }
}

fn custom_role(row: Model) -> Result<CustomRole, StoreError> {
    let at = Row { table: "custom_role", id: row.id };
    Ok(CustomRole {
        id: RoleId::from_uuid(row.id),
        slug: at.parse("slug", &row.slug)?,
        name: at.parse("name", &row.name)?,
        description: at.parse_some("description", row.description.as_deref())?,
        scopes: at.scopes("scopes", row.scopes)?,
        created_by: UserId::from_uuid(row.created_by),
        updated_by: UserId::from_uuid(row.updated_by),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
