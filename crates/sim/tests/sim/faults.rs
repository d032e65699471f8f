//! What goes wrong on demand.

use std::time::{Duration, Instant};

use curfew_sim::{CallOutcome, Fault, FaultKind};
use serde_json::json;

use crate::support::{Acme, Caller, MANAGEMENT, PROD, SECURITY, WEB, let_changes_end, still};

const CREATE: &str = "CreateAccountAssignment";

#[tokio::test]
async fn a_throttle_speaks_the_services_dialect() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    sim.control().inject(Fault::on("*", FaultKind::Throttle));
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.refusal(), (400, "Throttling".to_owned()));
    assert_eq!(caller.sso("ListInstances", &json!({})).await.refusal().1, "ThrottlingException");
    assert_eq!(caller.store("ListUsers", &json!({})).await.refusal().1, "ThrottlingException");
    assert_eq!(caller.organizations("ListRoots", &json!({})).await.refusal().1, "TooManyRequestsException");
    sim.control().clear_faults();
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.status, 200);
}

#[tokio::test]
async fn a_server_error_speaks_the_services_dialect() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    sim.control().inject(Fault::on("*", FaultKind::ServerError { status: 500 }));
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.refusal(), (500, "InternalFailure".to_owned()));
    assert_eq!(
        caller.sso("ListInstances", &json!({})).await.refusal(),
        (500, "InternalServerException".to_owned())
    );
    assert_eq!(
        caller.organizations("ListRoots", &json!({})).await.refusal(),
        (500, "ServiceException".to_owned())
    );
    sim.control().clear_faults();
    sim.control().inject(Fault::on("*", FaultKind::ServerError { status: 503 }));
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.refusal(), (503, "ServiceUnavailable".to_owned()));
}

#[tokio::test]
async fn a_fault_lets_so_many_pass_and_strikes_so_many() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    sim.control().inject(Fault::on("sso:List*", FaultKind::Throttle).after(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(caller.sso("ListInstances", &json!({})).await.status);
    }
    assert_eq!(statuses, [200, 400, 400, 200, 200]);
    assert!(sim.control().faults().is_empty());
}

#[tokio::test]
async fn a_fault_strikes_one_account_alone_as_caller_or_as_target() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let denied = FaultKind::AccessDenied { message: "not there".to_owned() };
    sim.control().inject(Fault::on(CREATE, denied).in_account(PROD));
    let reply = caller.sso(CREATE, &acme.change(PROD, &acme.read_only, &acme.alice)).await;
    assert_eq!(
        (reply.refusal().1.as_str(), reply.message().as_str()),
        ("AccessDeniedException", "not there")
    );
    caller.sso(CREATE, &acme.change(WEB, &acme.read_only, &acme.alice)).await.ok();

    sim.control().inject(Fault::on("ListInstances", FaultKind::Throttle).in_account(SECURITY));
    assert_eq!(caller.sso("ListInstances", &json!({})).await.status, 400);
    assert_eq!(Caller::management(&sim).await.sso("ListInstances", &json!({})).await.status, 200);
    sim.control().inject(Fault::on("AssumeRole", FaultKind::Throttle).in_account(MANAGEMENT));
    Caller::delegated(&sim).await;
}

#[tokio::test]
async fn a_dropped_connection_did_nothing_and_a_lost_reply_did_it() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    sim.control().inject(Fault::on(CREATE, FaultKind::DropConnection).once());
    assert!(caller.try_sso(CREATE, &change).await.is_err());
    assert!(sim.control().changes_in_progress().is_empty());

    sim.control().inject(Fault::on(CREATE, FaultKind::LoseReply).once());
    assert!(caller.try_sso(CREATE, &change).await.is_err());
    let_changes_end(sim.control());
    assert_eq!(sim.control().assignments().len(), 1);

    let outcomes: Vec<_> =
        sim.control().calls_of(CREATE).into_iter().map(|call| call.outcome.unwrap()).collect();
    assert_eq!(outcomes, [CallOutcome::Dropped, CallOutcome::ReplyLost("Answered".to_owned())]);
}

#[tokio::test]
async fn garbage_is_no_answer_and_may_hide_one() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    for (kind, begun) in [(FaultKind::Garbage, 0), (FaultKind::GarbleReply, 1)] {
        sim.control().inject(Fault::on(CREATE, kind).once());
        let reply = caller.sso(CREATE, &change).await;
        assert_eq!(reply.status, 200);
        assert!(serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
        assert_eq!(sim.control().changes_in_progress().len(), begun);
    }
}

#[tokio::test]
async fn a_late_call_is_handled_late_and_a_late_reply_was_handled_at_once() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    let patience = Duration::from_secs(30);
    for (kind, begun) in [(FaultKind::Delay { ms: 600_000 }, 0), (FaultKind::DelayReply { ms: 600_000 }, 1)] {
        sim.control().clear_faults();
        sim.control().clear_calls();
        sim.control().inject(Fault::on(CREATE, kind));
        let call = tokio::spawn({
            let (caller, change) = (caller.clone(), change.clone());
            async move { caller.try_sso(CREATE, &change).await }
        });
        assert!(sim.control().called(CREATE, 1, patience).await);
        let ended = |calls: Vec<curfew_sim::CallRecord>| calls.iter().any(|call| call.outcome.is_some());
        let asked = Instant::now();
        while begun == 1 && !ended(sim.control().calls_of(CREATE)) && asked.elapsed() < patience {
            tokio::task::yield_now().await;
        }
        assert_eq!(sim.control().changes_in_progress().len(), begun);
        assert!(!call.is_finished());
        call.abort();
    }
}

#[tokio::test]
async fn an_error_of_ones_own_is_sent_as_given() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let kind =
        FaultKind::Error { code: "TeapotException".to_owned(), status: 418, message: "short".to_owned() };
    sim.control().inject(Fault::on("ListInstances", kind).once());
    let reply = caller.sso("ListInstances", &json!({})).await;
    assert_eq!((reply.refusal(), reply.message()), ((418, "TeapotException".to_owned()), "short".to_owned()));
}

#[tokio::test]
async fn a_change_fails_or_hangs_on_demand() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    sim.control().inject(Fault::on(CREATE, FaultKind::FailChange { reason: "because".to_owned() }).once());
    let accepted = caller.sso(CREATE, &change).await.ok()["AccountAssignmentCreationStatus"].clone();
    let_changes_end(sim.control());
    let named =
        json!({ "InstanceArn": acme.instance, "AccountAssignmentCreationRequestId": accepted["RequestId"] });
    let ended = caller.sso("DescribeAccountAssignmentCreationStatus", &named).await.ok();
    assert_eq!(ended["AccountAssignmentCreationStatus"]["FailureReason"], "because");

    sim.control().inject(Fault::on(CREATE, FaultKind::HangChange).once());
    caller.sso(CREATE, &change).await.ok();
    sim.control().advance(jiff::SignedDuration::from_hours(24));
    assert_eq!(sim.control().changes_in_progress().len(), 1);
    sim.control().settle_all();
    assert_eq!(sim.control().assignments().len(), 1);
}
