//! Policies as decisions read them.

use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{DoneBy, PolicyId, RuleId, Seconds};
use curfew_store::testing::{TestStore, World};
use curfew_store::{Backend, on_both_databases};

/// A policy of one rule.
fn policy(world: &World<'_>, mode: ApprovalMode, text: &str) -> Policy {
    let now = world.now();
    let rule = PolicyRule {
        id: RuleId::new(now, &world.entropy),
        ordinal: 0,
        text: text.to_owned(),
        resolved: text.to_owned(),
        notice: None,
        audit_session: true,
        created_at: now,
    };
    Policy {
        id: PolicyId::new(now, &world.entropy),
        name: "a policy".parse().unwrap(),
        description: None,
        enabled: true,
        priority: 0,
        terms: PolicyTerms { mode, ..PolicyTerms::lasting_up_to(Seconds::of(3_600)) },
        notification_channel: None,
        rules: vec![rule],
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

on_both_databases! {
    async fn a_unit_that_reads_sees_one_moment(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let first = policy(&world, ApprovalMode::Auto, "permit (principal, action == Action::\"read\", resource);");
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.insert_policy(&first, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();

        let reading = db.store.tenant(tenant).read().await.unwrap();
        let version = reading.versions().await.unwrap();
        let second = Policy {
            id: first.id,
            version: 2,
            ..policy(&world, ApprovalMode::Require, "permit (principal, action, resource);")
        };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.save_policy(&first, &second, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();

        assert_eq!(reading.policies_with_rules().await.unwrap(), std::slice::from_ref(&first));
        assert_eq!(reading.policy(first.id).await.unwrap(), Some(first));
        assert_eq!(reading.versions().await.unwrap(), version);
        drop(reading);
        let reading = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(reading.policies_with_rules().await.unwrap(), [second]);
        assert!(reading.versions().await.unwrap().rules > version.rules);
    }

    async fn only_the_rows_of_rules_that_change_are_written(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let text = "permit (principal, action, resource);";
        let rules = (0..1_500).map(|ordinal| PolicyRule {
            id: RuleId::new(world.now(), &world.entropy),
            ordinal,
            ..policy(&world, ApprovalMode::Auto, text).rules.remove(0)
        });
        let made = Policy { rules: rules.collect(), ..policy(&world, ApprovalMode::Auto, text) };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.insert_policy(&made, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();
        let written = Written::watch(db).await;

        let mut other = Policy { version: 2, ..made.clone() };
        other.rules[700].audit_session = false;
        let last = other.rules.remove(1_499);
        other.rules.push(PolicyRule { id: RuleId::new(world.now(), &world.entropy), ordinal: 2_000, ..last });
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.save_policy(&made, &other, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(written.rows(db).await, "2");
        let reading = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(reading.policy(made.id).await.unwrap().as_ref(), Some(&other));
        assert_eq!(reading.policy_version(made.id, 2).await.unwrap().unwrap().changed, ["rules"]);
        drop(reading);

        let third = Policy { version: 3, rules: Vec::new(), ..other.clone() };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.save_policy(&other, &third, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();
        let reading = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(reading.policy(made.id).await.unwrap(), Some(third));
    }
}

/// Which rows of rules are written from a moment on.
struct Written(String);

impl Written {
    async fn watch(db: &TestStore) -> Self {
        match db.store.backend() {
            Backend::Sqlite => {
                db.tamper(
                    "CREATE TABLE written (id);
                     CREATE TRIGGER made AFTER INSERT ON policy_rule BEGIN INSERT INTO written VALUES (NEW.id); END;
                     CREATE TRIGGER changed AFTER UPDATE ON policy_rule BEGIN INSERT INTO written VALUES (NEW.id); END;",
                )
                .await;
                Self("SELECT CAST(count(*) AS TEXT) FROM written".to_owned())
            }
            Backend::Postgres => {
                let before = db.ask("SELECT min(xmin::text) FROM policy_rule").await;
                Self(format!("SELECT count(*)::text FROM policy_rule WHERE xmin::text <> '{before}'"))
            }
        }
    }

    async fn rows(&self, db: &TestStore) -> String {
        db.ask(&self.0).await
    }
}
