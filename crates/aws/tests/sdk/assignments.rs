//! Giving access and taking it away: what each answer, and each lack of one, means.

use std::sync::Arc;

use curfew_aws::{Assignee, Assignments, AwsErrorKind, AwsGateway, CallStatus};
use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome};
use curfew_sim::world::MissingDeletion;
use curfew_sim::{Behaviour, Fault, FaultKind, Instance, SimControl, World};
use jiff::SignedDuration;

use crate::support::{Aws, access, region};

const PROD: &str = "100000000003";

fn acme(world: &World) -> &Instance {
    &world.organizations[0].instances[0]
}

pub(crate) fn key(aws: &Aws, account: &str, set: &str) -> AssignmentKey {
    let world = aws.control().world();
    let instance = acme(&world);
    AssignmentKey {
        instance: instance.arn.parse().unwrap(),
        region: region(),
        identity_store: instance.identity_store_id.parse().unwrap(),
        account: account.parse().unwrap(),
        permission_set: instance.permission_set_named(set).unwrap().arn.parse().unwrap(),
        principal: instance.user_by_email("alice@acme.example").unwrap().id.parse().unwrap(),
    }
}

/// A stand-in whose changes end when the test says so, and the port to it.
async fn slow() -> (Aws, Arc<dyn Assignments>) {
    let aws = Aws::impatient().await;
    aws.control().set_behaviour(Behaviour { assignment_ms: 60_000, ..Behaviour::default() });
    let assignments = aws.gateway.assignments(&access()).await.unwrap();
    (aws, assignments)
}

fn let_changes_end(control: &SimControl) {
    control.advance(SignedDuration::from_secs(60));
}

fn id_of(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Accepted { aws_request_id } => aws_request_id,
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn changes_are_sent_by_the_time_that_aws_has_however_far_off_the_machine_is() {
    for hours in [-5, 5, 0] {
        let aws = Aws::demo().await;
        aws.control().run_clock_at_offset(SignedDuration::from_hours(hours));
        let assignments = aws.gateway.assignments(&access()).await.unwrap();
        let key = key(&aws, PROD, "ReadOnly");
        assignments.list(&key.instance, &key.account, &key.permission_set).await.unwrap();
        let made = assignments.create(&key).await;
        assert!(matches!(made, CallOutcome::Accepted { .. }), "{hours} h: {made:?}");
        let_changes_end(aws.control());
        let taken = assignments.delete(&key).await;
        assert!(matches!(taken, CallOutcome::Accepted { .. }), "{hours} h: {taken:?}");
        let_changes_end(aws.control());
    }
}

#[tokio::test]
async fn access_is_given_seen_and_taken_back() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    let list = || assignments.list(&key.instance, &key.account, &key.permission_set);
    let status = |kind, id: String| {
        let (assignments, instance) = (assignments.clone(), key.instance.clone());
        async move { assignments.status(&instance, kind, &id).await.unwrap() }
    };
    assert_eq!(list().await.unwrap(), []);
    let created = id_of(assignments.create(&key).await);
    assert_eq!(status(CallKind::Create, created.clone()).await, CallStatus::Working);
    let_changes_end(aws.control());
    assert_eq!(status(CallKind::Create, created).await, CallStatus::Ended(CallOutcome::Succeeded));
    assert_eq!(list().await.unwrap(), [Assignee::User(key.principal.clone())]);
    let deleted = id_of(assignments.delete(&key).await);
    let_changes_end(aws.control());
    assert_eq!(status(CallKind::Delete, deleted).await, CallStatus::Ended(CallOutcome::Succeeded));
    assert_eq!(list().await.unwrap(), []);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_done_whether_aws_says_so_now_or_later() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    assert_eq!(assignments.delete(&key).await, CallOutcome::NoSuchEntitlement);
    aws.control().behave(|behaviour| behaviour.observed.missing_deletion = MissingDeletion::FailsLater);
    let deleted = id_of(assignments.delete(&key).await);
    let_changes_end(aws.control());
    let status = assignments.status(&key.instance, CallKind::Delete, &deleted).await.unwrap();
    assert_eq!(status, CallStatus::Ended(CallOutcome::NoSuchEntitlement));
}

#[tokio::test]
async fn a_second_change_of_the_account_is_tried_again() {
    let (aws, assignments) = slow().await;
    id_of(assignments.create(&key(&aws, PROD, "ReadOnly")).await);
    let outcome = assignments.create(&key(&aws, PROD, "PowerUser")).await;
    assert!(matches!(outcome, CallOutcome::Again { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_set_that_can_not_be_managed_from_here_is_refused() {
    let (aws, assignments) = slow().await;
    let outcome = assignments.create(&key(&aws, "100000000001", "OrgAdmin")).await;
    let CallOutcome::Refused { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("AccessDeniedException"), "{reason}");
}

async fn outcomes_under(fault: FaultKind) -> (CallOutcome, CallOutcome) {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    aws.control().inject(Fault::on("CreateAccountAssignment", fault.clone()));
    aws.control().inject(Fault::on("DeleteAccountAssignment", fault));
    let outcomes = (assignments.create(&key).await, assignments.delete(&key).await);
    for operation in ["CreateAccountAssignment", "DeleteAccountAssignment"] {
        assert_eq!(aws.control().calls_of(operation).len(), 1, "{operation} is sent once");
    }
    outcomes
}

#[tokio::test]
async fn what_was_not_done_for_now_is_tried_again() {
    let conflict = FaultKind::Error {
        code: "ConflictException".to_owned(),
        status: 400,
        message: "the previous write did not have time to propagate".to_owned(),
    };
    for fault in [FaultKind::Throttle, conflict] {
        let (created, deleted) = outcomes_under(fault.clone()).await;
        assert!(matches!(created, CallOutcome::Again { .. }), "{fault:?}: {created:?}");
        assert!(matches!(deleted, CallOutcome::Again { .. }), "{fault:?}: {deleted:?}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_unknown() {
    for fault in [
        FaultKind::LoseReply,
        FaultKind::DropConnection,
        FaultKind::GarbleReply,
        FaultKind::Garbage,
        FaultKind::DelayReply { ms: 5_000 },
        FaultKind::ServerError { status: 500 },
    ] {
        let (created, deleted) = outcomes_under(fault.clone()).await;
        assert!(matches!(created, CallOutcome::Unknown { .. }), "{fault:?}: {created:?}");
        assert!(matches!(deleted, CallOutcome::Unknown { .. }), "{fault:?}: {deleted:?}");
    }
}

#[tokio::test]
async fn what_was_never_sent_is_tried_again() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    aws.sim.stop().await;
    let outcome = assignments.create(&key).await;
    assert!(matches!(outcome, CallOutcome::Again { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_creation_that_fails_later_is_refused_or_tried_again_by_its_reason() {
    for (reason, again) in [
        ("Received a 404 status error: the USER assignee u was not found in directory d", false),
        ("Received a 500 status error: Internal error", true),
    ] {
        let (aws, assignments) = slow().await;
        let key = key(&aws, PROD, "ReadOnly");
        let fail = FaultKind::FailChange { reason: reason.to_owned() };
        aws.control().inject(Fault::on("CreateAccountAssignment", fail));
        let created = id_of(assignments.create(&key).await);
        let_changes_end(aws.control());
        let status = assignments.status(&key.instance, CallKind::Create, &created).await.unwrap();
        let CallStatus::Ended(outcome) = status else { panic!("{status:?}") };
        let expected = if again {
            CallOutcome::Again { reason: reason.to_owned() }
        } else {
            CallOutcome::Refused { reason: reason.to_owned() }
        };
        assert_eq!(outcome, expected);
    }
}

#[tokio::test]
async fn a_request_that_aws_has_forgotten_is_unknown() {
    let (aws, assignments) = slow().await;
    let instance = key(&aws, PROD, "ReadOnly").instance;
    let status = assignments
        .status(&instance, CallKind::Create, "0192f0c1-7a3b-7c4d-8e5f-0123456789ab")
        .await
        .unwrap();
    assert!(matches!(status, CallStatus::Ended(CallOutcome::Unknown { .. })), "{status:?}");
}

#[tokio::test]
async fn an_ended_session_is_replaced_for_the_next_try() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    aws.control().advance(SignedDuration::from_hours(2));
    let outcome = assignments.create(&key).await;
    assert!(matches!(outcome, CallOutcome::Again { .. }), "{outcome:?}");
    id_of(aws.gateway.assignments(&access()).await.unwrap().create(&key).await);
}

#[tokio::test]
async fn a_list_reads_every_page_and_tells_groups_from_people() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    let world = aws.control().world();
    let group = &acme(&world).groups[0].id;
    let assign = |kind, id: &str| curfew_sim::Assignment {
        account: PROD.to_owned(),
        permission_set: key.permission_set.to_string(),
        principal_type: kind,
        principal_id: id.to_owned(),
    };
    aws.control().assign(key.instance.as_str(), &assign(curfew_sim::PrincipalType::Group, group));
    for user in &acme(&world).users {
        aws.control().assign(key.instance.as_str(), &assign(curfew_sim::PrincipalType::User, &user.id));
    }
    aws.control().behave(|behaviour| behaviour.page_size = Some(2));
    let listed = assignments.list(&key.instance, &key.account, &key.permission_set).await.unwrap();
    assert_eq!(listed.len(), acme(&world).users.len() + 1);
    assert!(listed.contains(&Assignee::Group(group.parse().unwrap())));
    assert!(listed.contains(&Assignee::User(key.principal.clone())));
    assert!(aws.control().calls_of("ListAccountAssignments").len() > 1);
}

#[tokio::test]
async fn a_garbled_list_is_no_empty_list() {
    let (aws, assignments) = slow().await;
    let key = key(&aws, PROD, "ReadOnly");
    aws.control().inject(Fault::on("ListAccountAssignments", FaultKind::Garbage));
    let error = assignments.list(&key.instance, &key.account, &key.permission_set).await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Garbage);
}
