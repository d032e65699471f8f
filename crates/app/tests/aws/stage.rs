//! Tenants and a stand-in for AWS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use curfew_app::connection::{self, TestReport, TestRuns};
use curfew_app::discovery::{Discoverer, Rates};
use curfew_app::reconciler::Node;
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{App, AppError, Caller};
use curfew_aws::{
    Assignments, AssumeRole, AwsError, AwsGateway, CallerIdentity, Directory, Patience, Patiences,
    RoleAccess, SdkGateway, SdkSettings, SessionCredentials, SessionPolicies, StaticCredentials, Trust,
};
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::audit::AuditAction;
use curfew_domain::connection::{Check, CheckName, CheckStatus, Connection, SavedConnection};
use curfew_domain::testing::TestClock;
use curfew_domain::{
    AccountId, Actor, AssignmentId, Clock, CredentialId, NodeId, PlatformMode, Region, ScopeSet, Tenant,
    TenantId, TenantState, UserId,
};
use curfew_sim::world::{
    ACME_DELEGATED_ROLE, ACME_MANAGEMENT_ROLE, CURFEW_ACCESS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY,
};
use curfew_sim::{Instance, Permissions, Sim, SimControl, SimHandle, Trust as RoleTrust, World};
use curfew_store::audit::AuditFilter;
use curfew_store::testing::TestStore;
use parking_lot::Mutex;
use serde_json::Value;

/// A stand-in, an application, and its first tenant, whose role trusts it.
pub(crate) struct Stage {
    pub(crate) test: TestApp,
    pub(crate) acme: Caller,
    pub(crate) lie: Arc<Mutex<Option<AccountId>>>,
    gateway: Arc<Liar>,
    node: Node,
    sim: SimHandle,
    database: TestStore,
}

impl Stage {
    pub(crate) async fn on(database: TestStore) -> Self {
        let sim = Sim::start(World::demo()).await.unwrap();
        let clock = Arc::new(TestClock::default());
        let lie = Arc::default();
        let truth = gateway(&sim, clock.clone()).await;
        let gateway = Arc::new(Liar { truth, lie: Arc::clone(&lie), breaks: AtomicBool::new(false) });
        let parts = TestParts { aws: gateway.clone(), clock, ..TestParts::default() };
        let test = TestApp::with(&database.store, parts);
        let acme = found(&test.app, "acme", true).await;
        let node = Node::new(NodeId::new(test.clock.now(), test.app.entropy.as_ref()));
        let stage = Self { test, acme, lie, gateway, node, sim, database };
        stage.trust_with(ACME_DELEGATED_ROLE, &[stage.external_id(&stage.acme).await]);
        stage
    }

    pub(crate) fn app(&self) -> &App {
        &self.test.app
    }

    pub(crate) fn aws(&self) -> &SimControl {
        self.sim.control()
    }

    /// Another tenant of the installation.
    pub(crate) async fn another_tenant(&self) -> Caller {
        found(self.app(), "globex", false).await
    }

    pub(crate) async fn serve_many_tenants(&self) {
        let unit = self.app().store.tenant(self.acme.tenant).write().await.unwrap();
        assert!(unit.complete_setup(PlatformMode::Multi, self.app().now()).await.unwrap());
        unit.commit().await.unwrap();
    }

    /// Acme's instance, as the stand-in has it now.
    pub(crate) fn instance(&self) -> Instance {
        self.aws().world().organizations[0].instances[0].clone()
    }

    /// What Acme would save.
    pub(crate) fn wanted(&self) -> SavedConnection {
        SavedConnection {
            instance: self.instance().arn.parse().unwrap(),
            role: ACME_DELEGATED_ROLE.parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
        }
    }

    pub(crate) fn wanted_with_management_role(&self) -> SavedConnection {
        SavedConnection { role: ACME_MANAGEMENT_ROLE.parse().unwrap(), ..self.wanted() }
    }

    pub(crate) async fn save(&self, wanted: SavedConnection) {
        connection::save(self.app(), &self.acme, wanted).await.unwrap();
    }

    pub(crate) async fn test(&self) -> Result<TestReport, AppError> {
        connection::test(self.app(), &self.acme).await
    }

    /// The same on a node whose tests may take no longer than this.
    pub(crate) async fn test_within(&self, at_most: Duration) -> Result<TestReport, AppError> {
        let connection_tests = TestRuns::within_at_most(at_most);
        let node = self.another_node(TestParts { connection_tests, ..TestParts::default() });
        connection::test(&node.app, &self.acme).await
    }

    /// Another node of the same installation.
    pub(crate) fn another_node(&self, parts: TestParts) -> TestApp {
        let (aws, clock) = (self.gateway.clone(), self.test.clock.clone());
        TestApp::with(&self.database.store, TestParts { aws, clock, seed: 2, ..parts })
    }

    /// Leaves something in AWS, through what is connected, that is still to be taken back.
    pub(crate) async fn leave_an_assignment(&self) {
        let instance = self.instance();
        let key = AssignmentKey {
            instance: instance.arn.parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            identity_store: instance.identity_store_id.parse().unwrap(),
            account: "100000000003".parse().unwrap(),
            permission_set: instance.permission_sets[0].arn.parse().unwrap(),
            principal: instance.users[0].id.parse().unwrap(),
        };
        let now = self.app().now();
        let unit = self.app().store.tenant(self.acme.tenant).write().await.unwrap();
        let id = AssignmentId::new(now, self.app().entropy.as_ref());
        let id = unit.hold_assignment(id, &key, now).await.unwrap().id;
        unit.touch_due(id, now).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Changes rows as whoever stands above every wall.
    pub(crate) async fn tamper(&self, sql: &str) {
        self.database.tamper(sql).await;
    }

    /// Saves and verifies Acme's connection.
    pub(crate) async fn connect(&self) {
        self.save(self.wanted()).await;
        let report = self.test().await.unwrap();
        assert!(report.success, "{report:?}");
    }

    pub(crate) async fn connection_of(&self, caller: &Caller) -> Connection {
        let unit = self.app().store.tenant(caller.tenant).read().await.unwrap();
        unit.connection().await.unwrap().unwrap()
    }

    pub(crate) async fn connection(&self) -> Connection {
        self.connection_of(&self.acme).await
    }

    pub(crate) async fn external_id(&self, caller: &Caller) -> String {
        self.connection_of(caller).await.external_ids.current.to_string()
    }

    /// Makes a role trust Curfew with one of these values, or with none where there are none.
    pub(crate) fn trust_with(&self, role: &str, external_ids: &[String]) {
        let trust =
            RoleTrust { principals: vec![CURFEW_PRINCIPAL.to_owned()], external_ids: external_ids.to_vec() };
        self.aws().set_trust(role, trust).unwrap();
    }

    /// Takes rights from Acme's role.
    pub(crate) fn forbid(&self, actions: &[&str]) {
        let permissions = Permissions::all_but(actions);
        self.aws()
            .edit(|world| world.role_mut(ACME_DELEGATED_ROLE).unwrap().permissions = permissions)
            .unwrap();
    }

    /// How many entries of this kind are in Acme's log.
    pub(crate) async fn logged(&self, action: AuditAction) -> usize {
        self.entries(action).await.len()
    }

    /// What the entries of this kind in Acme's log tell.
    pub(crate) async fn entries(&self, action: AuditAction) -> Vec<Value> {
        let unit = self.app().store.tenant(self.acme.tenant).read().await.unwrap();
        let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
        let page = unit.audit_page(&filter, &curfew_domain::PageRequest::default()).await.unwrap();
        page.items.iter().map(|record| serde_json::to_value(&record.body).unwrap()).collect()
    }

    /// Reads all of AWS that is due.
    pub(crate) async fn discover(&self) {
        self.discoverer().pass().await.unwrap();
    }

    /// Reads AWS as fast as the stand-in lets it.
    pub(crate) fn discoverer(&self) -> Discoverer {
        let fast = Rates { sso_admin: 10_000, identity_store: 10_000, organizations: 10_000 };
        Discoverer::new(self.test.app.clone(), self.node.clone()).at(fast)
    }

    /// Whether whatever reads AWS breaks.
    pub(crate) fn break_reading(&self, breaks: bool) {
        self.gateway.breaks.store(breaks, Ordering::SeqCst);
    }
}

pub(crate) fn check(checks: &[Check], name: CheckName) -> &Check {
    checks.iter().find(|check| check.name == name).unwrap()
}

/// The status of every check, in order.
pub(crate) fn statuses(checks: &[Check]) -> Vec<CheckStatus> {
    assert!(checks.iter().map(|check| check.name).eq(CheckName::ALL), "{checks:?}");
    checks.iter().map(|check| check.status).collect()
}

/// Founds a tenant, and gives whoever may do everything there.
async fn found(app: &App, slug: &str, is_master: bool) -> Caller {
    let now = app.now();
    let id = TenantId::new(now, app.entropy.as_ref());
    let tenant = Tenant {
        id,
        parent: None,
        name: slug.parse().unwrap(),
        slug: slug.parse().unwrap(),
        locale: "en".parse().unwrap(),
        owner_email: None,
        owner: None,
        sso_start_url: None,
        sso_region: None,
        is_master,
        state: TenantState::Active,
        mfa_required: false,
        created_at: now,
        updated_at: now,
    };
    let unit = app.store.tenant(id).write().await.unwrap();
    unit.insert_this_tenant(&tenant).await.unwrap();
    connection::begin(app, &unit, Actor::System, None, now).await.unwrap();
    unit.commit().await.unwrap();
    let user = UserId::new(now, app.entropy.as_ref());
    Caller {
        tenant: id,
        actor: Actor::Local(user),
        user,
        scopes: ScopeSet::all(),
        credential: CredentialId::new(now, app.entropy.as_ref()),
        session: None,
        source: None,
    }
}

/// With little patience for the test, so that no test waits long for it to end, and reading without repetition by the
/// SDK, which pauses.
async fn gateway(sim: &SimHandle, clock: Arc<TestClock>) -> SdkGateway {
    let test = Patience {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(1_500),
        call: Duration::from_secs(6),
        tries: 2,
    };
    let own = StaticCredentials {
        access_key_id: CURFEW_ACCESS_KEY.to_owned(),
        secret_access_key: CURFEW_SECRET_KEY.into(),
        session_token: None,
    };
    let read = Patience { tries: 1, ..Patiences::default().read };
    let patiences = Patiences { test, read, ..Patiences::default() };
    SdkGateway::load(clock, SdkSettings { patiences, ..SdkSettings::at(sim.url(), own) }).await
}

/// AWS, but for what something in between says of whose credentials they are.
struct Liar {
    truth: SdkGateway,
    lie: Arc<Mutex<Option<AccountId>>>,
    breaks: AtomicBool,
}

struct LyingTrust {
    truth: Arc<dyn Trust>,
    lie: Option<AccountId>,
}

#[async_trait]
impl AwsGateway for Liar {
    fn trust(&self, region: &Region) -> Arc<dyn Trust> {
        Arc::new(LyingTrust { truth: self.truth.trust(region), lie: self.lie.lock().clone() })
    }

    fn directory_with(&self, region: &Region, session: &SessionCredentials) -> Arc<dyn Directory> {
        self.truth.directory_with(region, session)
    }

    async fn directory(&self, access: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError> {
        assert!(!self.breaks.load(Ordering::SeqCst), "this test breaks whatever reads AWS");
        self.truth.directory(access).await
    }

    async fn assignments(&self, access: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError> {
        self.truth.assignments(access).await
    }

    fn session_policies_with(
        &self,
        region: &Region,
        session: &SessionCredentials,
    ) -> Arc<dyn SessionPolicies> {
        self.truth.session_policies_with(region, session)
    }

    async fn session_policies(&self, access: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError> {
        self.truth.session_policies(access).await
    }

    fn forget(&self, tenant: TenantId) {
        self.truth.forget(tenant);
    }
}

#[async_trait]
impl Trust for LyingTrust {
    async fn own_identity(&self) -> Result<CallerIdentity, AwsError> {
        self.truth.own_identity().await
    }

    async fn assume_role(&self, ask: &AssumeRole<'_>) -> Result<SessionCredentials, AwsError> {
        self.truth.assume_role(ask).await
    }

    async fn identity_of(&self, session: &SessionCredentials) -> Result<CallerIdentity, AwsError> {
        let told = self.truth.identity_of(session).await?;
        Ok(match &self.lie {
            Some(account) => CallerIdentity { account: account.clone(), ..told },
            None => told,
        })
    }
}
