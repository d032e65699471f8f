//! A tenant with a verified connection to the stand-in, and a reconciler at work for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use curfew_app::reconciler::{Node, Reconciler};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{App, Caller};
use curfew_aws::{
    Assignments, AwsError, AwsGateway, Directory, RoleAccess, SdkGateway, SdkSettings, SessionCredentials,
    SessionPolicies, StaticCredentials, Trust,
};
use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome, Observed};
use curfew_domain::audit::AuditAction;
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use curfew_domain::grant::{GrantTimes, ProvisioningStatus};
use curfew_domain::testing::TestClock;
use curfew_domain::{
    Action, Actor, AssignmentId, AuthProvider, BuiltInRole, Clock, CredentialId, Drift, Grant, GrantId,
    Memberships, NodeId, PageLimit, PageRequest, Region, ResourceRef, Scope, ScopeSet, Seconds,
    StorePrincipalId, Tenant, TenantId, TenantState, Timestamp, User, UserId,
};
use curfew_sim::world::{
    ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, Assignment, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY, Instance,
    PrincipalType,
};
use curfew_sim::{Sim, SimControl, SimHandle, World};
use curfew_store::audit::AuditFilter;
use curfew_store::testing::{TestStore, sealed_log};
use curfew_store::{DriftFilter, GrantView};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How much the clock moves at each look of [`Stage::until`], in milliseconds.
const TICK_MILLIS: u32 = 100;

pub(crate) struct Stage {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) tenant: TenantId,
    sim: SimHandle,
    instance: Instance,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    pub(crate) node: Option<Node>,
    gate: Arc<Gate>,
    pub(crate) database: TestStore,
}

/// The way into AWS, with a gate that one call stops at until the test lets it go on.
struct Gate {
    beyond: SdkGateway,
    passed: AtomicUsize,
    stops: AtomicUsize,
    arrived: Notify,
    open: Notify,
}

impl Stage {
    pub(crate) async fn on(database: TestStore) -> Self {
        let sim = Sim::start(World::demo()).await.unwrap();
        sim.control().behave(|aws| aws.assignment_ms = 5);
        let instance = sim.control().world().organizations[0].instances[0].clone();
        let clock = Arc::new(TestClock::default());
        let own = StaticCredentials {
            access_key_id: CURFEW_ACCESS_KEY.to_owned(),
            secret_access_key: CURFEW_SECRET_KEY.into(),
            session_token: None,
        };
        let gate = Arc::new(Gate {
            beyond: SdkGateway::load(clock.clone(), SdkSettings::at(sim.url(), own)).await,
            passed: AtomicUsize::new(0),
            stops: AtomicUsize::new(0),
            arrived: Notify::new(),
            open: Notify::new(),
        });
        let parts = TestParts { clock: clock.clone(), aws: gate.clone(), ..TestParts::default() };
        let app = TestApp::with(&database.store, parts).app;
        let tenant = TenantId::new(clock.now(), app.entropy.as_ref());
        let mut stage = Self { app, clock, tenant, sim, instance, running: None, node: None, gate, database };
        stage.found_tenant().await;
        stage.start();
        stage
    }

    async fn found_tenant(&self) {
        let now = self.clock.now();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        unit.insert_this_tenant(&tenant(self.tenant, now)).await.unwrap();
        unit.insert_connection(&self.connection(now), now).await.unwrap();
        unit.commit().await.unwrap();
    }

    fn connection(&self, now: Timestamp) -> Connection {
        let saved = SavedConnection {
            instance: self.instance.arn.parse().unwrap(),
            role: ACME_DELEGATED_ROLE.parse().unwrap(),
            region: self.instance.primary_region.parse().unwrap(),
        };
        Connection {
            saved: Some(saved.clone()),
            saved_version: 1,
            verified: Some(VerifiedConnection {
                saved,
                identity_store: self.instance.identity_store_id.parse().unwrap(),
                external_id: ACME_EXTERNAL_ID.parse().unwrap(),
                at: now,
            }),
            suspended: None,
            external_ids: ExternalIds { current: ACME_EXTERNAL_ID.parse().unwrap(), pending: None },
            pending_proved_at: None,
        }
    }

    /// The same node, but that it also looks for drift, every second.
    pub(crate) async fn watch(&mut self) {
        self.stop().await;
        self.start_as(|reconciler| reconciler.watching(Seconds::of(1)));
    }

    /// Starts a new node.
    pub(crate) fn start(&mut self) {
        self.start_as(|reconciler| reconciler);
    }

    fn start_as(&mut self, with: impl FnOnce(Reconciler) -> Reconciler) {
        let node = Node::new(NodeId::new(self.clock.now(), self.app.entropy.as_ref()));
        let stop = CancellationToken::new();
        self.node = Some(node.clone());
        let reconciler = with(Reconciler::new(self.app.clone(), node, 4));
        self.running = Some((stop.clone(), tokio::spawn(reconciler.run(stop))));
    }

    /// Ends the node as `kill -9` does: in the middle of whatever it was doing.
    pub(crate) async fn kill(&mut self) {
        let (_, task) = self.running.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// Ends the node as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        stop.cancel();
        task.await.unwrap();
    }

    /// Does something to the connection as it is kept.
    pub(crate) async fn edit_connection(&self, edit: impl FnOnce(&mut Connection)) {
        let now = self.clock.now();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let mut connection = unit.lock_connection().await.unwrap().unwrap();
        edit(&mut connection);
        unit.update_connection(&connection, now).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// From now on the so-manieth call stops on its way to AWS, before it is known whether it is wanted.
    pub(crate) fn stop_call(&self, nth: usize) {
        self.gate.stops.store(self.gate.passed.load(Ordering::SeqCst) + nth, Ordering::SeqCst);
    }

    /// Waits until it has stopped there.
    pub(crate) async fn call_has_stopped(&self) {
        tokio::time::timeout(Duration::from_secs(30), self.gate.arrived.notified()).await.unwrap();
    }

    /// The same for a call that is sent again some seconds after another failed.
    pub(crate) async fn call_has_stopped_as_time_passes(&self) {
        let ticking = async {
            loop {
                tokio::select! {
                    () = self.gate.arrived.notified() => return,
                    () = tokio::time::sleep(Duration::from_millis(20)) => self.pass(1),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ticking).await.unwrap();
    }

    /// Lets it go on.
    pub(crate) fn let_call_go_on(&self) {
        self.gate.open.notify_one();
    }

    pub(crate) fn take_from_aws(&self, account: &str, set: &str) {
        assert!(self.aws().unassign(&self.instance.arn, &self.in_aws(account, set)));
    }

    /// Somebody deletes a permission set.
    pub(crate) fn delete_permission_set(&self, name: &str) {
        let own = &self.instance.arn;
        let deleted = self.aws().edit(|world| {
            let mut instances = world.organizations.iter_mut().flat_map(|one| &mut one.instances);
            let instance = instances.find(|one| one.arn == *own).unwrap();
            instance.permission_sets.retain(|set| set.name != name);
        });
        deleted.unwrap();
    }

    /// Time runs out for whoever owns a connection now: as when its node has died, or stands still.
    pub(crate) async fn leases_run_out(&self) {
        self.database.tamper("UPDATE connection_lease SET expires_at = 1").await;
    }

    /// The node that was started last owns every connection now.
    pub(crate) async fn newest_node_takes_over(&self) {
        let node = self.node.as_ref().unwrap().id;
        let lease = format!(
            "UPDATE connection_lease SET node_id = '{node}', fence = fence + 1, expires_at = expires_at + 15000000"
        );
        self.database.tamper(&lease).await;
    }

    /// Leaves the node as it is, beside the next one.
    pub(crate) fn leave_running(&mut self) -> CancellationToken {
        let (stop, _) = self.running.take().unwrap();
        stop
    }

    /// What was found to differ, oldest first.
    pub(crate) async fn drift(&self) -> Vec<Drift> {
        let unit = self.app.store.tenant(self.tenant).read().await.unwrap();
        let page = PageRequest { limit: PageLimit::default(), after: None };
        let mut found = unit.drift(&DriftFilter::default(), &page).await.unwrap().items;
        found.reverse();
        found
    }

    /// How often the log tells of this.
    pub(crate) async fn told_in_all(&self, action: AuditAction) -> usize {
        let unit = self.app.store.tenant(self.tenant).read().await.unwrap();
        let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
        let page = PageRequest { limit: PageLimit::default(), after: None };
        unit.audit_page(&filter, &page).await.unwrap().items.len()
    }

    pub(crate) fn instance(&self) -> &Instance {
        &self.instance
    }

    pub(crate) fn aws(&self) -> &SimControl {
        self.sim.control()
    }

    /// Whoever may do everything, and is known here.
    pub(crate) async fn admin(&self) -> Caller {
        let (user, now) = (UserId::from_uuid(Uuid::from_u128(7)), self.clock_reads());
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        if !unit.hold_author(user).await.unwrap() {
            let admin = User {
                id: user,
                email: "admin@acme.example".parse().unwrap(),
                name: "Admin".parse().unwrap(),
                roles: BTreeSet::from([BuiltInRole::Admin.slug()]),
                memberships: Memberships::default(),
                custom_scopes: ScopeSet::default(),
                auth_provider: AuthProvider::Local,
                active: true,
                email_verified: true,
                is_owner: false,
                account_set: None,
                created_at: now,
                updated_at: now,
            };
            unit.insert_user(&admin, None).await.unwrap();
        }
        unit.commit().await.unwrap();
        Caller {
            tenant: self.tenant,
            actor: Actor::Local(user),
            user,
            scopes: Scope::ALL.iter().copied().collect(),
            credential: CredentialId::from_uuid(Uuid::nil()),
            session: None,
            source: None,
        }
    }

    /// What Alice has in AWS.
    pub(crate) fn held(&self) -> Vec<Assignment> {
        self.aws().assignments_of(&self.instance.arn)
    }

    pub(crate) fn alice(&self) -> StorePrincipalId {
        self.instance.users[0].id.parse().unwrap()
    }

    /// The assignment of Alice to a permission set in an account.
    pub(crate) fn key(&self, account: &str, set: &str) -> AssignmentKey {
        AssignmentKey {
            instance: self.instance.arn.parse().unwrap(),
            region: self.instance.primary_region.parse().unwrap(),
            identity_store: self.instance.identity_store_id.parse().unwrap(),
            account: account.parse().unwrap(),
            permission_set: self.instance.permission_set_arn(set).parse().unwrap(),
            principal: self.alice(),
        }
    }

    /// The same, as AWS holds it.
    pub(crate) fn in_aws(&self, account: &str, set: &str) -> Assignment {
        Assignment {
            account: account.to_owned(),
            permission_set: self.instance.permission_set_arn(set),
            principal_type: PrincipalType::User,
            principal_id: self.alice().to_string(),
        }
    }

    pub(crate) fn put_in_aws(&self, account: &str, set: &str) {
        self.aws().assign(&self.instance.arn, &self.in_aws(account, set));
    }

    /// Alice is granted a permission set in some accounts, for some time, from now.
    pub(crate) async fn grant(&self, accounts: &[&str], set: &str, seconds: u32) -> GrantId {
        let now = self.clock.now();
        let entropy = self.app.entropy.as_ref();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let times = GrantTimes::decided(now, Seconds::of(seconds));
        let grant = self.new_grant(self.key(accounts[0], set), times);
        let id = grant.id;
        unit.insert_grant(&grant).await.unwrap();
        for account in accounts {
            let new = AssignmentId::new(now, entropy);
            let assignment = unit.hold_assignment(new, &self.key(account, set), now).await.unwrap().id;
            unit.link_grant(id, assignment).await.unwrap();
            unit.touch_due(assignment, now).await.unwrap();
        }
        unit.commit().await.unwrap();
        self.app.nudge.about(self.tenant);
        id
    }

    /// All grants came from requests in emergencies.
    pub(crate) async fn all_are_emergencies(&self) {
        self.database
            .tamper(
                "INSERT INTO access_request (tenant_id, id, requester_id, resource_type, resource_id, action, \
                 permission_set_arn, principal_id, status, approval_rules, break_glass, notices, owes_review, metadata, \
                 created_at, updated_at) SELECT tenant_id, id, grantee_id, resource_type, resource_id, action, \
                 permission_set_arn, 'p-1', 'approved', '[]', TRUE, '[]', FALSE, '{}', created_at, updated_at \
                 FROM access_grant",
            )
            .await;
        self.database.tamper("UPDATE access_grant SET request_id = id").await;
    }

    /// Somebody else has a permission set in an account, as far as Curfew knows.
    pub(crate) async fn held_by_another(&self, nth: u32, account: &str, set: &str) -> GrantId {
        let id = self.grant_row(account, set).await;
        let (now, entropy) = (self.clock.now(), self.app.entropy.as_ref());
        let key = AssignmentKey {
            principal: format!("90676ffdce-00000000-0000-4000-8000-{nth:012}").parse().unwrap(),
            ..self.key(account, set)
        };
        let mut observed = Observed::default();
        observed.looked(now, false);
        observed.sending(CallKind::Create, now);
        observed.answered(CallKind::Create, now, &CallOutcome::Succeeded, now);
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let held = unit.hold_assignment(AssignmentId::new(now, entropy), &key, now).await.unwrap();
        unit.link_grant(id, held.id).await.unwrap();
        unit.commit().await.unwrap();
        let observed = serde_json::to_string(&observed).unwrap();
        let present = format!(
            "UPDATE assignment SET phase = 'present', observed = '{observed}' WHERE principal_id = '{}'",
            key.principal
        );
        self.database.tamper(&present).await;
        id
    }

    async fn grant_row(&self, account: &str, set: &str) -> GrantId {
        let now = self.clock.now();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let grant = self.new_grant(
            self.key(account, set),
            GrantTimes::decided(now, Seconds::of(3_600)).started(now).succeeded(now),
        );
        unit.insert_grant(&grant).await.unwrap();
        unit.commit().await.unwrap();
        grant.id
    }

    fn new_grant(&self, first: AssignmentKey, times: GrantTimes) -> Grant {
        let (now, entropy) = (times.decided_at, self.app.entropy.as_ref());
        Grant {
            id: GrantId::new(now, entropy),
            request: None,
            grantee: UserId::new(now, entropy),
            resource: ResourceRef::from(first.account.clone()),
            action: Action::Assume,
            account: Some(first.account),
            permission_set: first.permission_set,
            times,
            revoked_by: None,
            revoke_reason: None,
            failure: None,
            audit_enabled: true,
            metadata: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Somebody ends it now.
    pub(crate) async fn revoke(&self, id: GrantId) {
        let now = self.clock.now();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let times = unit.lock_grant(id).await.unwrap().unwrap().times.revoked(now).unwrap();
        unit.save_grant_times(id, &times, None, now).await.unwrap();
        unit.touch_due_of_grant(id, now).await.unwrap();
        unit.commit().await.unwrap();
        self.app.nudge.about(self.tenant);
    }

    /// A grant lasts so much longer, from now on.
    pub(crate) async fn extend(&self, id: GrantId, seconds: u32) {
        let now = self.clock.now();
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let mut grant = unit.lock_grant(id).await.unwrap().unwrap();
        let total = Seconds::new(grant.times.duration.get() + i64::from(seconds)).unwrap();
        grant.times = grant.times.extended(total, now).unwrap();
        unit.save_extension(&grant).await.unwrap();
        unit.touch_due_of_extended(id, now).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// How often the log says this of a grant.
    pub(crate) async fn told(&self, action: AuditAction, id: GrantId) -> usize {
        self.app.store.seal(self.tenant).await.unwrap();
        let log = sealed_log(&self.app.store, self.tenant).await;
        log.iter()
            .filter(|entry| entry.body.action == action && entry.body.resource_id == id.to_string())
            .count()
    }

    /// Somebody gives the connection up.
    pub(crate) async fn disconnect(&self) {
        self.edit_connection(|connection| (connection.saved, connection.verified) = (None, None)).await;
    }

    /// Whether anything is to be done, now or later.
    pub(crate) async fn is_anything_due(&self) -> bool {
        self.app.store.next_due(&[self.tenant], Timestamp::from_micros(0)).await.unwrap().is_some()
    }

    /// Now, by the clock that the reconciler sees.
    pub(crate) fn clock_reads(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn view(&self, id: GrantId) -> GrantView {
        let unit = self.app.store.tenant(self.tenant).read().await.unwrap();
        unit.grant(id, self.clock.now()).await.unwrap().unwrap()
    }

    /// What the grant says of AWS.
    pub(crate) async fn provisioning(&self, id: GrantId) -> ProvisioningStatus {
        self.view(id).await.provisioning(self.clock.now())
    }

    /// Time passes at once.
    pub(crate) fn pass(&self, seconds: u32) {
        self.clock.advance(Seconds::of(seconds));
        self.app.nudge.about(self.tenant);
    }

    /// Lets time pass slowly until `holds`; fails after some minutes of it.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..3_000 {
            if holds().await {
                return;
            }
            self.clock.advance_millis(TICK_MILLIS);
            self.app.nudge.about(self.tenant);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never: {what}; AWS was asked {:?}", self.aws().counts());
    }

    /// Waits until a grant says this of AWS.
    pub(crate) async fn until_it_is(&self, grant: GrantId, status: ProvisioningStatus) {
        self.until(status.as_str(), async || self.provisioning(grant).await == status).await;
    }
}

#[async_trait]
impl AwsGateway for Gate {
    fn trust(&self, region: &Region) -> Arc<dyn Trust> {
        self.beyond.trust(region)
    }

    fn directory_with(&self, region: &Region, session: &SessionCredentials) -> Arc<dyn Directory> {
        self.beyond.directory_with(region, session)
    }

    async fn directory(&self, access: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError> {
        self.beyond.directory(access).await
    }

    async fn assignments(&self, access: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError> {
        let nth = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        if nth == self.stops.load(Ordering::SeqCst) {
            self.arrived.notify_one();
            self.open.notified().await;
        }
        self.beyond.assignments(access).await
    }

    fn session_policies_with(
        &self,
        region: &Region,
        session: &SessionCredentials,
    ) -> Arc<dyn SessionPolicies> {
        self.beyond.session_policies_with(region, session)
    }

    async fn session_policies(&self, access: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError> {
        self.beyond.session_policies(access).await
    }

    fn forget(&self, tenant: TenantId) {
        self.beyond.forget(tenant);
    }
}

fn tenant(id: TenantId, now: Timestamp) -> Tenant {
    Tenant {
        id,
        parent: None,
        name: "Acme".parse().unwrap(),
        slug: "acme".parse().unwrap(),
        locale: "en".parse().unwrap(),
        owner_email: None,
        owner: None,
        sso_start_url: None,
        sso_region: None,
        is_master: true,
        state: TenantState::Active,
        mfa_required: false,
        created_at: now,
        updated_at: now,
    }
}
