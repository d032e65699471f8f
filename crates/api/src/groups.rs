use std::collections::BTreeSet;

use curfew_domain::{
    Change, DisplayName, Email, GroupId, GroupName, GroupSource, LongText, RoleSlug, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::one_of;

/// People under one name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Group {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: GroupId,
    /// Its name; unique in the tenant, in whatever case.
    #[schema(value_type = String)]
    pub name: GroupName,
    /// Who says who is in it: Curfew, or an identity provider.
    #[schema(schema_with = group_source)]
    pub source: GroupSource,
    /// What it is for.
    #[schema(required, value_type = Option<String>)]
    pub description: Option<LongText>,
    /// How many people are in it, suspended ones too.
    pub member_count: u64,
    /// The roles that its members have by it.
    #[schema(value_type = Vec<String>)]
    pub role_mappings: BTreeSet<RoleSlug>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its name or description was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A group that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name: unique in the tenant in whatever case, without spaces around it, and not in the form of an id.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "engineering")]
    pub name: GroupName,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    pub description: Option<LongText>,
}

/// What is to change of a group; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupChange {
    /// Another name. Rules that name the group follow it.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 200)]
    pub name: Change<GroupName>,
    /// Another description, or none.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    pub description: Change<Option<LongText>>,
}

/// Somebody in a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupMember {
    /// Their id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// Their e-mail address.
    #[schema(value_type = String, format = Email)]
    pub email: Email,
    /// Their name.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// Whether they may come in; not while suspended.
    pub active: bool,
    /// Who says that they are in it.
    #[schema(schema_with = group_source)]
    pub membership_source: GroupSource,
    /// Since when they are in it.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
}

/// Who is to be put into a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupMember {
    /// Whom: a user of the tenant.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
}

/// A role that a group is to give its members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupRole {
    /// Which: none that carries what the caller lacks.
    #[schema(value_type = String, min_length = 2, max_length = 63, example = "approver")]
    pub role: RoleSlug,
}

/// A role that a group gives its members.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupRole {
    /// Which.
    #[schema(value_type = String)]
    pub role: RoleSlug,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

fn group_source() -> utoipa::openapi::schema::Object {
    one_of(GroupSource::ALL.map(GroupSource::as_str))
}
