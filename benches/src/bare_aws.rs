//! The calls that a connection test makes, made with the AWS SDK and nothing else.

use aws_credential_types::Credentials;
use aws_smithy_http_client::{Builder, tls};
use aws_types::SdkConfig;
use aws_types::region::Region;
use curfew_sim::world::{ACME_DELEGATED_ROLE, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY};
use curfew_tests::Acme;

/// Acme's AWS, reached by one connection pool.
pub(crate) struct BareAws {
    config: SdkConfig,
    external_id: String,
    instance: String,
}

/// What is known only after calls before.
#[derive(Default)]
struct Session {
    credentials: Option<Credentials>,
    identity_store: Option<String>,
    management_account: Option<String>,
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

    /// Makes these calls, one after the other.
    pub(crate) async fn make(&self, calls: &[String]) {
        let mut session = Session::default();
        for call in calls {
            self.call(call, &mut session).await;
        }
    }

    async fn call(&self, operation: &str, session: &mut Session) {
        match operation {
            "AssumeRole" => self.assume_role(session).await,
            "GetCallerIdentity" => {
                let sts = aws_sdk_sts::Client::new(&self.with(session));
                sts.get_caller_identity().send().await.expect("an identity");
            }
            "ListInstances" => {
                let found = self.sso_admin(session).list_instances().send().await.expect("instances");
                session.identity_store = found.instances()[0].identity_store_id().map(str::to_owned);
            }
            "ListPermissionSets" => {
                let all = self.sso_admin(session).list_permission_sets().instance_arn(&self.instance);
                all.send().await.expect("permission sets");
            }
            "ListPermissionSetsProvisionedToAccount" => {
                let sets = self.sso_admin(session).list_permission_sets_provisioned_to_account();
                let account =
                    session.management_account.as_deref().expect("DescribeOrganization comes first");
                sets.instance_arn(&self.instance).account_id(account).send().await.expect("permission sets");
            }
            "ListUsers" => {
                let users = aws_sdk_identitystore::Client::new(&self.with(session)).list_users();
                let store = session.identity_store.as_deref().expect("ListInstances comes first");
                users.identity_store_id(store).max_results(1).send().await.expect("users");
            }
            other => self.organizations(other, session).await,
        }
    }

    /// The first with the `ExternalId`; those after it must be refused.
    async fn assume_role(&self, session: &mut Session) {
        let sts = aws_sdk_sts::Client::new(&self.config);
        let call = sts.assume_role().role_arn(ACME_DELEGATED_ROLE).role_session_name("curfew-bench");
        if session.credentials.is_some() {
            call.send().await.expect_err("the role asks for the ExternalId");
            return;
        }
        let answer = call.external_id(&self.external_id).send().await.expect("the role lets Curfew in");
        let got = answer.credentials().expect("credentials");
        session.credentials = Some(Credentials::new(
            got.access_key_id(),
            got.secret_access_key(),
            Some(got.session_token().to_owned()),
            None,
            "bench",
        ));
    }

    async fn organizations(&self, operation: &str, session: &mut Session) {
        let client = aws_sdk_organizations::Client::new(&self.with(session));
        match operation {
            "DescribeOrganization" => {
                let answer = client.describe_organization().send().await.expect("an organization");
                let management = answer.organization().and_then(|one| one.master_account_id());
                session.management_account = management.map(str::to_owned);
            }
            "ListAccounts" => drop(client.list_accounts().send().await.expect("accounts")),
            "ListDelegatedAdministrators" => {
                let all = client.list_delegated_administrators().service_principal("sso.amazonaws.com");
                all.send().await.expect("administrators");
            }
            other => panic!("the connection test calls {other}: make that call here too"),
        }
    }

    fn sso_admin(&self, session: &Session) -> aws_sdk_ssoadmin::Client {
        aws_sdk_ssoadmin::Client::new(&self.with(session))
    }

    fn with(&self, session: &Session) -> SdkConfig {
        let credentials = session.credentials.clone().expect("AssumeRole comes first");
        let provider = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
        self.config.clone().into_builder().credentials_provider(provider).build()
    }
}
