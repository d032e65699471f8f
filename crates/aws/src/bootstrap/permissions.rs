//! What the role may do.

use super::Bootstrap;

/// The permissions of the role: a list of statements of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions(pub Vec<Statement>);

/// One statement that allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its name in the policy.
    pub sid: &'static str,
    /// What may be done.
    pub actions: &'static [&'static str],
    /// With what.
    pub resources: Vec<String>,
    /// On what conditions.
    pub conditions: Vec<Condition>,
    /// The option that it belongs to; none for what every customer needs.
    pub option: Option<TemplateOption>,
}

/// A condition: the key's value is like one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The condition key.
    pub key: &'static str,
    /// Patterns, of which one must fit.
    pub like: Vec<String>,
}

/// What only some customers need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateOption {
    /// Assignments in the management account itself.
    ManagementAccount,
    /// The instance is encrypted with a customer managed key; the statement's resource is that key.
    CustomerManagedKey,
    /// What a person did with the access that they were given.
    CloudTrail,
    /// Ending sessions that outlive their access; the statement's resources are the policies that do it.
    SessionPolicies,
}

/// How a template refers to what it makes or is told.
#[derive(Debug, Clone, Copy)]
pub struct References<'a> {
    /// The ARN of the customer managed key.
    pub instance_key: &'a str,
    /// The ARNs of the policies that end sessions.
    pub session_policies: &'a [&'a str],
}

/// Read and written by the calls in `sdk/directory/permission_sets.rs` and `sdk/assignments.rs`.
/// Service Authorization Reference, "AWS IAM Identity Center": these name the instance, the permission set and the
/// account together.
const IDENTITY_CENTER: &[&str] = &[
    "sso:CreateAccountAssignment",
    "sso:DeleteAccountAssignment",
    "sso:DescribeAccountAssignmentCreationStatus",
    "sso:DescribeAccountAssignmentDeletionStatus",
    "sso:DescribePermissionSet",
    "sso:GetInlinePolicyForPermissionSet",
    "sso:ListAccountAssignments",
    "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
    "sso:ListManagedPoliciesInPermissionSet",
    "sso:ListPermissionSets",
    "sso:ListPermissionSetsProvisionedToAccount",
];

/// Knows no resource but all.
const INSTANCES: &[&str] = &["sso:ListInstances"];

/// Read by the calls in `sdk/directory/people.rs`.
const PEOPLE: &[&str] = &[
    "identitystore:DescribeUser",
    "identitystore:GetUserId",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
];

/// Read by the calls in `sdk/directory/organization.rs`.
const ORGANIZATION: &[&str] = &[
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
];

/// Knows no resource but all. Called in `sdk/session_policies.rs`, as the next ones are.
const FIND_SESSION_POLICIES: &[&str] = &["organizations:ListPolicies"];

/// Service Authorization Reference, "AWS Organizations": these name the policy.
const WRITE_SESSION_POLICIES: &[&str] =
    &["organizations:DescribePolicy", "organizations:ListTargetsForPolicy", "organizations:UpdatePolicy"];

/// What Identity Center does with the caller's own rights when it provisions a set in the management account
/// (IAM Identity Center user guide, "Identity-based policy examples": needed there and nowhere else).
const PROVISIONED_ROLES: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
];
const SAML_PROVIDER: &[&str] = &["iam:GetSAMLProvider", "iam:UpdateSAMLProvider"];

impl Permissions {
    /// What `template`'s role may do, in a template that refers to things so.
    pub fn of(template: &Bootstrap<'_>, references: References<'_>) -> Self {
        let mut statements = needed_by_all(template);
        statements.extend(for_the_management_account(template));
        statements.extend(for_a_customer_managed_key(template, references.instance_key));
        statements.push(Statement {
            option: Some(TemplateOption::CloudTrail),
            ..allow("ReadCloudTrail", &["cloudtrail:LookupEvents"], vec!["*".to_owned()])
        });
        statements.extend(for_ending_sessions(references.session_policies));
        Self(statements)
    }
}

fn needed_by_all(template: &Bootstrap<'_>) -> Vec<Statement> {
    let partition = template.instance.partition();
    let instance = template.instance.as_str();
    let id = instance.rsplit('/').next().unwrap_or_default();
    vec![
        allow("FindInstance", INSTANCES, vec!["*".to_owned()]),
        allow(
            "ManageAssignments",
            IDENTITY_CENTER,
            vec![
                instance.to_owned(),
                format!("arn:{partition}:sso:::permissionSet/{id}/*"),
                format!("arn:{partition}:sso:::account/*"),
            ],
        ),
        allow(
            "FindPeople",
            PEOPLE,
            vec![
                format!("arn:{partition}:identitystore::*:identitystore/*"),
                format!("arn:{partition}:identitystore:::group/*"),
                format!("arn:{partition}:identitystore:::user/*"),
            ],
        ),
        allow("ReadOrganization", ORGANIZATION, vec!["*".to_owned()]),
    ]
}

fn for_the_management_account(template: &Bootstrap<'_>) -> Vec<Statement> {
    let partition = template.instance.partition();
    let roles = vec![format!("arn:{partition}:iam::*:role/aws-reserved/sso.amazonaws.com/*")];
    let provider = vec![format!("arn:{partition}:iam::*:saml-provider/AWSSSO_*_DO_NOT_DELETE")];
    let all = vec!["*".to_owned()];
    [
        allow("ProvisionRoles", PROVISIONED_ROLES, roles),
        allow("UseSamlProvider", SAML_PROVIDER, provider),
        allow("FindPolicies", &["iam:ListPolicies"], all),
    ]
    .map(|statement| Statement { option: Some(TemplateOption::ManagementAccount), ..statement })
    .into()
}

/// IAM Identity Center user guide, "Baseline KMS key and IAM policy statements".
fn for_a_customer_managed_key(template: &Bootstrap<'_>, key_reference: &str) -> Vec<Statement> {
    let (partition, region) = (template.instance.partition(), template.region);
    let suffix = if partition.as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let decrypt = |sid, service: &str, key, like| Statement {
        conditions: vec![
            Condition { key: "kms:ViaService", like: vec![format!("{service}.{region}.{suffix}")] },
            Condition { key, like: vec![like] },
        ],
        option: Some(TemplateOption::CustomerManagedKey),
        ..allow(sid, &["kms:Decrypt"], vec![key_reference.to_owned()])
    };
    vec![
        decrypt(
            "DecryptInstance",
            "sso",
            "kms:EncryptionContext:aws:sso:instance-arn",
            template.instance.as_str().to_owned(),
        ),
        decrypt(
            "DecryptPeople",
            "identitystore",
            "kms:EncryptionContext:aws:identitystore:identitystore-arn",
            format!("arn:{partition}:identitystore::*:identitystore/*"),
        ),
    ]
}

/// The content of the policies that the template makes, and of no other.
fn for_ending_sessions(policies: &[&str]) -> Vec<Statement> {
    let policies = policies.iter().map(|&policy| policy.to_owned()).collect();
    [
        allow("FindSessionPolicies", FIND_SESSION_POLICIES, vec!["*".to_owned()]),
        allow("WriteSessionPolicies", WRITE_SESSION_POLICIES, policies),
    ]
    .map(|statement| Statement { option: Some(TemplateOption::SessionPolicies), ..statement })
    .into()
}

fn allow(sid: &'static str, actions: &'static [&'static str], resources: Vec<String>) -> Statement {
    Statement { sid, actions, resources, conditions: Vec::new(), option: None }
}
