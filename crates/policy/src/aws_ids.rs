//! AWS's ids in a rule. One that can't be AWS's matches nothing: a forbid on it would forbid nothing, without a word.

use curfew_domain::{AccountId, Invalid, OuId, PermissionSetArn};

use crate::rule::{literals, unescaped};
use crate::{PolicyInvalid, Problem, Statement};

const HINT: &str = "AWS's resources are named by AWS's own ids, such as AwsAccount::\"123456789012\", \
    AwsOrganizationalUnit::\"ou-ab12-cd34ef56\" or an AwsPermissionSet by its ARN: GET /v1/aws/accounts, \
    /v1/aws/organizational-units and /v1/aws/permission-sets list them";

/// Refuses accounts, units and permission sets that are named by what can't be an id of theirs, a name for instance.
pub(crate) fn check_aws_ids(statement: &Statement) -> Result<(), PolicyInvalid> {
    let text = statement.text();
    let problems: Vec<Problem> = literals(text)
        .into_iter()
        .filter_map(|(kind, token)| {
            let id = unescaped(token.text(text))?;
            let problem = check(kind.text(text), &id).err()?;
            let message = format!("{}::\"{}\": {problem}", kind.text(text), id.escape_debug());
            Some(Problem::at(statement.position(kind.start), message, HINT))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(PolicyInvalid(problems)) }
}

fn check(kind: &str, id: &str) -> Result<(), Invalid> {
    match kind {
        "AwsAccount" => id.parse::<AccountId>().map(drop),
        "AwsOrganizationalUnit" => id.parse::<OuId>().map(drop),
        "AwsPermissionSet" => id.parse::<PermissionSetArn>().map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(resource: &str) -> Vec<String> {
        let text = format!("forbid (principal, action, resource)\nwhen {{ resource in {resource} }};");
        let statement = Statement::one(&text).unwrap();
        let refused = check_aws_ids(&statement).err().map(|refused| refused.0).unwrap_or_default();
        refused.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn ids_that_can_not_be_awss_are_refused() {
        for wrong in [
            r#"AwsOrganizationalUnit::"Prod""#,
            r#"AwsAccount::"12345678901""#,
            r#"AwsAccount::"payments""#,
            r#"AwsAccount::"12345678901\u{41}""#,
            r#"AwsPermissionSet::"ReadOnly""#,
        ] {
            assert_eq!(problems(wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn ids_of_awss_own_form_are_taken_known_or_not() {
        for right in [
            r#"AwsOrganizationalUnit::"ou-ab12-cd34ef56""#,
            r#"AwsAccount::"123456789012""#,
            r#"AwsAccount::"12345678901\u{32}""#,
            r#"AwsPermissionSet::"arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef""#,
            r#"AwsS3Bucket::"logs""#,
            r#"Role::"admin""#,
        ] {
            assert_eq!(problems(right), Vec::<String>::new(), "{right}");
        }
    }
}
