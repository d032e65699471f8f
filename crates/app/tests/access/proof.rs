//! Every decision can be explained and proved later.

use curfew_app::policies::{Edit, PolicyChange};
use curfew_app::requests::{self, question_of};
use curfew_app::{Caller, audit, policies};
use curfew_domain::audit::{AuditAction, EntryBody};
use curfew_domain::request::RequestStatus;
use curfew_domain::{Actor, ActorType, ApiKeyId, BuiltInRole, Change, DoneBy, Scope};
use curfew_policy::{CompiledPolicies, Outcome, decide};
use curfew_store::on_both_databases;
use curfew_store::testing::sealed_log;
use serde_json::json;

use crate::world::*;

/// The log's entries of this kind, first to last.
async fn entries(world: &World, action: AuditAction) -> Vec<EntryBody> {
    world.test.app.store.seal(world.tenant).await.unwrap();
    let all = sealed_log(&world.test.app.store, world.tenant).await;
    all.into_iter().map(|entry| entry.body).filter(|body| body.action == action).collect()
}

async fn findings(world: &World) -> Vec<String> {
    let mut auditor = world.admin.clone();
    auditor.scopes = [Scope::AuditRead].into_iter().collect();
    let found = audit::verify(&world.test.app, &auditor).await.unwrap();
    found.findings.iter().map(ToString::to_string).collect()
}

on_both_databases! {
    async fn the_log_says_which_rules_decided_also_where_people_had_to_approve(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        requests::approve(&world.test.app, &world.admin, request.id, None).await.unwrap();
        let logged = entries(&world, AuditAction::RequestEvaluated).await;
        assert_eq!(logged.len(), 2, "asked at first, and again at the last approval");
        for entry in logged {
            assert_eq!(entry.resource_id, request.id.to_string());
            assert_eq!(entry.metadata["outcome"], "needs_approval");
            let by = &entry.metadata["policies"][0];
            assert_eq!(by["policy"], json!(policy.policy.id));
            assert_eq!((&by["version"], &by["effect"]), (&json!(1), &json!("permit")));
            assert_eq!(by["rules"], json!([policy.policy.rules[0].id]));
        }
        assert_eq!(findings(&world).await, [""; 0]);
    }

    async fn whoever_approves_by_a_key_is_logged_with_the_key(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let key = ApiKeyId::new(app.now(), app.entropy.as_ref());
        let by_key = Caller { actor: Actor::ApiKey { key, maker: world.admin.user }, ..world.admin.clone() };
        requests::approve(app, &by_key, request.id, None).await.unwrap();
        for action in [AuditAction::RequestApprovalGiven, AuditAction::RequestApproved] {
            let entry = entries(&world, action).await.remove(0);
            assert_eq!((entry.actor_type, entry.actor_id), (ActorType::ApiKey, key.to_string()), "{action}");
            assert_eq!(entry.on_behalf_of, Some(world.admin.user));
        }
    }

    async fn what_the_rules_said_stays_when_the_policy_is_changed_and_deleted(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let other = PolicyChange {
            policy_set: Change::To("forbid (principal, action, resource);".to_owned()),
            ..PolicyChange::default()
        };
        policies::change(app, &world.admin, made.id, other).await.unwrap();
        policies::delete(app, &world.admin, made.id, Edit::default()).await.unwrap();
        let unit = app.store.tenant(world.tenant).read().await.unwrap();
        let decision = unit.decisions(request.id).await.unwrap().remove(0);
        let by = &decision.rules[0];
        let (id, version) = (by["policy"].as_str().unwrap().parse().unwrap(), by["version"].as_u64().unwrap());
        let kept = unit.policy_version(id, version.try_into().unwrap()).await.unwrap().unwrap();
        assert_eq!((kept.policy, kept.by), (made.clone(), DoneBy::Person(world.admin.user)));
        let second = unit.policy_version(id, 2).await.unwrap().unwrap();
        assert!(second.policy.rules[0].text.starts_with("forbid"));
        drop(unit);
        for action in [AuditAction::PolicyCreated, AuditAction::PolicyUpdated, AuditAction::PolicyDeleted] {
            assert!(entries(&world, action).await[0].metadata["content"].is_string(), "{action}");
        }
        assert_eq!(findings(&world).await, [""; 0]);
    }

    async fn what_was_told_is_kept_and_asked_again_it_is_answered_the_same(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let by_much = "permit (principal, action, resource is AwsAccount) when { \
                       principal.email == \"alice@acme.example\" && context has reason && \
                       context.reason == \"to look into INC-7\" && \
                       context.duration_seconds == 3600 };";
        let policy = world.policy(auto(), by_much).await.policy;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
        let decision = unit.decisions(request.id).await.unwrap().remove(0);
        let context = &decision.context;
        assert_eq!(context["person"]["id"], json!(alice.user));
        assert_eq!(context["person"]["roles"], json!(["user"]));
        assert_eq!(context["targets"][0]["account"]["name"], "Dev");
        assert_eq!(context["targets"][0]["permission_set"]["name"], "ReadOnly");
        assert_eq!(context["units"], json!({ LAB: null }));
        assert_eq!((&context["mfa"], &context["break_glass"]), (&json!(false), &json!(false)));
        assert!(context["local"]["hour"].is_number() && context["local"]["day_of_week"].is_string());
        assert_eq!(decision.trace["points"][0]["groups"][0]["durations"], json!([3600]));
        for personal in ["alice@acme.example", "INC-7"] {
            assert!(!context.to_string().contains(personal), "{context}");
        }
        let question = question_of(&decision).unwrap();
        let again = decide(&CompiledPolicies::new([&policy]), &question);
        assert!(matches!(again.outcome, Outcome::Approved { .. }), "{again:?}");
        assert_eq!(json!(again.outcome), decision.trace["outcome"]);
        assert_eq!(json!(again.trace), decision.trace["points"]);
    }

    async fn a_decision_that_was_tampered_with_is_found(db: &TestStore) {
        for tampering in [
            "UPDATE decision SET trace = '{}'",
            "UPDATE decision SET rules = '[]'",
            "UPDATE decision SET context = '{}'",
            "UPDATE decision SET outcome = 'denied'",
            "UPDATE decision SET personal = '{}'",
            "UPDATE decision SET created_at = created_at + 1",
            "DELETE FROM decision",
        ] {
            let db = match db.store.backend() {
                curfew_store::Backend::Sqlite => curfew_store::testing::TestStore::sqlite().await,
                curfew_store::Backend::Postgres => curfew_store::testing::TestStore::postgres().await.unwrap(),
            };
            let world = World::new(&db).await;
            world.policy(auto(), PERMIT_ALL).await;
            let alice = world.person("alice", BuiltInRole::User, None).await;
            world.submit(&alice, to_read(account(DEV))).await.unwrap();
            assert_eq!(findings(&world).await, [""; 0]);
            db.tamper(tampering).await;
            let found = findings(&world).await;
            assert!(matches!(&found[..], [one] if one.contains("was changed or removed")), "{tampering}: {found:?}");
        }
    }

    async fn what_is_erased_of_a_decision_breaks_nothing(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        db.tamper("UPDATE decision SET personal = NULL").await;
        assert_eq!(findings(&world).await, [""; 0]);
        let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
        assert!(question_of(&unit.decisions(request.id).await.unwrap()[0]).is_none());
    }

    async fn a_decision_of_which_no_entry_tells_is_found(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let id = if db.store.backend() == curfew_store::Backend::Sqlite { "zeroblob(16)" } else { "gen_random_uuid()" };
        db.tamper(&format!(
            "INSERT INTO decision
             (tenant_id, id, request_id, outcome, policy_ids, rules, notices, context, trace, created_at)
             SELECT tenant_id, {id}, request_id, outcome, policy_ids, rules, notices, context, trace, created_at
             FROM decision"
        ))
        .await;
        let found = findings(&world).await;
        assert!(matches!(&found[..], [one] if one.starts_with("1 decisions were inserted")), "{found:?}");
    }

    async fn a_policy_that_was_changed_behind_the_log_is_found(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), "forbid (principal, action, resource);").await;
        db.tamper("UPDATE policy_rule SET resolved_text = 'permit (principal, action, resource);'").await;
        let found = findings(&world).await;
        assert!(matches!(&found[..], [one] if one.contains("is not what was logged as its version 1")), "{found:?}");
        db.tamper("UPDATE policy_version SET version = 7").await;
        let found = findings(&world).await;
        assert!(found.iter().any(|one| one.starts_with("version 1 of policy")), "{found:?}");
    }

    async fn a_pending_request_says_what_decided_as_well(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(request.status(world.test.app.now()), RequestStatus::Pending);
        assert_eq!(
            world.logged().await,
            ["policy.created", "request.submitted", "request.evaluated", "request.pending"]
        );
    }
}
