//! Rights that are lost while their holder's call waits.

use std::sync::Arc;

use curfew_app::groups::{self, GroupChange, NewGroup};
use curfew_app::roles::{self, NewRole, RoleChange};
use curfew_app::testing::{TestApp, TestTenant};
use curfew_app::users::{self, UserChange};
use curfew_app::{AppError, Caller, Once, api_keys};
use curfew_domain::{BuiltInRole, ErrorCode, GroupId, PlatformMode, RoleId, ScopeSet, User, UserId};
use curfew_store::on_both_databases;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;

use crate::users::{make_user, new_user};
use crate::{code, still_waits};

type Call = BoxFuture<'static, Result<(), AppError>>;

/// What the calls are about.
#[derive(Clone, Copy)]
struct Place {
    group: GroupId,
    role: RoleId,
    member: UserId,
    suspended: UserId,
}

fn auditor(name: &str) -> NewRole {
    let name = name.to_owned();
    NewRole {
        slug: name.parse().unwrap(),
        name: name.parse().unwrap(),
        description: None,
        scopes: ScopeSet::default(),
    }
}

fn named(name: &str) -> NewGroup {
    NewGroup { name: name.parse().unwrap(), description: None }
}

async fn place(test: &TestApp, acme: &TestTenant) -> Place {
    let (app, admin, once) = (&test.app, &acme.caller, Once::unkeyed());
    let group = groups::create(app, admin, named("ops"), &once).await.unwrap().into_inner().id;
    let role = roles::create(app, admin, auditor("auditor"), &once).await.unwrap().into_inner();
    let roles::Role::Custom(role) = role.role else { panic!("a built-in role") };
    let member = make_user(test, admin, "mia@acme.example", &["user"]).await.id;
    let suspended = make_user(test, admin, "sam@acme.example", &["user"]).await.id;
    groups::add_member(app, admin, group, member, &once).await.unwrap();
    groups::add_role(app, admin, group, BuiltInRole::User.slug(), &once).await.unwrap();
    users::suspend(app, admin, suspended).await.unwrap();
    Place { group, role: role.id, member, suspended }
}

/// One of each call that changes what somebody may do.
macro_rules! calls {
    ($test:expr, $caller:expr, $($call:expr),+ $(,)?) => {
        vec![$({
            let (app, caller) = (Arc::clone(&$test.app), $caller.clone());
            let call: fn(Arc<curfew_app::App>, Caller, Place) -> Call = $call;
            (app, caller, call)
        }),+]
    };
}

fn of_all(test: &TestApp, dana: &Caller, place: Place) -> Vec<JoinHandle<Result<(), AppError>>> {
    let calls = calls![
        test,
        dana,
        |app, by, at| Box::pin(async move {
            let change = GroupChange::default();
            groups::change(&app, &by, at.group, change).await.map(drop)
        }),
        |app, by, at| Box::pin(async move { groups::delete(&app, &by, at.group).await }),
        |app, by, _| Box::pin(async move {
            groups::create(&app, &by, named("more"), &Once::unkeyed()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move {
            groups::add_member(&app, &by, at.group, by.user, &Once::unkeyed()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move { groups::remove_member(&app, &by, at.group, at.member).await }),
        |app, by, at| Box::pin(async move {
            let role = BuiltInRole::Admin.slug();
            groups::add_role(&app, &by, at.group, role, &Once::unkeyed()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move {
            groups::remove_role(&app, &by, at.group, BuiltInRole::User.slug()).await
        }),
        |app, by, _| Box::pin(async move {
            roles::create(&app, &by, auditor("other"), &Once::unkeyed()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move {
            roles::change(&app, &by, at.role, RoleChange::default()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move { roles::delete(&app, &by, at.role).await }),
        |app, by, _| Box::pin(async move {
            let user = users::NewUser { password: None, ..new_user("eve@acme.example", &["user"]) };
            users::create(&app, &by, user, &Once::unkeyed()).await.map(drop)
        }),
        |app, by, at| Box::pin(async move {
            let roles = Some([BuiltInRole::Admin.slug()].into());
            users::update(&app, &by, at.member, UserChange { roles, ..UserChange::default() }).await.map(drop)
        }),
        |app, by, at| Box::pin(async move { users::suspend(&app, &by, at.member).await.map(drop) }),
        |app, by, at| Box::pin(async move { users::activate(&app, &by, at.suspended).await.map(drop) }),
    ];
    calls.into_iter().map(|(app, caller, call)| tokio::spawn(call(app, caller, place))).collect()
}

/// What each of them comes to where the caller becomes somebody else while it waits.
async fn refusals(test: &TestApp, acme: &TestTenant, becomes: fn(User) -> User) -> Vec<ErrorCode> {
    let dana = make_user(test, &acme.caller, "dana@acme.example", &["admin"]).await;
    let token = test.token_of("acme", "dana@acme.example").await;
    let caller = test.caller(&token, acme.tenant.id).await.unwrap();
    let place = place(test, acme).await;
    let unit = test.app.store.tenant(acme.tenant.id).write().await.unwrap();
    unit.bump_version().await.unwrap();
    let mut waiting = of_all(test, &caller, place);
    still_waits(&mut waiting[0]).await;
    assert!(waiting.iter().all(|call| !call.is_finished()));
    unit.update_user(&dana, &becomes(dana.clone())).await.unwrap();
    unit.commit().await.unwrap();
    let mut refusals = Vec::new();
    for (number, call) in waiting.into_iter().enumerate() {
        let came_to = call.await.unwrap();
        assert!(came_to.is_err(), "call {number} was taken");
        refusals.push(code(came_to));
    }
    refusals
}

on_both_databases! {
    async fn who_was_demoted_meanwhile_changes_nobodys_rights(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let demoted = |user| User { roles: [BuiltInRole::User.slug()].into(), ..user };
        assert_eq!(refusals(&test, &acme, demoted).await, [ErrorCode::Forbidden; 14]);
    }

    async fn who_was_suspended_meanwhile_changes_nobodys_rights(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let suspended = |user| User { active: false, ..user };
        assert_eq!(refusals(&test, &acme, suspended).await, [ErrorCode::Unauthenticated; 14]);
    }

    async fn who_was_demoted_makes_no_key_of_what_they_had(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        let change = UserChange { roles: Some([BuiltInRole::User.slug()].into()), ..UserChange::default() };
        users::update(&test.app, &acme.caller, dana.id, change).await.unwrap();
        let ask = api_keys::NewApiKey { name: "k".parse().unwrap(), scopes: ScopeSet::default(), expires_at: None };
        assert_eq!(code(api_keys::create(&test.app, &caller, ask, &Once::unkeyed()).await), ErrorCode::Forbidden);
    }
}
