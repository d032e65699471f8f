use std::net::{IpAddr, Ipv4Addr};

use curfew_app::credentials::password::PresentedPassword;
use curfew_app::gate::{self, Presented};
use curfew_app::login::{self, SignIn};
use curfew_app::testing::{ORIGIN, PASSWORD, TestApp, TestParts};
use curfew_app::{AppError, Caller, Once, api_keys, users};
use curfew_domain::{ErrorCode, PlatformMode, Scope, Seconds, SessionKind};
use curfew_store::on_both_databases;
use secrecy::{ExposeSecret, SecretString};

use crate::code;
use crate::users::make_user;

const NOWHERE: &str = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab";

async fn shown(test: &TestApp, presented: Presented<'_>) -> Result<Caller, AppError> {
    gate::authenticate(&test.app, presented).await
}

async fn key(test: &TestApp, by: &Caller) -> String {
    let ask = api_keys::NewApiKey {
        name: "ci".parse().unwrap(),
        scopes: [Scope::UsersRead].into_iter().collect(),
        expires_at: None,
    };
    let made = api_keys::create(&test.app, by, ask, &Once::unkeyed()).await.unwrap().into_inner();
    made.raw.unwrap().expose_secret().to_owned()
}

async fn cookie(test: &TestApp) -> String {
    let ask = SignIn {
        email: "root@acme.example".parse().unwrap(),
        password: PresentedPassword::new(&SecretString::from(PASSWORD)),
        tenant: None,
        kind: SessionKind::Cookie,
        source: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let signed_in = login::sign_in(&test.app, ask).await.unwrap();
    format!("__Host-curfew={}", signed_in.token.expose_secret())
}

on_both_databases! {
    async fn a_bad_credential_comes_before_everything_else(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let other = TestParts { jwt_secret: "another secret ---------------------".to_owned(), seed: 9, ..TestParts::default() };
        let forged = TestApp::with(&db.store, other).token_of("acme", "root@acme.example").await;
        let bearers = [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            "Bearer x.y.z".to_owned(),
            format!("Basic {}", acme.token),
            acme.token.clone(),
            format!("Bearer {forged}"),
        ];
        for bearer in &bearers {
            for tenant in [None, Some("not a uuid"), Some(NOWHERE)] {
                let presented = Presented { authorization: Some(bearer), tenant, ..Presented::default() };
                assert_eq!(code(shown(&test, presented).await), ErrorCode::Unauthenticated, "{bearer} {tenant:?}");
            }
        }
        let unknown = format!("cfk_{}", "A".repeat(43));
        for bad in ["", "x", "cfk_", unknown.as_str(), acme.token.as_str()] {
            let presented = Presented { api_key: Some(bad), ..Presented::default() };
            assert_eq!(code(shown(&test, presented).await), ErrorCode::Unauthenticated, "{bad}");
        }
        assert_eq!(code(shown(&test, Presented::default()).await), ErrorCode::Unauthenticated);
    }

    async fn then_the_tenant_must_be_named_and_be_the_credentials_own(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let key = key(&test, &acme.caller).await;
        let bearer = format!("bearer {}", acme.token);
        let own = acme.tenant.id.to_string();
        let expected = [
            (None, Err(ErrorCode::InvalidTenantId)),
            (Some(""), Err(ErrorCode::InvalidTenantId)),
            (Some("acme"), Err(ErrorCode::InvalidTenantId)),
            (Some(NOWHERE), Err(ErrorCode::TenantMismatch)),
            (Some(own.as_str()), Ok(acme.tenant.id)),
        ];
        for (tenant, expected) in expected {
            for presented in [
                Presented { authorization: Some(&bearer), tenant, ..Presented::default() },
                Presented { api_key: Some(&key), tenant, ..Presented::default() },
            ] {
                let got = shown(&test, presented).await.map(|caller| caller.tenant).map_err(|error| error.code());
                assert_eq!(got, expected, "{tenant:?}");
            }
        }
    }

    async fn a_suspended_user_and_a_revoked_key_come_after_the_tenant_a_logout_before(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana_calls = test.caller(&token, acme.tenant.id).await.unwrap();
        let key = key(&test, &dana_calls).await;
        let left = test.token_of("acme", "root@acme.example").await;
        let caller = test.caller(&left, acme.tenant.id).await.unwrap();
        login::sign_out(&test.app, &caller).await.unwrap();
        users::suspend(&test.app, &acme.caller, dana.id).await.unwrap();

        let (suspended, logged_out) = (format!("Bearer {token}"), format!("Bearer {left}"));
        let own = acme.tenant.id.to_string();
        for (tenant, expected) in [
            (None, ErrorCode::InvalidTenantId),
            (Some(NOWHERE), ErrorCode::TenantMismatch),
            (Some(own.as_str()), ErrorCode::Unauthenticated),
        ] {
            let presented = Presented { authorization: Some(&suspended), tenant, ..Presented::default() };
            assert_eq!(code(shown(&test, presented).await), expected);
            let presented = Presented { api_key: Some(&key), tenant, ..Presented::default() };
            assert_eq!(code(shown(&test, presented).await), expected);
            let presented = Presented { authorization: Some(&logged_out), tenant, ..Presented::default() };
            assert_eq!(code(shown(&test, presented).await), ErrorCode::Unauthenticated);
        }
    }

    async fn two_credentials_at_once_are_a_mistake_and_either_wins_over_a_cookie(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let (key, cookie) = (key(&test, &acme.caller).await, cookie(&test).await);
        let (bearer, own) = (format!("Bearer {}", acme.token), acme.tenant.id.to_string());
        let both = Presented { api_key: Some(&key), authorization: Some(&bearer), tenant: Some(&own), ..Presented::default() };
        assert_eq!(code(shown(&test, both).await), ErrorCode::InvalidRequest);
        let beside = Presented { api_key: Some(&key), cookies: Some(&cookie), tenant: Some(&own), ..Presented::default() };
        assert!(shown(&test, beside).await.unwrap().session.is_none());
        // Nor does the cookie make up for a bad header.
        let bad = Presented { api_key: Some("cfk_x"), cookies: Some(&cookie), tenant: Some(&own), ..Presented::default() };
        assert_eq!(code(shown(&test, bad).await), ErrorCode::Unauthenticated);
    }

    async fn a_cookie_knows_its_tenant_and_takes_origin_and_token_for_what_changes_anything(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let cookie = cookie(&test).await;
        let own = acme.tenant.id.to_string();
        let reading = Presented { cookies: Some(&cookie), method_is_safe: true, ..Presented::default() };
        let caller = shown(&test, reading).await.unwrap();
        shown(&test, Presented { tenant: Some(&own), ..reading }).await.unwrap();
        assert_eq!(code(shown(&test, Presented { tenant: Some(NOWHERE), ..reading }).await), ErrorCode::TenantMismatch);
        assert_eq!(code(shown(&test, Presented { tenant: Some("x"), ..reading }).await), ErrorCode::InvalidTenantId);

        let token = users::me(&test.app, &caller).await.unwrap().csrf_token.unwrap();
        let changing = Presented {
            method_is_safe: false,
            origin: Some(ORIGIN),
            csrf_token: Some(token.as_str()),
            ..reading
        };
        shown(&test, changing).await.unwrap();
        for forged in [
            Presented { origin: None, ..changing },
            Presented { origin: Some("null"), ..changing },
            Presented { origin: Some("https://evil.test"), ..changing },
            Presented { csrf_token: None, ..changing },
            Presented { csrf_token: Some("guess"), ..changing },
        ] {
            assert_eq!(code(shown(&test, forged).await), ErrorCode::Forbidden, "{forged:?}");
        }
        login::sign_out(&test.app, &caller).await.unwrap();
        assert_eq!(code(shown(&test, reading).await), ErrorCode::Unauthenticated);
    }

    async fn a_cookie_ends_by_itself_and_is_no_bearer_token(db: &TestStore) {
        let test = TestApp::new(&db.store);
        test.set_up(PlatformMode::Single).await;
        let cookie = cookie(&test).await;
        let value = cookie.split_once('=').unwrap().1;
        let bearer = format!("Bearer {value}");
        let presented = Presented { authorization: Some(&bearer), ..Presented::default() };
        assert_eq!(code(shown(&test, presented).await), ErrorCode::Unauthenticated);
        let presented = Presented { api_key: Some(value), ..Presented::default() };
        assert_eq!(code(shown(&test, presented).await), ErrorCode::Unauthenticated);
        let reading = Presented { cookies: Some(&cookie), method_is_safe: true, ..Presented::default() };
        shown(&test, reading).await.unwrap();
        test.clock.advance(Seconds::of(3_600));
        assert_eq!(code(shown(&test, reading).await), ErrorCode::Unauthenticated);
    }

    async fn many_requests_at_once_are_each_answered(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let good = key(&test, &acme.caller).await;
        let requests = (0..500).map(|n| {
            let (test, key, tenant) = (test.clone(), good.clone(), acme.tenant.id);
            tokio::spawn(async move {
                let key = if n % 2 == 0 { key } else { format!("cfk_{}{}", "A".repeat(40), 100 + n) };
                test.caller_by_key(&key, tenant).await.is_ok()
            })
        });
        for (n, request) in requests.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(request.await.unwrap(), n % 2 == 0);
        }
    }
}
