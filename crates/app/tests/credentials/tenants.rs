use std::collections::BTreeSet;

use curfew_app::login::{self, SetInitialPassword};
use curfew_app::tenants::{self, NewOwner, NewTenant, TenantChange, TenantCreated};
use curfew_app::testing::{PASSWORD, TestApp};
use curfew_app::{AppError, Caller, Once, users};
use curfew_domain::audit::AuditAction;
use curfew_domain::{ErrorCode, Locale, PageRequest, PlatformMode, Seconds, Tenant, User};
use curfew_store::audit::AuditFilter;
use curfew_store::on_both_databases;
use secrecy::{ExposeSecret, SecretString};

use crate::users::make_user;
use crate::{code, still_waits};

async fn found(test: &TestApp, by: &Caller, slug: &str) -> Result<TenantCreated, AppError> {
    let ask = NewTenant {
        name: "Bolt".parse().unwrap(),
        slug: slug.parse().unwrap(),
        owner: Some(NewOwner { email: "olga@bolt.example".parse().unwrap(), name: "Olga".parse().unwrap() }),
        locale: Locale::english(),
        sso_start_url: None,
        sso_region: None,
    };
    Ok(tenants::create(&test.app, by, ask, &Once::unkeyed()).await?.into_inner())
}

fn link(made: &TenantCreated) -> SecretString {
    let url = made.owner_setup_url.as_ref().unwrap().expose_secret();
    SecretString::from(url.split_once("token=").unwrap().1)
}

async fn set_password(test: &TestApp, token: SecretString) -> Result<(), AppError> {
    login::set_initial_password(
        &test.app,
        SetInitialPassword { token, password: SecretString::from(PASSWORD) },
    )
    .await
}

on_both_databases! {
    async fn the_owner_of_a_new_tenant_sets_a_first_password_once(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let made = found(&test, &acme.caller, "bolt").await.unwrap();
        assert_eq!(code(test.sign_in("bolt", "olga@bolt.example", PASSWORD, "192.0.2.9").await), ErrorCode::Unauthenticated);
        set_password(&test, link(&made)).await.unwrap();
        assert_eq!(code(set_password(&test, link(&made)).await), ErrorCode::InvalidRequest);
        let token = test.token_of("bolt", "olga@bolt.example").await;
        let olga = test.caller(&token, made.tenant.tenant.id).await.unwrap();
        let me = users::me(&test.app, &olga).await.unwrap();
        assert!(me.user.is_owner && me.user.email_verified && !me.tenant.tenant.is_master);
    }

    async fn a_setup_link_expires(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let made = found(&test, &acme.caller, "bolt").await.unwrap();
        test.clock.advance(Seconds::of(7 * 86_400));
        assert_eq!(code(set_password(&test, link(&made)).await), ErrorCode::InvalidRequest);
    }

    async fn of_two_who_use_a_link_at_once_one_succeeds(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let made = found(&test, &acme.caller, "bolt").await.unwrap();
        let (one, two) = tokio::join!(set_password(&test, link(&made)), set_password(&test, link(&made)));
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    }

    async fn what_is_no_setup_link_sets_nothing(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        for token in ["", "cfs_", &acme.token, &format!("cfs_{}", "A".repeat(43))] {
            let refused = set_password(&test, SecretString::from(token)).await;
            assert_eq!(code(refused), ErrorCode::InvalidRequest, "{token}");
        }
    }

    async fn only_master_admins_make_tenants_and_only_in_multi(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let made = found(&test, &acme.caller, "bolt").await.unwrap();
        assert_eq!(code(found(&test, &acme.caller, "bolt").await), ErrorCode::Conflict);
        set_password(&test, link(&made)).await.unwrap();
        let token = test.token_of("bolt", "olga@bolt.example").await;
        let olga = test.caller(&token, made.tenant.tenant.id).await.unwrap();
        assert_eq!(code(found(&test, &olga, "third").await), ErrorCode::Forbidden);
        assert_eq!(code(tenants::list(&test.app, &olga, &PageRequest::default()).await), ErrorCode::Forbidden);
        make_user(&test, &acme.caller, "dana@acme.example", &["approver"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana = test.caller(&token, acme.tenant.id).await.unwrap();
        assert_eq!(code(found(&test, &dana, "third").await), ErrorCode::Forbidden);
    }

    async fn in_single_there_is_one_tenant(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        assert_eq!(code(found(&test, &acme.caller, "bolt").await), ErrorCode::Conflict);
    }

    async fn a_child_sees_itself_alone_and_the_master_reads_but_does_not_change_it(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let bolt = found(&test, &acme.caller, "bolt").await.unwrap();
        let gale = found(&test, &acme.caller, "gale").await.unwrap();
        set_password(&test, link(&bolt)).await.unwrap();
        let token = test.token_of("bolt", "olga@bolt.example").await;
        let olga = test.caller(&token, bolt.tenant.tenant.id).await.unwrap();
        tenants::get(&test.app, &olga, bolt.tenant.tenant.id).await.unwrap();
        for foreign in [gale.tenant.tenant.id, acme.tenant.id] {
            assert_eq!(code(tenants::get(&test.app, &olga, foreign).await), ErrorCode::NotFound);
            let change = tenants::update(&test.app, &olga, foreign, TenantChange::default());
            assert_eq!(code(change.await), ErrorCode::NotFound);
        }
        let page = tenants::list(&test.app, &acme.caller, &PageRequest::default()).await.unwrap();
        let slugs: Vec<_> = page.items.iter().map(|view| view.tenant.slug.as_str()).collect();
        assert_eq!(slugs, ["gale", "bolt", "acme"]);
        let change = tenants::update(&test.app, &acme.caller, bolt.tenant.tenant.id, TenantChange::default());
        assert_eq!(code(change.await), ErrorCode::Forbidden);
    }

    async fn a_persons_credential_opens_no_other_tenant_and_no_other_tenants_people(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let bolt = found(&test, &acme.caller, "bolt").await.unwrap();
        set_password(&test, link(&bolt)).await.unwrap();
        let token = test.token_of("bolt", "olga@bolt.example").await;
        let olga = test.caller(&token, bolt.tenant.tenant.id).await.unwrap();
        assert_eq!(code(test.caller(&token, acme.tenant.id).await), ErrorCode::TenantMismatch);
        assert_eq!(code(users::get(&test.app, &olga, acme.admin.id).await), ErrorCode::NotFound);
        assert_eq!(code(users::suspend(&test.app, &olga, acme.admin.id).await), ErrorCode::NotFound);
        assert_eq!(code(users::get(&test.app, &acme.caller, olga.user).await), ErrorCode::NotFound);
    }

    async fn a_suspension_while_a_first_password_is_set_stands(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let made = found(&test, &acme.caller, "bolt").await.unwrap();
        let bolt = made.tenant.tenant.id;
        let unit = db.store.tenant(bolt).write().await.unwrap();
        unit.bump_version().await.unwrap();
        let olga = unit.user(made.tenant.tenant.owner.unwrap()).await.unwrap().unwrap();
        unit.update_user(&olga, &User { active: false, roles: BTreeSet::new(), ..olga.clone() }).await.unwrap();
        let (other, link) = (test.clone(), link(&made));
        let mut setting = tokio::spawn(async move { set_password(&other, link).await });
        still_waits(&mut setting).await;
        unit.commit().await.unwrap();
        assert_eq!(code(setting.await.unwrap()), ErrorCode::InvalidRequest);
        let unit = db.store.tenant(bolt).read().await.unwrap();
        let kept = unit.user(olga.id).await.unwrap().unwrap();
        assert!(!kept.active && kept.roles.is_empty());
    }

    async fn a_tenant_is_not_given_to_someone_who_is_suspended_meanwhile(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let unit = db.store.tenant(acme.tenant.id).write().await.unwrap();
        unit.bump_version().await.unwrap();
        unit.update_user(&dana, &User { active: false, roles: BTreeSet::new(), ..dana.clone() }).await.unwrap();
        let (other, caller, to) = (test.clone(), acme.caller.clone(), dana.id);
        let change = TenantChange { owner: Some(to), ..TenantChange::default() };
        let tenant = acme.tenant.id;
        let mut giving =
            tokio::spawn(async move { tenants::update(&other.app, &caller, tenant, change).await });
        still_waits(&mut giving).await;
        unit.commit().await.unwrap();
        assert_eq!(code(giving.await.unwrap()), ErrorCode::InvalidRequest);
        let kept = users::get(&test.app, &acme.caller, dana.id).await.unwrap();
        assert!(!kept.active && !kept.is_owner && kept.roles.is_empty());
    }

    async fn of_two_changes_of_a_tenant_at_once_neither_is_lost_and_each_is_told(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let unit = db.store.tenant(acme.tenant.id).write().await.unwrap();
        let before = unit.lock_this_tenant().await.unwrap().unwrap();
        let portal = "https://acme.awsapps.com/start".parse().unwrap();
        let elsewhere = Tenant { sso_start_url: Some(portal), ..before.clone() };
        unit.update_this_tenant(&before, &elsewhere).await.unwrap();
        let (other, caller, tenant) = (test.clone(), acme.caller.clone(), acme.tenant.id);
        let change =
            TenantChange { name: Some("Acme 2".parse().unwrap()), owner: Some(dana.id), ..TenantChange::default() };
        let mut changing =
            tokio::spawn(async move { tenants::update(&other.app, &caller, tenant, change).await });
        still_waits(&mut changing).await;
        unit.commit().await.unwrap();
        let view = changing.await.unwrap().unwrap();
        assert_eq!(view.tenant.sso_start_url, elsewhere.sso_start_url);
        let unit = db.store.tenant(acme.tenant.id).read().await.unwrap();
        assert_eq!(unit.this_tenant().await.unwrap().unwrap(), view.tenant);
        let filter = AuditFilter { action: Some(AuditAction::TenantUpdated), ..AuditFilter::default() };
        let told = unit.audit_page(&filter, &PageRequest::default()).await.unwrap().items;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].body.metadata["changed"], serde_json::json!(["name", "owner_user_id"]));
        assert_eq!(told[0].body.metadata["owner_user_id"], dana.id.to_string());
    }

    async fn a_tenant_is_given_away_by_its_owner_alone(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["admin"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana_calls = test.caller(&token, acme.tenant.id).await.unwrap();
        let to_dana = || TenantChange { owner: Some(dana.id), ..TenantChange::default() };
        let refused = tenants::update(&test.app, &dana_calls, acme.tenant.id, to_dana()).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        let view = tenants::update(&test.app, &acme.caller, acme.tenant.id, to_dana()).await.unwrap();
        assert_eq!(view.tenant.owner, Some(dana.id));
        assert!(!users::get(&test.app, &dana_calls, acme.admin.id).await.unwrap().is_owner);
    }
}
