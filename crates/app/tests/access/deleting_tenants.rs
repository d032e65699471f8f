//! A child that is deleted lets nobody in at once, and is erased when AWS holds nothing of it.

use curfew_app::api_keys::{self, NewApiKey};
use curfew_app::login::{self, SetInitialPassword};
use curfew_app::tenants::{self, NewOwner, NewTenant, TenantView};
use curfew_app::testing::{PASSWORD, TestApp};
use curfew_app::{AppError, Caller, Once, audit, grants, users};
use curfew_domain::assignment::Phase;
use curfew_domain::grant::GrantStatus;
use curfew_domain::{
    BuiltInRole, DeletionWaitsFor, ErrorCode, Locale, PageRequest, PlatformMode, ScopeSet, Seconds,
    TenantState,
};
use curfew_store::testing::TestStore;
use curfew_store::{Backend, on_both_databases};
use secrecy::{ExposeSecret, SecretString};

use crate::grants::seen;
use crate::world::*;

async fn delete(world: &World, child: &World) -> Result<TenantView, AppError> {
    tenants::delete(&world.test.app, &world.admin, child.tenant).await
}

async fn shown(world: &World, child: &World) -> Result<TenantView, AppError> {
    tenants::get(&world.test.app, &world.admin, child.tenant).await
}

/// AWS has all that is due of the child in `phase`.
async fn settle(child: &World, phase: Phase) {
    let app = &child.test.app;
    let now = app.now();
    for due in app.store.due_for(&[child.tenant], now, 100).await.unwrap() {
        let unit = app.store.tenant(child.tenant).write().await.unwrap();
        unit.save_observed(due.assignment, &seen(phase, now), 1, now).await.unwrap();
        assert!(unit.settle_due(due.assignment, due.generation, None, None).await.unwrap());
        unit.commit().await.unwrap();
    }
}

/// The tables that hold a row of the child.
async fn tables_of(db: &TestStore, child: &World) -> Vec<String> {
    let (tables, id) = match db.store.backend() {
        Backend::Postgres => (
            "SELECT string_agg(table_name, ',') FROM information_schema.columns \
             WHERE table_schema = 'public' AND column_name = 'tenant_id'",
            format!("'{}'", child.tenant),
        ),
        Backend::Sqlite => (
            "SELECT group_concat(m.name) FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.name = 'tenant_id'",
            format!("x'{}'", child.tenant.uuid().simple()),
        ),
    };
    let mut holding = Vec::new();
    for table in db.ask(tables).await.split(',') {
        let count = format!("SELECT CAST(count(*) AS TEXT) FROM {table} WHERE tenant_id = {id}");
        if db.ask(&count).await != "0" {
            holding.push(table.to_owned());
        }
    }
    holding
}

on_both_databases! {
    async fn a_child_is_erased_once_aws_holds_nothing_of_it(db: &TestStore) {
        let world = World::new(db).await;
        let child = world.child(2).await;
        child.policy(auto(), PERMIT_ALL).await;
        let tess = child.person("tess", BuiltInRole::User, None).await;
        let grant = child.submit(&tess, to_read(account(DEV))).await.unwrap().grant.unwrap();
        child.test.clock.advance(Seconds::of(1));
        settle(&child, Phase::Present).await;
        let app = &world.test.app;
        let going = delete(&world, &child).await.unwrap();
        assert_eq!(going.tenant.state, TenantState::Deleting);
        let ended = grants::get(app, &child.admin, grant).await.unwrap().grant;
        assert_eq!(ended.times.status(app.now()), GrantStatus::Revoked);
        assert_eq!(app.store.owed_since(&[child.tenant], app.now()).await.unwrap(), 1);
        // Whose call was let in a moment before.
        assert_eq!(code(child.submit(&tess, to_read(account(PROD))).await), ErrorCode::LockedDown);

        assert_eq!(tenants::delete_further(app).await.unwrap(), 0);
        let waiting = shown(&world, &child).await.unwrap().deletion.unwrap();
        assert_eq!((waiting.assignments_left, waiting.waits_for), (1, Some(DeletionWaitsFor::Aws)));
        assert_eq!(delete(&world, &child).await.unwrap().deletion, Some(waiting), "asked again");
        let listed = tenants::list(app, &world.admin, &PageRequest::default()).await.unwrap().items;
        assert!(listed.iter().any(|view| view.deletion == Some(waiting)));

        settle(&child, Phase::Gone).await;
        assert_eq!(tenants::delete_further(app).await.unwrap(), 1);
        assert_eq!(code(shown(&world, &child).await), ErrorCode::NotFound);
        assert_eq!(code(delete(&world, &child).await), ErrorCode::NotFound);
        assert_eq!(tenants::delete_further(app).await.unwrap(), 0);
        assert_eq!(tables_of(db, &child).await, ["tenant_deletion"]);
        let log = world.logged().await;
        assert_eq!(log[log.len() - 2..], ["tenant.deletion_started", "tenant.deleted"]);
        let told = audit::told_by_parent(&app.store, world.tenant, child.tenant, &[]).await.unwrap().unwrap();
        assert!(told.sealed > 0 && told.is_sound());
        // Nothing of the others went with it.
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
    }

    async fn what_was_in_aws_before_curfew_keeps_nothing_waiting(db: &TestStore) {
        let world = World::new(db).await;
        let child = world.child(2).await;
        child.policy(auto(), PERMIT_ALL).await;
        let tess = child.person("tess", BuiltInRole::User, None).await;
        child.submit(&tess, to_read(account(DEV))).await.unwrap();
        child.test.clock.advance(Seconds::of(1));
        settle(&child, Phase::Standing).await;
        delete(&world, &child).await.unwrap();
        assert_eq!(tenants::delete_further(&world.test.app).await.unwrap(), 1);
    }

    async fn a_child_whose_connection_is_gone_waits_and_says_so(db: &TestStore) {
        let world = World::new(db).await;
        let child = world.child(2).await;
        child.policy(auto(), PERMIT_ALL).await;
        let tess = child.person("tess", BuiltInRole::User, None).await;
        child.submit(&tess, to_read(account(DEV))).await.unwrap();
        child.test.clock.advance(Seconds::of(1));
        settle(&child, Phase::Present).await;
        let unit = db.store.tenant(child.tenant).write().await.unwrap();
        let connection = unit.connection().await.unwrap().unwrap();
        let unverified = curfew_domain::connection::Connection { verified: None, ..connection };
        unit.update_connection(&unverified, world.test.app.now()).await.unwrap();
        unit.commit().await.unwrap();
        delete(&world, &child).await.unwrap();
        assert_eq!(tenants::delete_further(&world.test.app).await.unwrap(), 0);
        let waiting = shown(&world, &child).await.unwrap().deletion.unwrap();
        assert_eq!(waiting.waits_for, Some(DeletionWaitsFor::Connection));
    }

    async fn only_the_master_s_admins_delete_and_only_children(db: &TestStore) {
        let world = World::new(db).await;
        let child = world.child(2).await;
        let stranger = World::beside(world.test.clone(), 3).await;
        let app = &world.test.app;
        assert_eq!(code(tenants::delete(app, &world.admin, world.tenant).await), ErrorCode::Conflict);
        assert_eq!(code(tenants::delete(app, &world.admin, stranger.tenant).await), ErrorCode::NotFound);
        assert_eq!(code(tenants::delete(app, &child.admin, world.tenant).await), ErrorCode::NotFound);
        assert_eq!(code(tenants::delete(app, &child.admin, child.tenant).await), ErrorCode::Conflict);
        let weak = Caller { scopes: ScopeSet::default(), ..world.admin.clone() };
        assert_eq!(code(tenants::delete(app, &weak, child.tenant).await), ErrorCode::Forbidden);
        assert_eq!(shown(&world, &child).await.unwrap().tenant.state, TenantState::Active);
        assert_eq!(tenants::delete_further(app).await.unwrap(), 0);
    }

    async fn nobody_of_a_tenant_that_is_being_deleted_is_let_in(db: &TestStore) {
        let test = TestApp::new(&db.store);
        let acme = test.set_up(PlatformMode::Multi).await;
        let (app, address) = (&test.app, "olga@bolt.example");
        let ask = NewTenant {
            name: "Bolt".parse().unwrap(),
            slug: "bolt".parse().unwrap(),
            owner: Some(NewOwner { email: address.parse().unwrap(), name: "Olga".parse().unwrap() }),
            locale: Locale::english(),
            sso_start_url: None,
            sso_region: None,
        };
        let made = tenants::create(app, &acme.caller, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let (bolt, link) = (made.tenant.tenant.id, made.owner_setup_url.unwrap());
        let token = SecretString::from(link.expose_secret().split_once("token=").unwrap().1);
        login::set_initial_password(app, SetInitialPassword { token, password: PASSWORD.into() }).await.unwrap();
        let token = test.token_of("bolt", address).await;
        let olga = test.caller(&token, bolt).await.unwrap();
        let ask = NewApiKey { name: "key".parse().unwrap(), scopes: ScopeSet::default(), expires_at: None };
        let key = api_keys::create(app, &olga, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let key = key.raw.unwrap().expose_secret().to_owned();
        test.caller_by_key(&key, bolt).await.unwrap();
        tenants::delete(app, &acme.caller, bolt).await.unwrap();
        assert_eq!(code(test.caller(&token, bolt).await), ErrorCode::Unauthenticated);
        assert_eq!(code(test.caller_by_key(&key, bolt).await), ErrorCode::Unauthenticated);
        let signed_in = test.sign_in("bolt", address, PASSWORD, "192.0.2.9").await;
        assert_eq!(signed_in.map(drop).unwrap_err().code(), ErrorCode::Unauthenticated);
        assert_eq!(tenants::delete_further(app).await.unwrap(), 1);
        assert_eq!(code(test.caller(&token, bolt).await), ErrorCode::Unauthenticated);
        users::me(app, &acme.caller).await.unwrap();
    }
}
