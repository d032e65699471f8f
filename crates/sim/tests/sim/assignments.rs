//! Creating, watching, listing and deleting assignments.

use curfew_sim::{
    Patch,
    world::{CustomerPolicy, MissingDeletion},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Acme, Caller, DEV, PROD, Reply, SUSPENDED, WEB, assignment, let_changes_end, still};

const CREATE: &str = "CreateAccountAssignment";
const DELETE: &str = "DeleteAccountAssignment";
const STRANGER: &str = "a0f287110e-00000000-0000-4000-8000-000000000000";

fn created(reply: &Reply) -> Value {
    reply.ok()["AccountAssignmentCreationStatus"].clone()
}

fn deleted(reply: &Reply) -> Value {
    reply.ok()["AccountAssignmentDeletionStatus"].clone()
}

async fn creation(caller: &Caller, acme: &Acme, status: &Value) -> Value {
    let id = &status["RequestId"];
    let named = json!({ "InstanceArn": acme.instance, "AccountAssignmentCreationRequestId": id });
    created(&caller.sso("DescribeAccountAssignmentCreationStatus", &named).await)
}

async fn deletion(caller: &Caller, acme: &Acme, status: &Value) -> Value {
    let id = &status["RequestId"];
    let named = json!({ "InstanceArn": acme.instance, "AccountAssignmentDeletionRequestId": id });
    deleted(&caller.sso("DescribeAccountAssignmentDeletionStatus", &named).await)
}

async fn listed(caller: &Caller, acme: &Acme, account: &str) -> Value {
    caller.sso("ListAccountAssignments", &acme.listing(account, &acme.read_only)).await.ok()["AccountAssignments"]
        .clone()
}

#[tokio::test]
async fn an_assignment_is_in_progress_then_there_then_in_progress_again_then_gone() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);

    let accepted = created(&caller.sso(CREATE, &change).await);
    assert_eq!(accepted["Status"], "IN_PROGRESS");
    assert_eq!(creation(&caller, &acme, &accepted).await["Status"], "IN_PROGRESS");
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));

    let_changes_end(sim.control());
    assert_eq!(creation(&caller, &acme, &accepted).await["Status"], "SUCCEEDED");
    let there = json!([{
        "AccountId": PROD,
        "PermissionSetArn": acme.read_only,
        "PrincipalType": "USER",
        "PrincipalId": acme.alice,
    }]);
    assert_eq!(listed(&caller, &acme, PROD).await, there);

    let going = deleted(&caller.sso(DELETE, &change).await);
    assert_eq!(going["Status"], "IN_PROGRESS");
    assert_eq!(listed(&caller, &acme, PROD).await, there);
    let_changes_end(sim.control());
    assert_eq!(deletion(&caller, &acme, &going).await["Status"], "SUCCEEDED");
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));
}

#[tokio::test]
async fn a_duplicate_creation_succeeds_and_changes_nothing() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    for _ in 0..2 {
        let accepted = created(&caller.sso(CREATE, &change).await);
        let_changes_end(sim.control());
        assert_eq!(creation(&caller, &acme, &accepted).await["Status"], "SUCCEEDED");
    }
    assert_eq!(listed(&caller, &acme, PROD).await.as_array().unwrap().len(), 1);

    sim.control().behave(|behaviour| behaviour.observed.duplicates_succeed = false);
    assert_eq!(caller.sso(CREATE, &change).await.refusal(), (400, "ConflictException".to_owned()));
}

#[tokio::test]
async fn an_unknown_principal_is_accepted_and_fails_later() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, STRANGER);
    let accepted = created(&caller.sso(CREATE, &change).await);
    let_changes_end(sim.control());
    let ended = creation(&caller, &acme, &accepted).await;
    assert_eq!(ended["Status"], "FAILED");
    let reason = ended["FailureReason"].as_str().unwrap();
    assert!(reason.starts_with("Received a 404 status error: the USER assignee"), "{reason}");
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));

    sim.control().behave(|behaviour| behaviour.observed.unknown_principals_fail_later = false);
    assert_eq!(caller.sso(CREATE, &change).await.refusal().1, "ResourceNotFoundException");
}

#[tokio::test]
async fn deleting_what_is_not_there_is_refused_or_fails_later() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    assert_eq!(caller.sso(DELETE, &change).await.refusal(), (400, "ResourceNotFoundException".to_owned()));

    sim.control().behave(|behaviour| behaviour.observed.missing_deletion = MissingDeletion::FailsLater);
    let accepted = deleted(&caller.sso(DELETE, &change).await);
    let_changes_end(sim.control());
    let ended = deletion(&caller, &acme, &accepted).await;
    let reason = ended["FailureReason"].as_str().unwrap();
    assert!(reason.starts_with("Received a 404 status error: EntitlementItem doesn't exist"), "{reason}");
}

#[tokio::test]
async fn a_deleted_users_assignment_stays_although_its_deletion_says_not_found() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let standing = assignment(PROD, &acme.read_only, &acme.alice);
    sim.control().assign(&acme.instance, &standing);
    sim.control().apply(Patch::DeleteUser { user: acme.alice.clone() }).unwrap();
    let change = acme.change(PROD, &acme.read_only, &acme.alice);

    let accepted = deleted(&caller.sso(DELETE, &change).await);
    let_changes_end(sim.control());
    let ended = deletion(&caller, &acme, &accepted).await;
    assert_eq!(ended["Status"], "FAILED");
    assert!(ended["FailureReason"].as_str().unwrap().contains("was not found in directory"));
    assert_eq!(listed(&caller, &acme, PROD).await.as_array().unwrap().len(), 1);

    sim.control().behave(|behaviour| behaviour.observed.deleted_users_keep_assignments = false);
    caller.sso(DELETE, &change).await.ok();
    let_changes_end(sim.control());
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));
}

#[tokio::test]
async fn an_account_takes_one_change_at_a_time() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    caller.sso(CREATE, &acme.change(PROD, &acme.read_only, &acme.alice)).await.ok();
    let same_account = acme.change(PROD, &acme.power_user, &acme.bob);
    assert_eq!(caller.sso(CREATE, &same_account).await.refusal(), (400, "ConflictException".to_owned()));
    caller.sso(CREATE, &acme.change(WEB, &acme.read_only, &acme.alice)).await.ok();

    sim.control().behave(|behaviour| behaviour.observed.one_change_per_account = false);
    caller.sso(CREATE, &same_account).await.ok();
    let racing = caller.sso(DELETE, &acme.change(PROD, &acme.power_user, &acme.bob)).await;
    assert_eq!(racing.refusal().1, "ConflictException", "it is not assigned yet, and about to be");
    let_changes_end(sim.control());
    caller.sso(DELETE, &same_account).await.ok();
    assert_eq!(caller.sso(CREATE, &same_account).await.refusal().1, "ConflictException");
}

#[tokio::test]
async fn a_sixteenth_outstanding_creation_is_throttled() {
    let sim = still().await;
    sim.control()
        .edit(|world| {
            for n in 0..16 {
                let id = format!("1000000001{n:02}");
                let organization = world.organizations[0].clone();
                world.organizations[0] = organization.with_account(&id, &format!("acme-extra-{n}"), None);
            }
        })
        .unwrap();
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let create = |n: usize| acme.change(&format!("1000000001{n:02}"), &acme.read_only, &acme.alice);
    for n in 0..15 {
        caller.sso(CREATE, &create(n)).await.ok();
    }
    assert_eq!(caller.sso(CREATE, &create(15)).await.refusal(), (400, "ThrottlingException".to_owned()));
    sim.control().behave(|behaviour| behaviour.observed.outstanding_creations_throttle = false);
    assert_eq!(caller.sso(CREATE, &create(15)).await.refusal().1, "ServiceQuotaExceededException");
    let_changes_end(sim.control());
    caller.sso(CREATE, &create(15)).await.ok();
}

#[tokio::test]
async fn lists_may_lag_behind_the_truth_both_ways() {
    let sim = still().await;
    sim.control().behave(|behaviour| behaviour.list_lag_ms = 60_000);
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    let minute = SignedDuration::from_secs(60);

    caller.sso(CREATE, &change).await.ok();
    let_changes_end(sim.control());
    assert_eq!(sim.control().assignments().len(), 1);
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));
    sim.control().advance(minute);
    assert_eq!(listed(&caller, &acme, PROD).await.as_array().unwrap().len(), 1);

    caller.sso(DELETE, &change).await.ok();
    let_changes_end(sim.control());
    assert!(sim.control().assignments().is_empty());
    assert_eq!(listed(&caller, &acme, PROD).await.as_array().unwrap().len(), 1);
    sim.control().advance(minute);
    assert_eq!(listed(&caller, &acme, PROD).await, json!([]));
}

#[tokio::test]
async fn a_creation_fails_where_the_account_cannot_take_the_role() {
    let sim = still().await;
    sim.control()
        .edit(|world| {
            let policy = CustomerPolicy { name: "TeamPolicy".to_owned(), missing_in: vec![WEB.to_owned()] };
            let instance = &mut world.organizations[0].instances[0];
            instance.permission_sets.iter_mut().for_each(|set| set.customer_policies.push(policy.clone()));
            world.account_mut(DEV).unwrap().role_quota_reached = true;
        })
        .unwrap();
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    for (account, says) in
        [(WEB, "Not supported policy"), (DEV, "RolesPerAccount"), (SUSPENDED, "not active")]
    {
        let accepted =
            created(&caller.sso(CREATE, &acme.change(account, &acme.read_only, &acme.alice)).await);
        let_changes_end(sim.control());
        let ended = creation(&caller, &acme, &accepted).await;
        assert_eq!(ended["Status"], "FAILED", "{account}");
        assert!(ended["FailureReason"].as_str().unwrap().contains(says), "{ended}");
    }
}

#[tokio::test]
async fn groups_are_assigned_like_users() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let mut change = acme.change(PROD, &acme.read_only, &acme.engineering);
    change["PrincipalType"] = json!("GROUP");
    caller.sso(CREATE, &change).await.ok();
    let_changes_end(sim.control());
    assert_eq!(listed(&caller, &acme, PROD).await[0]["PrincipalType"], "GROUP");
}

#[tokio::test]
async fn status_lists_hold_status_id_and_date_alone() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    let first = created(&caller.sso(CREATE, &change).await);
    let_changes_end(sim.control());
    caller.sso(CREATE, &acme.change(WEB, &acme.read_only, STRANGER)).await.ok();
    let_changes_end(sim.control());
    let going = deleted(&caller.sso(DELETE, &change).await);

    let of = |filter: Option<&str>| match filter {
        Some(status) => json!({ "InstanceArn": acme.instance, "Filter": { "Status": status } }),
        None => json!({ "InstanceArn": acme.instance, "MaxResults": 1 }),
    };
    let operation = "ListAccountAssignmentCreationStatus";
    let (all, pages) = caller.all_pages(operation, &of(None), "AccountAssignmentsCreationStatus").await;
    assert_eq!((all.len(), pages), (2, 2));
    let succeeded = caller.sso(operation, &of(Some("SUCCEEDED"))).await.ok();
    let expected = json!([{
        "Status": "SUCCEEDED", "RequestId": first["RequestId"], "CreatedDate": first["CreatedDate"],
    }]);
    assert_eq!(succeeded["AccountAssignmentsCreationStatus"], expected);
    let open = caller.sso("ListAccountAssignmentDeletionStatus", &of(Some("IN_PROGRESS"))).await.ok();
    assert_eq!(open["AccountAssignmentsDeletionStatus"][0]["RequestId"], going["RequestId"]);
}

#[tokio::test]
async fn an_unknown_request_or_one_of_the_other_kind_is_not_found() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let accepted = created(&caller.sso(CREATE, &acme.change(PROD, &acme.read_only, &acme.alice)).await);
    let as_deletion =
        json!({ "InstanceArn": acme.instance, "AccountAssignmentDeletionRequestId": accepted["RequestId"] });
    let reply = caller.sso("DescribeAccountAssignmentDeletionStatus", &as_deletion).await;
    assert_eq!(reply.refusal(), (400, "ResourceNotFoundException".to_owned()));
}

#[tokio::test]
async fn the_parameters_of_a_change_are_validated() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let good = acme.change(PROD, &acme.read_only, &acme.alice);
    let bad = [
        ("TargetType", "AWS_OU", "ValidationException"),
        ("PrincipalType", "ROBOT", "ValidationException"),
        ("PrincipalId", "alice", "ValidationException"),
        ("TargetId", "12", "ValidationException"),
        ("PermissionSetArn", "ReadOnly", "ValidationException"),
        ("TargetId", "999999999999", "ResourceNotFoundException"),
    ];
    for (member, value, code) in bad {
        let mut change = good.clone();
        change[member] = json!(value);
        assert_eq!(caller.sso(CREATE, &change).await.refusal(), (400, code.to_owned()), "{member}");
    }
    for member in
        ["InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId"]
    {
        let mut change = good.clone();
        change.as_object_mut().unwrap().remove(member);
        assert_eq!(caller.sso(CREATE, &change).await.refusal().1, "ValidationException", "{member}");
    }
}

#[tokio::test]
async fn a_deletion_that_races_its_own_creation_meets_the_conflict() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    caller.sso(CREATE, &change).await.ok();
    let racing = caller.sso(DELETE, &change).await;
    assert_eq!(racing.refusal(), (400, "ConflictException".to_owned()));
    let_changes_end(sim.control());
    caller.sso(DELETE, &change).await.ok();
}
