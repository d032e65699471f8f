//! Who is in which group.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::{GroupId, GroupMember, GroupSource, Memberships, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use crate::entity::app_user;
use crate::entity::group_member::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// Everybody in a group, by address.
    pub async fn group_members(&self, group: GroupId) -> Result<Vec<GroupMember>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::GroupId.eq(group.uuid()))
            .all(self.tx())
            .await?;
        let mut members = self.with_their_names(rows).await?;
        members.sort_by_cached_key(|member| member.email.folded());
        Ok(members)
    }

    /// Somebody in a group, if they are.
    pub async fn group_member(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMember>, StoreError> {
        let row = Entity::find_by_id((self.wall(), group.uuid(), user.uuid())).one(self.tx()).await?;
        Ok(self.with_their_names(row.into_iter().collect()).await?.pop())
    }

    /// In how many groups somebody is.
    pub async fn count_groups_of(&self, user: UserId) -> Result<u64, StoreError> {
        let theirs =
            Entity::find().filter(Column::TenantId.eq(self.wall())).filter(Column::UserId.eq(user.uuid()));
        Ok(theirs.count(self.tx()).await?)
    }

    /// The groups that each of these people is in, and the roles that they give them.
    pub(crate) async fn memberships(
        &self,
        users: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Memberships>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::UserId.is_in(users.iter().copied()))
            .all(self.tx())
            .await?;
        let groups: BTreeSet<Uuid> = rows.iter().map(|row| row.group_id).collect();
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let groups: Vec<Uuid> = groups.into_iter().collect();
        let roles = self.roles_of_groups(&groups).await?;
        let mut memberships: BTreeMap<Uuid, Memberships> = BTreeMap::new();
        for row in rows {
            let theirs = memberships.entry(row.user_id).or_default();
            theirs.groups.insert(GroupId::from_uuid(row.group_id));
            theirs.roles.extend(roles.get(&row.group_id).into_iter().flat_map(BTreeMap::keys).cloned());
        }
        Ok(memberships)
    }

    async fn with_their_names(&self, rows: Vec<Model>) -> Result<Vec<GroupMember>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let people = app_user::Entity::find()
            .filter(app_user::Column::TenantId.eq(self.wall()))
            .filter(app_user::Column::Id.is_in(rows.iter().map(|row| row.user_id)))
            .all(self.tx())
            .await?;
        let mut people: BTreeMap<Uuid, app_user::Model> =
            people.into_iter().map(|person| (person.id, person)).collect();
        rows.into_iter().filter_map(|row| Some(member(people.remove(&row.user_id)?, &row))).collect()
    }
}

/// Before any of these call [`WriteUnit::bump_version`].
impl WriteUnit {
    /// Puts somebody into a group.
    pub async fn insert_group_member(
        &self,
        group: GroupId,
        user: UserId,
        source: GroupSource,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            group_id: Set(group.uuid()),
            user_id: Set(user.uuid()),
            source: Set(source.as_str().to_owned()),
            joined_at: Set(at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Takes somebody out of a group.
    pub async fn delete_group_member(&self, group: GroupId, user: UserId) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::GroupId.eq(group.uuid()))
            .filter(Column::UserId.eq(user.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

fn member(person: app_user::Model, row: &Model) -> Result<GroupMember, StoreError> {
    let at = Row { table: "app_user", id: person.id };
    Ok(GroupMember {
        user: UserId::from_uuid(person.id),
        email: at.parse("email", &person.email)?,
        name: at.parse("name", &person.name)?,
        active: person.active,
        source: Row { table: "group_member", id: row.group_id }.parse("source", &row.source)?,
        joined_at: Timestamp::from_micros(row.joined_at),
    })
}
