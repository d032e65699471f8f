//! Policies as decisions read them.

use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{DoneBy, PolicyId, RuleId, Seconds};
use curfew_store::on_both_databases;
use curfew_store::testing::World;

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
        unit.replace_rules(&second).await.unwrap();
        unit.update_policy(&second, DoneBy::System).await.unwrap();
        unit.commit().await.unwrap();

        assert_eq!(reading.policies_with_rules().await.unwrap(), std::slice::from_ref(&first));
        assert_eq!(reading.policy(first.id).await.unwrap(), Some(first));
        assert_eq!(reading.versions().await.unwrap(), version);
        drop(reading);
        let reading = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(reading.policies_with_rules().await.unwrap(), [second]);
        assert!(reading.versions().await.unwrap().rules > version.rules);
    }
}
