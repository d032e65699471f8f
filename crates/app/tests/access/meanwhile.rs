//! What changes while AWS is asked who somebody is.

use std::sync::Arc;

use async_trait::async_trait;
use curfew_app::policies::PolicyChange;
use curfew_app::requests::{self, RequestFilter};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{App, Caller, policies, settings, users};
use curfew_aws::{
    AccountFacts, Assignments, AwsError, AwsGateway, Directory, GroupFacts, InstanceFacts, Listed,
    OrganizationFacts, PageToken, ParentId, PermissionSetFacts, PolicyNames, RoleAccess, SessionCredentials,
    SessionPolicies, Tags, Trust, UnitFacts, UserFacts,
};
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccountId, BuiltInRole, Change, Email, ErrorCode, IdentityStoreId, InstanceArn, PageRequest,
    PermissionSetArn, Region, StorePrincipalId, TenantId,
};
use curfew_store::on_both_databases;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::world::*;

type Event = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Knows everybody, and before it says so something happens.
#[derive(Clone, Default)]
pub(crate) struct SlowDirectory {
    event: Arc<Mutex<Option<Event>>>,
}

impl SlowDirectory {
    fn while_asked<F: Future<Output = ()> + Send + 'static>(
        &self,
        event: impl FnOnce() -> F + Send + 'static,
    ) {
        *self.event.lock() = Some(Box::new(move || Box::pin(event())));
    }
}

/// A world whose AWS answers slowly, and somebody whom nobody has looked up yet.
async fn slow_world(db: &curfew_store::testing::TestStore) -> (World, SlowDirectory, Caller) {
    let directory = SlowDirectory::default();
    let parts = TestParts { aws: Arc::new(directory.clone()), ..TestParts::default() };
    let world = World::beside(TestApp::with(&db.store, parts), 1).await;
    let alice = world.stranger("alice", BuiltInRole::User, None).await;
    (world, directory, alice)
}

async fn kept(world: &World) -> Vec<RequestStatus> {
    let all =
        requests::list(&world.test.app, &world.admin, None, RequestFilter::default(), PageRequest::default());
    let now = world.test.app.now();
    all.await.unwrap().items.into_iter().map(|request| request.status(now)).collect()
}

on_both_databases! {
    async fn a_policy_that_was_saved_meanwhile_decides(db: &TestStore) {
        let (world, directory, alice) = slow_world(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (app, admin) = (Arc::clone(&world.test.app), world.admin.clone());
        directory.while_asked(move || async move {
            let forbid = new_policy(auto(), "forbid (principal, action, resource);");
            policies::create(&app, &admin, &curfew_app::Once::unkeyed(), forbid).await.unwrap();
        });
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        assert_eq!(kept(&world).await, [RequestStatus::Denied]);
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn a_maximum_that_was_lowered_meanwhile_holds(db: &TestStore) {
        let (world, directory, alice) = slow_world(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (app, admin) = (Arc::clone(&world.test.app), world.admin.clone());
        directory.while_asked(move || async move {
            settings::change(&app, &admin, settings::SettingKey::MaxGrant, 60.into()).await.unwrap();
        });
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(request.duration.unwrap().get(), 60);
    }

    async fn whoever_was_suspended_meanwhile_leaves_no_request_behind(db: &TestStore) {
        let (world, directory, alice) = slow_world(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (app, admin, suspended) = (Arc::clone(&world.test.app), world.admin.clone(), alice.user);
        directory.while_asked(move || async move {
            users::suspend(&app, &admin, suspended).await.unwrap();
        });
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        assert_eq!(kept(&world).await, []);
    }
}

/// Approving and suspending take the same rows; neither may be the other's victim.
#[tokio::test(flavor = "multi_thread")]
async fn approving_and_suspending_one_person_wait_for_each_other() {
    let Some(db) = curfew_store::testing::TestStore::postgres().await else { return };
    let world = World::new(&db).await;
    world.policy(by_people(2), PERMIT_ALL).await;
    let ada = world.person("ada", BuiltInRole::Approver, None).await;
    for round in 0..8 {
        let alice = world.person(&format!("alice-{round}"), BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app: &App = &world.test.app;
        let (approved, suspended) = tokio::join!(
            requests::approve(app, &ada, request.id, None),
            users::suspend(app, &world.admin, alice.user),
        );
        suspended.unwrap();
        if let Err(refused) = approved {
            assert_ne!(refused.code(), ErrorCode::Unavailable, "{refused:?}");
        }
        let after = requests::get(app, &world.admin, request.id).await.unwrap();
        assert_eq!(after.status(app.now()), RequestStatus::Cancelled);
    }
}

/// The policies that were loaded before AWS was asked decide nothing any more.
#[tokio::test]
async fn a_change_between_looking_and_writing_is_taken_up() {
    let db = curfew_store::testing::TestStore::sqlite().await;
    let (world, directory, alice) = slow_world(&db).await;
    let made = world.policy(auto(), PERMIT_ALL).await;
    let (app, admin) = (Arc::clone(&world.test.app), world.admin.clone());
    directory.while_asked(move || async move {
        let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
        policies::change(&app, &admin, made.policy.id, off).await.unwrap();
        let on = PolicyChange { enabled: Change::To(true), ..PolicyChange::default() };
        policies::change(&app, &admin, made.policy.id, on).await.unwrap();
    });
    let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
    let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
    let decisions = unit.decisions(request.id).await.unwrap();
    assert_eq!(decisions[0].rules[0]["version"], 3, "it says which version decided");
}

#[async_trait]
impl AwsGateway for SlowDirectory {
    fn trust(&self, _: &Region) -> Arc<dyn Trust> {
        unreachable!("nobody is tested")
    }

    fn directory_with(&self, _: &Region, _: &SessionCredentials) -> Arc<dyn Directory> {
        unreachable!("nobody is tested")
    }

    async fn directory(&self, _: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError> {
        Ok(Arc::new(self.clone()))
    }

    async fn assignments(&self, _: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError> {
        unreachable!("nothing is assigned")
    }

    fn session_policies_with(&self, _: &Region, _: &SessionCredentials) -> Arc<dyn SessionPolicies> {
        unreachable!("no session is ended")
    }

    async fn session_policies(&self, _: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError> {
        unreachable!("no session is ended")
    }

    fn forget(&self, _: TenantId) {}
}

#[async_trait]
impl Directory for SlowDirectory {
    async fn user_by_email(
        &self,
        _: &IdentityStoreId,
        email: &Email,
    ) -> Result<Option<StorePrincipalId>, AwsError> {
        let event = self.event.lock().take();
        if let Some(event) = event {
            event().await;
        }
        Ok(Some(format!("principal-{}", email.as_str().len()).parse().unwrap()))
    }

    async fn instances(&self) -> Result<Vec<InstanceFacts>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn permission_sets(
        &self,
        _: &InstanceArn,
        _: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn permission_set(
        &self,
        _: &InstanceArn,
        _: &PermissionSetArn,
    ) -> Result<PermissionSetFacts, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn policies_of(&self, _: &InstanceArn, _: &PermissionSetArn) -> Result<PolicyNames, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn sets_provisioned_in(
        &self,
        _: &InstanceArn,
        _: &AccountId,
        _: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn organization(&self) -> Result<OrganizationFacts, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn delegated_administrators(&self) -> Result<Vec<AccountId>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn accounts(&self, _: Option<PageToken>) -> Result<Listed<AccountFacts>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn root(&self) -> Result<ParentId, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn units_below(&self, _: &ParentId, _: Option<PageToken>) -> Result<Listed<UnitFacts>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn accounts_below(
        &self,
        _: &ParentId,
        _: Option<PageToken>,
    ) -> Result<Listed<AccountId>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn tags_of_account(&self, _: &AccountId) -> Result<Tags, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn users(&self, _: &IdentityStoreId, _: Option<PageToken>) -> Result<Listed<UserFacts>, AwsError> {
        unreachable!("people alone are looked up")
    }

    async fn groups(
        &self,
        _: &IdentityStoreId,
        _: Option<PageToken>,
    ) -> Result<Listed<GroupFacts>, AwsError> {
        unreachable!("people alone are looked up")
    }
}
