//! Clients of the services, for a region, with somebody's credentials and a measure of patience.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use curfew_domain::Region;
use secrecy::ExposeSecret;

use crate::{Patience, SessionCredentials};

use super::counted::{CountCalls, TurnedAway};
use super::settings::sdk_region;
use super::signing_time::SigningTime;

/// Makes clients; they share one connection pool.
pub(super) struct Clients {
    base: SdkConfig,
    signing_time: SigningTime,
}

/// SSO Admin with a session's credentials.
#[derive(Clone)]
pub(super) struct SsoAdmin {
    /// Repeats what fails on the way.
    pub(super) look: aws_sdk_ssoadmin::Client,
    /// Sends once.
    pub(super) change: aws_sdk_ssoadmin::Client,
}

/// Clients of everything that a [`Directory`](crate::Directory) reads.
pub(super) struct DirectoryClients {
    pub(super) sso_admin: aws_sdk_ssoadmin::Client,
    pub(super) identity_store: aws_sdk_identitystore::Client,
    pub(super) organizations: aws_sdk_organizations::Client,
    pub(super) now: NowSource,
}

/// What a signature is dated by, to measure how far AWS's time is from it.
#[derive(Clone)]
pub(super) struct NowSource(SharedTimeSource);

impl NowSource {
    pub(super) fn now(&self) -> SystemTime {
        self.0.now()
    }
}

impl Clients {
    pub(super) fn new(base: SdkConfig) -> Self {
        let signing_time = SigningTime::of(base.time_source().unwrap_or_default());
        Self { base, signing_time }
    }

    pub(super) fn now_source(&self) -> NowSource {
        NowSource(self.base.time_source().unwrap_or_default())
    }

    /// STS with Curfew's own credentials: always the regional endpoint.
    pub(super) fn sts(&self, region: &Region, patience: Patience) -> aws_sdk_sts::Client {
        self.sts_of(&self.config(region, patience).build())
    }

    /// The same, which does not quietly correct a clock that is off: whoever tests wants to hear of it.
    pub(super) fn sts_told_of_skew(&self, region: &Region, patience: Patience) -> aws_sdk_sts::Client {
        let machine = self.base.time_source().unwrap_or_default();
        let told = self.config(region, patience).time_source(machine).disable_clock_skew_correction(true);
        self.sts_of(&told.build())
    }

    /// KMS with Curfew's own credentials.
    pub(super) fn kms(&self, region: &Region, patience: Patience) -> aws_sdk_kms::Client {
        let config = self.config(region, patience).build();
        let config = aws_sdk_kms::config::Builder::from(&config).interceptor(CountCalls::default());
        aws_sdk_kms::Client::from_conf(config.interceptor(self.signing_time.clone()).build())
    }

    /// SSO Admin with a session's credentials; what AWS turns away is counted.
    pub(super) fn sso_admin(
        &self,
        region: &Region,
        session: &SessionCredentials,
        turned_away: &TurnedAway,
        patience: Patience,
    ) -> aws_sdk_ssoadmin::Client {
        let config = self.session_config(region, session, patience);
        self.sso_admin_of(&config, CountCalls::also_in(turned_away))
    }

    /// Organizations with a session's credentials. It answers in `us-east-1` (or its partition's one region), wherever
    /// the client stands: the SDK knows.
    pub(super) fn organizations(
        &self,
        region: &Region,
        session: &SessionCredentials,
        patience: Patience,
    ) -> aws_sdk_organizations::Client {
        self.organizations_of(&self.session_config(region, session, patience))
    }

    /// All of the directory with a session's credentials.
    pub(super) fn with_session(
        &self,
        region: &Region,
        session: &SessionCredentials,
        patience: Patience,
    ) -> DirectoryClients {
        let config = self.session_config(region, session, patience);
        DirectoryClients {
            sso_admin: self.sso_admin_of(&config, CountCalls::default()),
            identity_store: self.identity_store_of(&config),
            organizations: self.organizations_of(&config),
            now: self.now_source(),
        }
    }

    fn session_config(&self, region: &Region, session: &SessionCredentials, patience: Patience) -> SdkConfig {
        self.config(region, patience)
            .credentials_provider(SharedCredentialsProvider::new(credentials(session)))
            // They are at hand; the shared cache would keep one tenant's beyond their use.
            .identity_cache(aws_config::identity::IdentityCache::no_cache())
            .build()
    }

    fn config(&self, region: &Region, patience: Patience) -> aws_types::sdk_config::Builder {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(patience.connect)
            .operation_attempt_timeout(patience.attempt)
            .operation_timeout(patience.call)
            .build();
        let config = self
            .base
            .clone()
            .into_builder()
            .region(sdk_region(region))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(patience.tries));
        if patience.tries > 1 {
            return config;
        }
        // The SDK puts a second try right, and there is none.
        config.time_source(self.signing_time.clone()).disable_clock_skew_correction(true)
    }

    fn sts_of(&self, config: &SdkConfig) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(config).interceptor(CountCalls::default());
        aws_sdk_sts::Client::from_conf(config.interceptor(self.signing_time.clone()).build())
    }

    fn sso_admin_of(&self, config: &SdkConfig, count: CountCalls) -> aws_sdk_ssoadmin::Client {
        let config = aws_sdk_ssoadmin::config::Builder::from(config).interceptor(count);
        aws_sdk_ssoadmin::Client::from_conf(config.interceptor(self.signing_time.clone()).build())
    }

    fn identity_store_of(&self, config: &SdkConfig) -> aws_sdk_identitystore::Client {
        let config = aws_sdk_identitystore::config::Builder::from(config).interceptor(CountCalls::default());
        aws_sdk_identitystore::Client::from_conf(config.interceptor(self.signing_time.clone()).build())
    }

    fn organizations_of(&self, config: &SdkConfig) -> aws_sdk_organizations::Client {
        let config = aws_sdk_organizations::config::Builder::from(config).interceptor(CountCalls::default());
        aws_sdk_organizations::Client::from_conf(config.interceptor(self.signing_time.clone()).build())
    }
}

/// Without their end: whoever holds them knows it by Curfew's clock, and AWS says so when they have ended.
pub(super) fn credentials(session: &SessionCredentials) -> Credentials {
    Credentials::new(
        session.access_key_id.clone(),
        session.secret_access_key.expose_secret(),
        Some(session.session_token.expose_secret().to_owned()),
        None,
        "curfew-session",
    )
}
