use curfew_app::AppError;
use curfew_app::gate::SetupToken;
use curfew_app::setup::{self, OidcSetup};
use curfew_app::testing::{TestApp, TestParts};
use curfew_domain::connection::SavedConnection;
use curfew_domain::{ErrorCode, PlatformMode};
use curfew_store::keyring::SealedColumn;
use curfew_store::on_both_databases;
use curfew_store::testing::PostgresDatabase;
use curfew_store::{Store, StoreOptions};
use secrecy::{ExposeSecret, SecretString};

use crate::code;

on_both_databases! {
    async fn a_hundred_calls_at_once_complete_the_setup_once(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let calls = (0..100).map(|_| {
            let app = test.app.clone();
            tokio::spawn(async move {
                setup::complete(&app, TestApp::first_run(PlatformMode::Single), None).await
            })
        });
        let mut done = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Ok(_) => done += 1,
                Err(AppError::Conflict { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(done, 1);
        assert!(setup::status(&test.app).await.unwrap().completed);
        let again = setup::complete(&test.app, TestApp::first_run(PlatformMode::Multi), None).await;
        assert_eq!(code(again), ErrorCode::Conflict);
        assert_eq!(setup::status(&test.app).await.unwrap().platform_mode, PlatformMode::Single);
    }

    async fn a_connection_that_cannot_work_is_refused_by_the_names_of_its_fields_in_the_body(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let mut ask = TestApp::first_run(PlatformMode::Single);
        ask.aws = Some(SavedConnection {
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            role: "arn:aws-cn:iam::123456789012:role/Curfew".parse().unwrap(),
            region: "cn-north-1".parse().unwrap(),
        });
        let Err(AppError::Invalid(problems)) = setup::complete(&test.app, ask, None).await else {
            panic!("it was taken")
        };
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["aws_identity_center.role_arn", "aws_identity_center.region"]);
    }

    async fn without_the_servers_setup_token_nothing_is_set_up(db: &TestStore) {
        let setup_token = Some(SetupToken::new(SecretString::from("open sesame")));
        let test = TestApp::with(&db.store, TestParts { setup_token, ..TestParts::default() });
        for wrong in [None, Some(""), Some("open sesam"), Some("open sesame ")] {
            let refused = setup::complete(&test.app, TestApp::first_run(PlatformMode::Single), wrong).await;
            assert_eq!(code(refused), ErrorCode::Unauthenticated, "{wrong:?}");
        }
        assert!(!setup::status(&test.app).await.unwrap().completed);
        setup::complete(&test.app, TestApp::first_run(PlatformMode::Single), Some("open sesame")).await.unwrap();
    }

    async fn the_first_run_makes_a_master_tenant_with_a_verified_admin_and_keeps_what_it_was_told(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let aws = SavedConnection {
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            role: "arn:aws:iam::123456789012:role/Curfew".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
        };
        let oidc = OidcSetup {
            issuer_url: "https://login.acme.example".to_owned(),
            client_id: "curfew".to_owned(),
            client_secret: SecretString::from("very secret"),
            scopes: vec!["openid".to_owned()],
        };
        let mut ask = TestApp::first_run(PlatformMode::Single);
        (ask.aws, ask.oidc) = (Some(aws.clone()), Some(oidc));
        let made = setup::complete(&test.app, ask, None).await.unwrap();
        assert!(made.tenant.is_master && made.admin.email_verified && made.admin.is_owner);
        assert_eq!(made.domains.len(), 1);
        assert!(made.domains[0].verified_at.is_none());

        let unit = db.store.tenant(made.tenant.id).read().await.unwrap();
        assert_eq!(unit.user(made.admin.id).await.unwrap(), Some(made.admin));
        assert_eq!(unit.connection().await.unwrap().unwrap().saved, Some(aws));
        let kept = unit.oidc_config().await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(kept.client_secret.as_bytes()).contains("secret"));
        let place = SealedColumn { tenant: made.tenant.id, column: "oidc_config.client_secret" };
        let opened = test.app.keyring.open(place, &kept.client_secret).unwrap();
        assert_eq!(opened.expose_secret(), "very secret");
    }

    async fn a_password_that_is_easy_to_guess_is_refused(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let mut ask = TestApp::first_run(PlatformMode::Single);
        ask.admin_password = SecretString::from("rootacme");
        assert_eq!(code(setup::complete(&test.app, ask, None).await), ErrorCode::InvalidRequest);
        assert!(!setup::status(&test.app).await.unwrap().completed);
    }
}

#[tokio::test]
async fn multi_is_refused_under_a_database_role_that_passes_every_wall() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let store = Store::open(StoreOptions::new(database.url_as_superuser())).await.unwrap();
    store.migrate().await.unwrap();
    let test = TestApp::new(&store);
    let refused = setup::complete(&test.app, TestApp::first_run(PlatformMode::Multi), None).await;
    assert_eq!(code(refused), ErrorCode::Conflict);
    setup::complete(&test.app, TestApp::first_run(PlatformMode::Single), None).await.unwrap();
    store.close().await;
}
