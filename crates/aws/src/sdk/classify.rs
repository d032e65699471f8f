//! From the SDK's errors to what they mean.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use hyper_util::client::legacy::Error as ClientError;

use crate::{AwsError, AwsErrorKind, Signer};

/// AWS accepts signatures whose date is at most five minutes from its own (IAM user guide, "Elements of an AWS API
/// request signature"). A minute less, for the answer's way.
pub(super) const SKEW_THAT_MATTERS: Duration = Duration::from_mins(4);

/// What an error of the SDK means, of a call that a session signed. `now` is what the signature was dated by.
pub(super) fn classify<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
    now: SystemTime,
) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let kind = match error {
        SdkError::ServiceError(answered) => answered_with(answered.err().code(), answered.raw(), now),
        SdkError::ResponseError(unreadable) => unreadable_with(unreadable.raw()),
        SdkError::TimeoutError(_) => AwsErrorKind::Timeout,
        SdkError::DispatchFailure(failure) => {
            let timed_out = failure.is_timeout();
            let cause = failure.as_connector_error().map(|cause| cause as &(dyn Error + 'static));
            cause.map_or(AwsErrorKind::ConnectionDropped, |cause| unsent_or_lost(cause, timed_out))
        }
        other => unsigned(other),
    };
    let said = error.as_service_error();
    let message = said.and_then(|said| said.message()).map(str::to_owned);
    AwsError {
        kind,
        operation,
        code: said.and_then(|said| said.code()).map(str::to_owned),
        message: message.unwrap_or_else(|| innermost(error)),
        request_id: error.request_id().map(str::to_owned),
        signer: Signer::Session,
    }
}

/// By the code that AWS names; codes as in each service's API reference and in "Common Errors".
fn answered_with(code: Option<&str>, answer: &HttpResponse, now: SystemTime) -> AwsErrorKind {
    use AwsErrorKind as Kind;
    let status = answer.status().as_u16();
    let Some(code) = code else {
        return if status >= 500 { Kind::ServerFault } else { Kind::Garbage };
    };
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized" => {
            Kind::AccessDenied
        }
        "ExpiredToken" | "ExpiredTokenException" => Kind::CredentialsExpired,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Kind::ClockSkew,
        // Said of a wrong secret and of a wrong time alike; AWS's own time is in the answer's Date.
        "SignatureDoesNotMatch" | "InvalidSignatureException" if is_skewed(answer, now) => Kind::ClockSkew,
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Kind::InvalidToken,
        "RegionDisabledException" | "OptInRequired" => Kind::RegionDisabled,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => Kind::Throttled,
        "ResourceNotFoundException"
        | "AccountNotFoundException"
        | "ParentNotFoundException"
        | "OrganizationalUnitNotFoundException"
        | "TargetNotFoundException"
        | "PolicyNotFoundException" => Kind::NotFound,
        "ConflictException" | "ConcurrentModificationException" | "PolicyChangesInProgressException" => {
            Kind::Conflict
        }
        "ServiceQuotaExceededException" | "LimitExceededException" | "ConstraintViolationException" => {
            Kind::QuotaExceeded
        }
        "PolicyTypeNotEnabledException" | "PolicyTypeNotAvailableForOrganizationException" => {
            Kind::PolicyTypeNotEnabled
        }
        "ValidationError"
        | "ValidationException"
        | "InvalidInputException"
        | "MalformedPolicyDocumentException"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "MissingParameter" => Kind::Validation,
        _ if status >= 500 => Kind::ServerFault,
        _ if status == 429 => Kind::Throttled,
        _ => Kind::Other,
    }
}

fn unreadable_with(answer: &HttpResponse) -> AwsErrorKind {
    if answer.status().as_u16() >= 500 { AwsErrorKind::ServerFault } else { AwsErrorKind::Garbage }
}

/// AWS's own time, as an answer tells it.
pub(super) fn date_of(answer: &HttpResponse) -> Option<SystemTime> {
    let date = DateTime::from_str(answer.headers().get("date")?, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

fn is_skewed(answer: &HttpResponse, now: SystemTime) -> bool {
    date_of(answer).is_some_and(|theirs| {
        let apart = theirs.duration_since(now).unwrap_or_else(|earlier| earlier.duration());
        apart > SKEW_THAT_MATTERS
    })
}

/// The SDK did not get as far as an answer. Where no connection was made, nothing was sent.
fn unsent_or_lost(cause: &(dyn Error + 'static), timed_out: bool) -> AwsErrorKind {
    if find::<CredentialsError>(cause).is_some() {
        return AwsErrorKind::NoCredentials;
    }
    match find::<ClientError>(cause) {
        Some(client) if client.is_connect() => AwsErrorKind::ConnectionFailed,
        _ if timed_out => AwsErrorKind::Timeout,
        _ => AwsErrorKind::ConnectionDropped,
    }
}

/// The request was never put together.
fn unsigned(cause: &(dyn Error + 'static)) -> AwsErrorKind {
    match find::<CredentialsError>(cause) {
        Some(_) => AwsErrorKind::NoCredentials,
        None => AwsErrorKind::Other,
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    sources(error).find_map(|error| error.downcast_ref())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The cause at the bottom says most: the SDK's own words are "dispatch failure".
fn innermost(error: &(dyn Error + 'static)) -> String {
    sources(error).last().map(ToString::to_string).unwrap_or_default()
}
