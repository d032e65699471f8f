use aws_credential_types::Credentials;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_types::SdkConfig;
use aws_types::region::Region as SdkRegion;
use curfew_domain::Region;
use secrecy::{ExposeSecret, SecretString};

use crate::Patiences;

use super::pool::http_client;

/// What is said explicitly; everything else comes from the environment.
#[derive(Debug, Clone, Default)]
pub struct SdkSettings {
    /// Where Curfew's own credentials come from, where those have a region (web identity, single sign-on); what the SDK
    /// finds by itself where absent. Tenants' calls have their own.
    pub region: Option<Region>,
    /// Where AWS answers, for all services: takes the place of `AWS_ENDPOINT_URL`, and is reached without a proxy.
    pub endpoint_url: Option<String>,
    /// Curfew's own credentials: take the place of the SDK's default chain.
    pub own_credentials: Option<StaticCredentials>,
    /// How long calls may take.
    pub patiences: Patiences,
    /// What signatures are dated by; the system's time where absent. Curfew's own clock never goes back, but a
    /// signature needs AWS's time.
    pub signing_time: Option<SharedTimeSource>,
}

/// Credentials that don't change.
#[derive(Debug, Clone)]
pub struct StaticCredentials {
    /// `AKIA…`.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The token, where they are temporary.
    pub session_token: Option<SecretString>,
}

impl SdkSettings {
    /// One endpoint for everything, with credentials for it: a stand-in for AWS.
    pub fn at(endpoint_url: impl Into<String>, own_credentials: StaticCredentials) -> Self {
        Self {
            endpoint_url: Some(endpoint_url.into()),
            own_credentials: Some(own_credentials),
            ..Self::default()
        }
    }

    pub(super) async fn load(self) -> SdkConfig {
        let defaults = aws_config::BehaviorVersion::latest();
        // What is said here is said of the way there too: a stand-in beside this process is behind no proxy.
        let proxies = match self.endpoint_url {
            Some(_) => ProxyConfig::disabled(),
            None => ProxyConfig::from_env(),
        };
        // One connection pool for all clients. The region is set on each client.
        let mut loader = aws_config::defaults(defaults)
            .http_client(http_client(proxies))
            .identity_cache(aws_config::identity::IdentityCache::lazy().build());
        if let Some(region) = &self.region {
            loader = loader.region(sdk_region(region));
        }
        if let Some(url) = self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(own) = self.own_credentials {
            loader = loader.credentials_provider(own.credentials());
        }
        if let Some(time) = self.signing_time {
            loader = loader.time_source(time);
        }
        loader.load().await
    }
}

impl StaticCredentials {
    fn credentials(&self) -> Credentials {
        Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.expose_secret(),
            self.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "curfew-settings",
        )
    }
}

pub(super) fn sdk_region(region: &Region) -> SdkRegion {
    SdkRegion::new(region.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_region_that_is_set_is_the_one_of_our_own_credentials() {
        let own = StaticCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: SecretString::from("secret"),
            session_token: None,
        };
        let settings = SdkSettings {
            region: Some("eu-central-1".parse().unwrap()),
            ..SdkSettings::at("http://127.0.0.1:9", own)
        };
        assert_eq!(settings.load().await.region(), Some(&SdkRegion::from_static("eu-central-1")));
    }
}
