//! AWS Organizations, JSON 1.1.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html>

mod accounts;
mod delegation;
mod organization;
mod policies;
mod tree;
mod view;

use crate::call::Operation;

/// The operations that are played.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[
    ("DescribeOrganization", organization::describe_organization),
    ("ListRoots", organization::list_roots),
    ("ListTagsForResource", organization::list_tags),
    ("ListAccounts", accounts::list_accounts),
    ("DescribeAccount", accounts::describe_account),
    ("ListAccountsForParent", accounts::list_accounts_for_parent),
    ("ListOrganizationalUnitsForParent", tree::list_organizational_units_for_parent),
    ("ListParents", tree::list_parents),
    ("ListDelegatedAdministrators", delegation::list_delegated_administrators),
    ("ListPolicies", policies::list_policies),
    ("DescribePolicy", policies::describe_policy),
    ("ListTargetsForPolicy", policies::list_targets),
    ("UpdatePolicy", policies::update_policy),
];
