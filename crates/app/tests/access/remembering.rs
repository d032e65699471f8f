//! What a node remembers of earlier requests decides as long as nothing of it has moved, on any node.

use std::sync::Arc;

use curfew_app::aws_resources::{self, PushedResource};
use curfew_app::policies::Edit;
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{Once, policies, requests, settings, users};
use curfew_domain::connection::Suspension;
use curfew_domain::{
    AccessLevel, AccessRequest, BuiltInRole, ErrorCode, IdentityUser, Seconds, StorePrincipalId,
};
use curfew_store::on_both_databases;

use crate::meanwhile::SlowDirectory;
use crate::world::*;

/// Two nodes: one remembers what Alice asked for, and on the other things change.
struct Nodes {
    world: World,
    remembers: TestApp,
    alice: curfew_app::Caller,
}

impl Nodes {
    async fn new(db: &curfew_store::testing::TestStore) -> Self {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let (clock, aws) = (world.test.clock.clone(), Arc::new(SlowDirectory::default()));
        let parts = TestParts { clock, seed: 2, aws, ..TestParts::default() };
        let nodes = Self { remembers: TestApp::with(&db.store, parts), world, alice };
        nodes.ask().await.unwrap();
        nodes
    }

    async fn ask(&self) -> Result<AccessRequest, curfew_app::AppError> {
        let wanted = to_read(account(DEV));
        let made = requests::submit(&self.remembers.app, &self.alice, &Once::unkeyed(), wanted).await?;
        Ok(made.into_inner())
    }

    async fn identity_center_tells(&self, principal: &str, gone: bool) {
        let app = &self.world.test.app;
        let unit = app.store.tenant(self.world.tenant).write().await.unwrap();
        let known = IdentityUser {
            identity_store: STORE.parse().unwrap(),
            principal: principal.parse().unwrap(),
            user_name: principal.to_owned(),
            email: Some("alice@acme.example".to_owned()),
            status: None,
            seen_at: app.now(),
            gone_at: gone.then(|| app.now()),
        };
        unit.save_identity_user(&known).await.unwrap();
        unit.commit().await.unwrap();
    }
}

on_both_databases! {
    async fn what_is_remembered_is_not_read_again(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        // Nothing that Curfew does changes a row without moving a version, so this tells whether it is read.
        db.tamper("DELETE FROM aws_resource").await;
        db.tamper("DELETE FROM identity_user").await;
        let request = nodes.ask().await.unwrap();
        assert_eq!(request.principal.as_str(), "principal-alice");
        assert_eq!(request.account.unwrap().as_str(), DEV);
    }

    async fn a_new_policy_decides(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        nodes.world.policy(auto(), "forbid (principal, action, resource);").await;
        assert_eq!(code(nodes.ask().await), ErrorCode::Forbidden);
    }

    async fn a_policy_that_permits_again_is_not_refused_by_memory(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let forbid = nodes.world.policy(auto(), "forbid (principal, action, resource);").await;
        assert_eq!(code(nodes.ask().await), ErrorCode::Forbidden);
        policies::delete(&nodes.world.test.app, &nodes.world.admin, forbid.policy.id, Edit::default()).await.unwrap();
        nodes.ask().await.unwrap();
    }

    async fn whoever_is_suspended_is_refused(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        users::suspend(&nodes.world.test.app, &nodes.world.admin, nodes.alice.user).await.unwrap();
        assert_eq!(code(nodes.ask().await), ErrorCode::Forbidden);
    }

    async fn a_setting_holds_at_once(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let (app, admin) = (&nodes.world.test.app, &nodes.world.admin);
        settings::change(app, admin, settings::SettingKey::MaxGrant, 60.into()).await.unwrap();
        assert_eq!(nodes.ask().await.unwrap().duration, Some(Seconds::of(60)));
    }

    async fn what_is_told_of_a_permission_set_counts_at_once(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let told = PushedResource {
            resource: set(READ),
            name: "Not so harmless".parse().unwrap(),
            account: None,
            metadata: serde_json::Map::new(),
            rank: None,
            access_level: Some(AccessLevel::Admin),
            exclusive: None,
        };
        aws_resources::push(&nodes.world.test.app, &nodes.world.admin, &[told]).await.unwrap();
        assert_eq!(code(nodes.ask().await), ErrorCode::InvalidRequest);
    }

    async fn another_person_with_the_address_gets_the_access(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        nodes.identity_center_tells("principal-alice", true).await;
        nodes.identity_center_tells("principal-other", false).await;
        let other: StorePrincipalId = "principal-other".parse().unwrap();
        assert_eq!(nodes.ask().await.unwrap().principal, other);
    }

    async fn whom_aws_told_of_too_long_ago_is_not_believed(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let before = nodes.ask().await.unwrap().principal;
        nodes.world.test.clock.advance(Seconds::of(3_601));
        assert_ne!(nodes.ask().await.unwrap().principal, before, "AWS is asked again");
    }

    async fn another_role_counts_at_once(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let (app, admin) = (&nodes.world.test.app, &nodes.world.admin);
        let strict = "forbid (principal in Role::\"approver\", action, resource);";
        nodes.world.policy(auto(), strict).await;
        nodes.ask().await.unwrap();
        let unit = app.store.tenant(nodes.world.tenant).write().await.unwrap();
        unit.bump_version().await.unwrap();
        let before = unit.user(nodes.alice.user).await.unwrap().unwrap();
        let mut after = before.clone();
        after.roles.insert(BuiltInRole::Approver.slug());
        unit.update_user(&before, &after).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(nodes.ask().await), ErrorCode::Forbidden);
        assert_eq!(users::get(app, admin, nodes.alice.user).await.unwrap().roles.len(), 2);
    }

    async fn a_suspended_connection_gives_nothing(db: &TestStore) {
        let nodes = Nodes::new(db).await;
        let app = &nodes.world.test.app;
        // With an approver, no grant is made that would look at the connection again.
        nodes.world.policy(by_people(1), PERMIT_ALL).await;
        nodes.ask().await.unwrap();
        let unit = app.store.tenant(nodes.world.tenant).write().await.unwrap();
        let mut connection = unit.lock_connection().await.unwrap().unwrap();
        connection.suspended = Some(Suspension::UnsafeTrustPolicy);
        unit.update_connection(&connection, app.now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(nodes.ask().await), ErrorCode::NotConfigured);
    }
}
