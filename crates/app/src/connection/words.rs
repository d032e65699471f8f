//! AWS's errors in words that help whoever has to mend them.

use curfew_aws::{AwsError, AwsErrorKind, Signer};
use curfew_domain::Region;
use serde_json::{Map, Value};

use crate::AppError;

/// What an error means and what to do about it, with AWS's own words at the end.
pub(crate) fn explain(error: &AwsError, region: &Region) -> String {
    let operation = error.operation;
    let words = match error.kind {
        AwsErrorKind::AccessDenied if error.signer == Signer::Curfew => {
            "STS does not let Curfew into the role any more: the role is gone, or its trust policy does not list \
             Curfew's principal or does not ask for this tenant's ExternalId. Test the connection, which names both"
                .to_owned()
        }
        AwsErrorKind::AccessDenied => format!(
            "the role may not call {operation}: add the permission to the role, and kms:Decrypt where the instance \
             has a customer managed key (the bootstrap template has both)"
        ),
        AwsErrorKind::NoCredentials => {
            "Curfew has no AWS credentials of its own: whoever runs Curfew must give it some".to_owned()
        }
        AwsErrorKind::CredentialsExpired if error.signer == Signer::Curfew => {
            "Curfew's own AWS credentials have expired: whoever runs Curfew must renew them".to_owned()
        }
        AwsErrorKind::CredentialsExpired => "the role's session has expired: try again".to_owned(),
        AwsErrorKind::ClockSkew => {
            "the clock of the machine that runs Curfew is off by more than AWS accepts: set it right".to_owned()
        }
        AwsErrorKind::InvalidToken if error.signer == Signer::Session => {
            "AWS does not know the role's session any more: try again, and look whether the role was deleted or made anew"
                .to_owned()
        }
        AwsErrorKind::InvalidToken => {
            "AWS does not know Curfew's credentials, or their secret is wrong: whoever runs Curfew must check them"
                .to_owned()
        }
        AwsErrorKind::RegionDisabled => format!(
            "STS is not activated in region {region} for the role's account: activate it in IAM, Account settings"
        ),
        AwsErrorKind::Throttled => format!("AWS throttles {operation}: try again in a minute"),
        AwsErrorKind::Timeout => format!("AWS did not answer {operation} in {region} in time: try again"),
        AwsErrorKind::ConnectionFailed => format!(
            "no connection to AWS in {region}: check network, proxy, DNS and AWS_ENDPOINT_URL of the machine that runs Curfew"
        ),
        AwsErrorKind::ConnectionDropped => {
            format!("the connection to AWS in {region} ended before the answer to {operation}: try again")
        }
        AwsErrorKind::Garbage => format!(
            "what answered {operation} in {region} is not AWS: check proxy and AWS_ENDPOINT_URL of the machine that runs Curfew"
        ),
        AwsErrorKind::ServerFault => format!("AWS failed at {operation}: try again, and look at AWS's health page"),
        AwsErrorKind::PolicyTypeNotEnabled => {
            "the organization has not enabled service control policies".to_owned()
        }
        AwsErrorKind::NotFound
        | AwsErrorKind::Conflict
        | AwsErrorKind::QuotaExceeded
        | AwsErrorKind::Validation
        | AwsErrorKind::Other => format!("AWS refused {operation}"),
    };
    format!("{words}. {}", aws_said(error))
}

/// AWS's own words: for support cases.
pub(super) fn aws_said(error: &AwsError) -> String {
    let code = error.code.as_deref().map(|code| format!("{code}: ")).unwrap_or_default();
    let id = error.request_id.as_deref().map(|id| format!(" (request id {id})")).unwrap_or_default();
    format!("AWS: {code}{}{id}", error.message)
}

/// AWS could not be asked, outside the connection test.
pub(crate) fn aws_unreachable(error: &AwsError, region: &Region) -> AppError {
    let mut details = Map::new();
    details.insert("aws_error_code".to_owned(), error.code.clone().into());
    details.insert("operation".to_owned(), Value::from(error.operation));
    AppError::AwsUnreachable { message: explain(error, region), details }
}
