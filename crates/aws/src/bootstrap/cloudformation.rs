//! The role as a CloudFormation template.

use std::fmt::Write;

use curfew_domain::session_end::PLACEHOLDER;

use super::permissions::{Permissions, References, Statement, TemplateOption};
use super::session_policies::{self, COUNT, DESCRIPTION};
use super::{Bootstrap, ROLE_NAME, quoted};

/// Each stands for itself until the statement is written: a tag, not a text.
const REFERENCES: References<'_> =
    References { instance_key: "!Ref InstanceKeyArn", session_policies: &POLICIES };
const POLICIES: [&str; COUNT] = [
    "!GetAtt SessionPolicy1.Arn",
    "!GetAtt SessionPolicy2.Arn",
    "!GetAtt SessionPolicy3.Arn",
    "!GetAtt SessionPolicy4.Arn",
];

pub(super) fn render(template: &Bootstrap<'_>) -> String {
    let mut yaml = head(template);
    trust(&mut yaml, template);
    policies(&mut yaml, &Permissions::of(template, REFERENCES));
    (1..=COUNT).for_each(|number| session_policy(&mut yaml, number));
    yaml.push_str(OUTPUTS);
    yaml
}

fn head(template: &Bootstrap<'_>) -> String {
    let description = format!(
        "The role with which Curfew gives and takes back temporary access. Create it in account {}, in any region. \
         Where it makes session policies (SessionPoliciesRoot), Curfew writes their content: an update of the stack \
         leaves that alone as long as it does not change these resources themselves. What replaces them, or brings \
         them back to the template (a drift-aware change set), ends no session until Curfew has written again; and \
         deleting the stack deletes them.",
        template.account
    );
    format!(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Description: {description}

Parameters:
  RoleName:
    Type: String
    Default: {role}
    AllowedPattern: "[a-zA-Z0-9_+=,.@-]{{1,64}}"
    Description: The role's name.
  ManagementAccount:
    Type: String
    Default: "false"
    AllowedValues: ["true", "false"]
    Description: Whether Curfew shall give access to the management account as well. Works only for a role in that account.
  InstanceKeyArn:
    Type: String
    Default: ""
    AllowedPattern: "(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/[a-zA-Z0-9-]+)?"
    Description: The ARN of the customer managed key that encrypts the Identity Center instance. Empty when there is none.
  CloudTrail:
    Type: String
    Default: "false"
    AllowedValues: ["true", "false"]
    Description: Whether Curfew may read in CloudTrail what was done with the access that it gave.
  SessionPoliciesRoot:
    Type: String
    Default: ""
    AllowedPattern: "(r-[0-9a-z]{{4,32}})?"
    Description: >-
      The id of the organization's root (r-...), if Curfew shall end sessions that outlive their access: {count} service
      control policies are made and attached to it, whose content the role may change. Empty when not. Service control
      policies must be enabled, and this must be the management account, or an account that the organization's
      delegation policy lets manage them: in any other the deployment fails.

Conditions:
  ManagementAccount: !Equals [!Ref ManagementAccount, "true"]
  CustomerManagedKey: !Not [!Equals [!Ref InstanceKeyArn, ""]]
  CloudTrail: !Equals [!Ref CloudTrail, "true"]
  SessionPolicies: !Not [!Equals [!Ref SessionPoliciesRoot, ""]]

Resources:
  CurfewRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: Lets Curfew give and take back temporary access in IAM Identity Center.
      MaxSessionDuration: 3600
"#,
        description = quoted(&description),
        role = ROLE_NAME,
        count = COUNT,
    )
}

fn trust(yaml: &mut String, template: &Bootstrap<'_>) {
    let trusted = template.trusted();
    let _ = write!(
        yaml,
        r#"      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: Curfew
            Effect: Allow
            Principal:
              AWS: {principal}
            Action: sts:AssumeRole
            Condition:
              StringEquals:
                sts:ExternalId:
"#,
        principal = quoted(&trusted.principal)
    );
    for id in template.external_ids {
        item(yaml, 18, id.as_str());
    }
    if !trusted.narrowed_to.is_empty() {
        yaml.push_str("              ArnLike:\n                aws:PrincipalArn:\n");
        trusted.narrowed_to.iter().for_each(|arn| item(yaml, 18, arn));
    }
}

/// One inline policy for what all need, and one for each option, behind its condition.
fn policies(yaml: &mut String, permissions: &Permissions) {
    yaml.push_str("      Policies:\n");
    let groups = [
        (None, "Curfew"),
        (Some(TemplateOption::ManagementAccount), "CurfewManagementAccount"),
        (Some(TemplateOption::CustomerManagedKey), "CurfewCustomerManagedKey"),
        (Some(TemplateOption::CloudTrail), "CurfewCloudTrail"),
        (Some(TemplateOption::SessionPolicies), "CurfewSessionPolicies"),
    ];
    for (option, name) in groups {
        let (lead, indent) = match option.map(condition) {
            None => (format!("        - PolicyName: {name}\n"), 10),
            Some(condition) => {
                (format!("        - !If\n          - {condition}\n          - PolicyName: {name}\n"), 12)
            }
        };
        yaml.push_str(&lead);
        let pad = " ".repeat(indent);
        let _ = writeln!(yaml, "{pad}PolicyDocument:\n{pad}  Version: \"2012-10-17\"\n{pad}  Statement:");
        permissions.0.iter().filter(|s| s.option == option).for_each(|s| statement(yaml, indent + 4, s));
        if option.is_some() {
            yaml.push_str("          - !Ref AWS::NoValue\n");
        }
    }
}

fn condition(option: TemplateOption) -> &'static str {
    match option {
        TemplateOption::ManagementAccount => "ManagementAccount",
        TemplateOption::CustomerManagedKey => "CustomerManagedKey",
        TemplateOption::CloudTrail => "CloudTrail",
        TemplateOption::SessionPolicies => "SessionPolicies",
    }
}

/// The content is a text, not a structure: so nobody who looks for drift is told of what Curfew wrote. One after the
/// other, for Organizations takes one change at a time.
fn session_policy(yaml: &mut String, number: usize) {
    let after = match number {
        1 => String::new(),
        _ => format!("    DependsOn: SessionPolicy{}\n", number - 1),
    };
    let _ = write!(
        yaml,
        r"
  SessionPolicy{number}:
    Type: AWS::Organizations::Policy
    Condition: SessionPolicies
{after}    Properties:
      Name: {name}
      Description: {description}
      Type: SERVICE_CONTROL_POLICY
      TargetIds: [!Ref SessionPoliciesRoot]
      Content: {content}
",
        name = session_policies::name(number),
        description = quoted(DESCRIPTION),
        content = quoted(PLACEHOLDER),
    );
}

fn statement(yaml: &mut String, indent: usize, statement: &Statement) {
    let pad = " ".repeat(indent);
    let _ = writeln!(yaml, "{pad}- Sid: {}\n{pad}  Effect: Allow\n{pad}  Action:", statement.sid);
    statement.actions.iter().for_each(|action| item(yaml, indent + 4, action));
    let _ = writeln!(yaml, "{pad}  Resource:");
    statement.resources.iter().for_each(|resource| item(yaml, indent + 4, resource));
    if !statement.conditions.is_empty() {
        let _ = writeln!(yaml, "{pad}  Condition:\n{pad}    StringLike:");
    }
    for condition in &statement.conditions {
        let _ = writeln!(yaml, "{pad}      {}:", condition.key);
        condition.like.iter().for_each(|pattern| item(yaml, indent + 8, pattern));
    }
}

fn item(yaml: &mut String, indent: usize, text: &str) {
    let refers = text == REFERENCES.instance_key || REFERENCES.session_policies.contains(&text);
    let text = if refers { text.to_owned() } else { quoted(text) };
    let _ = writeln!(yaml, "{}- {text}", " ".repeat(indent));
}

const OUTPUTS: &str = "
Outputs:
  RoleArn:
    Description: Give this to Curfew as the role's ARN.
    Value: !GetAtt CurfewRole.Arn
";
