//! IAM Identity Center's directory (Identity Store), JSON 1.1.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/welcome.html>

mod groups;
mod store;
mod users;

use crate::call::Operation;

/// The operations that are played.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[
    ("ListUsers", users::list_users),
    ("DescribeUser", users::describe_user),
    ("GetUserId", users::get_user_id),
    ("ListGroups", groups::list_groups),
    ("DescribeGroup", groups::describe_group),
    ("ListGroupMemberships", groups::list_group_memberships),
];
