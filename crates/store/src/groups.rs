//! Groups of people, and the roles that they give.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::{
    Cursor, Group, GroupId, GroupName, GroupSource, LongText, Page, PageRequest, RoleSlug, ScopeSet,
    Timestamp,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::entity::user_group::{ActiveModel, Column, Entity, Model};
use crate::entity::{group_member, group_role};
use crate::row::{Row, changed};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The group by that id.
    pub async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        Ok(self.whole_groups(row.into_iter().collect()).await?.pop())
    }

    /// Which group has that name, in whatever case it is written.
    pub async fn group_named(&self, name: &GroupName) -> Result<Option<GroupId>, StoreError> {
        let found: Option<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::NameFolded.eq(name.folded()))
            .into_tuple()
            .one(self.tx())
            .await?;
        Ok(found.map(GroupId::from_uuid))
    }

    /// The tenant's groups, newest first: all of them, or those of one source.
    pub async fn groups(
        &self,
        source: Option<GroupSource>,
        page: &PageRequest,
    ) -> Result<Page<Group>, StoreError> {
        let mut query = Entity::find().filter(Column::TenantId.eq(self.wall()));
        if let Some(source) = source {
            query = query.filter(Column::Source.eq(source.as_str()));
        }
        let rows = query
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let groups = self.whole_groups(rows).await?;
        Ok(Page::cut(groups, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    /// How many groups the tenant has.
    pub async fn count_groups(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::TenantId.eq(self.wall())).count(self.tx()).await?)
    }

    /// Those of `ids` that are groups of the tenant.
    pub async fn groups_among(&self, ids: &[GroupId]) -> Result<Vec<GroupId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(GroupId::from_uuid).collect())
    }

    /// How many groups give each role.
    pub async fn groups_by_role(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let counts: Vec<(String, i64)> = group_role::Entity::find()
            .select_only()
            .column(group_role::Column::RoleSlug)
            .column_as(group_role::Column::GroupId.count(), "groups")
            .filter(group_role::Column::TenantId.eq(self.wall()))
            .group_by(group_role::Column::RoleSlug)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(counts.into_iter().map(|(role, groups)| (role, groups.unsigned_abs())).collect())
    }

    /// The roles that any of these groups gives.
    pub async fn roles_given_by(&self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<RoleSlug>, StoreError> {
        let ids: Vec<Uuid> = groups.iter().map(|group| group.uuid()).collect();
        Ok(self.roles_of_groups(&ids).await?.into_values().flat_map(BTreeMap::into_keys).collect())
    }

    async fn whole_groups(&self, rows: Vec<Model>) -> Result<Vec<Group>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let counts = self.member_counts(&ids).await?;
        let mut roles = self.roles_of_groups(&ids).await?;
        let custom = self.scopes_of_custom(roles.values().flat_map(BTreeMap::keys)).await?;
        let whole = |row: Model| {
            let count = counts.get(&row.id).copied().unwrap_or_default();
            let mut group = group(row.id, count, roles.remove(&row.id).unwrap_or_default(), row)?;
            group.custom_scopes = ScopeSet::of_all(group.roles.keys().filter_map(|role| custom.get(role)));
            Ok(group)
        };
        rows.into_iter().map(whole).collect()
    }

    async fn member_counts(&self, groups: &[Uuid]) -> Result<BTreeMap<Uuid, u64>, StoreError> {
        let counts: Vec<(Uuid, i64)> = group_member::Entity::find()
            .select_only()
            .column(group_member::Column::GroupId)
            .column_as(group_member::Column::UserId.count(), "members")
            .filter(group_member::Column::TenantId.eq(self.wall()))
            .filter(group_member::Column::GroupId.is_in(groups.iter().copied()))
            .group_by(group_member::Column::GroupId)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(counts.into_iter().map(|(group, members)| (group, members.unsigned_abs())).collect())
    }

    /// The roles of each of these groups that gives any.
    pub(crate) async fn roles_of_groups(
        &self,
        groups: &[Uuid],
    ) -> Result<BTreeMap<Uuid, BTreeMap<RoleSlug, Timestamp>>, StoreError> {
        let given = group_role::Entity::find()
            .filter(group_role::Column::TenantId.eq(self.wall()))
            .filter(group_role::Column::GroupId.is_in(groups.iter().copied()))
            .all(self.tx())
            .await?;
        let mut roles: BTreeMap<Uuid, BTreeMap<RoleSlug, Timestamp>> = BTreeMap::new();
        for row in given {
            let at = Row { table: "group_role", id: row.group_id };
            let role = at.parse("role_slug", &row.role_slug)?;
            roles.entry(row.group_id).or_default().insert(role, Timestamp::from_micros(row.created_at));
        }
        Ok(roles)
    }
}

/// Before any of these call [`WriteUnit::bump_version`]: of two who change groups the second then waits, and sees what
/// the first did.
impl WriteUnit {
    /// Makes a group. Its members and roles are added one by one.
    pub async fn insert_group(&self, group: &Group) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(group.id.uuid()),
            name: Set(group.name.to_string()),
            name_folded: Set(group.name.folded()),
            source: Set(group.source.as_str().to_owned()),
            description: Set(described(group)),
            created_at: Set(group.created_at.micros()),
            updated_at: Set(group.updated_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Writes what differs of a group's name and description.
    pub async fn update_group(&self, before: &Group, group: &Group) -> Result<(), StoreError> {
        let columns = ActiveModel {
            name: changed(before.name.to_string(), group.name.to_string()),
            name_folded: changed(before.name.folded(), group.name.folded()),
            description: changed(described(before), described(group)),
            updated_at: Set(group.updated_at.micros()),
            ..ActiveModel::default()
        };
        Entity::update_many()
            .set(columns)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(group.id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Deletes a group, with who is in it and the roles that it gave.
    pub async fn delete_group(&self, id: GroupId) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Has a group give its members a role.
    pub async fn insert_group_role(
        &self,
        group: GroupId,
        role: &RoleSlug,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = group_role::ActiveModel {
            tenant_id: Set(self.wall()),
            group_id: Set(group.uuid()),
            role_slug: Set(role.to_string()),
            created_at: Set(at.micros()),
        };
        group_role::Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Has it give the role no longer.
    pub async fn delete_group_role(&self, group: GroupId, role: &RoleSlug) -> Result<(), StoreError> {
        group_role::Entity::delete_many()
            .filter(group_role::Column::TenantId.eq(self.wall()))
            .filter(group_role::Column::GroupId.eq(group.uuid()))
            .filter(group_role::Column::RoleSlug.eq(role.as_str()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

fn described(group: &Group) -> Option<String> {
    group.description.as_ref().map(LongText::to_string)
}

fn group(
    id: Uuid,
    member_count: u64,
    roles: BTreeMap<RoleSlug, Timestamp>,
    row: Model,
) -> Result<Group, StoreError> {
    let at = Row { table: "user_group", id };
    Ok(Group {
        id: GroupId::from_uuid(id),
        name: at.parse("name", &row.name)?,
        source: at.parse("source", &row.source)?,
        description: at.parse_some("description", row.description.as_deref())?,
        member_count,
        roles,
        custom_scopes: ScopeSet::default(),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
