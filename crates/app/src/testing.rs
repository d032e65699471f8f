//! An application for tests: a fresh database, a clock that is moved by hand, and no AWS unless one is given.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test that can't have its application has nothing to tell"
)]

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use curfew_analysis::Solver;
use curfew_aws::{
    Assignments, AwsError, AwsGateway, Directory, RoleAccess, SessionCredentials, SessionPolicies, Trust,
};
use curfew_domain::testing::{SeededEntropy, TestClock};
use curfew_domain::{
    Email, InstanceArn, PlatformMode, Region, Seconds, SessionKind, Slug, Tenant, TenantId, User,
};
use curfew_store::Store;
use curfew_store::keyring::Keyring;
use secrecy::{ExposeSecret, SecretString};

use crate::audit::AuditWalks;
use crate::connection::TestRuns;
use crate::credentials::password::{Passwords, PresentedPassword};
use crate::credentials::{ConsoleCookie, JwtIssuer};
use crate::directory::Lookups;
use crate::gate::{self, Gate, GateSettings, Presented, SignedIn};
use crate::health::Health;
use crate::login::{self, SignIn};
use crate::nudge::Nudge;
use crate::outbound::{Outbound, OutboundAllow};
use crate::policies::Snapshots;
use crate::requests::{Doors, Memories};
use crate::setup::{self, CompleteSetup, SetupCompleted};
use crate::{App, AppError, Caller};

/// A password that is good enough, of nobody in particular.
pub const PASSWORD: &str = "granite-otter-lamp";

/// Where the console of a test is served.
pub const ORIGIN: &str = "https://curfew.test";

/// What an application is made of, each with a default: change what a test is about.
pub struct TestParts {
    /// The current master key, and then older ones; each at least 32 bytes.
    pub master_keys: Vec<String>,
    /// The secret that signs tokens.
    pub jwt_secret: String,
    /// What the first-run setup must show.
    pub setup_token: Option<gate::SetupToken>,
    /// The clock; share it between the nodes of one test.
    pub clock: Arc<TestClock>,
    /// Where randomness starts; another for each node of one test.
    pub seed: u64,
    /// The way into AWS.
    pub aws: Arc<dyn AwsGateway>,
    /// How long a connection test may take.
    pub connection_tests: TestRuns,
    /// The instance that the master tenant's form begins with.
    pub offered_instance: Option<InstanceArn>,
    /// What proves things of policies.
    pub solver: Option<Solver>,
    /// The way to URLs that tenants chose.
    pub outbound: Outbound,
}

impl Default for TestParts {
    fn default() -> Self {
        Self {
            master_keys: vec!["test master key number one ------".to_owned()],
            jwt_secret: "test secret for tokens -------------".to_owned(),
            setup_token: None,
            clock: Arc::new(TestClock::default()),
            seed: 1,
            aws: Arc::new(NoAws),
            connection_tests: TestRuns::default(),
            offered_instance: None,
            solver: None,
            outbound: Outbound::new(OutboundAllow::default()),
        }
    }
}

/// An application and its clock.
#[derive(Clone)]
pub struct TestApp {
    /// The application.
    pub app: Arc<App>,
    /// Its clock.
    pub clock: Arc<TestClock>,
}

impl TestApp {
    /// With all defaults.
    pub fn new(store: &Store) -> Self {
        Self::with(store, TestParts::default())
    }

    /// A node of one's own choice.
    pub fn with(store: &Store, parts: TestParts) -> Self {
        let entropy = Arc::new(SeededEntropy::new(parts.seed));
        let mut keys = parts.master_keys.iter().map(|key| key.parse().expect("a sound master key"));
        let current = keys.next().expect("a master key");
        let older: Vec<_> = keys.collect();
        let keyring = Keyring::new(&current, &older).expect("different master keys");
        let secret = parts.jwt_secret.parse().expect("a sound secret");
        let gate = Gate::new(
            Passwords::new(2, entropy.as_ref()).expect("argon2 runs"),
            JwtIssuer::new(ORIGIN, &secret, &[]),
            ConsoleCookie::for_url(ORIGIN).expect("a sound URL"),
            GateSettings {
                token_lives: Seconds::of(3_600),
                setup_token: parts.setup_token,
                public_url: ORIGIN.to_owned(),
            },
        );
        let clock = Arc::clone(&parts.clock);
        let app = App {
            store: store.clone(),
            clock: parts.clock,
            entropy,
            keyring: Arc::new(keyring),
            gate,
            aws: parts.aws,
            nudge: Nudge::default(),
            health: Health::default(),
            audit_walks: AuditWalks::default(),
            connection_tests: parts.connection_tests,
            lookups: Lookups::default(),
            offered_instance: parts.offered_instance,
            policies: Snapshots::default(),
            solver: parts.solver,
            memories: Memories::default(),
            doors: Doors::default(),
            outbound: parts.outbound,
        };
        Self { app: Arc::new(app), clock }
    }

    /// What [`Self::set_up`] tells the first run.
    pub fn first_run(mode: PlatformMode) -> CompleteSetup {
        CompleteSetup {
            tenant_name: "Acme".parse().expect("a name"),
            tenant_slug: "acme".parse().expect("a slug"),
            domains: vec!["acme.example".parse().expect("a domain")],
            admin_email: "root@acme.example".parse().expect("an address"),
            admin_name: "Robin Root".parse().expect("a name"),
            admin_password: SecretString::from(PASSWORD),
            oidc: None,
            aws: None,
            platform_mode: mode,
            mfa_required: false,
        }
    }

    /// Completes the first run, and signs its admin in.
    pub async fn set_up(&self, mode: PlatformMode) -> TestTenant {
        let SetupCompleted { tenant, admin, .. } =
            setup::complete(&self.app, Self::first_run(mode), None).await.expect("the first run");
        let token = self.token_of("acme", "root@acme.example").await;
        let caller = self.caller(&token, tenant.id).await.expect("the admin is let in");
        TestTenant { tenant, admin, token, caller }
    }

    /// Signs someone in whose password is [`PASSWORD`].
    pub async fn token_of(&self, tenant: &str, email: &str) -> String {
        let signed_in =
            self.sign_in(tenant, email, PASSWORD, "192.0.2.1").await.expect("the password is right");
        signed_in.token.expose_secret().to_owned()
    }

    /// Tries to sign in, for a JWT.
    pub async fn sign_in(
        &self,
        tenant: &str,
        email: &str,
        password: &str,
        source: &str,
    ) -> Result<SignedIn, AppError> {
        login::sign_in(
            &self.app,
            SignIn {
                email: email.parse::<Email>().expect("an address"),
                password: PresentedPassword::new(&SecretString::from(password)),
                tenant: Some(tenant.parse::<Slug>().expect("a slug")),
                kind: SessionKind::Bearer,
                source: Some(source.parse::<IpAddr>().expect("a network address")),
            },
        )
        .await
    }

    /// Works on as many passwords as can be worked on, until what is answered is dropped.
    pub fn keep_passwords_busy(&self) -> impl Drop + use<> {
        self.app.gate.passwords.take_all_turns().expect("turns that nobody has")
    }

    /// Who shows this JWT, if they are let in.
    pub async fn caller(&self, token: &str, tenant: TenantId) -> Result<Caller, AppError> {
        let (authorization, tenant) = (format!("Bearer {token}"), tenant.to_string());
        let presented =
            Presented { authorization: Some(&authorization), tenant: Some(&tenant), ..Presented::default() };
        gate::authenticate(&self.app, presented).await
    }

    /// Who shows this API key, if it is let in.
    pub async fn caller_by_key(&self, key: &str, tenant: TenantId) -> Result<Caller, AppError> {
        let tenant = tenant.to_string();
        let presented = Presented { api_key: Some(key), tenant: Some(&tenant), ..Presented::default() };
        gate::authenticate(&self.app, presented).await
    }
}

/// A tenant and its first admin.
#[derive(Debug, Clone)]
pub struct TestTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// Its admin.
    pub admin: User,
    /// The admin's JWT.
    pub token: String,
    /// The admin, signed in.
    pub caller: Caller,
}

/// No AWS at all: whatever calls it has gone too far.
struct NoAws;

#[async_trait]
impl AwsGateway for NoAws {
    fn trust(&self, _: &Region) -> Arc<dyn Trust> {
        panic!("this test has no AWS")
    }

    fn directory_with(&self, _: &Region, _: &SessionCredentials) -> Arc<dyn Directory> {
        panic!("this test has no AWS")
    }

    async fn directory(&self, _: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError> {
        panic!("this test has no AWS")
    }

    async fn assignments(&self, _: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError> {
        panic!("this test has no AWS")
    }

    fn session_policies_with(&self, _: &Region, _: &SessionCredentials) -> Arc<dyn SessionPolicies> {
        panic!("this test has no AWS")
    }

    async fn session_policies(&self, _: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError> {
        panic!("this test has no AWS")
    }

    fn forget(&self, _: TenantId) {}
}
