use curfew_domain::connection::{Check, CheckName, CheckStatus, ExternalIds};
use curfew_domain::{AccountId, ExternalId, InstanceArn, Region, RoleArn, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What shall be connected.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveAwsConfig {
    /// The organization's Identity Center instance.
    #[schema(value_type = String, pattern = "^arn:aws[a-z-]*:sso:::instance/(sso)?ins-[a-zA-Z0-9.-]{16,32}$",
        example = "arn:aws:sso:::instance/ssoins-1234567890abcdef")]
    pub sso_instance_arn: InstanceArn,
    /// The role that Curfew assumes: in the management account, or in a delegated administrator.
    #[schema(value_type = String, max_length = 2048,
        pattern = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/([a-zA-Z0-9_+=,.@/-]{0,510}/)?[a-zA-Z0-9_+=,.@-]{1,64}$",
        example = "arn:aws:iam::123456789012:role/CurfewAccess")]
    pub role_arn: RoleArn,
    /// The instance's primary region.
    #[schema(value_type = String, pattern = "^[a-z]{2,4}(-[a-z]+)+-[0-9]$", example = "eu-central-1")]
    pub region: Region,
}

/// What is saved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwsConfig {
    /// The instance. Before anything was saved: the one to begin with, or null.
    #[schema(required, value_type = Option<String>)]
    pub sso_instance_arn: Option<InstanceArn>,
    /// The role.
    #[schema(required, value_type = Option<String>)]
    pub role_arn: Option<RoleArn>,
    /// The region.
    #[schema(required, value_type = Option<String>)]
    pub region: Option<Region>,
    /// Whether instance and role are saved.
    pub configured: bool,
    /// When a test of just this passed; null before.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<Timestamp>,
    /// Why nothing is created for now, although it was verified once: `unsafe_trust_policy`, `wrong_account`,
    /// `platform_mode_changed`. Deletions go on.
    #[schema(required)]
    pub suspended: Option<String>,
}

/// What a connection test says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwsTestResult {
    /// Whether no check failed.
    pub success: bool,
    /// The first thing to know, in words for an AWS administrator.
    pub message: String,
    /// Each check, in its order.
    pub checks: Vec<AwsCheck>,
}

/// One check of a connection test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwsCheck {
    /// Which.
    #[schema(value_type = String, example = "assume_role")]
    pub name: CheckName,
    /// `passed`, `failed`, `warning` or `skipped` (an earlier one failed).
    #[schema(value_type = String, example = "passed")]
    pub status: CheckStatus,
    /// What was seen, and what to do.
    pub message: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl From<Check> for AwsCheck {
    fn from(check: Check) -> Self {
        Self {
            name: check.name,
            status: check.status,
            message: check.message,
            duration_ms: check.duration_ms,
        }
    }
}

/// For which account a role is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapTemplateFor {
    /// The management account, or the delegated administrator.
    #[schema(value_type = String, pattern = "^[0-9]{12}$", example = "123456789012")]
    pub aws_account_id: AccountId,
    /// The organization's Identity Center instance.
    #[schema(value_type = String, pattern = "^arn:aws[a-z-]*:sso:::instance/(sso)?ins-[a-zA-Z0-9.-]{16,32}$",
        example = "arn:aws:sso:::instance/ssoins-1234567890abcdef")]
    pub sso_instance_arn: InstanceArn,
    /// The instance's primary region.
    #[schema(value_type = String, pattern = "^[a-z]{2,4}(-[a-z]+)+-[0-9]$", example = "eu-central-1")]
    pub region: Region,
}

/// The role to create, ready to use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BootstrapTemplate {
    /// A CloudFormation template.
    pub cloudformation_yaml: String,
    /// A Terraform module.
    pub terraform_hcl: String,
    /// Where the AWS console takes the CloudFormation template.
    pub launch_stack_url: String,
    /// What the role's trust policy demands: one value, two while a rotation is pending.
    #[schema(value_type = Vec<Uuid>)]
    pub external_ids: Vec<ExternalId>,
}

/// The tenant's `ExternalId`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExternalIdBody {
    /// The value in force.
    #[schema(value_type = Uuid)]
    pub external_id: ExternalId,
    /// The value that a rotation is bringing in; null when none is pending.
    #[schema(required, value_type = Option<Uuid>)]
    pub external_id_pending: Option<ExternalId>,
}

impl From<ExternalIds> for ExternalIdBody {
    fn from(ids: ExternalIds) -> Self {
        Self { external_id: ids.current, external_id_pending: ids.pending }
    }
}
