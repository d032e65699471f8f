//! Rules that never matter.

use crate::world::*;
use curfew_analysis::{IdleRules, Idleness};
use curfew_domain::policy::Policy;
use curfew_policy::CompiledPolicies;

async fn idle(policies: &[Policy]) -> IdleRules {
    let compiled = CompiledPolicies::new(policies);
    asked(async |known| curfew_analysis::idle_rules(known, &compiled, None).await).await.unwrap()
}

fn of(told: &IdleRules, policy: &Policy, rule: usize) -> Option<Idleness> {
    let id = policy.rules[rule].id;
    told.idle.iter().find(|idle| idle.rule == id).map(|idle| idle.how)
}

#[tokio::test]
async fn rules_that_can_not_match_are_told() {
    let one = policy(
        1,
        0,
        "permit (principal, action, resource) when { context.hour > 23 };\n\n\
         permit (principal, action, resource) when { context.hour > 22 };\n\n\
         forbid (principal, action, resource is AwsS3Bucket) when { context.hour == 23 && context.hour < 4 };",
    );
    let told = idle(std::slice::from_ref(&one)).await;
    assert_eq!(of(&told, &one, 0), Some(Idleness::Impossible));
    assert_eq!(of(&told, &one, 1), None);
    assert_eq!(of(&told, &one, 2), Some(Idleness::Impossible));
    assert!(told.untold.is_empty() && told.matter == 1);
}

#[tokio::test]
async fn rules_that_others_stand_before_are_told() {
    let high = policy(2, 10, "forbid (principal, action, resource) when { context.hour < 8 };");
    let low = policy(
        1,
        0,
        "permit (principal, action, resource) when { context.hour == 3 };\n\n\
         permit (principal, action, resource) when { context.hour == 13 };\n\n\
         permit (principal, action, resource) when { context.hour > 12 };\n\n\
         forbid (principal, action, resource) when { context.hour == 1 };",
    );
    let told = idle(&[high.clone(), low.clone()]).await;
    for (rule, how) in [(0, true), (1, true), (2, false), (3, true)] {
        assert_eq!(of(&told, &low, rule), how.then_some(Idleness::Shadowed), "{rule}");
    }
    assert_eq!(of(&told, &high, 0), None, "without it, what it shadows would count");
}

#[tokio::test]
async fn a_rule_that_makes_terms_stricter_matters() {
    let auto = policy(1, 0, "permit (principal, action, resource);");
    let people =
        requiring(policy(2, 0, "permit (principal, action, resource) when { context.hour < 8 };"), 1);
    let told = idle(&[auto.clone(), people.clone()]).await;
    assert_eq!(told.idle, Vec::new());
}
