//! The role that a customer creates for Curfew, as CloudFormation and as Terraform.
//!
//! The trust policy names Curfew's own principal and demands the tenant's `ExternalId`; the permissions are those of
//! the calls in this crate and no others ([`Permissions`]), narrowed to the one instance. What only some customers
//! need is an option of the template, off until somebody turns it on.

mod cloudformation;
mod permissions;
mod session_policies;
mod terraform;

pub use permissions::{Condition, Permissions, References, Statement, TemplateOption};

use curfew_domain::{AccountId, ExternalId, InstanceArn, Region};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::TrustedPrincipal;

/// What the templates are made for.
#[derive(Debug, Clone)]
pub struct Bootstrap<'a> {
    /// The account that the role shall live in: the management account or a delegated administrator.
    pub account: &'a AccountId,
    /// The instance.
    pub instance: &'a InstanceArn,
    /// Its primary region.
    pub region: &'a Region,
    /// What the role demands: one value, or while a rotation is pending either of two.
    pub external_ids: &'a [ExternalId],
    /// Who Curfew is.
    pub principal: &'a TrustedPrincipal,
}

/// The templates, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// A CloudFormation template.
    pub cloudformation_yaml: String,
    /// A Terraform module.
    pub terraform_hcl: String,
    /// The AWS console where a stack is created. CloudFormation starts stacks only from files in S3 or from uploads,
    /// so the template is uploaded there.
    pub launch_stack_url: String,
}

/// The name that both templates give the role, unless somebody chooses another.
pub const ROLE_NAME: &str = "CurfewAccess";

impl Bootstrap<'_> {
    /// Renders all three.
    pub fn render(&self) -> Templates {
        Templates {
            cloudformation_yaml: cloudformation::render(self),
            terraform_hcl: terraform::render(self),
            launch_stack_url: self.launch_stack_url(),
        }
    }

    fn launch_stack_url(&self) -> String {
        const IN_FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');
        let region = self.region;
        let domain = match self.instance.partition().as_str() {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        let stack = utf8_percent_encode(ROLE_NAME, IN_FRAGMENT);
        format!(
            "https://{region}.{domain}/cloudformation/home?region={region}#/stacks/create/template?stackName={stack}"
        )
    }

    /// Whom the trust policy names.
    fn trusted(&self) -> Trusted {
        match self.principal {
            TrustedPrincipal::Exactly(arn) => Trusted { principal: arn.clone(), narrowed_to: Vec::new() },
            TrustedPrincipal::Role { account, partition, name } => Trusted {
                principal: format!("arn:{partition}:iam::{account}:root"),
                narrowed_to: vec![
                    format!("arn:{partition}:iam::{account}:role/{name}"),
                    format!("arn:{partition}:iam::{account}:role/*/{name}"),
                ],
            },
        }
    }
}

/// A principal, and the `aws:PrincipalArn` that it is narrowed to.
struct Trusted {
    principal: String,
    narrowed_to: Vec<String>,
}

/// Text in double quotes, as JSON has them: also a YAML double-quoted scalar.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
