//! Whoever is deleted has nothing any more, and nothing tells who they were; what was done stays, and proves itself.

use curfew_app::lockdowns::{self, NewLockdown};
use curfew_app::testing::TestApp;
use curfew_app::{Caller, Once, audit, grants, policies, requests, users};
use curfew_domain::emergency::ReviewOutcome;
use curfew_domain::grant::GrantStatus;
use curfew_domain::request::RequestStatus;
use curfew_domain::{BuiltInRole, ErrorCode, LockdownOf, PageRequest, PlatformMode, Reason, Scope, ScopeSet};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;

use crate::world::*;

/// A word that Bob writes wherever he can, and that is in his name and address.
const TELLTALE: &str = "bobolink";

fn words() -> Reason {
    format!("because {TELLTALE} says so").parse().unwrap()
}

/// The tables in which some row holds the telltale. AWS's own id of a person tells nothing: here alone it holds their name.
async fn told_in(db: &TestStore) -> Vec<String> {
    let tables = db.ask("SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'").await;
    let mut told = Vec::new();
    for table in tables.split(',') {
        let row = format!("replace(r::text, 'principal-{TELLTALE}', '')");
        let count = format!("SELECT count(*)::text FROM \"{table}\" r WHERE {row} ILIKE '%{TELLTALE}%'");
        if db.ask(&count).await != "0" {
            told.push(table.to_owned());
        }
    }
    told.sort();
    told
}

/// Bob asks, approves, revokes and locks down.
async fn busy_bob(world: &World) -> Caller {
    let app = &world.test.app;
    world.the_admin_can_sign_in().await;
    let bob = world.person(TELLTALE, BuiltInRole::Admin, None).await;
    let alice = world.person("alice", BuiltInRole::User, None).await;
    world.policy(auto(), "permit (principal, action == Action::\"read\", resource);").await;
    world.policy(by_people(1), "permit (principal, action == Action::\"assume\", resource);").await;
    let mut wanted = to_read(account(DEV));
    wanted.reason = Some(words());
    wanted.metadata.insert("ticket".to_owned(), TELLTALE.into());
    world.submit(&bob, wanted.clone()).await.unwrap();
    wanted.action = curfew_domain::Action::Assume;
    world.submit(&bob, wanted).await.unwrap();
    let theirs =
        curfew_app::requests::NewRequest { action: curfew_domain::Action::Assume, ..to_read(account(DEV)) };
    let asked = world.submit(&alice, theirs).await.unwrap();
    let approved = requests::approve(app, &bob, asked.id, Some(words())).await.unwrap();
    grants::revoke(app, &bob, approved.grant.unwrap(), Some(words())).await.unwrap();
    let ask = NewLockdown { of: LockdownOf::Account(PROD.parse().unwrap()), reason: words() };
    lockdowns::start(app, &bob, ask, &Once::unkeyed()).await.unwrap();
    bob
}

async fn findings(world: &World) -> Vec<String> {
    let scopes = [Scope::AuditRead].into_iter().collect();
    let found = audit::verify(&world.test.app, &Caller { scopes, ..world.admin.clone() }).await.unwrap();
    found.findings.iter().map(ToString::to_string).collect()
}

on_both_databases! {
    async fn words_that_come_too_late_are_not_kept(db: &TestStore) {
        let world = World::new(db).await;
        let bob = Box::pin(busy_bob(&world)).await;
        let app = &world.test.app;
        let alice = world.person("alison", BuiltInRole::User, None).await;
        let theirs =
            requests::NewRequest { action: curfew_domain::Action::Assume, ..to_read(account(DEV)) };
        let asked = world.submit(&alice, theirs).await.unwrap().id;
        users::delete(app, &world.admin, bob.user).await.unwrap();
        let message =
            requests::NewMessage { content: TELLTALE.parse().unwrap(), metadata: serde_json::Map::default() };
        let said = requests::add_message(app, &bob, &Once::unkeyed(), asked, message).await;
        assert_eq!(code(said), ErrorCode::Unauthenticated);
        assert_eq!(code(requests::deny(app, &bob, asked, Some(words())).await), ErrorCode::Unauthenticated);
        assert_eq!(code(requests::approve(app, &bob, asked, Some(words())).await), ErrorCode::Unauthenticated);
        let policy = new_policy(auto(), "permit (principal, action, resource);");
        let why = policies::NewPolicy { why: Some(TELLTALE.parse().unwrap()), ..policy };
        assert_eq!(code(policies::create(app, &bob, &Once::unkeyed(), why).await), ErrorCode::Unauthenticated);
    }

    async fn whoever_is_deleted_loses_what_they_have_and_the_log_still_verifies(db: &TestStore) {
        let world = World::new(db).await;
        let bob = Box::pin(busy_bob(&world)).await;
        let app = &world.test.app;
        users::delete(app, &world.admin, bob.user).await.unwrap();
        let now = app.now();
        let theirs = grants::list(app, &world.admin, grants::GrantFilter::default(), PageRequest::default()).await;
        let theirs = theirs.unwrap().items;
        assert!(theirs.iter().all(|view| view.grant.times.status(now) == GrantStatus::Revoked));
        assert_eq!(theirs.iter().filter(|view| view.grant.grantee == bob.user).count(), 1, "it stays");
        let filter = requests::RequestFilter { requester: Some(bob.user), ..requests::RequestFilter::default() };
        let asked = requests::list(app, &world.admin, None, filter, PageRequest::default()).await.unwrap().items;
        assert!(asked.iter().any(|request| request.status(now) == RequestStatus::Cancelled));
        assert!(asked.iter().all(|request| request.reason.is_none() && request.metadata.is_empty()));
        assert_eq!(code(users::get(app, &world.admin, bob.user).await), ErrorCode::NotFound);
        assert_eq!(code(users::delete(app, &world.admin, bob.user).await), ErrorCode::NotFound);
        assert_eq!(code(world.submit(&bob, to_read(account(DEV))).await), ErrorCode::Forbidden);
        assert!(world.logged().await.contains(&"user.deleted".to_owned()));
        assert_eq!(findings(&world).await, [""; 0]);
        // The address is free, and whoever has it next is somebody else.
        world.stranger(TELLTALE, BuiltInRole::User, None).await;
    }

    async fn nobody_deletes_themselves_or_whoever_may_more(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        let ada = world.person("ada", BuiltInRole::Admin, None).await;
        assert_eq!(code(users::delete(app, &ada, ada.user).await), ErrorCode::Forbidden);
        let helpdesk = world.person("helpdesk", BuiltInRole::User, None).await;
        let helpdesk = Caller { scopes: [Scope::UsersDelete].into_iter().collect(), ..helpdesk };
        assert_eq!(code(users::delete(app, &helpdesk, ada.user).await), ErrorCode::Forbidden);
    }

    async fn what_somebody_has_to_look_at_is_not_erased_before(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        world.the_admin_can_sign_in().await;
        let terms = curfew_domain::policy::PolicyTerms { allow_break_glass: true, ..auto() };
        world.policy(terms, PERMIT_ALL).await;
        let bob = world.person("bob", BuiltInRole::Admin, None).await;
        let asked = curfew_app::requests::NewRequest {
            break_glass: true,
            reason: Some(words()),
            ..to_read(account(DEV))
        };
        let request = world.submit(&bob, asked).await.unwrap();
        assert_eq!(code(users::delete(app, &world.admin, bob.user).await), ErrorCode::Conflict);
        let word = ("justified, it was night".parse::<Reason>().unwrap(), ReviewOutcome::Justified);
        requests::review(app, &world.admin, request.id, word.1, word.0).await.unwrap();
        users::delete(app, &world.admin, bob.user).await.unwrap();
    }

    async fn the_last_admin_and_the_owner_are_not_deleted(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let owner = acme.admin.id;
        let dana = users::NewUser {
            email: "dana@acme.example".parse().unwrap(),
            name: "Dana".parse().unwrap(),
            password: None,
            roles: [BuiltInRole::Admin.slug()].into(),
            auth_provider: curfew_domain::AuthProvider::Local,
        };
        let dana = users::create(&test.app, &acme.caller, dana, &Once::unkeyed()).await.unwrap().into_inner();
        let dana = Caller { user: dana.id, ..acme.caller.clone() };
        assert_eq!(code(users::delete(&test.app, &dana, owner).await), ErrorCode::Conflict);
        let world = World::beside(test, 2).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let ada = world.person("ada", BuiltInRole::Admin, None).await;
        assert_eq!(code(users::delete(app, &ada, admin.user).await), ErrorCode::Conflict, "she can't sign in");
        assert_eq!(code(users::delete(app, admin, owner).await), ErrorCode::NotFound, "another tenant's");
        let weak = Caller { scopes: ScopeSet::default(), ..admin.clone() };
        let dana = world.person("dana", BuiltInRole::User, None).await;
        assert_eq!(code(users::delete(app, &weak, dana.user).await), ErrorCode::Forbidden);
        assert_eq!(code(users::delete(app, &dana, dana.user).await), ErrorCode::Forbidden);
        users::delete(app, admin, dana.user).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_that_is_kept_tells_who_a_deleted_person_was() {
    let Some(db) = TestStore::postgres().await else { return };
    let world = World::new(&db).await;
    let bob = Box::pin(busy_bob(&world)).await;
    let before = told_in(&db).await;
    for table in
        ["access_request", "app_user", "approval", "audit_text", "decision", "access_grant", "lockdown"]
    {
        assert!(before.contains(&table.to_owned()), "{table} of {before:?}");
    }
    users::delete(&world.test.app, &world.admin, bob.user).await.unwrap();
    assert_eq!(told_in(&db).await, ["identity_user"], "what AWS tells of its own directory");
}
