use std::sync::Arc;

use curfew_app::api_keys::{self, ApiKeyCreated, NewApiKey};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::users::{self, UserChange};
use curfew_app::{AppError, Caller, Made, Once};
use curfew_domain::{Actor, ErrorCode, PageRequest, PlatformMode, Scope, ScopeSet, Seconds, Timestamp, User};
use curfew_store::on_both_databases;
use secrecy::ExposeSecret;

use crate::code;
use crate::users::make_user;

async fn make(
    test: &TestApp,
    by: &Caller,
    scopes: &[Scope],
    expires_at: Option<Timestamp>,
) -> Result<ApiKeyCreated, AppError> {
    let scopes: ScopeSet = scopes.iter().copied().collect();
    let ask = NewApiKey { name: "terraform".parse().unwrap(), scopes, expires_at };
    Ok(api_keys::create(&test.app, by, ask, &Once::unkeyed()).await?.into_inner())
}

fn raw(made: &ApiKeyCreated) -> &str {
    made.raw.as_ref().unwrap().expose_secret()
}

on_both_databases! {
    async fn a_key_acts_as_its_maker_within_its_scopes(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let made = make(&test, &acme.caller, &[Scope::UsersRead], None).await.unwrap();
        let caller = test.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
        assert_eq!(caller.user, acme.admin.id);
        assert_eq!(caller.actor, Actor::ApiKey { key: made.key.id, maker: acme.admin.id });
        assert_eq!(caller.scopes, made.key.scopes);
        assert_eq!(code(make(&test, &caller, &[Scope::UsersRead], None).await), ErrorCode::Forbidden);
    }

    async fn a_key_cannot_get_what_its_maker_lacks_and_loses_what_its_maker_loses(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        let made = make(&test, &caller, &[Scope::UsersRead, Scope::RequestsCreate], None).await.unwrap();
        let roles = Some(["user".parse().unwrap()].into());
        users::update(&test.app, &acme.caller, dana.id, UserChange { roles, name: None }).await.unwrap();
        let cut = test.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
        assert_eq!(cut.scopes, [Scope::RequestsCreate].into_iter().collect());
        let mut weak = acme.caller.clone();
        weak.scopes = [Scope::ApiKeysCreate].into_iter().collect();
        assert_eq!(code(make(&test, &weak, &[Scope::UsersRead], None).await), ErrorCode::Forbidden);
    }

    async fn a_revoked_or_expired_key_is_refused_from_the_next_call(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let end = test.app.now() + Seconds::of(60);
        let expiring = make(&test, &acme.caller, &[Scope::UsersRead], Some(end)).await.unwrap();
        let revoked = make(&test, &acme.caller, &[Scope::UsersRead], None).await.unwrap();
        for key in [&expiring, &revoked] {
            test.caller_by_key(raw(key), acme.tenant.id).await.unwrap();
        }
        api_keys::revoke(&test.app, &acme.caller, revoked.key.id).await.unwrap();
        api_keys::revoke(&test.app, &acme.caller, revoked.key.id).await.unwrap();
        test.clock.advance(Seconds::of(60));
        for key in [&expiring, &revoked] {
            assert_eq!(code(test.caller_by_key(raw(key), acme.tenant.id).await), ErrorCode::Unauthenticated);
        }
        let past = Some(test.app.now() - Seconds::of(1));
        assert_eq!(code(make(&test, &acme.caller, &[], past).await), ErrorCode::InvalidRequest);
    }

    async fn a_key_that_has_ended_since_is_still_what_the_same_request_made(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let end = test.app.now() + Seconds::of(60);
        let once = Once::keyed(&test.app.keyring, &acme.caller, "POST /v1/api-keys", "one", b"{}");
        let ask = || NewApiKey { name: "ci".parse().unwrap(), scopes: ScopeSet::default(), expires_at: Some(end) };
        let made = api_keys::create(&test.app, &acme.caller, ask(), &once).await.unwrap().into_inner();
        test.clock.advance(Seconds::of(120));
        let again = api_keys::create(&test.app, &acme.caller, ask(), &once).await.unwrap();
        assert!(matches!(again, Made::Before(again) if again.key.id == made.key.id && again.raw.is_none()));
    }

    async fn a_key_dies_with_its_makers_suspension_for_good(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        let made = make(&test, &caller, &[Scope::UsersRead], None).await.unwrap();
        test.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(test.caller_by_key(raw(&made), acme.tenant.id).await), ErrorCode::Unauthenticated);
        users::activate(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(test.caller_by_key(raw(&made), acme.tenant.id).await), ErrorCode::Unauthenticated);
    }

    async fn no_key_is_made_for_someone_who_was_suspended_meanwhile(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let let_in_before = test.caller(&token, acme.tenant.id).await.unwrap();
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        let refused = make(&test, &let_in_before, &[Scope::UsersRead], None).await;
        assert_eq!(code(refused), ErrorCode::Unauthenticated);
    }

    async fn a_key_that_someone_suspended_has_all_the_same_does_not_come_back_with_them(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        let made = make(&test, &caller, &[Scope::UsersRead], None).await.unwrap();
        let unit = db.store.tenant(acme.tenant.id).write().await.unwrap();
        unit.bump_version().await.unwrap();
        unit.update_user(&dana, &User { active: false, ..dana.clone() }).await.unwrap();
        unit.commit().await.unwrap();
        users::activate(&test.app, &acme.caller, dana.id).await.unwrap();
        assert_eq!(code(test.caller_by_key(raw(&made), acme.tenant.id).await), ErrorCode::Unauthenticated);
    }

    async fn a_master_key_rotates_without_ending_keys(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let made = make(&test, &acme.caller, &[Scope::UsersRead], None).await.unwrap();
        let node = |keys: &[&str], seed| {
            let master_keys = keys.iter().map(ToString::to_string).collect();
            let clock = Arc::clone(&test.clock);
            TestApp::with(&db.store, TestParts { master_keys, seed, clock, ..TestParts::default() })
        };
        let old = &TestParts::default().master_keys[0];
        let new = "test master key number two ------";
        let rotating = node(&[new, old], 2);
        rotating.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
        rotating.app.gate.idle().await;
        // The key was shown once meanwhile, so its hash is under the new master key by now.
        let rotated = node(&[new], 3);
        rotated.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
    }

    async fn the_last_use_is_written_down_once_a_minute(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let made = make(&test, &acme.caller, &[Scope::UsersRead], None).await.unwrap();
        let used = async || {
            test.caller_by_key(raw(&made), acme.tenant.id).await.unwrap();
            test.app.gate.idle().await;
            let page = api_keys::list(&test.app, &acme.caller, &PageRequest::default()).await.unwrap();
            page.items[0].last_used_at.unwrap()
        };
        let first = used().await;
        assert_eq!(used().await, first);
        test.clock.advance(Seconds::of(60));
        assert!(used().await > first);
    }
}
