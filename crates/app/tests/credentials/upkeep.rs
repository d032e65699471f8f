use std::sync::Arc;

use curfew_app::api_keys::{self, NewApiKey};
use curfew_app::setup::{self, OidcSetup};
use curfew_app::testing::{PASSWORD, TestApp, TestParts};
use curfew_app::upkeep::upkeep;
use curfew_app::{Once, login};
use curfew_domain::{ErrorCode, PlatformMode, Scope, Seconds};
use curfew_store::keyring::{Keyring, SealedColumn};
use curfew_store::on_both_databases;
use secrecy::{ExposeSecret, SecretString};

use crate::code;

const NEW: &str = "test master key number two ------";

on_both_databases! {
    async fn after_a_rotation_everything_is_under_the_new_master_key(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let mut ask = TestApp::first_run(PlatformMode::Single);
        ask.oidc = Some(OidcSetup {
            issuer_url: "https://login.acme.example".to_owned(),
            client_id: "curfew".to_owned(),
            client_secret: SecretString::from("very secret"),
            scopes: Vec::new(),
        });
        let tenant = setup::complete(&test.app, ask, None).await.unwrap().tenant.id;
        assert_eq!(upkeep(&test.app).await.unwrap().tenants_renewed, 0);

        let node = |keys: Vec<String>, seed| {
            let clock = Arc::clone(&test.clock);
            TestApp::with(&db.store, TestParts { master_keys: keys, seed, clock, ..TestParts::default() })
        };
        let old = TestParts::default().master_keys.remove(0);
        let rotating = node(vec![NEW.to_owned(), old], 2);
        assert_eq!(upkeep(&rotating.app).await.unwrap().tenants_renewed, 1);
        assert_eq!(upkeep(&rotating.app).await.unwrap().tenants_renewed, 0);

        let rotated = node(vec![NEW.to_owned()], 3);
        rotated.token_of("acme", "root@acme.example").await;
        let unit = db.store.tenant(tenant).read().await.unwrap();
        let kept = unit.oidc_config().await.unwrap().unwrap().client_secret;
        let place = SealedColumn { tenant, column: "oidc_config.client_secret" };
        assert_eq!(rotated.app.keyring.open(place, &kept).unwrap().expose_secret(), "very secret");
    }

    async fn an_older_master_key_is_needed_until_every_live_key_was_shown(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let ask = NewApiKey {
            name: "terraform".parse().unwrap(),
            scopes: [Scope::UsersRead].into_iter().collect(),
            expires_at: None,
        };
        let made = api_keys::create(&test.app, &acme.caller, ask, &Once::unkeyed()).await.unwrap().into_inner();
        login::sign_out(&test.app, &acme.caller).await.unwrap();
        let master_keys = vec![NEW.to_owned(), TestParts::default().master_keys.remove(0)];
        let clock = Arc::clone(&test.clock);
        let rotating =
            TestApp::with(&db.store, TestParts { master_keys, seed: 2, clock, ..TestParts::default() });
        assert_eq!(upkeep(&rotating.app).await.unwrap().under_older_keys, 1);
        let new_alone = Keyring::new(&NEW.parse().unwrap(), &[]).unwrap();
        let missing = async || {
            let unit = db.store.unwalled().read().await.unwrap();
            let missing = unit.missing_master_key(&new_alone, test.app.now()).await.unwrap();
            missing.map(|missing| missing.names_and_credentials)
        };
        assert_eq!(missing().await, Some(1), "the older one can't go yet");
        let shown = made.raw.unwrap();
        rotating.caller_by_key(shown.expose_secret(), acme.tenant.id).await.unwrap();
        rotating.app.gate.idle().await;
        assert_eq!(upkeep(&rotating.app).await.unwrap().under_older_keys, 0);
        assert_eq!(missing().await, None);
    }

    async fn tries_and_logins_are_forgotten_when_nobody_needs_them(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let refused = test.sign_in("acme", "nobody@acme.example", PASSWORD, "198.51.100.7").await;
        assert_eq!(code(refused), ErrorCode::Unauthenticated);
        // The admin was right at once: that leaves nothing but where they signed in from, for 90 days.
        assert_eq!(upkeep(&test.app).await.unwrap().tries_forgotten, 2);
        test.clock.advance(Seconds::of(3_600));
        assert_eq!(upkeep(&test.app).await.unwrap().tries_forgotten, 3);
        let session = acme.caller.session.unwrap();
        let kept = async || db.store.tenant(acme.tenant.id).read().await.unwrap().session(session).await.unwrap();
        assert!(kept().await.is_some());
        test.clock.advance(Seconds::of(31 * 86_400));
        upkeep(&test.app).await.unwrap();
        assert!(kept().await.is_none());
    }
    async fn a_secret_that_no_key_opens_holds_up_nothing_else(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let mut ask = TestApp::first_run(PlatformMode::Single);
        ask.oidc = Some(OidcSetup {
            issuer_url: "https://login.acme.example".to_owned(),
            client_id: "curfew".to_owned(),
            client_secret: SecretString::from("very secret"),
            scopes: Vec::new(),
        });
        let tenant = setup::complete(&test.app, ask, None).await.unwrap().tenant.id;
        let token = test.token_of("acme", "root@acme.example").await;
        let session = test.caller(&token, tenant).await.unwrap().session.unwrap();
        let kept = async || db.store.tenant(tenant).read().await.unwrap().session(session).await.unwrap();
        let (master_keys, clock) = (vec![NEW.to_owned()], Arc::clone(&test.clock));
        let without = TestApp::with(&db.store, TestParts { master_keys, seed: 2, clock, ..TestParts::default() });
        test.clock.advance(Seconds::of(31 * 86_400));
        assert!(kept().await.is_some());
        assert_eq!(code(upkeep(&without.app).await), ErrorCode::Internal);
        assert!(kept().await.is_none());
    }
}
