//! Who could approve a request.

use std::collections::BTreeSet;

use curfew_domain::{GroupId, RoleSlug, Timestamp, UserId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::entity::{app_user, group_member, group_role, user_role};
use crate::{ReadUnit, StoreError};

/// Whose approval would count.
#[derive(Debug, Clone)]
pub struct PossibleApprovers<'a> {
    /// Whoever has one of these roles, directly or by a group.
    pub roles: &'a [RoleSlug],
    /// Out of which groups; anybody with such a role where empty.
    pub groups: &'a [GroupId],
    /// Not the requester, nor whose account they have set after this moment; none where nobody has asked yet.
    pub requester: Option<(UserId, Timestamp)>,
}

impl PossibleApprovers<'_> {
    fn independent(&self) -> Condition {
        let Some((requester, tied_after)) = self.requester else { return Condition::all() };
        let untied = Condition::any()
            .add(app_user::Column::AccountSetBy.is_null())
            .add(app_user::Column::AccountSetBy.ne(requester.uuid()))
            .add(app_user::Column::AccountSetAt.lte(tied_after.micros()));
        Condition::all().add(app_user::Column::Id.ne(requester.uuid())).add(untied)
    }
}

impl ReadUnit {
    /// How many people could approve, counted up to `enough`.
    pub async fn count_possible_approvers(
        &self,
        wanted: &PossibleApprovers<'_>,
        enough: u16,
    ) -> Result<usize, StoreError> {
        Ok(self.possible_approvers(wanted, enough).await?.len())
    }

    /// Who could approve: active people, `most` of them at most.
    pub async fn possible_approvers(
        &self,
        wanted: &PossibleApprovers<'_>,
        most: u16,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let found: Vec<Uuid> = app_user::Entity::find()
            .select_only()
            .column(app_user::Column::Id)
            .filter(app_user::Column::TenantId.eq(self.wall()))
            .filter(app_user::Column::Active.eq(true))
            .filter(wanted.independent())
            .filter(self.in_a_role(wanted.roles))
            .filter(self.in_a_group(wanted.groups))
            .limit(u64::from(most))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(UserId::from_uuid).collect())
    }

    /// Those of these people who are active.
    pub async fn active_among(&self, people: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let found: Vec<Uuid> = app_user::Entity::find()
            .select_only()
            .column(app_user::Column::Id)
            .filter(app_user::Column::TenantId.eq(self.wall()))
            .filter(app_user::Column::Active.eq(true))
            .filter(app_user::Column::Id.is_in(people.iter().map(|person| person.uuid())))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(UserId::from_uuid).collect())
    }

    fn in_a_role(&self, roles: &[RoleSlug]) -> Condition {
        let slugs = || roles.iter().map(RoleSlug::as_str);
        let directly = user_role::Entity::find()
            .select_only()
            .column(user_role::Column::UserId)
            .filter(user_role::Column::TenantId.eq(self.wall()))
            .filter(user_role::Column::RoleSlug.is_in(slugs()));
        let groups = group_role::Entity::find()
            .select_only()
            .column(group_role::Column::GroupId)
            .filter(group_role::Column::TenantId.eq(self.wall()))
            .filter(group_role::Column::RoleSlug.is_in(slugs()));
        let by_a_group = group_member::Entity::find()
            .select_only()
            .column(group_member::Column::UserId)
            .filter(group_member::Column::TenantId.eq(self.wall()))
            .filter(group_member::Column::GroupId.in_subquery(groups.into_query()));
        Condition::any()
            .add(app_user::Column::Id.in_subquery(directly.into_query()))
            .add(app_user::Column::Id.in_subquery(by_a_group.into_query()))
    }

    fn in_a_group(&self, groups: &[GroupId]) -> Condition {
        if groups.is_empty() {
            return Condition::all();
        }
        let members = group_member::Entity::find()
            .select_only()
            .column(group_member::Column::UserId)
            .filter(group_member::Column::TenantId.eq(self.wall()))
            .filter(group_member::Column::GroupId.is_in(groups.iter().map(|group| group.uuid())));
        Condition::all().add(app_user::Column::Id.in_subquery(members.into_query()))
    }
}
