//! Rates.

use curfew_sim::Limits;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{Acme, Caller, still};

#[tokio::test]
async fn all_identity_center_operations_share_twenty_calls_a_second() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    sim.control().behave(|behaviour| behaviour.limits = Limits::published());
    let named = json!({ "InstanceArn": acme.instance });
    for _ in 0..10 {
        caller.sso("ListInstances", &json!({})).await.ok();
        caller.sso("ListPermissionSets", &named).await.ok();
    }
    let throttled = (400, "ThrottlingException".to_owned());
    assert_eq!(caller.sso("ListPermissionSets", &named).await.refusal(), throttled);
    let store = json!({ "IdentityStoreId": acme.store });
    caller.store("ListUsers", &store).await.ok();

    sim.control().advance(SignedDuration::from_millis(50));
    caller.sso("ListPermissionSets", &named).await.ok();
    assert_eq!(caller.sso("ListInstances", &json!({})).await.refusal(), throttled);
}

#[tokio::test]
async fn each_identity_store_operation_has_twenty_calls_a_second_of_its_own() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    sim.control().behave(|behaviour| behaviour.limits = Limits::published());
    let store = json!({ "IdentityStoreId": acme.store });
    for _ in 0..20 {
        caller.store("ListUsers", &store).await.ok();
    }
    assert_eq!(caller.store("ListUsers", &store).await.refusal().1, "ThrottlingException");
    caller.store("ListGroups", &store).await.ok();
}

#[tokio::test]
async fn organizations_has_too_many_requests_by_operation() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    sim.control().behave(|behaviour| behaviour.limits = Limits::published());
    for _ in 0..12 {
        caller.organizations("ListAccounts", &json!({})).await.ok();
    }
    let refusal = caller.organizations("ListAccounts", &json!({})).await.refusal();
    assert_eq!(refusal, (400, "TooManyRequestsException".to_owned()));
    caller.organizations("ListRoots", &json!({})).await.ok();
}

#[tokio::test]
async fn sts_says_throttling() {
    let sim = still().await;
    sim.control().behave(|behaviour| behaviour.limits.sts = Some(curfew_sim::Rate::new(1.0, 1.0)));
    let curfew = Caller::curfew(&sim);
    assert_eq!(curfew.sts("GetCallerIdentity", &[]).await.status, 200);
    let reply = curfew.sts("GetCallerIdentity", &[]).await;
    assert_eq!(reply.refusal(), (400, "Throttling".to_owned()));
    assert_eq!(reply.tag("Message"), "Rate exceeded");
}

#[tokio::test]
async fn without_limits_nothing_is_throttled() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    for _ in 0..60 {
        caller.sso("ListInstances", &json!({})).await.ok();
    }
}
