//! What policies were, their order, and policies as text.

use curfew_app::policies::versions;
use curfew_app::policies::{Edit, Expected, Ordered, PolicyChange};
use curfew_app::{AppError, Once, audit, policies};
use curfew_domain::policy::Policy;
use curfew_domain::{BuiltInRole, Change, DoneBy, ErrorCode, PageLimit, PageRequest, PolicyId, Scope};
use curfew_store::on_both_databases;

use crate::world::*;

fn because(why: &str) -> Edit {
    Edit { expected: Expected::Any, why: Some(why.parse().unwrap()) }
}

fn enabled(enabled: bool, edit: Edit) -> PolicyChange {
    PolicyChange { enabled: Change::To(enabled), edit, ..PolicyChange::default() }
}

async fn findings(world: &World) -> Vec<String> {
    let mut auditor = world.admin.clone();
    auditor.scopes = [Scope::AuditRead].into_iter().collect();
    let found = audit::verify(&world.test.app, &auditor).await.unwrap();
    found.findings.iter().map(ToString::to_string).collect()
}

on_both_databases! {
    async fn versions_say_who_when_why_and_what(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let mut wanted = new_policy(auto(), PERMIT_ALL);
        wanted.why = Some("to begin with".parse().unwrap());
        let made = policies::create(app, admin, &Once::unkeyed(), wanted).await.unwrap().into_inner().policy;
        policies::change(app, admin, made.id, enabled(false, because("INC-7"))).await.unwrap();
        let other = PolicyChange {
            name: Change::To("other".parse().unwrap()),
            policy_set: Change::To("forbid (principal, action, resource);".to_owned()),
            ..PolicyChange::default()
        };
        policies::change(app, admin, made.id, other).await.unwrap();
        let page = |after| PageRequest { limit: PageLimit::new(2).unwrap(), after };
        let first = versions::list(app, admin, made.id, page(None)).await.unwrap();
        let second = versions::list(app, admin, made.id, page(first.next.clone())).await.unwrap();
        let all: Vec<_> = first.items.iter().chain(&second.items).collect();
        assert_eq!(all.iter().map(|one| one.version).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(all[0].changed, ["name", "rules"]);
        assert_eq!((&all[1].changed[..], all[1].reason.as_ref().unwrap().as_str()), (&["enabled".to_owned()][..], "INC-7"));
        assert!(all[2].changed.is_empty());
        assert_eq!(all[2].reason.as_ref().unwrap().as_str(), "to begin with");
        assert!(all.iter().all(|one| one.by == DoneBy::Person(admin.user)));
        let first = versions::get(app, admin, made.id, 1).await.unwrap();
        assert_eq!((first.detail.policy, first.version.at), (made.clone(), made.updated_at));
        assert_eq!(code(versions::get(app, admin, made.id, 4).await), ErrorCode::NotFound);
    }

    async fn why_a_policy_was_changed_is_logged_as_personal_text(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        let app = &world.test.app;
        policies::change(app, &world.admin, made, enabled(false, because("Dana asked"))).await.unwrap();
        policies::delete(app, &world.admin, made, because("Dana left")).await.unwrap();
        app.store.seal(world.tenant).await.unwrap();
        let log = curfew_store::testing::sealed_log(&app.store, world.tenant).await;
        let told: Vec<bool> = log.iter().map(|entry| entry.body.commitments.contains_key("change_reason")).collect();
        assert_eq!(told, [false, true, true]);
        assert!(log.iter().all(|entry| !format!("{:?}", entry.body).contains("Dana")));
        assert_eq!(log[1].body.metadata["changed"], serde_json::json!(["enabled"]));
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        assert_eq!(unit.erase_audit_texts_of(world.admin.user).await.unwrap(), 2);
        unit.commit().await.unwrap();
        let versions = versions::list(app, &world.admin, made, PageRequest::default()).await.unwrap();
        assert!(versions.items.iter().all(|version| version.reason.is_none()));
        assert_eq!(findings(&world).await, [""; 0]);
    }

    async fn a_version_is_restored_with_those_whom_its_names_stood_for(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = "permit (principal == User::\"alice@acme.example\", action, resource);";
        let made = world.policy(auto(), written).await.policy;
        let other = PolicyChange { policy_set: Change::To(PERMIT_ALL.to_owned()), ..PolicyChange::default() };
        policies::change(app, admin, made.id, other).await.unwrap();
        // Somebody else has the address by now.
        world.rename(db, alice.user).await;
        let next = world.stranger("alice", BuiltInRole::User, None).await;
        assert_ne!(next.user, alice.user);
        let restored = versions::restore(app, admin, made.id, 1, because("back")).await.unwrap().policy;
        assert_eq!((restored.version, &restored.rules), (3, &made.rules));
        assert!(restored.rules[0].resolved.contains(&alice.user.to_string()));
        assert_eq!(restored.created_at, made.created_at);
        assert_eq!(policies::get(app, admin, made.id).await.unwrap().policy, restored);
        assert_eq!(findings(&world).await, [""; 0]);
        let stale = Edit { expected: Expected::OneOf(vec![2]), why: None };
        assert_eq!(code(versions::restore(app, admin, made.id, 1, stale).await), ErrorCode::Conflict);
        assert_eq!(code(versions::restore(app, admin, made.id, 9, Edit::default()).await), ErrorCode::NotFound);
    }

    async fn a_deleted_policy_comes_back_disabled_by_its_id_and_counts_on(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        policies::change(app, admin, made.id, enabled(true, Edit::default())).await.unwrap();
        policies::delete(app, admin, made.id, Edit::default()).await.unwrap();
        assert_eq!(versions::list(app, admin, made.id, PageRequest::default()).await.unwrap().items.len(), 2);
        let (one, other) = tokio::join!(
            versions::restore(app, admin, made.id, 1, Edit { expected: Expected::OneOf(vec![2]), why: None }),
            versions::restore(app, admin, made.id, 1, Edit { expected: Expected::OneOf(vec![2]), why: None }),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let (restored, refused) = if one.is_ok() { (one, other) } else { (other, one) };
        assert_eq!(code(refused), ErrorCode::Conflict);
        let restored = restored.unwrap().policy;
        assert_eq!((restored.id, restored.version, restored.enabled), (made.id, 3, false));
        assert_eq!(restored.rules, made.rules);
        let alice = world.person("alice", BuiltInRole::User, None).await;
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        policies::change(app, admin, made.id, enabled(true, Edit::default())).await.unwrap();
        assert!(world.submit(&alice, to_read(account(DEV))).await.is_ok());
        assert_eq!(findings(&world).await, [""; 0]);
        assert_eq!(
            world.logged().await[..4],
            ["policy.created", "policy.updated", "policy.deleted", "policy.restored"]
        );
    }

    async fn a_version_that_today_s_schema_does_not_take_is_refused(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        let cast = if db.store.backend() == curfew_store::Backend::Sqlite { "" } else { "::jsonb" };
        let text = if cast.is_empty() { "body" } else { "body::text" };
        db.tamper(&format!("UPDATE policy_version SET body = REPLACE({text}, 'resource)', 'resource is Robot)'){cast}")).await;
        let refused = versions::restore(&world.test.app, &world.admin, made, 1, Edit::default()).await;
        assert_eq!(code(refused), ErrorCode::PolicyInvalid);
    }

    async fn the_tenants_policies_are_asked_in_the_order_that_they_are_put_into(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(world.policy(auto(), PERMIT_ALL).await.policy);
        }
        let ids: Vec<PolicyId> = vec![all[2].id, all[0].id, all[1].id];
        let why = Some("in order".parse().unwrap());
        let Ordered { policies: ordered, warnings } = policies::reorder(app, admin, &ids, why).await.unwrap();
        assert_eq!(warnings.listed.len(), 2, "the first one permits everything before the others: {warnings:?}");
        let shown: Vec<_> = ordered.iter().map(|one| (one.id, one.priority, one.version, one.rules.0)).collect();
        assert_eq!(shown, [(ids[0], 30, 2, 1), (ids[1], 20, 2, 1), (ids[2], 10, 2, 1)]);
        let swapped = vec![ids[1], ids[0], ids[2]];
        let ordered = policies::reorder(app, admin, &swapped, None).await.unwrap().policies;
        assert_eq!(ordered.iter().map(|one| (one.priority, one.version)).collect::<Vec<_>>(), [(30, 3), (20, 3), (10, 2)]);
        let read: Vec<Policy> = read_all(app, admin, &swapped).await;
        assert_eq!(read.iter().map(Policy::summary).collect::<Vec<_>>(), ordered);
        let log = versions::list(app, admin, ids[0], PageRequest::default()).await.unwrap();
        assert_eq!(log.items[1].reason.as_ref().unwrap().as_str(), "in order");
        assert_eq!(log.items[1].changed, ["priority"]);
        assert_eq!(findings(&world).await, [""; 0]);
    }

    async fn a_list_of_policies_that_is_not_whole_changes_nothing(db: &TestStore) {
        let world = World::new(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let theirs = other.policy(auto(), PERMIT_ALL).await.policy.id;
        let (app, admin) = (&world.test.app, &world.admin);
        let (one, two) = (world.policy(auto(), PERMIT_ALL).await.policy.id, world.policy(auto(), PERMIT_ALL).await.policy.id);
        for (ids, missing, unknown) in
            [(vec![one], vec![two], vec![]), (vec![one, two, theirs], vec![], vec![theirs])]
        {
            let Err(AppError::Conflict { details, .. }) = policies::reorder(app, admin, &ids, None).await else {
                panic!("{ids:?} is refused");
            };
            assert_eq!((&details["missing"], &details["unknown"]), (&serde_json::json!(missing), &serde_json::json!(unknown)));
        }
        assert_eq!(fields(policies::reorder(app, admin, &[one, two, one], None).await), ["ids"]);
        assert_eq!(policies::get(app, admin, one).await.unwrap().policy.version, 1);
        let approver = world.person("ada", BuiltInRole::Approver, None).await;
        assert_eq!(code(policies::reorder(app, &approver, &[one, two], None).await), ErrorCode::Forbidden);
    }

    async fn an_order_and_a_change_at_once_lose_nothing(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let (one, two) = (world.policy(auto(), PERMIT_ALL).await.policy.id, world.policy(auto(), PERMIT_ALL).await.policy.id);
        for round in 0..10 {
            let ids = if round % 2 == 0 { [one, two] } else { [two, one] };
            let name: curfew_domain::DisplayName = format!("round {round}").parse().unwrap();
            let named = PolicyChange { name: Change::To(name.clone()), ..PolicyChange::default() };
            let once = Once::unkeyed();
            let (order, change, made) = tokio::join!(
                policies::reorder(app, admin, &ids, None),
                policies::change(app, admin, two, named),
                policies::create(app, admin, &once, new_policy(auto(), PERMIT_ALL)),
            );
            change.unwrap();
            let made = made.unwrap().into_inner().policy.id;
            assert!(order.is_ok() || code(order) == ErrorCode::Conflict);
            let read = read_all(app, admin, &ids).await;
            assert!(read.iter().any(|policy| policy.name == name));
            policies::delete(app, admin, made, Edit::default()).await.unwrap();
        }
        assert_eq!(findings(&world).await, [""; 0]);
    }

    async fn what_is_downloaded_makes_the_same_rules_again(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let written = "// first\n@id(\"a\")\npermit(principal,action,resource); // behind\n\
                       @notice(\"said\")@audit_session(\"false\")forbid(principal,action,resource)when{context.hour>8};";
        let made = world.policy(auto(), written).await.policy;
        let change = policies::RuleChange {
            notice: Change::To(Some("be\"side".parse().unwrap())),
            audit_session: Change::To(false),
            ..policies::RuleChange::default()
        };
        assert!(!made.rules[1].audit_session);
        let rule = made.rules[0].id;
        policies::rules::change(app, admin, made.id, rule, (change, Some(7)), Edit::default()).await.unwrap();
        let file = policies::cedar(app, admin, made.id).await.unwrap();
        assert_eq!((file.name.as_str(), file.version), ("a-policy.cedar", 2));
        let again = world.policy(auto(), &file.text).await;
        let before = policies::get(app, admin, made.id).await.unwrap();
        let bare = |shape: &policies::RuleShape| {
            let conditions = shape.conditions.as_ref().map(|said| said.replace([' ', '\n'], ""));
            policies::RuleShape { conditions, ..shape.clone() }
        };
        let bare = |all: &[policies::RuleShape]| all.iter().map(bare).collect::<Vec<_>>();
        assert_eq!(bare(&again.shapes), bare(&before.shapes));
        for (one, other) in again.policy.rules.iter().zip(&before.policy.rules) {
            assert_eq!((&one.notice, one.audit_session), (&other.notice, other.audit_session));
        }
        assert!(file.text.contains("@id(\"a\")") && file.text.contains("// behind"), "{}", file.text);
        let twice = policies::cedar(app, admin, again.policy.id).await.unwrap();
        assert_eq!(twice.text, file.text);
    }
}

async fn read_all(app: &curfew_app::App, admin: &curfew_app::Caller, ids: &[PolicyId]) -> Vec<Policy> {
    let mut read = Vec::new();
    for id in ids {
        read.push(policies::get(app, admin, *id).await.unwrap().policy);
    }
    read
}
