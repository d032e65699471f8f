//! The one pool of connections that all clients share.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;

/// The SDK's own pool, but for what it does whenever a client is made: it sets up another connector, with all certificate
/// authorities that the machine trusts, and throws it away. Here clients are made for each session, and for many a call.
#[derive(Debug)]
struct Pool(SharedHttpClient);

/// The SDK's own client, but for whoever chooses the proxies: `build_https` would ignore those of the environment.
pub(super) fn http_client(proxies: ProxyConfig) -> SharedHttpClient {
    let inner = Builder::new().build_with_connector_fn(move |settings, components| {
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(tls);
        connector.set_connector_settings(settings.cloned());
        connector.set_proxy_config(Some(proxies.clone()));
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    });
    Pool(inner).into_shared()
}

impl HttpClient for Pool {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// How many connectors are set up for two clients that call nothing.
    fn connectors(wrap: fn(SharedHttpClient) -> SharedHttpClient) -> usize {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let client = wrap(Builder::new().build_with_connector_fn(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            ConnectorBuilder::default().build_http()
        }));
        let config = aws_types::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(client)
            .build();
        for _ in 0..2 {
            drop(aws_sdk_sts::Client::new(&config));
        }
        made.load(Ordering::Relaxed)
    }

    #[test]
    fn no_connector_is_set_up_for_a_client_that_calls_nothing() {
        assert_eq!(connectors(|client| client), 2, "the SDK's own does");
        assert_eq!(connectors(|client| Pool(client).into_shared()), 0);
    }
}
