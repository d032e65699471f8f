//! What `audit verify` finds where somebody wrote the database behind Curfew.

use std::sync::Arc;

use curfew_app::policies::{Edit, PolicyChange};
use curfew_app::{audit, policies};
use curfew_domain::{BuiltInRole, Change, PolicyId, Scope};
use curfew_store::testing::TestStore;
use curfew_store::{Backend, on_both_databases};
use uuid::Uuid;

use crate::world::*;

const FORBID_ALL: &str = "forbid (principal, action, resource);";

async fn verify(world: &World) -> Arc<audit::Verification> {
    let mut auditor = world.admin.clone();
    auditor.scopes = [Scope::AuditRead].into_iter().collect();
    audit::verify(&world.test.app, &auditor).await.unwrap()
}

/// The words of the one thing that was found.
async fn one_finding(world: &World) -> String {
    let found = verify(world).await;
    assert_eq!(found.findings.len(), 1, "{found:?}");
    found.findings[0].to_string()
}

/// Keeps the policies as they are, for whoever puts them back.
async fn copy_policies(db: &TestStore) {
    db.tamper(
        "CREATE TABLE kept AS SELECT * FROM policy; CREATE TABLE kept_rule AS SELECT * FROM policy_rule",
    )
    .await;
}

async fn put_back(db: &TestStore) {
    db.tamper(
        "DELETE FROM policy;
         INSERT INTO policy SELECT * FROM kept; INSERT INTO policy_rule SELECT * FROM kept_rule;",
    )
    .await;
}

/// A second policy like `made`, with its version, as somebody who knows the program would put it in.
async fn forge_another(db: &TestStore, made: PolicyId) -> PolicyId {
    let forged = PolicyId::from_uuid(Uuid::from_u128(77));
    let (id, body) = match db.store.backend() {
        Backend::Sqlite => {
            (format!("x'{}'", forged.uuid().simple()), format!("REPLACE(body, '{made}', '{forged}')"))
        }
        Backend::Postgres => {
            (format!("'{forged}'"), format!("REPLACE(body::text, '{made}', '{forged}')::jsonb"))
        }
    };
    db.tamper(&format!(
        "CREATE TABLE kept AS SELECT * FROM policy;
         UPDATE kept SET id = {id};
         INSERT INTO policy SELECT * FROM kept;
         INSERT INTO policy_version SELECT tenant_id, {id}, version, {body}, changed, made_by, made_at, change_reason
         FROM policy_version;"
    ))
    .await;
    forged
}

on_both_databases! {
    async fn a_policy_that_was_put_in_with_its_version_is_found(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        assert!(verify(&world).await.is_sound());
        let forged = forge_another(db, made).await;
        let found = one_finding(&world).await;
        assert!(found.starts_with(&format!("policy {forged} was put in")), "{found}");
    }

    async fn a_policy_that_was_put_back_after_it_was_deleted_is_found(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        copy_policies(db).await;
        policies::delete(&world.test.app, &world.admin, made, Edit::default()).await.unwrap();
        assert!(verify(&world).await.is_sound());
        put_back(db).await;
        let found = one_finding(&world).await;
        assert!(found.starts_with(&format!("policy {made} was put in")), "{found}");
    }

    async fn a_policy_that_was_taken_away_is_found(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), FORBID_ALL).await.policy.id;
        db.tamper("DELETE FROM policy").await;
        let found = one_finding(&world).await;
        assert_eq!(found, format!("policy {made}, last logged as its version 1, was taken away"));
    }

    async fn a_policy_that_was_set_back_to_an_earlier_version_is_found(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        copy_policies(db).await;
        let forbidding =
            PolicyChange { policy_set: Change::To(FORBID_ALL.to_owned()), ..PolicyChange::default() };
        policies::change(&world.test.app, &world.admin, made, forbidding).await.unwrap();
        assert!(verify(&world).await.is_sound());
        put_back(db).await;
        let found = one_finding(&world).await;
        assert_eq!(found, format!("policy {made} is not what was logged as its version 2"));
    }

    async fn a_policy_that_can_not_be_read_is_found_and_the_rest_is_walked(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy.id;
        world.policy(auto(), FORBID_ALL).await;
        let id = match db.store.backend() {
            Backend::Sqlite => format!("x'{}'", made.uuid().simple()),
            Backend::Postgres => format!("'{made}'"),
        };
        db.tamper(&format!("UPDATE policy SET name = '' WHERE id = {id}")).await;
        let found = one_finding(&world).await;
        assert_eq!(found, format!("policy {made} is not what was logged as its version 1"));
    }

    async fn entries_that_are_not_sealed_yet_tell_of_policies_too(db: &TestStore) {
        let world = World::new(db).await;
        let kept = world.policy(auto(), PERMIT_ALL).await.policy.id;
        let deleted = world.policy(auto(), FORBID_ALL).await.policy.id;
        world.test.app.store.seal(world.tenant).await.unwrap();
        let forbidding =
            PolicyChange { policy_set: Change::To(FORBID_ALL.to_owned()), ..PolicyChange::default() };
        policies::change(&world.test.app, &world.admin, kept, forbidding).await.unwrap();
        policies::delete(&world.test.app, &world.admin, deleted, Edit::default()).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        assert!(world.submit(&alice, to_read(account(DEV))).await.is_err(), "everything is forbidden");
        let found = db.store.tenant(world.tenant).walk_audit(&[]).to_end().await.unwrap();
        assert!(found.is_sound() && found.unsealed > 2, "{found:?}");
    }

    async fn what_was_told_of_people_counts_as_erased_when_it_is_gone(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let before = verify(&world).await;
        db.tamper("UPDATE decision SET personal = NULL").await;
        let after = verify(&world).await;
        assert!(after.is_sound(), "{after:?}");
        assert_eq!((before.erased_texts, after.erased_texts), (0, 1));
    }

    async fn those_who_ask_at_once_share_a_walk_and_whoever_asks_later_gets_another(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (one, other) = tokio::join!(verify(&world), verify(&world));
        assert!(Arc::ptr_eq(&one, &other), "there was one walk");
        world.policy(auto(), FORBID_ALL).await;
        let later = verify(&world).await;
        assert_eq!((one.sealed, later.sealed), (1, 2));
    }
}
