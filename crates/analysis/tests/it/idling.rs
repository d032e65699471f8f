//! Rules that never matter.

use crate::world::*;
use curfew_analysis::{IdleRules, Idleness};
use curfew_domain::Seconds;
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

#[tokio::test]
async fn a_rule_that_brings_something_else_than_access_matters() {
    let all = |number| policy(number, 0, "permit (principal, action, resource);");
    let by_day =
        |number| policy(number, 0, "permit (principal, action, resource) when { context.hour > 8 };");
    let usually = |policy, seconds| on(policy, |terms| terms.default = Some(Seconds::of(seconds)));
    for (which, other, one, matters) in [
        ("follows", unfollowed(all(1)), by_day(2), true),
        ("does not follow", all(1), unfollowed(by_day(2)), false),
        ("tells", all(1), telling(by_day(2), "Mind the gap"), true),
        ("tells the same", telling(all(1), "Mind the gap"), telling(by_day(2), "Mind the gap"), false),
        ("tells another", telling(all(1), "Mind"), telling(by_day(2), "Mind the gap"), true),
        ("lasts shorter", usually(all(1), 1_200), usually(by_day(2), 600), true),
        ("lasts longer", usually(all(1), 1_200), usually(by_day(2), 1_800), false),
    ] {
        let told = idle(&[other, one.clone()]).await;
        assert_eq!(of(&told, &one, 0), (!matters).then_some(Idleness::Shadowed), "{which}");
    }
    let forbid =
        |number| policy(number, 0, "forbid (principal, action, resource) when { context.hour > 8 };");
    let told = idle(&[all(1), forbid(2), telling(forbid(3), "Ask Bob")]).await;
    assert_eq!(told.idle.len(), 1, "why it is forbidden is said by the other alone");
}
