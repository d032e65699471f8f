use std::error::Error;

use async_trait::async_trait;
use aws_sdk_sts::Client;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use curfew_domain::Timestamp;

use crate::{AssumeRole, AwsError, CallerIdentity, SessionCredentials, Trust};

use super::answer::{parsed, required};
use super::classify::classify;
use super::clients::{NowSource, credentials};

const ASSUME_ROLE: &str = "sts:AssumeRole";
const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";

/// STS through the SDK.
pub(super) struct SdkTrust {
    sts: Client,
    now: NowSource,
}

impl SdkTrust {
    pub(super) fn new(sts: Client, now: NowSource) -> Self {
        Self { sts, now }
    }

    /// Why a call with Curfew's own credentials was refused.
    fn refused<E>(&self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        classify(operation, error, self.now.now()).of_curfews_own()
    }
}

#[async_trait]
impl Trust for SdkTrust {
    async fn own_identity(&self) -> Result<CallerIdentity, AwsError> {
        let answer = self.sts.get_caller_identity().send().await;
        identity(&answer.map_err(|error| self.refused(GET_CALLER_IDENTITY, &error))?)
    }

    async fn assume_role(&self, ask: &AssumeRole<'_>) -> Result<SessionCredentials, AwsError> {
        // More than 12 hours is refused by STS; a number that large fits no i32 only by mistake.
        let seconds = i32::try_from(ask.duration.get()).unwrap_or(i32::MAX);
        let answer = self
            .sts
            .assume_role()
            .role_arn(ask.role.as_str())
            .role_session_name(ask.session_name.as_str())
            .set_external_id(ask.external_id.map(|id| id.as_str().to_owned()))
            .duration_seconds(seconds)
            .send()
            .await
            .map_err(|error| self.refused(ASSUME_ROLE, &error))?;
        session(required(ASSUME_ROLE, "Credentials", answer.credentials)?)
    }

    async fn identity_of(&self, session: &SessionCredentials) -> Result<CallerIdentity, AwsError> {
        let with_theirs = aws_sdk_sts::Config::builder()
            .credentials_provider(credentials(session))
            .identity_cache(aws_config::identity::IdentityCache::no_cache());
        let answer = self.sts.get_caller_identity().customize().config_override(with_theirs).send().await;
        identity(&answer.map_err(|error| classify(GET_CALLER_IDENTITY, &error, self.now.now()))?)
    }
}

fn session(given: Credentials) -> Result<SessionCredentials, AwsError> {
    let whole = [&given.access_key_id, &given.secret_access_key, &given.session_token];
    if whole.iter().any(|part| part.is_empty()) {
        return Err(AwsError::garbage(ASSUME_ROLE, "Credentials are not whole"));
    }
    let expires_at = Timestamp::from_micros(given.expiration.secs().saturating_mul(1_000_000));
    Ok(SessionCredentials {
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key.into(),
        session_token: given.session_token.into(),
        expires_at,
    })
}

fn identity(answer: &GetCallerIdentityOutput) -> Result<CallerIdentity, AwsError> {
    let account = required(GET_CALLER_IDENTITY, "Account", answer.account())?;
    let arn = required(GET_CALLER_IDENTITY, "Arn", answer.arn())?;
    Ok(CallerIdentity { account: parsed(GET_CALLER_IDENTITY, "Account", account)?, arn: arn.to_owned() })
}
