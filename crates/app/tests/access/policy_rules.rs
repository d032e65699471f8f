//! Single rules of a policy, and two who edit one policy at once.

use curfew_app::policies::rules::{self, RuleAt};
use curfew_app::policies::{
    ActionScope, ActionScopeType, Edit, EntityRef, Expected, FieldsChange, NewRule, PolicyChange, RuleChange,
    RuleScope, Said, ScopeChange, ScopeType,
};
use curfew_app::{AppError, Made, Once, policies};
use curfew_domain::policy::{Effect, Policy};
use curfew_domain::{Action, BuiltInRole, Change, ErrorCode, PageLimit, PageRequest, PolicyId, RuleId};
use curfew_store::on_both_databases;

use crate::world::*;

const WRITTEN: &str = "// why\n@id(\"one\")\n@notice(\"old\")\npermit (principal, action, resource); // end";

fn text(text: &str) -> NewRule {
    NewRule { said: Said::Text(text.to_owned()), notice: None, audit_session: None }
}

fn at_version(version: u32) -> Edit {
    Edit { expected: Expected::OneOf(vec![version]), why: None }
}

async fn add(world: &World, policy: PolicyId, rule: &str, ordinal: Option<u32>) -> RuleAt {
    let (app, once) = (&world.test.app, Once::unkeyed());
    let made = rules::add(app, &world.admin, &once, policy, (text(rule), ordinal), Edit::default()).await;
    made.unwrap().into_inner()
}

async fn change(world: &World, rule: (PolicyId, RuleId), change: RuleChange) -> Result<RuleAt, AppError> {
    let (app, edit) = (&world.test.app, Edit::default());
    rules::change(app, &world.admin, rule.0, rule.1, (change, None), edit).await
}

async fn read(world: &World, id: PolicyId) -> Policy {
    policies::get(&world.test.app, &world.admin, id).await.unwrap().policy
}

/// The version that a conflict tells of.
fn present_version<T: std::fmt::Debug>(refused: Result<T, AppError>) -> u64 {
    match refused {
        Err(AppError::Conflict { details, .. }) => details["version"].as_u64().unwrap(),
        other => panic!("no conflict: {other:?}"),
    }
}

on_both_databases! {
    async fn a_rule_is_added_where_it_is_to_stand_and_the_others_stay_who_they_are(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), &PERMIT_ALL.repeat(3)).await.policy;
        let added = add(&world, made.id, WRITTEN, Some(1)).await;
        assert_eq!((added.version, added.detail.rule.ordinal), (2, 1));
        assert_eq!(added.detail.rule.text, WRITTEN);
        let last = add(&world, made.id, PERMIT_ALL, None).await;
        let now = read(&world, made.id).await;
        let ids: Vec<RuleId> = now.rules.iter().map(|rule| rule.id).collect();
        let (added, last) = (added.detail.rule.id, last.detail.rule.id);
        assert_eq!(ids, [made.rules[0].id, added, made.rules[1].id, made.rules[2].id, last]);
        let ordinals: Vec<u32> = now.rules.iter().map(|rule| rule.ordinal).collect();
        assert_eq!(ordinals, [0, 1, 2, 3, 4]);
        assert_eq!(now.rules[2].created_at, made.rules[1].created_at);
        assert_eq!(now.version, 3);

        let page = |after| PageRequest { limit: PageLimit::new(3).unwrap(), after };
        let first = rules::list(&world.test.app, &world.admin, made.id, page(None)).await.unwrap();
        let second = rules::list(&world.test.app, &world.admin, made.id, page(first.next.clone())).await.unwrap();
        let listed: Vec<RuleId> = first.items.iter().chain(&second.items).map(|one| one.rule.id).collect();
        assert_eq!(listed, ids);
        assert!(second.next.is_none());
    }

    async fn what_is_added_and_taken_away_decides_at_once(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let policy = world.policy(auto(), PERMIT_ALL).await.policy.id;
        assert!(world.submit(&alice, to_read(account(DEV))).await.is_ok());
        let forbid = add(&world, policy, "forbid (principal, action, resource);", None).await;
        assert_eq!(code(world.submit(&alice, to_read(account(STAGING))).await), ErrorCode::Forbidden);
        let (app, id) = (&world.test.app, forbid.detail.rule.id);
        let version = rules::remove(app, &world.admin, policy, id, at_version(2)).await.unwrap();
        assert_eq!(version, 3);
        assert!(world.submit(&alice, to_read(account(STAGING))).await.is_ok());
        assert_eq!(code(rules::get(app, &world.admin, policy, id).await), ErrorCode::NotFound);
        assert_eq!(code(rules::remove(app, &world.admin, policy, id, Edit::default()).await), ErrorCode::NotFound);
    }

    async fn a_rule_is_added_once_however_often_it_is_asked_for(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        let policy = world.policy(auto(), PERMIT_ALL).await.policy.id;
        let once = Once::keyed(&app.keyring, &world.admin, "POST /v1/policies/x/rules", "one", b"{}");
        let ask = async |rule: &str| {
            rules::add(app, &world.admin, &once, policy, (text(rule), None), at_version(1)).await
        };
        let made = ask(PERMIT_ALL).await.unwrap();
        // Of another version by now, and with a name that nobody has.
        let again = ask("permit (principal == User::\"nobody@acme.example\", action, resource);").await.unwrap();
        assert_eq!(again, Made::Before(made.into_inner()));
        assert_eq!(read(&world, policy).await.rules.len(), 2);
    }

    async fn a_policy_has_only_so_many_rules(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), &PERMIT_ALL.repeat(1_000)).await.policy;
        let (app, once) = (&world.test.app, Once::unkeyed());
        let one_more = rules::add(app, &world.admin, &once, policy.id, (text(PERMIT_ALL), None), Edit::default());
        assert_eq!(code(one_more.await), ErrorCode::Conflict);
        let far = rules::add(app, &world.admin, &once, policy.id, (text(PERMIT_ALL), Some(1_000_001)), Edit::default());
        assert_eq!(fields(far.await), ["ordinal"]);
    }

    async fn another_notice_changes_nothing_else_of_what_is_written(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = WRITTEN.replace("principal,", "principal == User::\"alice@acme.example\",");
        let policy = world.policy(auto(), &written).await.policy;
        let rule = (policy.id, policy.rules[0].id);
        let other = |notice: Option<&str>| RuleChange {
            notice: Change::To(notice.map(|notice| notice.parse().unwrap())),
            ..RuleChange::default()
        };
        let changed = change(&world, rule, other(Some("new"))).await.unwrap().detail.rule;
        assert_eq!(changed.text, written.replace("old", "new"));
        assert_eq!(changed.notice.unwrap().as_str(), "new");
        assert!(changed.resolved.contains(&alice.user.to_string()) && changed.resolved.contains("\"new\""));
        let silent = change(&world, rule, other(None)).await.unwrap().detail.rule;
        assert_eq!((silent.notice, silent.text), (None, written.replace("@notice(\"old\")\n", "")));
        let told = change(&world, rule, other(Some("beside"))).await.unwrap().detail.rule;
        assert!(!told.text.contains("beside"), "a text that says no notice is left as it is");
        let quiet = RuleChange { audit_session: Change::To(false), ..RuleChange::default() };
        let quiet = change(&world, rule, quiet).await.unwrap().detail.rule;
        assert!(!quiet.audit_session && quiet.notice.is_some() && quiet.text == told.text);
        assert_eq!((quiet.id, quiet.created_at), (rule.1, policy.rules[0].created_at));
    }

    async fn fields_that_are_left_out_stay_and_the_rest_must_go_with_them(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = "@id(\"a\") // keep\npermit (principal == User::\"alice@acme.example\", action, resource) \
                       when { context.hour > 8 };";
        let policy = world.policy(auto(), written).await.policy;
        let rule = (policy.id, policy.rules[0].id);
        let fields_of = |fields| RuleChange { fields, ..RuleChange::default() };
        let acting = FieldsChange {
            effect: Change::To(Effect::Forbid),
            action_scope: Change::To(ActionScopeType::Eq),
            action_ids: Change::To(vec![Action::Read]),
            ..FieldsChange::default()
        };
        let changed = change(&world, rule, fields_of(acting)).await.unwrap().detail;
        assert_eq!(changed.shape.effect, Effect::Forbid);
        assert_eq!(changed.shape.action, ActionScope::Eq(Action::Read));
        assert_eq!(changed.shape.principal, RuleScope::Eq(EntityRef::new("User", "alice@acme.example")));
        assert_eq!(changed.shape.conditions.as_deref(), Some("when { context.hour > 8 }"));
        assert!(changed.rule.text.starts_with("@id(\"a\") // keep\nforbid ("), "{}", changed.rule.text);
        assert!(changed.rule.resolved.contains(&alice.user.to_string()));

        let everybody = ScopeChange { scope: Change::To(ScopeType::Any), ..ScopeChange::default() };
        let of = |principal| fields_of(FieldsChange { principal, ..FieldsChange::default() });
        assert_eq!(fields(change(&world, rule, of(everybody.clone())).await), ["principal_entity_type"]);
        let whole = ScopeChange {
            entity_type: Change::To(None),
            entity_id: Change::To(None),
            ..everybody
        };
        assert_eq!(change(&world, rule, of(whole)).await.unwrap().detail.shape.principal, RuleScope::Any);
        let none = FieldsChange { action_ids: Change::To(Vec::new()), ..FieldsChange::default() };
        assert_eq!(fields(change(&world, rule, fields_of(none)).await), ["action_ids"]);
        let injected = FieldsChange {
            conditions: Change::To(Some("}; permit (principal, action, resource)".to_owned())),
            ..FieldsChange::default()
        };
        assert_eq!(code(change(&world, rule, fields_of(injected)).await), ErrorCode::PolicyInvalid);
        let bare = FieldsChange { conditions: Change::To(None), ..FieldsChange::default() };
        assert_eq!(change(&world, rule, fields_of(bare)).await.unwrap().detail.shape.conditions, None);
    }

    async fn a_name_that_is_not_written_anew_stands_for_whom_it_stood_for(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = "permit (principal == User::\"alice@acme.example\", action, resource);";
        let policy = world.policy(auto(), written).await.policy;
        let rule = (policy.id, policy.rules[0].id);
        world.rename(db, alice.user).await;
        let next = world.stranger("alice", BuiltInRole::User, None).await;
        let stands_for = async |fields| {
            let of = RuleChange { fields, ..RuleChange::default() };
            change(&world, rule, of).await.unwrap().detail.rule.resolved
        };
        let effect = FieldsChange { effect: Change::To(Effect::Forbid), ..FieldsChange::default() };
        assert!(stands_for(effect).await.contains(&alice.user.to_string()));
        let other_way = FieldsChange {
            principal: ScopeChange { scope: Change::To(ScopeType::In), ..ScopeChange::default() },
            ..FieldsChange::default()
        };
        assert!(stands_for(other_way).await.contains(&alice.user.to_string()), "its id was not sent");
        let as_read = RuleChange {
            text: Change::To(read(&world, policy.id).await.rules[0].text.clone()),
            ..RuleChange::default()
        };
        let sent_back = change(&world, rule, as_read).await.unwrap().detail.rule;
        assert!(sent_back.resolved.contains(&alice.user.to_string()));
        let set = PolicyChange {
            policy_set: Change::To(format!("{}\n{PERMIT_ALL}", read(&world, policy.id).await.rules[0].text)),
            ..PolicyChange::default()
        };
        let kept = policies::change(&world.test.app, &world.admin, policy.id, set).await.unwrap().policy;
        assert!(kept.rules[0].resolved.contains(&alice.user.to_string()));
        let entity_id = Change::To(Some("alice@acme.example".to_owned()));
        let anew = FieldsChange {
            principal: ScopeChange { entity_id, ..ScopeChange::default() },
            ..FieldsChange::default()
        };
        assert!(stands_for(anew).await.contains(&next.user.to_string()));
    }

    async fn a_name_that_is_written_anew_in_one_part_takes_no_other_part_along(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = "permit (principal == User::\"alice@acme.example\", action, resource);";
        let policy = world.policy(auto(), written).await.policy;
        let rule = (policy.id, policy.rules[0].id);
        world.rename(db, alice.user).await;
        world.stranger("alice", BuiltInRole::User, None).await;
        let conditions = |text: &str| RuleChange {
            fields: FieldsChange { conditions: Change::To(Some(text.to_owned())), ..FieldsChange::default() },
            ..RuleChange::default()
        };
        let by_name = conditions("unless { principal == User::\"alice@acme.example\" }");
        assert_eq!(code(change(&world, rule, by_name).await), ErrorCode::Conflict);
        let by_id = conditions(&format!("unless {{ principal == User::\"{}\" }}", alice.user));
        let kept = change(&world, rule, by_id).await.unwrap().detail.rule;
        assert_eq!(kept.resolved.matches(&alice.user.to_string()).count(), 2);
    }

    async fn a_rule_that_ids_have_made_longer_than_may_be_written_can_still_be_changed(db: &TestStore) {
        let world = World::new(db).await;
        world.person("al", BuiltInRole::User, None).await;
        let names = vec!["User::\"al@acme.example\""; 2_000].join(",");
        let written = format!("permit (principal, action, resource) when {{ [{names}].contains(principal) }};");
        let policy = world.policy(auto(), &written).await.policy;
        assert!(policy.rules[0].resolved.len() > 65_536 && written.len() < 65_536);
        let silent = RuleChange { audit_session: Change::To(false), ..RuleChange::default() };
        let changed = change(&world, (policy.id, policy.rules[0].id), silent).await.unwrap();
        assert!(!changed.detail.rule.audit_session);
        let restored = policies::versions::restore(&world.test.app, &world.admin, policy.id, 1, Edit::default());
        assert!(restored.await.unwrap().policy.rules[0].audit_session);
    }

    async fn a_policy_grows_no_larger_than_what_can_be_sent_at_once(db: &TestStore) {
        let world = World::new(db).await;
        let large = format!("permit (principal, action, resource) when {{ context.day_of_week != \"{}\" }};", "x".repeat(60_000));
        let policy = world.policy(auto(), &large.repeat(17)).await.policy;
        let (app, once, one_more) = (&world.test.app, Once::unkeyed(), (text(&large), None));
        let refused = rules::add(app, &world.admin, &once, policy.id, one_more, Edit::default()).await;
        assert_eq!(code(refused), ErrorCode::Conflict);
        add(&world, policy.id, PERMIT_ALL, None).await;
    }

    async fn another_text_takes_along_what_it_said_and_leaves_what_was_said_beside_it(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), &format!("{WRITTEN}\n{PERMIT_ALL}")).await.policy;
        let beside = RuleChange {
            notice: Change::To(Some("beside".parse().unwrap())),
            audit_session: Change::To(false),
            ..RuleChange::default()
        };
        let (said, other) = ((policy.id, policy.rules[0].id), (policy.id, policy.rules[1].id));
        change(&world, other, beside).await.unwrap();
        let written = |text: &str| RuleChange { text: Change::To(text.to_owned()), ..RuleChange::default() };
        let plain = "permit (principal, action, resource is AwsAccount);";
        assert_eq!(change(&world, said, written(plain)).await.unwrap().detail.rule.notice, None);
        let kept = change(&world, other, written(plain)).await.unwrap().detail.rule;
        assert_eq!((kept.notice.unwrap().as_str(), kept.audit_session), ("beside", false));
        let saying = format!("@notice(\"mine\")@audit_session(\"true\"){plain}");
        let told = change(&world, other, written(&saying)).await.unwrap().detail.rule;
        assert_eq!((told.notice.unwrap().as_str(), told.audit_session), ("mine", true));
        for broken in ["permit (", "", "@audit_session(\"no\") permit (principal, action, resource);"] {
            assert_eq!(code(change(&world, said, written(broken)).await), ErrorCode::PolicyInvalid, "{broken}");
        }
    }

    async fn rules_are_reordered_whole_or_not_at_all(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), &PERMIT_ALL.repeat(3)).await.policy;
        let foreign = world.policy(auto(), PERMIT_ALL).await.policy.rules[0].id;
        let ids: Vec<RuleId> = policy.rules.iter().map(|rule| rule.id).collect();
        let order = async |ids: Vec<RuleId>, edit| {
            policies::reorder_rules(&world.test.app, &world.admin, policy.id, &ids, edit).await
        };
        let turned = order(vec![ids[2], ids[0], ids[1]], at_version(1)).await.unwrap().policy;
        let now: Vec<(RuleId, u32)> = turned.rules.iter().map(|rule| (rule.id, rule.ordinal)).collect();
        assert_eq!(now, [(ids[2], 0), (ids[0], 1), (ids[1], 2)]);
        assert_eq!(turned.version, 2);
        let Err(AppError::Conflict { details, .. }) = order(vec![ids[0], foreign, ids[1]], Edit::default()).await
        else {
            panic!("a list that is not whole is refused");
        };
        assert_eq!(details["missing"], serde_json::json!([ids[2]]));
        assert_eq!(details["unknown"], serde_json::json!([foreign]));
        assert_eq!(fields(order(vec![ids[0], ids[0], ids[1]], Edit::default()).await), ["ids"]);
        assert_eq!(present_version(order(ids.clone(), at_version(1)).await), 2);
        assert_eq!(read(&world, policy.id).await, turned);
    }

    async fn statements_that_are_written_again_stay_the_rules_that_they_are(db: &TestStore) {
        let world = World::new(db).await;
        let kept = "@id(\"kept\") permit (principal, action, resource);";
        let policy = world.policy(auto(), &format!("{PERMIT_ALL}\n{kept}\n{PERMIT_ALL}")).await.policy;
        let set = format!("{kept}\nforbid (principal, action, resource) when {{ false }};\n{PERMIT_ALL}");
        let other = PolicyChange { policy_set: Change::To(set), ..PolicyChange::default() };
        let now = policies::change(&world.test.app, &world.admin, policy.id, other).await.unwrap().policy;
        assert_eq!(now.rules[0].id, policy.rules[1].id);
        assert_eq!(now.rules[0].created_at, policy.rules[1].created_at);
        assert!(policy.rules.iter().all(|rule| rule.id != now.rules[1].id));
        assert_eq!(now.rules[2].id, policy.rules[0].id);
        assert_eq!(read(&world, policy.id).await, now);
    }

    async fn of_two_who_edit_what_they_read_one_wins_and_nothing_is_lost(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), PERMIT_ALL).await.policy;
        let named = |name: &str| PolicyChange {
            name: Change::To(name.parse().unwrap()),
            edit: at_version(1),
            ..PolicyChange::default()
        };
        let (app, admin) = (&world.test.app, &world.admin);
        let once = Once::unkeyed();
        let (one, other) = tokio::join!(
            policies::change(app, admin, policy.id, named("one")),
            rules::add(app, admin, &once, policy.id, (text(PERMIT_ALL), None), at_version(1)),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let now = read(&world, policy.id).await;
        assert_eq!(now.version, 2);
        assert_eq!((now.name.as_str() == "one", now.rules.len()), (one.is_ok(), if one.is_ok() { 1 } else { 2 }));
        let refused = [one.map(drop), other.map(drop)].into_iter().find(Result::is_err).unwrap();
        assert_eq!(present_version(refused), 2);
        let deleted = policies::delete(app, admin, policy.id, at_version(1)).await;
        assert_eq!(present_version(deleted), 2);
    }

    async fn two_who_change_other_fields_of_one_rule_at_once_both_have_their_way(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), PERMIT_ALL).await.policy;
        let rule = (policy.id, policy.rules[0].id);
        for round in 0..10_u32 {
            let forbids = round % 2 == 0;
            let effect = FieldsChange {
                effect: Change::To(if forbids { Effect::Forbid } else { Effect::Permit }),
                ..FieldsChange::default()
            };
            let condition = format!("when {{ context.hour > {round} }}");
            let conditions =
                FieldsChange { conditions: Change::To(Some(condition.clone())), ..FieldsChange::default() };
            let of = |fields| RuleChange { fields, ..RuleChange::default() };
            let (one, other) =
                tokio::join!(change(&world, rule, of(effect)), change(&world, rule, of(conditions)));
            one.unwrap();
            other.unwrap();
            let now = rules::get(&world.test.app, &world.admin, rule.0, rule.1).await.unwrap();
            assert_eq!(now.detail.shape.effect == Effect::Forbid, forbids);
            assert_eq!(now.detail.shape.conditions, Some(condition));
            assert_eq!(now.version, 3 + 2 * round);
        }
    }

    async fn rules_of_another_policy_and_another_tenant_are_nowhere(db: &TestStore) {
        let world = World::new(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let theirs = other.policy(auto(), PERMIT_ALL).await.policy;
        let (own, beside) = (
            world.policy(auto(), PERMIT_ALL).await.policy,
            world.policy(auto(), PERMIT_ALL).await.policy,
        );
        let (app, admin) = (&world.test.app, &world.admin);
        for (policy, rule) in [
            (own.id, beside.rules[0].id),
            (own.id, theirs.rules[0].id),
            (theirs.id, theirs.rules[0].id),
        ] {
            assert_eq!(code(rules::get(app, admin, policy, rule).await), ErrorCode::NotFound);
            assert_eq!(code(change(&world, (policy, rule), RuleChange::default()).await), ErrorCode::NotFound);
            assert_eq!(code(rules::remove(app, admin, policy, rule, Edit::default()).await), ErrorCode::NotFound);
        }
        assert_eq!(code(rules::list(app, admin, theirs.id, PageRequest::default()).await), ErrorCode::NotFound);
        let once = Once::unkeyed();
        let added = rules::add(app, admin, &once, theirs.id, (text("nonsense"), None), Edit::default());
        assert_eq!(code(added.await), ErrorCode::NotFound);
        let approver = world.person("ada", BuiltInRole::Approver, None).await;
        assert!(rules::get(app, &approver, own.id, own.rules[0].id).await.is_ok());
        let added = rules::add(app, &approver, &once, own.id, (text(PERMIT_ALL), None), Edit::default());
        assert_eq!(code(added.await), ErrorCode::Forbidden);
    }
}
