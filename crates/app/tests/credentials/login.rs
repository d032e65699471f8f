use std::sync::Arc;

use curfew_app::testing::{PASSWORD, TestApp, TestParts};
use curfew_app::{AppError, login, users};
use curfew_domain::audit::AuditAction;
use curfew_domain::{ErrorCode, PageRequest, PlatformMode, Seconds, User};
use curfew_store::audit::AuditFilter;
use curfew_store::on_both_databases;
use secrecy::ExposeSecret;

use crate::users::make_user;
use crate::{code, still_waits};

const ROOT: &str = "root@acme.example";
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.7";

fn retry_after<T: std::fmt::Debug>(result: Result<T, AppError>) -> u64 {
    match result {
        Err(AppError::RateLimited { retry_after_seconds }) => retry_after_seconds,
        other => panic!("{other:?}"),
    }
}

on_both_databases! {
    async fn unknown_wrong_and_suspended_get_the_same_answer(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();
        let attempts = [
            ("acme", ROOT, "not the password"),
            ("acme", "nobody@acme.example", PASSWORD),
            ("acme", "dana@acme.example", PASSWORD),
            ("nowhere", ROOT, PASSWORD),
        ];
        let mut answers = Vec::new();
        for (tenant, email, password) in attempts {
            let error = test.sign_in(tenant, email, password, HERE).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Unauthenticated, "{email}");
            answers.push(error.to_string());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }

    async fn the_address_is_taken_without_regard_to_case(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        test.sign_in("acme", "ROOT@Acme.example", PASSWORD, HERE).await.unwrap();
    }

    async fn after_five_wrong_tries_each_must_wait_whether_the_address_is_known_or_not(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        for email in [ROOT, "nobody@acme.example"] {
            for _ in 0..5 {
                let refused = test.sign_in("acme", email, "wrong", ELSEWHERE).await;
                assert_eq!(code(refused), ErrorCode::Unauthenticated);
            }
            assert_eq!(retry_after(test.sign_in("acme", email, PASSWORD, ELSEWHERE).await), 1, "{email}");
        }
        // From another address the same e-mail goes on.
        test.sign_in("acme", ROOT, PASSWORD, HERE).await.unwrap();
        // And after the wait, here too; then the count starts anew.
        test.clock.advance(Seconds::of(2));
        test.sign_in("acme", ROOT, PASSWORD, ELSEWHERE).await.unwrap();
        assert_eq!(code(test.sign_in("acme", ROOT, "wrong", ELSEWHERE).await), ErrorCode::Unauthenticated);
    }

    async fn tries_at_the_same_time_are_all_counted(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        let tries = (0..20).map(|_| {
            let test = test.clone();
            tokio::spawn(async move { test.sign_in("acme", ROOT, "wrong", ELSEWHERE).await })
        });
        let mut looked_at = 0;
        for one in tries.collect::<Vec<_>>() {
            if code(one.await.unwrap()) == ErrorCode::Unauthenticated {
                looked_at += 1;
            }
        }
        assert_eq!(looked_at, 5);
    }

    async fn nobody_can_lock_out_an_admin_from_where_they_signed_in_before(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        for attacker in 0..20 {
            let refused = test.sign_in("acme", ROOT, "wrong", &format!("203.0.113.{attacker}")).await;
            assert_eq!(code(refused), ErrorCode::Unauthenticated);
        }
        // From addresses that never signed in to it, the account takes one try in 30 s …
        assert_eq!(retry_after(test.sign_in("acme", ROOT, PASSWORD, ELSEWHERE).await), 30);
        // … from the one that did, any.
        test.sign_in("acme", ROOT, PASSWORD, HERE).await.unwrap();
        test.clock.advance(Seconds::of(30));
        test.sign_in("acme", ROOT, PASSWORD, ELSEWHERE).await.unwrap();
    }

    async fn nobody_can_lock_out_an_admin_by_what_they_do_behind_the_same_address(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        for stranger in 0..50 {
            let refused = test.sign_in("acme", &format!("made-up-{stranger}@acme.example"), "wrong", HERE).await;
            assert_eq!(code(refused), ErrorCode::Unauthenticated);
        }
        assert_eq!(retry_after(test.sign_in("acme", "nobody@acme.example", PASSWORD, HERE).await), 1);
        test.sign_in("acme", ROOT, PASSWORD, HERE).await.unwrap();
        // Nor did that have the others wait for longer.
        test.clock.advance(Seconds::of(1));
        let refused = test.sign_in("acme", "nobody@acme.example", PASSWORD, HERE).await;
        assert_eq!(code(refused), ErrorCode::Unauthenticated);
    }

    async fn a_password_that_was_not_looked_at_is_not_a_wrong_one(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        let busy = test.keep_passwords_busy();
        let try_once = || test.sign_in("acme", ROOT, PASSWORD, ELSEWHERE);
        let refused = tokio::join!(try_once(), try_once(), try_once(), try_once(), try_once());
        for one in [refused.0, refused.1, refused.2, refused.3, refused.4] {
            assert_eq!(retry_after(one), 2);
        }
        // Where the admin signed in before there is a turn for them.
        test.sign_in("acme", ROOT, PASSWORD, HERE).await.unwrap();
        drop(busy);
        test.sign_in("acme", ROOT, PASSWORD, ELSEWHERE).await.unwrap();
    }

    async fn who_is_suspended_while_their_password_is_looked_at_is_not_let_in(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let unit = db.store.tenant(acme.tenant.id).write().await.unwrap();
        unit.bump_version().await.unwrap();
        let before = unit.user(dana.id).await.unwrap().unwrap();
        unit.update_user(&before, &User { active: false, ..before.clone() }).await.unwrap();
        let other = test.clone();
        let mut signing_in =
            tokio::spawn(async move { other.sign_in("acme", "dana@acme.example", PASSWORD, HERE).await });
        still_waits(&mut signing_in).await;
        unit.commit().await.unwrap();
        assert_eq!(code(signing_in.await.unwrap()), ErrorCode::Unauthenticated);
        let unit = db.store.tenant(acme.tenant.id).read().await.unwrap();
        let logins = AuditFilter { action: Some(AuditAction::LoginSucceeded), ..AuditFilter::default() };
        let opened = unit.audit_page(&logins, &PageRequest::default()).await.unwrap();
        assert_eq!(opened.items.len(), 1, "the admin's own");
    }

    async fn a_logout_works_at_once_on_every_node(db: &TestStore) {
        let one = TestApp::new(&db.store);
        let clock = Arc::clone(&one.clock);
        let two = TestApp::with(&db.store, TestParts { seed: 2, clock, ..TestParts::default() });
        let acme = one.set_up(PlatformMode::Single).await;
        let other = one.token_of("acme", ROOT).await;
        two.caller(&acme.token, acme.tenant.id).await.unwrap();
        login::sign_out(&one.app, &acme.caller).await.unwrap();
        for node in [&one, &two] {
            assert_eq!(code(node.caller(&acme.token, acme.tenant.id).await), ErrorCode::Unauthenticated);
            // The same person's other login lives on.
            node.caller(&other, acme.tenant.id).await.unwrap();
        }
    }

    async fn a_token_ends_after_its_hour_and_a_refreshed_one_with_the_chain(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let mut token = acme.token.clone();
        for _ in 0..13 {
            test.clock.advance(Seconds::of(3_300));
            let caller = test.caller(&token, acme.tenant.id).await.unwrap();
            token = login::refresh(&test.app, &caller).await.unwrap().token.expose_secret().to_owned();
        }
        // 42,900 s of 43,200 are over: what was just given out lives for the rest.
        test.clock.advance(Seconds::of(299));
        let caller = test.caller(&token, acme.tenant.id).await.unwrap();
        test.clock.advance(Seconds::of(1));
        assert_eq!(code(test.caller(&token, acme.tenant.id).await), ErrorCode::Unauthenticated);
        assert_eq!(code(login::refresh(&test.app, &caller).await), ErrorCode::Unauthenticated);
        assert_eq!(code(test.caller(&acme.token, acme.tenant.id).await), ErrorCode::Unauthenticated);
    }

    async fn a_login_that_was_ended_is_not_refreshed(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        login::sign_out(&test.app, &acme.caller).await.unwrap();
        assert_eq!(code(login::refresh(&test.app, &acme.caller).await), ErrorCode::Unauthenticated);
    }
}
