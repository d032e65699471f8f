//! Service control policies: listed, read, changed, and refused.

use curfew_sim::world::{ACME_EXTERNAL_ID, ACME_MANAGEMENT_ROLE, CURFEW_PRINCIPAL};
use curfew_sim::{Limits, Patch, Permissions, Role, ServiceControlPolicy, SimControl, WorldError};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Caller, DEV, MANAGEMENT, PROD, SECURITY, still};

pub(crate) const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Nobody","Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"identitystore:UserId":"nobody"}}}]}"#;

/// Gives Acme a policy of this content at its root.
pub(crate) fn put(control: &SimControl, name: &str, content: &str) -> String {
    let root = control.world().organizations[0].root_id.clone();
    put_at(control, name, content, &[&root])
}

pub(crate) fn put_at(control: &SimControl, name: &str, content: &str, targets: &[&str]) -> String {
    let policy = ServiceControlPolicy::new(name, content);
    let policy = targets.iter().fold(policy, |policy, target| policy.attached_to(target));
    control.apply(Patch::PutPolicy { management_account: MANAGEMENT.to_owned(), policy }).unwrap();
    control.world().organizations[0].policy_named(name).unwrap().id.clone()
}

fn delegate(control: &SimControl) {
    let accounts = vec![SECURITY.to_owned()];
    let delegate = Patch::DelegatePolicies { management_account: MANAGEMENT.to_owned(), accounts };
    control.apply(delegate).unwrap();
}

#[tokio::test]
async fn policies_are_listed_by_type_in_pages_with_awss_own_among_them() {
    let sim = still().await;
    let first = put(sim.control(), "first", NOBODY);
    put(sim.control(), "second", NOBODY);
    sim.control().behave(|behaviour| behaviour.observed.organizations_empty_pages = true);
    let caller = Caller::delegated(&sim).await;
    let filter = json!({ "Filter": "SERVICE_CONTROL_POLICY", "MaxResults": 2 });
    let (policies, pages) = caller.all_pages("ListPolicies", &filter, "Policies").await;
    assert_eq!((policies.len(), pages), (3, 3));
    let managed = policies.iter().find(|policy| policy["Id"] == "p-FullAWSAccess").unwrap();
    assert_eq!(managed["AwsManaged"], true);
    let own = policies.iter().find(|policy| policy["Name"] == "first").unwrap();
    let arn = own["Arn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:organizations::100000000001:policy/o-"), "{arn}");
    assert!(arn.ends_with(&format!("/service_control_policy/{first}")), "{arn}");
    assert!(own.get("Content").is_none());

    sim.control().behave(|behaviour| behaviour.observed.organizations_empty_pages = false);
    let tags = caller.organizations("ListPolicies", &json!({ "Filter": "TAG_POLICY" })).await.ok();
    assert_eq!(tags["Policies"], json!([]));
    let unknown = caller.organizations("ListPolicies", &json!({ "Filter": "ANY" })).await;
    assert_eq!(unknown.refusal().1, "InvalidInputException");
    assert_eq!(caller.organizations("ListPolicies", &json!({})).await.refusal().1, "InvalidInputException");
}

#[tokio::test]
async fn a_policy_is_read_and_its_targets_are_listed_by_their_kind() {
    let sim = still().await;
    let acme = sim.control().world().organizations[0].clone();
    let unit = acme.unit_named("Prod").unwrap().id.clone();
    let id = put_at(sim.control(), "one", NOBODY, &[&acme.root_id, &unit, DEV]);
    let caller = Caller::delegated(&sim).await;
    let named = json!({ "PolicyId": id });
    let read = caller.organizations("DescribePolicy", &named).await.ok();
    assert_eq!(read["Policy"]["Content"], NOBODY);
    assert_eq!(read["Policy"]["PolicySummary"]["Name"], "one");
    let targets = |answer: Value| {
        let mut kinds: Vec<_> = answer.as_array().unwrap().iter().map(|t| t["Type"].to_string()).collect();
        kinds.sort();
        kinds
    };
    let listed = caller.organizations("ListTargetsForPolicy", &named).await.ok();
    assert_eq!(targets(listed["Targets"].clone()), ["\"ACCOUNT\"", "\"ORGANIZATIONAL_UNIT\"", "\"ROOT\""]);
    let managed = json!({ "PolicyId": "p-FullAWSAccess" });
    assert!(caller.organizations("DescribePolicy", &managed).await.ok()["Policy"]["Content"].is_string());
    let everywhere = caller.organizations("ListTargetsForPolicy", &managed).await.ok();
    assert_eq!(targets(everywhere["Targets"].clone()).len(), 1 + acme.units.len() + acme.accounts.len());
    for operation in ["DescribePolicy", "ListTargetsForPolicy"] {
        let missing = caller.organizations(operation, &json!({ "PolicyId": "p-0000000000" })).await;
        assert_eq!(missing.refusal(), (400, "PolicyNotFoundException".to_owned()));
    }
}

#[tokio::test]
async fn policies_that_are_disabled_are_detached_and_stay_so() {
    let sim = still().await;
    let named = json!({ "PolicyId": put(sim.control(), "one", NOBODY) });
    let caller = Caller::delegated(&sim).await;
    for enabled in [false, true] {
        let management_account = MANAGEMENT.to_owned();
        sim.control().apply(Patch::EnablePolicies { management_account, enabled }).unwrap();
        let listed = caller.organizations("ListTargetsForPolicy", &named).await.ok();
        assert_eq!(listed["Targets"], json!([]));
        let roots = caller.organizations("ListRoots", &json!({})).await.ok();
        assert_eq!(roots["Roots"][0]["PolicyTypes"].as_array().unwrap().len(), usize::from(enabled));
    }
}

#[tokio::test]
async fn what_is_given_is_changed_and_the_rest_stays() {
    let sim = still().await;
    let id = put(sim.control(), "one", NOBODY);
    put(sim.control(), "two", NOBODY);
    delegate(sim.control());
    let caller = Caller::delegated(&sim).await;
    let content = NOBODY.replace("nobody", "somebody");
    let changed =
        caller.organizations("UpdatePolicy", &json!({ "PolicyId": id, "Content": content })).await.ok();
    assert_eq!(changed["Policy"]["Content"], content);
    let renamed = caller
        .organizations("UpdatePolicy", &json!({ "PolicyId": id, "Name": "uno", "Description": "d" }))
        .await;
    assert_eq!(renamed.ok()["Policy"]["PolicySummary"]["Name"], "uno");
    let acme = sim.control().world().organizations[0].clone();
    let policy = acme.policy_named("uno").unwrap();
    assert_eq!((policy.content.as_str(), policy.description.as_str()), (content.as_str(), "d"));
    assert_eq!(policy.targets, std::slice::from_ref(&acme.root_id));
}

#[tokio::test]
async fn what_is_not_allowed_in_a_policy_has_its_own_error_each() {
    let sim = still().await;
    let id = put(sim.control(), "one", NOBODY);
    put(sim.control(), "two", NOBODY);
    delegate(sim.control());
    let caller = Caller::delegated(&sim).await;
    let long = format!("{NOBODY}{}", " ".repeat(10_241 - NOBODY.len()));
    for (parameters, code) in [
        (json!({ "PolicyId": id, "Content": long }), "ConstraintViolationException"),
        (json!({ "PolicyId": id, "Content": "{}" }), "MalformedPolicyDocumentException"),
        (json!({ "PolicyId": id, "Content": "" }), "InvalidInputException"),
        (json!({ "PolicyId": id, "Name": "two" }), "DuplicatePolicyException"),
        (json!({ "PolicyId": "p-0000000000", "Content": NOBODY }), "PolicyNotFoundException"),
        (json!({ "PolicyId": "p-FullAWSAccess", "Content": NOBODY }), "InvalidInputException"),
        (json!({ "Content": NOBODY }), "InvalidInputException"),
    ] {
        let reply = caller.organizations("UpdatePolicy", &parameters).await;
        assert_eq!(reply.refusal(), (400, code.to_owned()), "{parameters}");
        if code == "ConstraintViolationException" {
            assert_eq!(reply.json()["Reason"], "POLICY_CONTENT_LIMIT_EXCEEDED");
        }
    }
    let fits = format!("{NOBODY}{}", " ".repeat(10_240 - NOBODY.len()));
    caller.organizations("UpdatePolicy", &json!({ "PolicyId": id, "Content": fits })).await.ok();
}

#[tokio::test]
async fn changing_is_the_management_accounts_or_delegated_and_reading_is_every_administrators() {
    let sim = still().await;
    let named = json!({ "PolicyId": put(sim.control(), "one", NOBODY) });
    let member = Role::new(DEV, "Member").trusting(CURFEW_PRINCIPAL).requiring_external_id(ACME_EXTERNAL_ID);
    let arn = member.arn.clone();
    sim.control().put_role(member).unwrap();
    let member = Caller::curfew(&sim).assuming(&arn, ACME_EXTERNAL_ID).await;
    let delegated = Caller::delegated(&sim).await;
    let denied = (400, "AccessDeniedException".to_owned());
    assert_eq!(member.organizations("DescribePolicy", &named).await.refusal(), denied);
    delegated.organizations("DescribePolicy", &named).await.ok();
    assert_eq!(delegated.organizations("UpdatePolicy", &named).await.refusal(), denied);
    Caller::management(&sim).await.organizations("UpdatePolicy", &named).await.ok();

    let accounts = vec![DEV.to_owned()];
    let management_account = MANAGEMENT.to_owned();
    sim.control().apply(Patch::DelegatePolicies { management_account, accounts }).unwrap();
    member.organizations("DescribePolicy", &named).await.ok();
    member.organizations("UpdatePolicy", &named).await.ok();
}

#[tokio::test]
async fn the_role_needs_each_operations_permission() {
    let sim = still().await;
    let named = json!({ "PolicyId": put(sim.control(), "one", NOBODY) });
    let caller = Caller::management(&sim).await;
    let only = Permissions::only(&["organizations:DescribePolicy"]);
    let restrict = Patch::SetPermissions { role: ACME_MANAGEMENT_ROLE.to_owned(), permissions: only };
    sim.control().apply(restrict).unwrap();
    caller.organizations("DescribePolicy", &named).await.ok();
    for operation in ["ListPolicies", "ListTargetsForPolicy", "UpdatePolicy"] {
        let reply = caller.organizations(operation, &named).await;
        assert_eq!(reply.refusal().1, "AccessDeniedException");
        assert!(reply.message().contains(&format!("organizations:{operation}")));
    }
}

#[tokio::test]
async fn policies_are_changed_twice_a_second_after_a_burst_of_three() {
    let sim = still().await;
    let change = json!({ "PolicyId": put(sim.control(), "one", NOBODY), "Content": NOBODY });
    let caller = Caller::management(&sim).await;
    sim.control().behave(|behaviour| behaviour.limits = Limits::published());
    for _ in 0..3 {
        caller.organizations("UpdatePolicy", &change).await.ok();
    }
    let throttled = (400, "TooManyRequestsException".to_owned());
    assert_eq!(caller.organizations("UpdatePolicy", &change).await.refusal(), throttled);
    sim.control().advance(SignedDuration::from_millis(500));
    caller.organizations("UpdatePolicy", &change).await.ok();
    assert_eq!(caller.organizations("UpdatePolicy", &change).await.refusal(), throttled);
}

#[tokio::test]
async fn a_world_with_a_policy_that_is_none_is_refused() {
    let sim = still().await;
    let put = |content: &str, target: &str| {
        sim.control().edit(|world| {
            world.organizations[0].put_policy(ServiceControlPolicy::new("p", content).attached_to(target));
        })
    };
    assert!(matches!(put("[]", PROD), Err(WorldError::Policy { .. })));
    assert!(matches!(put(NOBODY, "100000000099"), Err(WorldError::Dangling { .. })));
    put(NOBODY, PROD).unwrap();
}
