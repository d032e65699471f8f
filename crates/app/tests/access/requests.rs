use curfew_app::requests::{self, ListedFor, RequestFilter};
use curfew_app::{AppError, Once};
use curfew_domain::grant::ProvisioningStatus;
use curfew_domain::request::{ApprovalMode, RequestStatus};
use curfew_domain::{
    Action, BuiltInRole, DiscoveredAttributes, DoneBy, ErrorCode, PageRequest, Scope, Seconds, User,
};
use curfew_store::{Backend, on_both_databases};
use serde_json::json;

use crate::world::*;

on_both_databases! {
    async fn what_policy_approves_at_once_is_a_grant_when_the_answer_comes(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let policy = world.policy(auto(), &format!("@notice(\"be kind\") {PERMIT_ALL}")).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let now = world.test.app.now();
        assert_eq!(request.status(now), RequestStatus::Approved);
        assert_eq!((request.mode, request.decided_by), (Some(ApprovalMode::Auto), Some(DoneBy::System)));
        assert_eq!((request.policy, &request.notices[..]), (Some(policy.policy.id), &["be kind".to_owned()][..]));
        let grant = curfew_app::grants::get(&world.test.app, &alice, request.grant.unwrap()).await.unwrap();
        assert_eq!(grant.provisioning(now), ProvisioningStatus::Pending);
        assert_eq!(grant.grant.times.duration, Seconds::of(3_600));
        assert_eq!(world.due_assignments().await, 1);
        let kept = requests::get(&world.test.app, &alice, request.id).await.unwrap();
        assert_eq!(kept, request);
        assert_eq!(
            world.logged().await,
            ["policy.created", "request.submitted", "request.evaluated", "request.approved", "grant.created"]
        );
    }

    async fn a_decision_is_kept_with_rules_versions_context_and_trace(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let policy = world.policy(auto(), PERMIT_ALL).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
        let decisions = unit.decisions(request.id).await.unwrap();
        let [decision] = &decisions[..] else { panic!("{decisions:?}") };
        assert_eq!((decision.outcome.as_str(), &decision.policies[..]), ("approved", &[policy.policy.id][..]));
        assert_eq!(decision.rules[0]["version"], json!(1));
        assert_eq!(decision.rules[0]["rules"], json!([policy.policy.rules[0].id]));
        assert_eq!(decision.context["targets"][0]["account"]["id"], json!(DEV));
        assert_eq!(decision.trace["points"][0]["groups"][0]["verdict"], json!("permits"));
    }

    async fn what_policy_denies_is_recorded_and_refused_with_its_notices(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), &format!("{PERMIT_ALL} @notice(\"never here\") forbid (principal, action, resource == AwsAccount::\"{PROD}\");")).await;
        let refused = world.submit(&alice, to_read(account(PROD))).await;
        let Err(AppError::Forbidden { notices, details, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(notices, ["never here"]);
        let id = details["request_id"].as_str().unwrap().parse().unwrap();
        let recorded = requests::get(&world.test.app, &alice, id).await.unwrap();
        assert_eq!(recorded.status(world.test.app.now()), RequestStatus::Denied);
        assert_eq!(recorded.notices, ["never here"]);
        assert_eq!(world.due_assignments().await, 0);
        assert!(world.submit(&alice, to_read(account(DEV))).await.is_ok());
    }

    async fn nobody_has_more_waiting_or_granted_than_a_suspension_takes_back_at_once(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let dev_only = format!("permit (principal, action, resource == AwsAccount::\"{DEV}\");");
        let prod_only = format!("permit (principal, action, resource == AwsAccount::\"{PROD}\");");
        world.policy(auto(), &dev_only).await;
        world.policy(by_people(1), &prod_only).await;
        let mut waiting = Vec::new();
        for _ in 0..100 {
            waiting.push(world.submit(&alice, to_read(account(PROD))).await.unwrap());
        }
        assert_eq!(code(world.submit(&alice, to_read(account(PROD))).await), ErrorCode::Conflict);
        let granted = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        requests::cancel(&world.test.app, &alice, waiting[0].id).await.unwrap();
        world.submit(&alice, to_read(account(PROD))).await.unwrap();
        // As many grants again as there may be.
        let series = "json_each('[0' || replace(printf('%.*c', 998, 'x'), 'x', ',0') || ']')";
        let (fresh, each) = match db.store.backend() {
            Backend::Sqlite => ("randomblob(16)", series),
            Backend::Postgres => ("gen_random_uuid()", "generate_series(1, 999)"),
        };
        let columns = "tenant_id, grantee_id, resource_type, resource_id, action, account_id, permission_set_arn, \
                       duration_seconds, decided_at, start_by, audit_enabled, metadata, created_at, updated_at";
        db.tamper(&format!("INSERT INTO access_grant (id, {columns}) SELECT {fresh}, {columns} FROM access_grant, {each}"))
            .await;
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Conflict);
        curfew_app::grants::revoke(&world.test.app, &alice, granted.grant.unwrap(), None).await.unwrap();
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
    }

    async fn a_duration_that_is_too_long_is_told_what_would_do(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut terms = auto();
        terms.maximum = Seconds::of(900);
        world.policy(terms, PERMIT_ALL).await;
        let mut wanted = to_read(account(DEV));
        wanted.duration = Some(Seconds::of(901));
        let refused = world.submit(&alice, wanted.clone()).await;
        let Err(AppError::Forbidden { details, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(details["max_duration_seconds"], json!(900));
        for out_of_bounds in [0, 12 * 3_600 + 1] {
            wanted.duration = Some(Seconds::of(out_of_bounds));
            assert_eq!(fields(world.submit(&alice, wanted.clone()).await), ["duration_seconds"]);
        }
    }

    async fn what_aws_has_not_told_of_can_not_be_asked_for(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let ask = async |wanted| fields(world.submit(&alice, wanted).await);
        assert_eq!(ask(to_read(account("444444444444"))).await, ["resource.id"]);
        assert_eq!(ask(to_read(unit("ou-ab12-99999999"))).await, ["resource.id"]);
        assert_eq!(ask(to_read("aws_s3_bucket:logs".parse().unwrap())).await, ["resource.id"]);
        let mut without = to_read(account(DEV));
        without.permission_set = None;
        assert_eq!(ask(without.clone()).await, ["permission_set_arn"]);
        without.resource = set(READ);
        assert_eq!(ask(without).await, ["account_id"]);
        let mut other = to_read(account(DEV));
        other.permission_set = Some(READ.replace("aaaa", "cccc").parse().unwrap());
        assert_eq!(ask(other).await, ["permission_set_arn"]);
        let mut twice = to_read(account(DEV));
        twice.metadata.insert("permission_set_arn".to_owned(), json!(ADMIN));
        assert_eq!(ask(twice).await, ["metadata.permission_set_arn"]);
        let out_of_reach =
            DiscoveredAttributes { out_of_reach: Some("elsewhere".to_owned()), ..Default::default() };
        world.discovered(account(PROD), "Prod", Vec::new(), out_of_reach).await;
        assert_eq!(ask(to_read(account(PROD))).await, ["resource.id"]);
    }

    async fn read_can_not_carry_an_administrators_set(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let mut wanted = to_read(account(DEV));
        wanted.permission_set = Some(ADMIN.parse().unwrap());
        for action in [Action::Read, Action::Write] {
            wanted.action = action;
            assert_eq!(fields(world.submit(&alice, wanted.clone()).await), ["action"]);
        }
        for action in [Action::Admin, Action::Assume, Action::RequestAccess] {
            wanted.action = action;
            assert!(world.submit(&alice, wanted.clone()).await.is_ok());
        }
    }

    async fn somebody_whom_identity_center_knows_twice_is_refused_before_anyone_approves(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        let again = curfew_domain::IdentityUser {
            identity_store: STORE.parse().unwrap(),
            principal: "principal-other".parse().unwrap(),
            user_name: "other".to_owned(),
            email: Some("ALICE@acme.example".to_owned()),
            status: None,
            seen_at: app.now(),
            gone_at: None,
        };
        unit.save_identity_user(&again).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(fields(world.submit(&alice, to_read(account(DEV))).await), ["requester_id"]);
        let none = requests::list(app, &world.admin, None, RequestFilter::default(), PageRequest::default()).await;
        assert!(none.unwrap().items.is_empty());
    }

    async fn one_access_has_one_name_however_it_is_spelt(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), &format!("{PERMIT_ALL} forbid (principal, action, resource == AwsAccount::\"{STAGING}\");")).await;
        let mut by_set = to_read(set(READ));
        by_set.permission_set = None;
        by_set.metadata.insert("account_id".to_owned(), json!(STAGING));
        for spelling in [to_read(account(STAGING)), by_set, to_read(unit(LAB))] {
            assert_eq!(code(world.submit(&alice, spelling).await), ErrorCode::Forbidden);
        }
    }

    async fn a_unit_is_one_grant_over_all_accounts_below_it(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let request = world.submit(&alice, to_read(unit(LAB))).await.unwrap();
        assert!(request.account.is_none());
        let grant = curfew_app::grants::get(&world.test.app, &alice, request.grant.unwrap()).await.unwrap();
        assert_eq!(grant.assignments.len(), 2);
        assert_eq!(world.due_assignments().await, 2);
        let own = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert!(own.grant.is_some());
        assert_eq!(world.due_assignments().await, 2, "an assignment is there once, whatever the reasons for it");
    }

    async fn what_aws_told_a_day_ago_approves_nothing_by_itself(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        world.test.clock.advance(Seconds::of(86_401));
        world.identity_center_knows("alice").await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(request.status(world.test.app.now()), RequestStatus::Pending);
        assert_eq!(request.approvals_required(), 1);
        world.discover().await;
        let fresh = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(fresh.status(world.test.app.now()), RequestStatus::Approved);
    }

    async fn the_same_key_asks_once(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &alice, "POST /v1/requests", "key", b"body");
        let first = requests::submit(app, &alice, &once, to_read(account(DEV))).await.unwrap();
        let again = requests::submit(app, &alice, &once, to_read(account(DEV))).await.unwrap();
        assert!(matches!((&first, &again), (curfew_app::Made::Now(a), curfew_app::Made::Before(b)) if a.id == b.id));
        let other = Once::keyed(&app.keyring, &alice, "POST /v1/requests", "key", b"other body");
        assert_eq!(code(requests::submit(app, &alice, &other, to_read(account(DEV))).await), ErrorCode::Conflict);
    }

    async fn the_same_key_is_denied_once(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut terms = auto();
        terms.maximum = Seconds::of(900);
        world.policy(terms, &format!("@notice(\"be brief\") {PERMIT_ALL}")).await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &alice, "POST /v1/requests", "key", b"body");
        let mut wanted = to_read(account(DEV));
        wanted.duration = Some(Seconds::of(901));
        let mut told = Vec::new();
        for _ in 0..2 {
            let refused = requests::submit(app, &alice, &once, wanted.clone()).await;
            let Err(AppError::Forbidden { details, message, notices }) = refused else { panic!("{refused:?}") };
            assert_eq!(details["max_duration_seconds"], json!(900));
            told.push((details, message, notices));
        }
        assert_eq!(told[0], told[1]);
        let all = requests::list(app, &world.admin, None, RequestFilter::default(), PageRequest::default()).await;
        assert_eq!(all.unwrap().items.len(), 1);
    }

    async fn asking_takes_its_scopes_and_an_active_person(db: &TestStore) {
        let world = World::new(db).await;
        let mut alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let mut emergency = to_read(account(DEV));
        emergency.break_glass = true;
        assert_eq!(code(world.submit(&alice, emergency).await), ErrorCode::Forbidden);
        alice.scopes = [Scope::RequestsRead].into_iter().collect();
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let unit = world.test.app.store.tenant(world.tenant).write().await.unwrap();
        let user = unit.user(bob.user).await.unwrap().unwrap();
        unit.update_user(&user, &User { active: false, ..user.clone() }).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(world.submit(&bob, to_read(account(DEV))).await), ErrorCode::Forbidden);
    }

    async fn a_connection_that_is_not_usable_gives_nothing(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        let mut connection = unit.lock_connection().await.unwrap().unwrap();
        connection.suspended = Some(curfew_domain::connection::Suspension::WrongAccount);
        unit.update_connection(&connection, app.now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::NotConfigured);
    }

    async fn everybody_sees_their_own_and_approvers_see_all(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let of_alice = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let of_ada = world.submit(&ada, to_read(account(PROD))).await.unwrap();
        let app = &world.test.app;
        assert_eq!(code(requests::get(app, &bob, of_alice.id).await), ErrorCode::NotFound);
        let list = async |caller, side, filter| {
            let page = requests::list(app, caller, side, filter, PageRequest::default()).await.unwrap();
            page.items.into_iter().map(|request| request.id).collect::<Vec<_>>()
        };
        let all = RequestFilter::default;
        assert_eq!(list(&alice, None, all()).await, [of_alice.id]);
        assert!(list(&bob, None, all()).await.is_empty());
        assert_eq!(list(&ada, None, all()).await, [of_ada.id, of_alice.id]);
        assert_eq!(list(&ada, Some(ListedFor::Mine), all()).await, [of_ada.id]);
        assert_eq!(list(&ada, Some(ListedFor::ToReview), all()).await, [of_alice.id]);
        let spied = RequestFilter { requester: Some(alice.user), ..all() };
        assert!(list(&bob, None, spied.clone()).await.is_empty());
        assert_eq!(list(&ada, None, spied).await, [of_alice.id]);
        let prod = RequestFilter { resource_id: Some(PROD.to_owned()), ..all() };
        assert_eq!(list(&ada, None, prod).await, [of_ada.id]);
        let earlier = RequestFilter { to: Some(of_ada.created_at), ..all() };
        assert_eq!(list(&ada, None, earlier).await, [of_alice.id]);
        let refused =
            requests::list(app, &bob, Some(ListedFor::ToReview), all(), PageRequest::default()).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
    }

    async fn a_request_that_waits_too_long_has_expired_for_filters_too(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut terms = by_people(1);
        terms.approval_timeout = Some(Seconds::of(600));
        world.policy(terms, PERMIT_ALL).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let with = async |status| {
            let filter = RequestFilter { status: Some(status), ..RequestFilter::default() };
            requests::list(app, &alice, None, filter, PageRequest::default()).await.unwrap().items.len()
        };
        assert_eq!((with(RequestStatus::Pending).await, with(RequestStatus::Expired).await), (1, 0));
        world.test.clock.advance(Seconds::of(600));
        assert_eq!((with(RequestStatus::Pending).await, with(RequestStatus::Expired).await), (0, 1));
        let refused = requests::cancel(app, &alice, request.id).await;
        assert!(matches!(refused, Err(AppError::InvalidState { state, .. }) if state == "expired"));
    }

    async fn the_requester_alone_takes_a_request_back(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        assert_eq!(code(requests::cancel(app, &bob, request.id).await), ErrorCode::NotFound);
        assert_eq!(code(requests::cancel(app, &world.admin, request.id).await), ErrorCode::Forbidden);
        let cancelled = requests::cancel(app, &alice, request.id).await.unwrap();
        assert_eq!(cancelled.status(app.now()), RequestStatus::Cancelled);
        assert_eq!(code(requests::cancel(app, &alice, request.id).await), ErrorCode::InvalidState);
        assert_eq!(code(requests::approve(app, &world.admin, request.id, None).await), ErrorCode::InvalidState);
    }

    async fn metadata_has_a_limit(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut wanted = to_read(account(DEV));
        wanted.metadata.insert("note".to_owned(), json!("x".repeat(17_000)));
        assert_eq!(fields(world.submit(&alice, wanted).await), ["metadata"]);
    }
}
