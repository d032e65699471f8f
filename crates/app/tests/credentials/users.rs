use curfew_app::testing::{PASSWORD, TestApp};
use curfew_app::users::{self, NewUser, UserChange};
use curfew_app::{AppError, Caller, Once};
use curfew_domain::{AuthProvider, ErrorCode, PlatformMode, RoleSlug, User, UserId};
use curfew_store::on_both_databases;
use secrecy::SecretString;
use std::collections::BTreeSet;
use uuid::Uuid;

use crate::code;

pub(crate) fn new_user(email: &str, roles: &[&str]) -> NewUser {
    NewUser {
        email: email.parse().unwrap(),
        name: "Dana Ruiz".parse().unwrap(),
        password: Some(SecretString::from(PASSWORD)),
        roles: slugs(roles),
        auth_provider: AuthProvider::Local,
    }
}

fn slugs(roles: &[&str]) -> BTreeSet<RoleSlug> {
    roles.iter().map(|role| role.parse().unwrap()).collect()
}

/// A user with the password that all tests use.
pub(crate) async fn make_user(test: &TestApp, by: &Caller, email: &str, roles: &[&str]) -> User {
    try_make(test, by, new_user(email, roles)).await.unwrap()
}

async fn try_make(test: &TestApp, by: &Caller, ask: NewUser) -> Result<User, AppError> {
    Ok(users::create(&test.app, by, ask, &Once::unkeyed()).await?.into_inner())
}

on_both_databases! {
    async fn a_user_who_was_made_signs_in_and_holds_their_roles_scopes(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["approver"]).await;
        assert_eq!(dana.account_set.map(|set| set.by), Some(acme.admin.id));
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        assert_eq!((caller.user, caller.scopes), (dana.id, dana.scopes()));
        assert_eq!(users::get(&test.app, &acme.caller, dana.id).await.unwrap(), dana);
    }

    async fn an_address_is_taken_once_in_whatever_case(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let again = try_make(&test, &acme.caller, new_user("Root@ACME.example", &["user"])).await;
        assert_eq!(code(again), ErrorCode::Conflict);
    }

    async fn nobody_gives_scopes_that_they_lack(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let mut weak = acme.caller.clone();
        weak.scopes = [curfew_domain::Scope::UsersCreate, curfew_domain::Scope::UsersUpdate].into_iter().collect();
        let refused = try_make(&test, &weak, new_user("dana@acme.example", &["user"])).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let change = UserChange { roles: Some(slugs(&["user", "admin"])), ..UserChange::default() };
        assert_eq!(code(users::update(&test.app, &weak, dana.id, change).await), ErrorCode::Forbidden);
    }

    async fn a_role_that_is_not_there_is_refused(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        for roles in [&["owner"][..], &[]] {
            let refused = try_make(&test, &acme.caller, new_user("d@acme.example", roles)).await;
            assert_eq!(code(refused), ErrorCode::InvalidRequest);
        }
    }

    async fn other_roles_count_from_the_next_call(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        assert!(test.caller(&token, acme.tenant.id).await.unwrap().may(curfew_domain::Scope::UsersCreate));
        let change = UserChange { roles: Some(slugs(&["user"])), ..UserChange::default() };
        users::update(&test.app, &acme.caller, dana.id, change).await.unwrap();
        assert!(!test.caller(&token, acme.tenant.id).await.unwrap().may(curfew_domain::Scope::UsersCreate));
    }

    async fn a_suspended_users_tokens_die_at_once_and_do_not_come_back(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        test.caller(&token, acme.tenant.id).await.unwrap();
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(test.caller(&token, acme.tenant.id).await), ErrorCode::Unauthenticated);
        users::activate(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(test.caller(&token, acme.tenant.id).await), ErrorCode::Unauthenticated);
        let token = test.token_of("acme", "dana@acme.example").await;
        test.caller(&token, acme.tenant.id).await.unwrap();
    }

    async fn the_last_admin_is_neither_suspended_nor_demoted(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let root = acme.admin.id;
        let demoted = || UserChange { roles: Some(slugs(&["user"])), ..UserChange::default() };
        assert_eq!(code(users::suspend(&test.app, &acme.caller, root).await), ErrorCode::Conflict);
        assert_eq!(code(users::update(&test.app, &acme.caller, root, demoted()).await), ErrorCode::Conflict);
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(users::suspend(&test.app, &acme.caller, root).await), ErrorCode::Conflict);
    }

    async fn an_admin_who_cannot_sign_in_is_no_reason_to_let_the_last_one_go(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let without_password = NewUser { password: None, ..new_user("dana@acme.example", &["admin"]) };
        try_make(&test, &acme.caller, without_password).await.unwrap();
        let elsewhere = NewUser {
            password: None,
            auth_provider: AuthProvider::Oidc,
            ..new_user("omar@acme.example", &["admin"])
        };
        try_make(&test, &acme.caller, elsewhere).await.unwrap();
        let demoted = UserChange { roles: Some(slugs(&["user"])), ..UserChange::default() };
        let root = acme.admin.id;
        assert_eq!(code(users::suspend(&test.app, &acme.caller, root).await), ErrorCode::Conflict);
        assert_eq!(code(users::update(&test.app, &acme.caller, root, demoted).await), ErrorCode::Conflict);
    }

    async fn of_two_admins_who_suspend_each_other_one_stays(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana_calls = test.caller(&token, acme.tenant.id).await.unwrap();
        let (one, two) = tokio::join!(
            users::suspend(&test.app, &acme.caller, dana.id),
            users::suspend(&test.app, &dana_calls, acme.admin.id),
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
    }

    async fn what_needs_a_scope_is_refused_without_it(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        make_user(&test, &acme.caller, "dana@acme.example", &["approver"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana = test.caller(&token, acme.tenant.id).await.unwrap();
        let page = curfew_domain::PageRequest::default();
        assert_eq!(code(users::list(&test.app, &dana, &page).await), ErrorCode::Forbidden);
        assert_eq!(code(users::get(&test.app, &dana, acme.admin.id).await), ErrorCode::Forbidden);
        assert_eq!(code(users::suspend(&test.app, &dana, acme.admin.id).await), ErrorCode::Forbidden);
        // Oneself can always be read.
        users::get(&test.app, &dana, dana.user).await.unwrap();
        users::me(&test.app, &dana).await.unwrap();
    }

    async fn an_id_that_never_existed_is_not_found(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let id = UserId::from_uuid(Uuid::from_u128(42));
        assert_eq!(code(users::get(&test.app, &acme.caller, id).await), ErrorCode::NotFound);
        assert_eq!(code(users::suspend(&test.app, &acme.caller, id).await), ErrorCode::NotFound);
        assert_eq!(code(users::update(&test.app, &acme.caller, id, UserChange::default()).await), ErrorCode::NotFound);
    }
}
