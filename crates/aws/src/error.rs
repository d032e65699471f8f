use std::fmt;

/// Why a call to AWS did not give what was asked for.
///
/// [`kind`](Self::kind) says what it means and is what decisions are made by; code, message and request id are
/// AWS's own words, for people and support cases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct AwsError {
    /// What it means.
    pub kind: AwsErrorKind,
    /// The operation, as IAM names it: `sts:AssumeRole`.
    pub operation: &'static str,
    /// AWS's error code, where AWS answered with one.
    pub code: Option<String>,
    /// What AWS said, or what happened on the way to it.
    pub message: String,
    /// AWS's id of the request, where there is one.
    pub request_id: Option<String>,
    /// Whose credentials the call was signed with.
    pub signer: Signer,
}

/// Whose credentials a call is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signer {
    /// Curfew's own: whoever runs it answers for them.
    Curfew,
    /// A session of a customer's role.
    Session,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AwsErrorKind {
    /// The caller may not do this. STS says the same of a wrong `ExternalId`, a wrong principal and a role that
    /// does not exist.
    AccessDenied,
    /// There are no credentials to sign with.
    NoCredentials,
    /// The credentials that it was signed with have expired; [`AwsError::signer`] says whose they were.
    CredentialsExpired,
    /// The signature's time is not AWS's time: this machine's clock is off.
    ClockSkew,
    /// AWS does not know the credentials, or the signature is not theirs.
    InvalidToken,
    /// STS is not activated in this region for the account.
    RegionDisabled,
    /// Too many calls.
    Throttled,
    /// No answer in time; it may have been done.
    Timeout,
    /// No connection was made: nothing was sent.
    ConnectionFailed,
    /// The connection ended before the answer; it may have been done.
    ConnectionDropped,
    /// An answer that is not one of AWS's; it may have been done.
    Garbage,
    /// AWS's own fault (5xx); it may have been done.
    ServerFault,
    /// There is no such thing.
    NotFound,
    /// Another change of the same thing is not finished.
    Conflict,
    /// A quota is used up, or a limit passed: a policy that is too long.
    QuotaExceeded,
    /// The organization has not enabled service control policies.
    PolicyTypeNotEnabled,
    /// AWS finds the request malformed, or not possible for this instance.
    Validation,
    /// Anything else; see the code.
    Other,
}

impl AwsErrorKind {
    /// Whether the call may have been carried out all the same.
    pub const fn may_have_been_done(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectionDropped | Self::Garbage | Self::ServerFault)
    }

    /// Whether the session's credentials are of no use any more.
    pub const fn ends_the_session(self) -> bool {
        matches!(self, Self::CredentialsExpired | Self::InvalidToken)
    }

    /// Whether the same call may pass later without anybody changing anything.
    pub const fn may_pass_later(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::Timeout
                | Self::ConnectionFailed
                | Self::ConnectionDropped
                | Self::Garbage
                | Self::ServerFault
                | Self::Conflict
        )
    }
}

impl AwsError {
    /// An answer that lacks what it must have.
    pub(crate) fn garbage(operation: &'static str, problem: impl fmt::Display) -> Self {
        Self::unanswered(
            AwsErrorKind::Garbage,
            operation,
            format!("the answer is not one of AWS's: {problem}"),
        )
    }

    /// Something that went wrong without a word from AWS.
    pub(crate) fn unanswered(kind: AwsErrorKind, operation: &'static str, message: String) -> Self {
        Self { kind, operation, code: None, message, request_id: None, signer: Signer::Session }
    }

    /// The same of a call that was signed with Curfew's own credentials.
    pub(crate) fn of_curfews_own(self) -> Self {
        Self { signer: Signer::Curfew, ..self }
    }

    /// That a call did not end within the time that the caller had for it.
    pub fn out_of_time(operation: &'static str) -> Self {
        Self::unanswered(AwsErrorKind::Timeout, operation, "no answer in the time there was".to_owned())
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}
