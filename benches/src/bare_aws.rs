//! The calls that a connection test makes, made with the AWS SDK and nothing else: the same ones, with the same
//! parameters, and side by side where the test makes them so.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ssoadmin::types::RegionScope;
use aws_smithy_http_client::{Builder, tls};
use aws_types::SdkConfig;
use aws_types::region::Region;
use curfew_sim::world::{ACME_DELEGATED_ROLE, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY};
use curfew_tests::Acme;

/// What the test asks for in one page: each service's most.
const PAGE: i32 = 100;
const PAGE_OF_ACCOUNTS: i32 = 20;

/// An `ExternalId` that the role does not ask for.
const ANOTHER: &str = "00000000-0000-4000-8000-000000000000";

/// Acme's AWS, reached by one connection pool.
pub(crate) struct BareAws {
    config: SdkConfig,
    external_id: String,
    instance: String,
}

/// A session's clients.
struct Session {
    sts: aws_sdk_sts::Client,
    sso_admin: aws_sdk_ssoadmin::Client,
    organizations: aws_sdk_organizations::Client,
    identity_store: aws_sdk_identitystore::Client,
}

impl BareAws {
    pub(crate) async fn new(url: &str, acme: &Acme, external_id: &str) -> Self {
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .http_client(Builder::new().tls_provider(tls).build_https())
            .endpoint_url(url)
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY, None, None, "bench"))
            .load()
            .await;
        Self { config, external_id: external_id.to_owned(), instance: acme.instance.clone() }
    }

    /// Makes them all.
    pub(crate) async fn make(&self) {
        let session = Box::pin(self.session()).await;
        session.sts.get_caller_identity().send().await.expect("an identity");
        tokio::join!(Box::pin(self.is_refused(None)), Box::pin(self.is_refused(Some(ANOTHER))));
        let (identity_store, management) =
            tokio::join!(Box::pin(session.identity_store()), Box::pin(session.management()));
        tokio::join!(
            Box::pin(session.list_permission_sets(&self.instance)),
            Box::pin(session.list_accounts()),
            Box::pin(session.list_users(&identity_store)),
            Box::pin(session.look_at_reach(&self.instance, &management)),
        );
    }

    async fn session(&self) -> Session {
        let answer = self.assume_role(Some(&self.external_id)).send().await.expect("the role lets Curfew in");
        let got = answer.credentials().expect("credentials");
        let token = Some(got.session_token().to_owned());
        let credentials =
            Credentials::new(got.access_key_id(), got.secret_access_key(), token, None, "bench");
        let provider = SharedCredentialsProvider::new(credentials);
        let config = self.config.clone().into_builder().credentials_provider(provider).build();
        Session {
            sts: aws_sdk_sts::Client::new(&config),
            sso_admin: aws_sdk_ssoadmin::Client::new(&config),
            organizations: aws_sdk_organizations::Client::new(&config),
            identity_store: aws_sdk_identitystore::Client::new(&config),
        }
    }

    async fn is_refused(&self, external_id: Option<&str>) {
        let answer = self.assume_role(external_id).send().await;
        answer.expect_err("the role asks for its ExternalId");
    }

    fn assume_role(
        &self,
        external_id: Option<&str>,
    ) -> aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder {
        aws_sdk_sts::Client::new(&self.config)
            .assume_role()
            .role_arn(ACME_DELEGATED_ROLE)
            .role_session_name("curfew-test-bench")
            .duration_seconds(900)
            .set_external_id(external_id.map(str::to_owned))
    }
}

impl Session {
    async fn identity_store(&self) -> String {
        let call = self.sso_admin.list_instances().region_scope(RegionScope::AllRegions);
        let found = call.send().await.expect("instances");
        found.instances()[0].identity_store_id().expect("an identity store").to_owned()
    }

    async fn management(&self) -> String {
        let answer = self.organizations.describe_organization().send().await.expect("an organization");
        let organization = answer.organization().expect("an organization");
        organization.master_account_id().expect("a management account").to_owned()
    }

    async fn list_permission_sets(&self, instance: &str) {
        let call = self.sso_admin.list_permission_sets().instance_arn(instance).max_results(PAGE);
        call.send().await.expect("permission sets");
    }

    async fn list_accounts(&self) {
        let call = self.organizations.list_accounts().max_results(PAGE_OF_ACCOUNTS);
        call.send().await.expect("accounts");
    }

    async fn list_users(&self, identity_store: &str) {
        let call = self.identity_store.list_users().identity_store_id(identity_store).max_results(PAGE);
        call.send().await.expect("users");
    }

    /// One after the other: what is out of reach matters only to a delegated administrator.
    async fn look_at_reach(&self, instance: &str, management: &str) {
        let administrators = self.organizations.list_delegated_administrators();
        let call = administrators.service_principal("sso.amazonaws.com");
        call.send().await.expect("administrators");
        let sets = self.sso_admin.list_permission_sets_provisioned_to_account().instance_arn(instance);
        sets.account_id(management).max_results(PAGE).send().await.expect("permission sets");
    }
}
