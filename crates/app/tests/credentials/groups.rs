use curfew_app::groups::{self, GivenRole, GroupChange, NewGroup};
use curfew_app::testing::{TestApp, TestParts, TestTenant};
use curfew_app::users::{self, UserChange};
use curfew_app::{AppError, Caller, Made, Once, roles};
use curfew_domain::{
    BuiltInRole, Change, ErrorCode, Group, GroupId, GroupMember, GroupSource, PageLimit, PageRequest,
    PlatformMode, RoleSlug, Scope, ScopeSet, User, UserId,
};
use curfew_store::on_both_databases;
use curfew_store::testing::{TestStore, sealed_log};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::users::make_user;
use crate::{code, stranger};

/// A tenant with groups.
struct Acme {
    test: TestApp,
    tenant: TestTenant,
}

impl Acme {
    async fn new(db: &TestStore) -> Self {
        let test = TestApp::new(&db.store);
        let tenant = test.set_up(PlatformMode::Single).await;
        Self { test, tenant }
    }

    fn admin(&self) -> &Caller {
        &self.tenant.caller
    }

    /// The admin, cut to these scopes.
    fn with(&self, scopes: &[Scope]) -> Caller {
        Caller { scopes: scopes.iter().copied().collect(), ..self.admin().clone() }
    }

    async fn dana(&self) -> User {
        make_user(&self.test, self.admin(), "dana@acme.example", &["user"]).await
    }

    async fn make(&self, name: &str) -> Result<Group, AppError> {
        let ask = NewGroup { name: name.parse().unwrap(), description: None };
        Ok(groups::create(&self.test.app, self.admin(), ask, &Once::unkeyed()).await?.into_inner())
    }

    async fn add(&self, by: &Caller, group: GroupId, user: UserId) -> Result<GroupMember, AppError> {
        Ok(groups::add_member(&self.test.app, by, group, user, &Once::unkeyed()).await?.into_inner())
    }

    async fn give(&self, by: &Caller, group: GroupId, role: BuiltInRole) -> Result<GivenRole, AppError> {
        Ok(groups::add_role(&self.test.app, by, group, role.slug(), &Once::unkeyed()).await?.into_inner())
    }

    /// A group as an identity provider would bring it, with this person in it.
    async fn provided(&self, name: &str, user: UserId) -> Group {
        let mut group = self.make(name).await.unwrap();
        let app = &self.test.app;
        let unit = app.store.tenant(self.tenant.tenant.id).write().await.unwrap();
        unit.delete_group(group.id).await.unwrap();
        group.source = GroupSource::Scim;
        unit.insert_group(&group).await.unwrap();
        unit.insert_group_member(group.id, user, GroupSource::Scim, app.now()).await.unwrap();
        unit.commit().await.unwrap();
        group
    }
}

fn nowhere() -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(7))
}

on_both_databases! {
    async fn a_group_is_made_read_changed_and_deleted(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("Engineering").await.unwrap();
        assert_eq!(groups::get(app, admin, group.id).await.unwrap(), group);
        let dana = acme.dana().await;
        let member = acme.add(admin, group.id, dana.id).await.unwrap();
        assert_eq!((member.user, member.source, member.active), (dana.id, GroupSource::Local, true));
        acme.give(admin, group.id, BuiltInRole::Approver).await.unwrap();
        let change = GroupChange {
            name: Change::To("Builders".parse().unwrap()),
            description: Change::To(Some("who builds".parse().unwrap())),
        };
        let changed = groups::change(app, admin, group.id, change).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.member_count, changed.roles.len()), ("Builders", 1, 1));
        assert_eq!(groups::get(app, admin, group.id).await.unwrap(), changed);
        assert_eq!(groups::members(app, admin, group.id).await.unwrap(), [member]);
        groups::delete(app, admin, group.id).await.unwrap();
        assert_eq!(code(groups::get(app, admin, group.id).await), ErrorCode::NotFound);
        assert_eq!(users::get(app, admin, dana.id).await.unwrap(), dana, "with nothing left of it");
        app.store.seal(acme.tenant.tenant.id).await.unwrap();
        let log = sealed_log(&app.store, acme.tenant.tenant.id).await;
        let log: Vec<_> = log.iter().map(|entry| entry.body.action.as_str()).filter(|a| a.starts_with("group.")).collect();
        assert_eq!(log, ["group.created", "group.member_added", "group.role_added", "group.updated", "group.deleted"]);
    }

    async fn a_name_is_taken_once_in_whatever_case(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        acme.make("Ärzte").await.unwrap();
        let other = acme.make("ops").await.unwrap();
        assert_eq!(code(acme.make("äRZTE").await), ErrorCode::Conflict);
        let renamed = |name: &str| GroupChange { name: Change::To(name.parse().unwrap()), ..GroupChange::default() };
        assert_eq!(code(groups::change(app, admin, other.id, renamed("ärzte")).await), ErrorCode::Conflict);
        groups::change(app, admin, other.id, renamed("OPS")).await.unwrap();
    }

    async fn groups_are_listed_newest_first_and_by_source(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let dana = acme.dana().await;
        for name in ["one", "two", "three"] {
            acme.make(name).await.unwrap();
        }
        acme.provided("theirs", dana.id).await;
        let names = async |source, page: &PageRequest| {
            let page = groups::list(app, admin, source, page).await.unwrap();
            (page.items.iter().map(|group| group.name.to_string()).collect::<Vec<_>>(), page.next)
        };
        let two = PageRequest { limit: PageLimit::new(2).unwrap(), after: None };
        let (first, next) = names(None, &two).await;
        assert_eq!(first, ["theirs", "three"]);
        assert_eq!(names(None, &PageRequest { after: next, ..two }).await, (vec!["two".to_owned(), "one".to_owned()], None));
        assert_eq!(names(Some(GroupSource::Scim), &PageRequest::default()).await.0, ["theirs"]);
        assert_eq!(names(Some(GroupSource::Local), &PageRequest::default()).await.0.len(), 3);
    }

    async fn what_an_identity_provider_brings_is_changed_there_but_for_its_roles(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let dana = acme.dana().await;
        let theirs = acme.provided("theirs", dana.id).await;
        let root = acme.tenant.admin.id;
        for refused in [
            code(groups::change(app, admin, theirs.id, GroupChange::default()).await),
            code(groups::delete(app, admin, theirs.id).await),
            code(acme.add(admin, theirs.id, root).await),
            code(groups::remove_member(app, admin, theirs.id, dana.id).await),
        ] {
            assert_eq!(refused, ErrorCode::Conflict);
        }
        acme.give(admin, theirs.id, BuiltInRole::Approver).await.unwrap();
        assert!(users::get(app, admin, dana.id).await.unwrap().scopes().contains(Scope::RequestsApprove));
        groups::remove_role(app, admin, theirs.id, BuiltInRole::Approver.slug()).await.unwrap();
    }

    async fn what_is_there_already_or_is_not_there_is_told(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("ops").await.unwrap();
        let dana = acme.dana().await;
        acme.add(admin, group.id, dana.id).await.unwrap();
        assert_eq!(code(acme.add(admin, group.id, dana.id).await), ErrorCode::Conflict);
        acme.give(admin, group.id, BuiltInRole::User).await.unwrap();
        assert_eq!(code(acme.give(admin, group.id, BuiltInRole::User).await), ErrorCode::Conflict);
        let nobody = UserId::from_uuid(Uuid::from_u128(7));
        assert_eq!(code(acme.add(admin, group.id, nobody).await), ErrorCode::InvalidRequest);
        let unknown: RoleSlug = "owner".parse().unwrap();
        let refused = groups::add_role(app, admin, group.id, unknown.clone(), &Once::unkeyed()).await;
        assert_eq!(code(refused), ErrorCode::InvalidRequest);
        for missing in [
            code(acme.add(admin, nowhere(), dana.id).await),
            code(acme.give(admin, nowhere(), BuiltInRole::User).await),
            code(groups::members(app, admin, nowhere()).await),
            code(groups::change(app, admin, nowhere(), GroupChange::default()).await),
            code(groups::delete(app, admin, nowhere()).await),
            code(groups::remove_member(app, admin, group.id, acme.tenant.admin.id).await),
            code(groups::remove_role(app, admin, group.id, unknown).await),
        ] {
            assert_eq!(missing, ErrorCode::NotFound);
        }
    }

    async fn each_change_takes_its_scope(db: &TestStore) {
        let acme = Acme::new(db).await;
        let app = &acme.test.app;
        let group = acme.make("ops").await.unwrap();
        let dana = acme.dana().await;
        let all_but = |scope: Scope| Caller {
            scopes: ScopeSet::all().iter().filter(|other| *other != scope).collect(),
            ..acme.admin().clone()
        };
        let (reader, updater) = (all_but(Scope::GroupsRead), all_but(Scope::GroupsUpdate));
        let ask = NewGroup { name: "more".parse().unwrap(), description: None };
        for refused in [
            code(groups::create(app, &all_but(Scope::GroupsCreate), ask, &Once::unkeyed()).await),
            code(groups::delete(app, &all_but(Scope::GroupsDelete), group.id).await),
            code(groups::list(app, &reader, None, &PageRequest::default()).await),
            code(groups::get(app, &reader, group.id).await),
            code(groups::members(app, &reader, group.id).await),
            code(groups::change(app, &updater, group.id, GroupChange::default()).await),
            code(acme.add(&updater, group.id, dana.id).await),
            code(groups::remove_member(app, &updater, group.id, dana.id).await),
            code(acme.give(&updater, group.id, BuiltInRole::User).await),
            code(groups::remove_role(app, &updater, group.id, BuiltInRole::User.slug()).await),
        ] {
            assert_eq!(refused, ErrorCode::Forbidden);
        }
    }

    async fn roles_by_a_group_are_gained_and_lost_from_the_next_call_on_every_node(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let other_node = TestApp::with(&db.store, TestParts { clock: acme.test.clock.clone(), seed: 2, ..TestParts::default() });
        let group = acme.make("reviewers").await.unwrap();
        let dana = acme.dana().await;
        let token = acme.test.token_of("acme", "dana@acme.example").await;
        let approves = async || {
            let on = async |node: &TestApp| node.caller(&token, acme.tenant.tenant.id).await.unwrap();
            let (here, there) = (on(&acme.test).await, on(&other_node).await);
            assert_eq!(here.scopes, there.scopes);
            here.may(Scope::RequestsApprove)
        };
        assert!(!approves().await);
        acme.give(admin, group.id, BuiltInRole::Approver).await.unwrap();
        assert!(!approves().await);
        acme.add(admin, group.id, dana.id).await.unwrap();
        assert!(approves().await);
        let shown = roles::list(app, admin).await.unwrap();
        assert_eq!((shown[1].users, shown[1].groups), (0, 1));
        groups::remove_member(app, admin, group.id, dana.id).await.unwrap();
        assert!(!approves().await);
        acme.add(admin, group.id, dana.id).await.unwrap();
        assert!(approves().await);
        groups::remove_role(app, admin, group.id, BuiltInRole::Approver.slug()).await.unwrap();
        assert!(!approves().await);
        acme.give(admin, group.id, BuiltInRole::Approver).await.unwrap();
        assert!(approves().await);
        groups::delete(app, admin, group.id).await.unwrap();
        assert!(!approves().await);
    }

    async fn a_key_loses_what_its_maker_had_by_a_group(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("admins").await.unwrap();
        let dana = acme.dana().await;
        acme.give(admin, group.id, BuiltInRole::Admin).await.unwrap();
        acme.add(admin, group.id, dana.id).await.unwrap();
        let token = acme.test.token_of("acme", "dana@acme.example").await;
        let caller = acme.test.caller(&token, acme.tenant.tenant.id).await.unwrap();
        let scopes = [Scope::UsersRead, Scope::RequestsCreate].into_iter().collect();
        let ask = curfew_app::api_keys::NewApiKey { name: "k".parse().unwrap(), scopes, expires_at: None };
        let key = curfew_app::api_keys::create(app, &caller, ask, &Once::unkeyed()).await.unwrap().into_inner();
        let raw = key.raw.unwrap();
        let by_key = async || acme.test.caller_by_key(raw.expose_secret(), acme.tenant.tenant.id).await.unwrap().scopes;
        assert_eq!(by_key().await, key.key.scopes);
        groups::remove_member(app, admin, group.id, dana.id).await.unwrap();
        assert_eq!(by_key().await, [Scope::RequestsCreate].into_iter().collect());
    }

    async fn nobody_gains_by_a_group(db: &TestStore) {
        let acme = Acme::new(db).await;
        let weak = acme.with(&[Scope::GroupsUpdate, Scope::AwsRead, Scope::RequestsCreate, Scope::PoliciesWrite]);
        let group = acme.make("admins").await.unwrap();
        let dana = acme.dana().await;
        acme.give(&weak, group.id, BuiltInRole::User).await.unwrap();
        assert_eq!(code(acme.give(&weak, group.id, BuiltInRole::Admin).await), ErrorCode::Forbidden);
        acme.add(&weak, group.id, dana.id).await.unwrap();
        acme.give(acme.admin(), group.id, BuiltInRole::Admin).await.unwrap();
        let eve = make_user(&acme.test, acme.admin(), "eve@acme.example", &["user"]).await;
        assert_eq!(code(acme.add(&weak, group.id, eve.id).await), ErrorCode::Forbidden);
        acme.add(acme.admin(), group.id, eve.id).await.unwrap();
        let app = &acme.test.app;
        users::suspend(app, acme.admin(), eve.id).await.unwrap();
        let guard = acme.with(&[Scope::UsersSuspend, Scope::AwsRead, Scope::RequestsCreate]);
        assert_eq!(code(users::activate(app, &guard, eve.id).await), ErrorCode::Forbidden, "an admin by a group");
        users::activate(app, acme.admin(), eve.id).await.unwrap();
    }

    async fn an_admin_by_a_group_alone_does_not_let_the_last_direct_one_go(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("admins").await.unwrap();
        let dana = acme.dana().await;
        acme.give(admin, group.id, BuiltInRole::Admin).await.unwrap();
        acme.add(admin, group.id, dana.id).await.unwrap();
        let demoted = UserChange { roles: Some([BuiltInRole::User.slug()].into()), ..UserChange::default() };
        let root = acme.tenant.admin.id;
        assert_eq!(code(users::update(app, admin, root, demoted).await), ErrorCode::Conflict);
        assert_eq!(code(users::suspend(app, admin, root).await), ErrorCode::Conflict);
        users::suspend(app, admin, dana.id).await.unwrap();
    }

    async fn another_role_of_their_own_leaves_groups_as_they_are(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("reviewers").await.unwrap();
        let dana = acme.dana().await;
        acme.give(admin, group.id, BuiltInRole::Approver).await.unwrap();
        acme.add(admin, group.id, dana.id).await.unwrap();
        let change = UserChange { roles: Some([BuiltInRole::Admin.slug()].into()), ..UserChange::default() };
        let after = users::update(app, admin, dana.id, change).await.unwrap();
        assert_eq!(after.roles, [BuiltInRole::Admin.slug()].into());
        let kept = users::get(app, admin, dana.id).await.unwrap();
        assert_eq!(kept, after);
        assert_eq!(kept.memberships.roles, [BuiltInRole::Approver.slug()].into());
    }

    async fn the_log_says_how_a_group_was_called(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("ops").await.unwrap();
        let change = GroupChange { name: Change::To("builders".parse().unwrap()), ..GroupChange::default() };
        groups::change(app, admin, group.id, change).await.unwrap();
        app.store.seal(acme.tenant.tenant.id).await.unwrap();
        let log = sealed_log(&app.store, acme.tenant.tenant.id).await;
        let entry = log.iter().find(|entry| entry.body.action.as_str() == "group.updated").unwrap();
        assert_eq!((entry.personal("name_before"), entry.personal("name")), (Some("ops"), Some("builders")));
    }

    async fn a_person_is_in_a_hundred_groups_and_a_tenant_has_a_thousand(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let dana = acme.dana().await;
        let first = acme.make("first").await.unwrap();
        let unit = app.store.tenant(acme.tenant.tenant.id).write().await.unwrap();
        for number in 1..1_000 {
            let id = GroupId::from_uuid(Uuid::from_u128(number));
            let name = format!("group {number}").parse().unwrap();
            unit.insert_group(&Group { id, name, ..first.clone() }).await.unwrap();
            if number < 100 {
                unit.insert_group_member(id, dana.id, GroupSource::Local, app.now()).await.unwrap();
            }
        }
        unit.commit().await.unwrap();
        assert_eq!(code(acme.make("one too many").await), ErrorCode::Conflict);
        acme.add(admin, first.id, dana.id).await.unwrap();
        let next = GroupId::from_uuid(Uuid::from_u128(100));
        assert_eq!(code(acme.add(admin, next, dana.id).await), ErrorCode::Conflict);
        groups::remove_member(app, admin, first.id, dana.id).await.unwrap();
        acme.add(admin, next, dana.id).await.unwrap();
        groups::delete(app, admin, first.id).await.unwrap();
        acme.make("enough").await.unwrap();
    }

    async fn a_repeated_request_makes_nothing_twice(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let dana = acme.dana().await;
        let once = |route: &str| Once::keyed(&app.keyring, admin, route, "key", b"{}");
        let make = async || {
            let ask = NewGroup { name: "ops".parse().unwrap(), description: None };
            groups::create(app, admin, ask, &once("groups")).await.unwrap()
        };
        let Made::Now(group) = make().await else { panic!("made before") };
        assert_eq!(make().await, Made::Before(group.clone()));
        let add = async || groups::add_member(app, admin, group.id, dana.id, &once("members")).await.unwrap();
        let member = add().await.into_inner();
        assert_eq!(add().await, Made::Before(member));
        let give = async || {
            groups::add_role(app, admin, group.id, BuiltInRole::User.slug(), &once("roles")).await.unwrap()
        };
        let given = give().await.into_inner();
        assert_eq!(give().await, Made::Before(given));
    }

    async fn another_tenants_groups_and_people_are_not_there(db: &TestStore) {
        let acme = Acme::new(db).await;
        let (app, admin) = (&acme.test.app, acme.admin());
        let group = acme.make("ops").await.unwrap();
        let dana = acme.dana().await;
        acme.add(admin, group.id, dana.id).await.unwrap();
        acme.give(admin, group.id, BuiltInRole::Admin).await.unwrap();
        let stranger = stranger(&acme.test, &acme.tenant).await;
        for refused in [
            code(groups::get(app, &stranger, group.id).await),
            code(groups::members(app, &stranger, group.id).await),
            code(groups::change(app, &stranger, group.id, GroupChange::default()).await),
            code(groups::delete(app, &stranger, group.id).await),
            code(acme.add(&stranger, group.id, dana.id).await),
            code(groups::remove_member(app, &stranger, group.id, dana.id).await),
            code(acme.give(&stranger, group.id, BuiltInRole::User).await),
            code(groups::remove_role(app, &stranger, group.id, BuiltInRole::Admin.slug()).await),
        ] {
            assert_eq!(refused, ErrorCode::NotFound);
        }
        assert!(groups::list(app, &stranger, None, &PageRequest::default()).await.unwrap().items.is_empty());
        let ask = NewGroup { name: "OPS".parse().unwrap(), description: None };
        let theirs = groups::create(app, &stranger, ask, &Once::unkeyed()).await.unwrap().into_inner();
        assert_eq!(code(acme.add(&stranger, theirs.id, dana.id).await), ErrorCode::InvalidRequest);
        assert_eq!(groups::get(app, admin, group.id).await.unwrap().member_count, 1);
    }
}
