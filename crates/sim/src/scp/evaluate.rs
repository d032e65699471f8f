//! Whether a policy denies what a person's session wants to do.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Document,
    document::{Effect, OneOrMany, Statement},
    patterns::{arn_like, like},
};
use crate::glob;

/// What a session wants to do, and the keys of the request that conditions can speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    /// `s3:ListAllMyBuckets`.
    pub(crate) action: &'a str,
    /// `identitystore:UserId`.
    pub(crate) user_id: &'a str,
    /// `aws:PrincipalAccount`.
    pub(crate) account: &'a str,
    /// `aws:PrincipalArn`: the role's, not the session's.
    pub(crate) principal_arn: &'a str,
    /// `aws:TokenIssueTime`.
    pub(crate) issued_at: Timestamp,
}

/// Something in a policy that AWS has a meaning for, and this evaluator has none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not played")]
pub(crate) struct NotUnderstood(String);

impl Document {
    /// The first statement that denies the attempt: its name, or its place, counted from 1.
    ///
    /// That a policy allows something changes nothing here: `FullAWSAccess` is attached at every level.
    pub(crate) fn denies(&self, attempt: Attempt<'_>) -> Result<Option<String>, NotUnderstood> {
        let mut denying = None;
        for (at, statement) in self.statements.iter().enumerate() {
            // To the end: what isn't understood may stand behind what denies.
            if statement.denies(attempt)? && denying.is_none() {
                denying = Some(statement.sid.clone().unwrap_or_else(|| (at + 1).to_string()));
            }
        }
        Ok(denying)
    }
}

impl Statement {
    fn denies(&self, attempt: Attempt<'_>) -> Result<bool, NotUnderstood> {
        if self.effect == Effect::Allow {
            return Ok(false);
        }
        let named = self.names(attempt.action)?;
        let mut holds = true;
        for (operator, keys) in &self.condition {
            holds &= all_hold(operator, keys, attempt)?;
        }
        Ok(named && holds)
    }

    fn names(&self, action: &str) -> Result<bool, NotUnderstood> {
        let everywhere = |resources: &OneOrMany| resources.as_slice().iter().any(|one| one == "*");
        if !self.resource.as_ref().is_some_and(everywhere) {
            return Err(NotUnderstood("a statement about single resources".to_owned()));
        }
        let any = |patterns: &OneOrMany| patterns.as_slice().iter().any(|one| glob::matches(one, action));
        Ok(self.action.as_ref().is_some_and(any) || self.not_action.as_ref().is_some_and(|not| !any(not)))
    }
}

fn all_hold(
    operator: &str,
    keys: &BTreeMap<String, OneOrMany>,
    attempt: Attempt<'_>,
) -> Result<bool, NotUnderstood> {
    let mut hold = true;
    for (key, values) in keys {
        hold &= holds(operator, key, values.as_slice(), attempt)?;
    }
    Ok(hold)
}

/// Whether one of the values fits: names of keys are read without regard to case, values with it.
fn holds(operator: &str, key: &str, values: &[String], attempt: Attempt<'_>) -> Result<bool, NotUnderstood> {
    if let Some(value) = values.iter().find(|value| value.contains("${")) {
        return Err(NotUnderstood(format!("the variable in `{value}`")));
    }
    let of = |fits: fn(&str, &str) -> bool, real: &str| Ok(values.iter().any(|value| fits(value, real)));
    match (operator, key.to_ascii_lowercase().as_str()) {
        ("StringEquals", "identitystore:userid") => of(equal, attempt.user_id),
        ("StringEquals", "aws:principalaccount") => of(equal, attempt.account),
        ("StringEquals", "aws:principalarn") => of(equal, attempt.principal_arn),
        ("StringLike", "identitystore:userid") => of(like, attempt.user_id),
        ("StringLike", "aws:principalaccount") => of(like, attempt.account),
        ("StringLike", "aws:principalarn") => of(like, attempt.principal_arn),
        // "ArnEquals and ArnLike … behave identically."
        ("ArnLike" | "ArnEquals", "aws:principalarn") => of(arn_like, attempt.principal_arn),
        ("DateLessThan", "aws:tokenissuetime") => {
            let times: Vec<Timestamp> =
                values.iter().map(|value| instant(value)).collect::<Result<_, _>>()?;
            Ok(times.into_iter().any(|time| attempt.issued_at < time))
        }
        _ => Err(NotUnderstood(format!("{operator} of {key}"))),
    }
}

fn equal(value: &str, real: &str) -> bool {
    value == real
}

fn instant(value: &str) -> Result<Timestamp, NotUnderstood> {
    value.parse().map_err(|_| NotUnderstood(format!("the time `{value}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:iam::100000000003:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef";

    fn attempt() -> Attempt<'static> {
        Attempt {
            action: "s3:ListAllMyBuckets",
            user_id: "90676e1b1a-8d5f5c1e-0000-4000-8000-000000000001",
            account: "100000000003",
            principal_arn: ARN,
            issued_at: "2026-11-30T12:00:00Z".parse().unwrap(),
        }
    }

    fn judged(statement: &str) -> Result<Option<String>, NotUnderstood> {
        Document::parse(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap().denies(attempt())
    }

    fn under(conditions: &str) -> Result<bool, NotUnderstood> {
        judged(&format!(r#"{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{{conditions}}}}}"#))
            .map(|denied| denied.is_some())
    }

    #[test]
    fn all_conditions_must_hold_and_of_each_one_value() {
        let me = r#""StringEquals":{"IdentityStore:userId":["other","90676e1b1a-8d5f5c1e-0000-4000-8000-000000000001"]}"#;
        let role = r#""ArnLike":{"aws:PrincipalArn":"arn:*:iam::100000000003:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Admin_*"}"#;
        let other_set = r#""StringLike":{"aws:PrincipalArn":"*AWSReservedSSO_ReadOnly_*"}"#;
        let account = r#""StringEquals":{"aws:PrincipalAccount":"100000000004"}"#;
        assert_eq!(under(me), Ok(true));
        assert_eq!(under(&format!("{me},{role}")), Ok(true));
        assert_eq!(under(&format!("{me},{other_set}")), Ok(false));
        assert_eq!(under(&format!("{role},{account}")), Ok(false));
        assert_eq!(under(r#""StringEquals":{"identitystore:UserId":"90676E1B1A-8D5F5C1E"}"#), Ok(false));
    }

    #[test]
    fn a_cut_off_time_spares_the_sessions_that_were_issued_at_it_or_later() {
        let cut = |at: &str| under(&format!(r#""DateLessThan":{{"aws:TokenIssueTime":"{at}"}}"#));
        assert_eq!(cut("2026-11-30T12:00:01Z"), Ok(true));
        assert_eq!(cut("2026-11-30T12:00:00Z"), Ok(false));
        assert_eq!(cut("2026-11-30T11:59:59Z"), Ok(false));
        assert!(cut("tomorrow").is_err());
    }

    #[test]
    fn only_the_actions_that_a_statement_names_are_denied() {
        let deny = |what: &str| judged(&format!(r#"{{"Sid":"S","Effect":"Deny",{what},"Resource":"*"}}"#));
        assert_eq!(deny(r#""Action":["iam:*","s3:List*"]"#), Ok(Some("S".to_owned())));
        assert_eq!(deny(r#""Action":"iam:*""#), Ok(None));
        assert_eq!(deny(r#""NotAction":"iam:*""#), Ok(Some("S".to_owned())));
        assert_eq!(deny(r#""NotAction":"s3:*""#), Ok(None));
        assert_eq!(judged(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_an_error_also_behind_what_does_not_hold() {
        let somebody_else = r#""StringEquals":{"identitystore:UserId":"x"}"#;
        for unknown in [
            r#""StringNotEquals":{"identitystore:UserId":"x"}"#,
            r#""StringEqualsIfExists":{"identitystore:UserId":"x"}"#,
            r#""DateGreaterThan":{"aws:TokenIssueTime":"2026-11-30T12:00:00Z"}"#,
            r#""StringLike":{"aws:SourceIp":"*"}"#,
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:*"}"#,
        ] {
            assert!(under(unknown).is_err(), "{unknown}");
            assert!(under(&format!("{somebody_else},{unknown}")).is_err(), "{unknown}");
        }
        let other = r#"{"Effect":"Deny","Action":"iam:*","Resource":"arn:aws:iam::*:role/x"}"#;
        assert!(judged(other).is_err());
        assert!(judged(&format!(r#"{{"Effect":"Deny","Action":"*","Resource":"*"}},{other}"#)).is_err());
    }
}
