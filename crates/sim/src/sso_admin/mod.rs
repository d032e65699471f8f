//! IAM Identity Center's administration (SSO Admin), JSON 1.1.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/APIReference/welcome.html>

mod assignments;
mod changes;
mod instances;
mod permission_sets;
mod provisioning;
mod reach;
mod statuses;

use crate::call::Operation;

pub(crate) use instances::BEGINNING;

/// The operations that are played.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[
    ("ListInstances", instances::list_instances),
    ("DescribeInstance", instances::describe_instance),
    ("ListPermissionSets", permission_sets::list_permission_sets),
    ("DescribePermissionSet", permission_sets::describe_permission_set),
    ("ListManagedPoliciesInPermissionSet", permission_sets::list_managed_policies),
    ("ListCustomerManagedPolicyReferencesInPermissionSet", permission_sets::list_customer_policies),
    ("GetInlinePolicyForPermissionSet", permission_sets::get_inline_policy),
    ("ListTagsForResource", permission_sets::list_tags),
    ("ListPermissionSetsProvisionedToAccount", provisioning::list_permission_sets_provisioned_to_account),
    ("ListAccountsForProvisionedPermissionSet", provisioning::list_accounts_for_provisioned_permission_set),
    ("CreateAccountAssignment", changes::create_account_assignment),
    ("DeleteAccountAssignment", changes::delete_account_assignment),
    ("DescribeAccountAssignmentCreationStatus", statuses::describe_creation),
    ("DescribeAccountAssignmentDeletionStatus", statuses::describe_deletion),
    ("ListAccountAssignmentCreationStatus", statuses::list_creations),
    ("ListAccountAssignmentDeletionStatus", statuses::list_deletions),
    ("ListAccountAssignments", assignments::list_account_assignments),
];
