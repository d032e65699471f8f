use curfew_app::groups::{self, GroupChange, NewGroup};
use curfew_app::roles::{self, NewRole, RoleChange, RoleView};
use curfew_app::testing::{TestApp, TestParts, TestTenant};
use curfew_app::users::{self, UserChange};
use curfew_app::{AppError, Caller, Once};
use curfew_domain::{
    BuiltInRole, Change, CustomRole, ErrorCode, PlatformMode, RoleId, RoleSlug, Scope, ScopeSet, Seconds,
};
use curfew_store::on_both_databases;
use curfew_store::testing::{TestStore, sealed_log};
use uuid::Uuid;

use crate::users::{make_user, new_user};
use crate::{code, stranger};

async fn start(db: &TestStore) -> (TestApp, TestTenant) {
    let test = TestApp::new(&db.store);
    let acme = test.set_up(PlatformMode::Single).await;
    (test, acme)
}

fn set(scopes: &[Scope]) -> ScopeSet {
    scopes.iter().copied().collect()
}

fn auditor(scopes: &[Scope]) -> NewRole {
    NewRole {
        slug: "auditor".parse().unwrap(),
        name: "Auditor".parse().unwrap(),
        description: None,
        scopes: set(scopes),
    }
}

async fn make(test: &TestApp, by: &Caller, scopes: &[Scope]) -> Result<CustomRole, AppError> {
    let made = roles::create(&test.app, by, auditor(scopes), &Once::unkeyed()).await?.into_inner();
    let roles::Role::Custom(role) = made.role else { panic!("a built-in role") };
    Ok(role)
}

async fn alter(test: &TestApp, by: &Caller, id: RoleId, scopes: &[Scope]) -> Result<RoleView, AppError> {
    let change = RoleChange { scopes: Change::To(set(scopes)), ..RoleChange::default() };
    roles::change(&test.app, by, id, change).await
}

on_both_databases! {
    async fn a_role_of_ones_own_allows_what_it_says_from_the_next_call_on_every_node(db: &TestStore) {
        let (test, acme) = start(db).await;
        let other = TestApp::with(&db.store, TestParts { clock: test.clock.clone(), seed: 2, ..TestParts::default() });
        let role = make(&test, &acme.caller, &[Scope::AuditRead]).await.unwrap();
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["auditor"]).await;
        assert_eq!(users::get(&test.app, &acme.caller, dana.id).await.unwrap(), dana);
        let token = test.token_of("acme", "dana@acme.example").await;
        let scopes = async || {
            let here = test.caller(&token, acme.tenant.id).await.unwrap().scopes;
            assert_eq!(other.caller(&token, acme.tenant.id).await.unwrap().scopes, here);
            here
        };
        assert_eq!(scopes().await, set(&[Scope::AuditRead]));
        let view = alter(&test, &acme.caller, role.id, &[Scope::GrantsRead]).await.unwrap();
        assert_eq!((view.users, view.groups), (1, 0));
        assert_eq!(scopes().await, set(&[Scope::GrantsRead]));
        let change = UserChange { roles: Some([BuiltInRole::User.slug(), role.slug.clone()].into()), ..UserChange::default() };
        let changed = users::update(&test.app, &acme.caller, dana.id, change).await.unwrap();
        assert_eq!(scopes().await, changed.scopes());
        assert!(changed.scopes().contains(Scope::GrantsRead) && changed.scopes().contains(Scope::RequestsCreate));
    }

    async fn a_group_gives_it_too(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin) = (&test.app, &acme.caller);
        let role = make(&test, admin, &[Scope::AuditRead, Scope::UsersRead]).await.unwrap();
        let dana = make_user(&test, admin, "dana@acme.example", &["user"]).await;
        let ask = NewGroup { name: "auditors".parse().unwrap(), description: None };
        let group = groups::create(app, admin, ask, &Once::unkeyed()).await.unwrap().into_inner();
        groups::add_role(app, admin, group.id, role.slug.clone(), &Once::unkeyed()).await.unwrap();
        let weak = Caller { scopes: set(&[Scope::GroupsUpdate, Scope::AuditRead]), ..admin.clone() };
        let refused = groups::add_member(app, &weak, group.id, dana.id, &Once::unkeyed()).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        groups::remove_role(app, &weak, group.id, role.slug.clone()).await.unwrap();
        let refused = groups::add_role(app, &weak, group.id, role.slug.clone(), &Once::unkeyed()).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        groups::add_role(app, admin, group.id, role.slug.clone(), &Once::unkeyed()).await.unwrap();
        groups::add_member(app, admin, group.id, dana.id, &Once::unkeyed()).await.unwrap();
        assert!(users::get(app, admin, dana.id).await.unwrap().scopes().contains(Scope::AuditRead));
        assert_eq!(code(roles::delete(app, admin, role.id).await), ErrorCode::Conflict);
    }

    async fn nobody_gains_by_making_a_role(db: &TestStore) {
        let (test, acme) = start(db).await;
        let own = [Scope::RolesCreate, Scope::RolesUpdate, Scope::UsersUpdate, Scope::AuditRead];
        let weak = Caller { scopes: set(&own), ..acme.caller.clone() };
        assert_eq!(code(make(&test, &weak, &[Scope::PoliciesWrite]).await), ErrorCode::Forbidden);
        let role = make(&test, &weak, &[Scope::AuditRead]).await.unwrap();
        assert_eq!(code(alter(&test, &weak, role.id, &[Scope::AuditRead, Scope::PoliciesWrite]).await), ErrorCode::Forbidden);
        alter(&test, &acme.caller, role.id, &[Scope::AuditRead, Scope::PoliciesWrite]).await.unwrap();
        let dana = make_user(&test, &acme.caller, "dana@acme.example", &["user"]).await;
        let change = UserChange { roles: Some([role.slug.clone()].into()), ..UserChange::default() };
        assert_eq!(code(users::update(&test.app, &weak, dana.id, change).await), ErrorCode::Forbidden);
        // What it has already may stay, and be taken.
        alter(&test, &weak, role.id, &[Scope::PoliciesWrite]).await.unwrap();
        alter(&test, &weak, role.id, &[]).await.unwrap();
    }

    async fn a_role_is_given_by_who_holds_it_or_writes_policies(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin, tenant) = (&test.app, &acme.caller, acme.tenant.id);
        let once = Once::unkeyed();
        let oncall = make(&test, admin, &[]).await.unwrap().slug;
        let helping = [Scope::UsersCreate, Scope::UsersUpdate, Scope::GroupsCreate, Scope::GroupsUpdate];
        let helpdesk = NewRole { slug: "helpdesk".parse().unwrap(), ..auditor(&helping) };
        roles::create(app, admin, helpdesk.clone(), &once).await.unwrap();
        let dana = make_user(&test, admin, "dana@acme.example", &["helpdesk"]).await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let caller = test.caller(&token, tenant).await.unwrap();
        let group = async |name: &str| {
            let ask = NewGroup { name: name.parse().unwrap(), description: None };
            groups::create(app, admin, ask, &once).await.unwrap().into_inner().id
        };
        let (empty, giving) = (group("empty").await, group("giving").await);
        groups::add_role(app, admin, giving, oncall.clone(), &once).await.unwrap();
        let attempts = async |by: &Caller| {
            let both = UserChange { roles: Some([helpdesk.slug.clone(), oncall.clone()].into()), ..UserChange::default() };
            let mut made = new_user(&format!("eve-{}@acme.example", by.scopes.iter().count()), &["auditor"]);
            made.password = None;
            [
                groups::add_role(app, by, empty, oncall.clone(), &once).await.map(drop),
                users::create(app, by, made, &once).await.map(drop),
                users::update(app, by, dana.id, both).await.map(drop),
                groups::add_member(app, by, giving, dana.id, &once).await.map(drop),
            ]
        };
        let undo = async || {
            let own = UserChange { roles: Some([helpdesk.slug.clone()].into()), ..UserChange::default() };
            groups::remove_role(app, admin, empty, oncall.clone()).await.unwrap();
            users::update(app, admin, dana.id, own).await.unwrap();
            groups::remove_member(app, admin, giving, dana.id).await.unwrap();
        };
        for attempt in attempts(&caller).await {
            let Err(AppError::Forbidden { message, .. }) = attempt else { panic!("{attempt:?}") };
            assert!(message.contains("the role auditor") && message.contains("policies:write"), "{message}");
        }
        assert!(attempts(admin).await.iter().all(Result::is_ok), "who writes policies");
        undo().await;
        let holders = group("holders").await;
        groups::add_role(app, admin, holders, oncall.clone(), &once).await.unwrap();
        groups::add_member(app, admin, holders, dana.id, &once).await.unwrap();
        assert!(attempts(&caller).await.iter().all(Result::is_ok), "who holds it by a group");
    }

    async fn a_scope_that_this_program_does_not_know_gives_nothing(db: &TestStore) {
        let (test, acme) = start(db).await;
        let role = make(&test, &acme.caller, &[Scope::AuditRead]).await.unwrap();
        make_user(&test, &acme.caller, "dana@acme.example", &["auditor"]).await;
        db.tamper("UPDATE custom_role SET scopes = '[\"audit:read\", \"moon:read\"]'").await;
        let token = test.token_of("acme", "dana@acme.example").await;
        let dana = test.caller(&token, acme.tenant.id).await.unwrap();
        assert_eq!(dana.scopes, set(&[Scope::AuditRead]));
        let roles::Role::Custom(read) = roles::get(&test.app, &acme.caller, role.id).await.unwrap().role else { panic!() };
        assert_eq!(read, role);
    }

    async fn a_role_that_somebody_has_stays(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin) = (&test.app, &acme.caller);
        let role = make(&test, admin, &[Scope::AuditRead]).await.unwrap();
        let dana = make_user(&test, admin, "dana@acme.example", &["user", "auditor"]).await;
        assert_eq!(code(roles::delete(app, admin, role.id).await), ErrorCode::Conflict);
        let change = UserChange { roles: Some([BuiltInRole::User.slug()].into()), ..UserChange::default() };
        users::update(app, admin, dana.id, change).await.unwrap();
        roles::delete(app, admin, role.id).await.unwrap();
        assert_eq!(code(roles::get(app, admin, role.id).await), ErrorCode::NotFound);
        assert_eq!(code(roles::delete(app, admin, role.id).await), ErrorCode::NotFound);
        app.store.seal(acme.tenant.id).await.unwrap();
        let log = sealed_log(&app.store, acme.tenant.id).await;
        let log: Vec<_> = log.iter().map(|entry| entry.body.action.as_str()).filter(|a| a.starts_with("role.")).collect();
        assert_eq!(log, ["role.created", "role.deleted"]);
    }

    async fn a_repeated_request_tells_who_has_the_role_by_now(db: &TestStore) {
        let (test, acme) = start(db).await;
        let app = &test.app;
        let make = async || {
            let once = Once::keyed(&app.keyring, &acme.caller, "roles", "key", b"{}");
            roles::create(app, &acme.caller, auditor(&[]), &once).await.unwrap().into_inner()
        };
        let first = make().await;
        assert_eq!((first.users, first.groups), (0, 0));
        make_user(&test, &acme.caller, "dana@acme.example", &["auditor"]).await;
        assert_eq!(make().await, RoleView { users: 1, ..first });
    }

    async fn the_log_says_how_a_role_was_called(db: &TestStore) {
        let (test, acme) = start(db).await;
        let app = &test.app;
        let role = make(&test, &acme.caller, &[]).await.unwrap();
        let change = RoleChange {
            name: Change::To("Reader".parse().unwrap()),
            description: Change::To(Some("who reads".parse().unwrap())),
            ..RoleChange::default()
        };
        roles::change(app, &acme.caller, role.id, change).await.unwrap();
        alter(&test, &acme.caller, role.id, &[Scope::AuditRead]).await.unwrap();
        app.store.seal(acme.tenant.id).await.unwrap();
        let log = sealed_log(&app.store, acme.tenant.id).await;
        let of_role: Vec<_> = log.iter().filter(|entry| entry.body.action.as_str().starts_with("role.")).collect();
        let [created, renamed, widened] = of_role[..] else { panic!("{of_role:?}") };
        assert_eq!(created.personal("name"), Some("Auditor"));
        assert_eq!((renamed.personal("name_before"), renamed.personal("name")), (Some("Auditor"), Some("Reader")));
        let said = |entry: &curfew_store::audit::AuditRecord, what: &str| entry.body.metadata[what] == true;
        assert!(said(renamed, "renamed") && said(renamed, "described"));
        assert!(!said(widened, "renamed") && !said(widened, "described"));
    }

    async fn a_change_to_the_same_changes_nothing(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin) = (&test.app, &acme.caller);
        let role = make(&test, admin, &[Scope::AuditRead]).await.unwrap();
        let ask = NewGroup { name: "auditors".parse().unwrap(), description: None };
        let group = groups::create(app, admin, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let version = async || app.store.tenant(acme.tenant.id).read().await.unwrap().versions().await.unwrap();
        let before = version().await;
        test.clock.advance(Seconds::of(1));
        let view = alter(&test, admin, role.id, &[Scope::AuditRead]).await.unwrap();
        assert_eq!(view.role, roles::Role::Custom(role));
        for name in [Change::Keep, Change::To(group.name.clone())] {
            let change = GroupChange { name, description: Change::To(None) };
            assert_eq!(groups::change(app, admin, group.id, change).await.unwrap(), group);
        }
        assert_eq!(version().await, before);
        app.store.seal(acme.tenant.id).await.unwrap();
        let log = sealed_log(&app.store, acme.tenant.id).await;
        assert!(!log.iter().any(|entry| entry.body.action.as_str().ends_with(".updated")), "{log:?}");
    }

    async fn there_is_room_for_a_hundred_roles_and_twenty_of_a_group(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin) = (&test.app, &acme.caller);
        let role = make(&test, admin, &[]).await.unwrap();
        let ask = NewGroup { name: "auditors".parse().unwrap(), description: None };
        let group = groups::create(app, admin, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let unit = app.store.tenant(acme.tenant.id).write().await.unwrap();
        let mut slugs = Vec::new();
        for number in 1..100 {
            let id = RoleId::from_uuid(Uuid::from_u128(number));
            let slug: RoleSlug = format!("role-{number}").parse().unwrap();
            unit.insert_custom_role(&CustomRole { id, slug: slug.clone(), ..role.clone() }).await.unwrap();
            slugs.push(slug);
        }
        unit.commit().await.unwrap();
        let more = NewRole { slug: "more".parse().unwrap(), ..auditor(&[]) };
        let one_too_many = roles::create(app, admin, more.clone(), &Once::unkeyed()).await;
        assert_eq!(code(one_too_many), ErrorCode::Conflict);
        let give = async |slug: &RoleSlug| groups::add_role(app, admin, group.id, slug.clone(), &Once::unkeyed()).await;
        for slug in &slugs[..20] {
            give(slug).await.unwrap();
        }
        assert_eq!(code(give(&slugs[20]).await), ErrorCode::Conflict);
        groups::remove_role(app, admin, group.id, slugs[0].clone()).await.unwrap();
        give(&slugs[20]).await.unwrap();
        roles::delete(app, admin, role.id).await.unwrap();
        roles::create(app, admin, more, &Once::unkeyed()).await.unwrap();
    }

    async fn a_short_name_is_taken_once_and_built_in_roles_stay(db: &TestStore) {
        let (test, acme) = start(db).await;
        let (app, admin) = (&test.app, &acme.caller);
        make(&test, admin, &[]).await.unwrap();
        assert_eq!(code(make(&test, admin, &[]).await), ErrorCode::Conflict);
        let as_admin = NewRole { slug: BuiltInRole::Admin.slug(), ..auditor(&[]) };
        assert_eq!(code(roles::create(app, admin, as_admin, &Once::unkeyed()).await), ErrorCode::Conflict);
        let all = roles::list(app, admin).await.unwrap();
        let slugs: Vec<_> = all.iter().map(|view| view.role.slug().to_string()).collect();
        assert_eq!(slugs, ["user", "approver", "admin", "auditor"]);
        let roles::Role::BuiltIn { id, .. } = all[0].role else { panic!("{all:?}") };
        assert_eq!(code(alter(&test, admin, id, &[]).await), ErrorCode::Conflict);
        assert_eq!(code(roles::delete(app, admin, id).await), ErrorCode::Conflict);
    }

    async fn each_change_of_a_role_takes_its_scope(db: &TestStore) {
        let (test, acme) = start(db).await;
        let role = make(&test, &acme.caller, &[]).await.unwrap();
        let all_but = |scope: Scope| Caller {
            scopes: ScopeSet::all().iter().filter(|other| *other != scope).collect(),
            ..acme.caller.clone()
        };
        for refused in [
            code(make(&test, &all_but(Scope::RolesCreate), &[]).await),
            code(alter(&test, &all_but(Scope::RolesUpdate), role.id, &[]).await),
            code(roles::delete(&test.app, &all_but(Scope::RolesDelete), role.id).await),
            code(roles::get(&test.app, &all_but(Scope::RolesRead), role.id).await),
        ] {
            assert_eq!(refused, ErrorCode::Forbidden);
        }
    }

    async fn another_tenants_role_is_not_there(db: &TestStore) {
        let (test, acme) = start(db).await;
        let role = make(&test, &acme.caller, &[Scope::AuditRead]).await.unwrap();
        let stranger = stranger(&test, &acme).await;
        assert_eq!(code(alter(&test, &stranger, role.id, &[]).await), ErrorCode::NotFound);
        assert_eq!(code(roles::delete(&test.app, &stranger, role.id).await), ErrorCode::NotFound);
        let ask = NewGroup { name: "auditors".parse().unwrap(), description: None };
        let group = groups::create(&test.app, &stranger, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let given = groups::add_role(&test.app, &stranger, group.id, role.slug.clone(), &Once::unkeyed()).await;
        assert_eq!(code(given), ErrorCode::InvalidRequest);
        make(&test, &stranger, &[]).await.unwrap();
        let roles::Role::Custom(kept) = roles::get(&test.app, &acme.caller, role.id).await.unwrap().role else { panic!() };
        assert_eq!(kept, role);
    }
}
