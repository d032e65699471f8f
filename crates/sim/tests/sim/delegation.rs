//! What a delegated administrator can't do, and what the management account needs.

use curfew_sim::{
    Patch, Permissions, Role,
    world::{ACME_EXTERNAL_ID, ACME_MANAGEMENT_ROLE, CURFEW_PRINCIPAL},
};
use serde_json::json;

use crate::support::{Acme, Caller, DEV, MANAGEMENT, PROD, let_changes_end, still};

const CREATE: &str = "CreateAccountAssignment";
const DELETE: &str = "DeleteAccountAssignment";

#[tokio::test]
async fn a_set_provisioned_in_the_management_account_is_out_of_a_delegated_administrators_reach() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    for account in [MANAGEMENT, PROD] {
        let reply = caller.sso(CREATE, &acme.change(account, &acme.org_admin, &acme.alice)).await;
        assert_eq!(reply.refusal(), (400, "AccessDeniedException".to_owned()));
        assert!(reply.message().ends_with("with an explicit deny in a resource-based policy"));
    }
    sim.control().behave(|behaviour| behaviour.observed.explicit_deny_reaches_members = false);
    caller.sso(CREATE, &acme.change(PROD, &acme.org_admin, &acme.alice)).await.ok();
    let in_management = caller.sso(CREATE, &acme.change(MANAGEMENT, &acme.org_admin, &acme.alice)).await;
    assert_eq!(in_management.refusal().1, "AccessDeniedException");
}

#[tokio::test]
async fn a_set_provisioned_there_later_makes_the_deletion_fail() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    caller.sso(CREATE, &change).await.ok();
    let_changes_end(sim.control());
    let provision =
        Patch::Provision { permission_set: acme.read_only.clone(), account: MANAGEMENT.to_owned() };
    sim.control().apply(provision).unwrap();
    assert_eq!(caller.sso(DELETE, &change).await.refusal().1, "AccessDeniedException");
    Caller::management(&sim).await.sso(DELETE, &change).await.ok();
}

#[tokio::test]
async fn the_management_account_itself_wants_iam_rights() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::management(&sim).await;
    let change = acme.change(MANAGEMENT, &acme.read_only, &acme.alice);
    let permissions = Permissions::only(&["sso:*"]);
    let restrict = Patch::SetPermissions { role: ACME_MANAGEMENT_ROLE.to_owned(), permissions };
    sim.control().apply(restrict).unwrap();

    let accepted = caller.sso(CREATE, &change).await.ok()["AccountAssignmentCreationStatus"].clone();
    let_changes_end(sim.control());
    let named = json!({
        "InstanceArn": acme.instance,
        "AccountAssignmentCreationRequestId": accepted["RequestId"],
    });
    let ended = caller.sso("DescribeAccountAssignmentCreationStatus", &named).await.ok();
    let status = &ended["AccountAssignmentCreationStatus"];
    let reason = status["FailureReason"].as_str().unwrap();
    assert!(reason.starts_with("Received a 403 status error: Access denied by IAM"), "{reason}");

    sim.control().behave(|behaviour| behaviour.observed.missing_iam_rights_fail_later = false);
    assert_eq!(caller.sso(CREATE, &change).await.refusal().1, "AccessDeniedException");
    caller.sso(CREATE, &acme.change(PROD, &acme.read_only, &acme.alice)).await.ok();
}

#[tokio::test]
async fn any_other_member_account_sees_the_instance_and_the_directory_and_can_do_nothing_there() {
    let sim = still().await;
    let role = Role::new(DEV, "Member").trusting(CURFEW_PRINCIPAL).requiring_external_id(ACME_EXTERNAL_ID);
    let arn = role.arn.clone();
    sim.control().put_role(role).unwrap();
    let acme = Acme::of(sim.control());
    let member = Caller::curfew(&sim).assuming(&arn, ACME_EXTERNAL_ID).await;
    let instances = member.sso("ListInstances", &json!({})).await.ok();
    assert_eq!(instances["Instances"][0]["InstanceArn"], acme.instance);
    let refused = member.sso("ListPermissionSets", &json!({ "InstanceArn": acme.instance })).await;
    assert_eq!(refused.refusal().1, "AccessDeniedException");
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    assert_eq!(member.sso(CREATE, &change).await.refusal().1, "AccessDeniedException");
    assert_eq!(member.store("ListUsers", &json!({ "IdentityStoreId": acme.store })).await.status, 200);
    assert_eq!(member.organizations("ListAccounts", &json!({})).await.refusal().1, "AccessDeniedException");
    assert_eq!(member.organizations("DescribeOrganization", &json!({})).await.status, 200);
}
