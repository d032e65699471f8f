//! The role as a Terraform module, laid out as `terraform fmt` lays it out.

use std::fmt::Write;

use curfew_domain::session_end::PLACEHOLDER;

use super::permissions::{Permissions, References, Statement, TemplateOption};
use super::session_policies::{COUNT, DESCRIPTION};
use super::{Bootstrap, ROLE_NAME, quoted};
use crate::SESSION_POLICY_PREFIX;

/// Each stands for itself until the statement is written: an expression, not a text.
const REFERENCES: References<'_> =
    References { instance_key: "var.instance_key_arn", session_policies: &POLICIES };
const POLICIES: [&str; COUNT] = [
    "aws_organizations_policy.sessions[0].arn",
    "aws_organizations_policy.sessions[1].arn",
    "aws_organizations_policy.sessions[2].arn",
    "aws_organizations_policy.sessions[3].arn",
];

pub(super) fn render(template: &Bootstrap<'_>) -> String {
    let mut hcl = variables();
    trust(&mut hcl, template);
    permissions(&mut hcl, &Permissions::of(template, REFERENCES));
    role(&mut hcl, template);
    session_policies(&mut hcl);
    hcl.push_str(OUTPUT);
    hcl
}

fn variables() -> String {
    format!(
        r#"# The role with which Curfew gives and takes back temporary access.

terraform {{
  required_version = ">= 1.3"

  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }}
  }}
}}

variable "role_name" {{
  description = "The role's name."
  type        = string
  default     = {role}
}}

variable "management_account" {{
  description = "Whether Curfew shall give access to the management account as well. Works only for a role in that account."
  type        = bool
  default     = false
}}

variable "instance_key_arn" {{
  description = "The ARN of the customer managed key that encrypts the Identity Center instance; null when there is none."
  type        = string
  default     = null
}}

variable "cloudtrail" {{
  description = "Whether Curfew may read in CloudTrail what was done with the access that it gave."
  type        = bool
  default     = false
}}

variable "session_policies" {{
  description = "Whether Curfew shall end sessions that outlive their access: {count} service control policies are made and attached to the organization's root, whose content the role may change. Service control policies must be enabled, and this must be the management account, or an account that the organization's delegation policy lets manage them: in any other the deployment fails."
  type        = bool
  default     = false
}}

data "aws_caller_identity" "current" {{}}

"#,
        role = quoted(ROLE_NAME),
        count = COUNT,
    )
}

fn trust(hcl: &mut String, template: &Bootstrap<'_>) {
    let trusted = template.trusted();
    let ids: Vec<String> = template.external_ids.iter().map(|id| id.as_str().to_owned()).collect();
    hcl.push_str("data \"aws_iam_policy_document\" \"trust\" {\n  statement {\n");
    hcl.push_str("    sid     = \"Curfew\"\n    actions = [\"sts:AssumeRole\"]\n\n");
    let _ = write!(
        hcl,
        "    principals {{\n      type        = \"AWS\"\n      identifiers = [{}]\n    }}\n",
        text(&trusted.principal)
    );
    condition(hcl, 4, "StringEquals", "sts:ExternalId", &ids);
    if !trusted.narrowed_to.is_empty() {
        condition(hcl, 4, "ArnLike", "aws:PrincipalArn", &trusted.narrowed_to);
    }
    hcl.push_str("  }\n}\n\n");
}

fn permissions(hcl: &mut String, permissions: &Permissions) {
    hcl.push_str("data \"aws_iam_policy_document\" \"permissions\" {\n");
    for (at, statement) in permissions.0.iter().enumerate() {
        if at > 0 {
            hcl.push('\n');
        }
        match statement.option.map(switch) {
            None => {
                hcl.push_str("  statement {\n");
                self::statement(hcl, 4, statement);
                hcl.push_str("  }\n");
            }
            Some(switch) => {
                let _ = write!(
                    hcl,
                    "  dynamic \"statement\" {{\n    for_each = {switch} ? [true] : []\n\n    content {{\n"
                );
                self::statement(hcl, 6, statement);
                hcl.push_str("    }\n  }\n");
            }
        }
    }
    hcl.push_str("}\n\n");
}

fn switch(option: TemplateOption) -> &'static str {
    match option {
        TemplateOption::ManagementAccount => "var.management_account",
        TemplateOption::CustomerManagedKey => "var.instance_key_arn != null",
        TemplateOption::CloudTrail => "var.cloudtrail",
        TemplateOption::SessionPolicies => "var.session_policies",
    }
}

fn statement(hcl: &mut String, indent: usize, statement: &Statement) {
    let pad = " ".repeat(indent);
    let _ = write!(hcl, "{pad}sid = {}\n\n{pad}actions = [\n", text(statement.sid));
    statement.actions.iter().for_each(|action| item(hcl, indent + 2, action));
    let _ = write!(hcl, "{pad}]\n\n{pad}resources = [\n");
    statement.resources.iter().for_each(|resource| item(hcl, indent + 2, resource));
    let _ = writeln!(hcl, "{pad}]");
    for one in &statement.conditions {
        condition(hcl, indent, "StringLike", one.key, &one.like);
    }
}

fn condition(hcl: &mut String, indent: usize, test: &str, key: &str, values: &[String]) {
    let pad = " ".repeat(indent);
    let values = values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", ");
    let _ = write!(
        hcl,
        "\n{pad}condition {{\n{pad}  test     = {test}\n{pad}  variable = {key}\n{pad}  values   = [{values}]\n{pad}}}\n",
        test = text(test),
        key = text(key),
    );
}

fn item(hcl: &mut String, indent: usize, value: &str) {
    let refers = value == REFERENCES.instance_key || REFERENCES.session_policies.contains(&value);
    let value = if refers { value.to_owned() } else { text(value) };
    let _ = writeln!(hcl, "{}{value},", " ".repeat(indent));
}

/// A quoted template of HCL, in which `${` and `%{` would begin an expression.
fn text(value: &str) -> String {
    quoted(value).replace("${", "$${").replace("%{", "%%{")
}

fn role(hcl: &mut String, template: &Bootstrap<'_>) {
    let account = template.account;
    let _ = write!(
        hcl,
        r#"resource "aws_iam_role" "curfew" {{
  name                 = var.role_name
  description          = "Lets Curfew give and take back temporary access in IAM Identity Center."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600

  lifecycle {{
    precondition {{
      condition     = data.aws_caller_identity.current.account_id == "{account}"
      error_message = "The role belongs into account {account}."
    }}
  }}
}}

resource "aws_iam_role_policy" "curfew" {{
  name   = "Curfew"
  role   = aws_iam_role.curfew.id
  policy = data.aws_iam_policy_document.permissions.json
}}
"#
    );
}

fn session_policies(hcl: &mut String) {
    let _ = write!(
        hcl,
        r#"
data "aws_organizations_organization" "current" {{
  count = var.session_policies ? 1 : 0
}}

resource "aws_organizations_policy" "sessions" {{
  count = var.session_policies ? {COUNT} : 0

  name        = "{SESSION_POLICY_PREFIX}${{count.index + 1}}"
  description = {description}
  type        = "SERVICE_CONTROL_POLICY"
  content     = {content}

  lifecycle {{
    # Curfew writes it.
    ignore_changes = [content]
  }}
}}

resource "aws_organizations_policy_attachment" "sessions" {{
  count = var.session_policies ? {COUNT} : 0

  policy_id = aws_organizations_policy.sessions[count.index].id
  target_id = data.aws_organizations_organization.current[0].roots[0].id
}}
"#,
        description = text(DESCRIPTION),
        content = text(PLACEHOLDER),
    );
}

const OUTPUT: &str = r#"
output "role_arn" {
  description = "Give this to Curfew as the role's ARN."
  value       = aws_iam_role.curfew.arn
}
"#;
