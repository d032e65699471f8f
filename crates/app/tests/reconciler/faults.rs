//! What happens when AWS, the network or the process fails.

use curfew_domain::Seconds;
use curfew_domain::grant::ProvisioningStatus;
use curfew_sim::{Fault, FaultKind};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const PAYMENTS: &str = "100000000003";

const CREATE: &str = "CreateAccountAssignment";
const DELETE: &str = "DeleteAccountAssignment";
const LIST: &str = "ListAccountAssignments";

on_both! {
    an_ended_grant_is_removed_even_when_aws_lost_the_reply_to_its_creation,
    a_deletion_whose_reply_was_lost_is_seen_to_have_happened,
    a_throttled_deletion_is_tried_until_it_works,
    a_grant_tells_how_many_tries_have_failed,
    a_refused_creation_fails_the_grant_and_leaves_nothing,
    one_refused_account_undoes_the_whole_grant,
    a_grant_that_aws_never_takes_fails_after_fifteen_minutes,
    a_node_killed_while_aws_creates_leaves_nothing_behind,
    a_node_killed_while_aws_deletes_leaves_nothing_behind,
    what_was_made_is_deleted_though_aws_will_not_say_how_a_call_goes,
    a_creation_that_never_ends_keeps_no_access_alive,
    revoked_sessions_are_replaced_and_the_work_goes_on,
    a_creation_that_meets_its_lost_predecessor_is_seen_to_be_there,
    what_was_removed_by_hand_is_seen_to_be_gone_though_its_deletion_is_refused,
    a_creation_that_comes_too_late_is_not_sent,
    what_was_taken_away_whole_is_gone_though_its_deletion_was_refused,
    a_refused_deletion_is_sent_again_though_no_list_is_given,
    a_grant_of_what_aws_does_not_know_fails_at_once_and_says_why,
    a_grant_that_time_ended_is_not_said_to_have_failed_later,
}

async fn lives(stage: &Stage, seconds: u32) -> curfew_domain::GrantId {
    let grant = stage.grant(&[DEV], "ReadOnly", seconds).await;
    stage.until_it_is(grant, ProvisioningStatus::Successful).await;
    grant
}

async fn is_over(stage: &Stage, grant: curfew_domain::GrantId) {
    stage.until_it_is(grant, ProvisioningStatus::Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn an_ended_grant_is_removed_even_when_aws_lost_the_reply_to_its_creation(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::LoseReply));
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until("AWS has it", async || !stage.held().is_empty()).await;
    stage.aws().clear_faults();
    stage.pass(600);
    is_over(stage, grant).await;
}

async fn a_deletion_whose_reply_was_lost_is_seen_to_have_happened(stage: &mut Stage) {
    let grant = lives(stage, 600).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::LoseReply).once());
    stage.revoke(grant).await;
    is_over(stage, grant).await;
}

async fn a_throttled_deletion_is_tried_until_it_works(stage: &mut Stage) {
    let grant = lives(stage, 600).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::Throttle).times(5));
    stage.revoke(grant).await;
    is_over(stage, grant).await;
    assert!(stage.aws().calls_of(DELETE).len() > 5);
}

async fn a_grant_tells_how_many_tries_have_failed(stage: &mut Stage) {
    let grant = lives(stage, 600).await;
    let attempts = async || stage.view(grant).await.attempts(stage.app.now());
    assert_eq!(attempts().await, 0);
    stage.aws().inject(Fault::on(DELETE, FaultKind::Throttle));
    stage.revoke(grant).await;
    stage.until("some tries have failed", async || attempts().await >= 2).await;
    stage.aws().clear_faults();
    is_over(stage, grant).await;
    assert_eq!(attempts().await, 0);
}

async fn a_refused_creation_fails_the_grant_and_leaves_nothing(stage: &mut Stage) {
    let reason = "Received a 403 status error: Access denied by IAM".to_owned();
    stage.aws().inject(Fault::on(CREATE, FaultKind::FailChange { reason: reason.clone() }));
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, ProvisioningStatus::Failed).await;
    assert_eq!(stage.view(grant).await.grant.failure.as_deref(), Some(reason.as_str()));
    stage.pass(900);
    is_over(stage, grant).await;
    assert_eq!(stage.aws().calls_of(CREATE).len(), 1, "it is not tried again");
}

async fn one_refused_account_undoes_the_whole_grant(stage: &mut Stage) {
    let reason = "Received a 403 status error: Access denied by IAM".to_owned();
    stage.aws().inject(Fault::on(CREATE, FaultKind::FailChange { reason }).in_account(PAYMENTS));
    let grant = stage.grant(&[DEV, PAYMENTS], "ReadOnly", 600).await;
    stage.until_it_is(grant, ProvisioningStatus::Failed).await;
    stage.until("nothing is left", async || stage.held().is_empty()).await;
    stage.pass(900);
    is_over(stage, grant).await;
}

async fn a_grant_that_aws_never_takes_fails_after_fifteen_minutes(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::Throttle));
    let grant = stage.grant(&[DEV], "ReadOnly", 7_200).await;
    let decided_at = stage.view(grant).await.grant.times.decided_at;
    stage.until("it was tried", async || stage.aws().calls_of(CREATE).len() > 1).await;
    stage.pass(900);
    stage.until_it_is(grant, ProvisioningStatus::Failed).await;
    assert!(stage.clock_reads() >= decided_at + Seconds::of(900));
    stage.aws().clear_faults();
    let created = stage.aws().calls_of(CREATE).len();
    stage.pass(7_200);
    stage.until_it_is(grant, ProvisioningStatus::Revoked).await;
    assert_eq!((stage.held().len(), stage.aws().calls_of(CREATE).len()), (0, created));
}

async fn a_node_killed_while_aws_creates_leaves_nothing_behind(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::HangChange).once());
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    assert!(stage.aws().handled(CREATE, 1, std::time::Duration::from_secs(30)).await);
    stage.kill().await;
    stage.aws().settle_all();
    assert_eq!(stage.held().len(), 1, "AWS went on without the node");
    stage.start();
    stage.until_it_is(grant, ProvisioningStatus::Successful).await;
    stage.pass(600);
    is_over(stage, grant).await;
}

async fn a_node_killed_while_aws_deletes_leaves_nothing_behind(stage: &mut Stage) {
    let grant = lives(stage, 600).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::HangChange).once());
    stage.revoke(grant).await;
    assert!(stage.aws().handled(DELETE, 1, std::time::Duration::from_secs(30)).await);
    stage.kill().await;
    stage.aws().settle_all();
    stage.start();
    is_over(stage, grant).await;
}

fn denied() -> FaultKind {
    FaultKind::AccessDenied { message: "not authorized".to_owned() }
}

async fn what_was_made_is_deleted_though_aws_will_not_say_how_a_call_goes(stage: &mut Stage) {
    stage.aws().inject(Fault::on("DescribeAccountAssignmentCreationStatus", denied()));
    stage.aws().inject(Fault::on("DescribeAccountAssignmentDeletionStatus", denied()));
    let grant = lives(stage, 600).await;
    stage.pass(600);
    is_over(stage, grant).await;
}

async fn a_creation_that_never_ends_keeps_no_access_alive(stage: &mut Stage) {
    stage.aws().behave(|aws| aws.observed.one_change_per_account = false);
    let other = lives(stage, 36_000).await;
    stage.aws().inject(Fault::on(CREATE, FaultKind::HangChange).once());
    let hanging = stage.grant(&[DEV], "PowerUser", 36_000).await;
    stage.until("it hangs", async || !stage.aws().changes_in_progress().is_empty()).await;
    stage.revoke(other).await;
    stage.until_it_is(other, ProvisioningStatus::Revoked).await;
    stage.revoke(hanging).await;
    stage.until("its deletion was sent", async || stage.aws().calls_of(DELETE).len() > 1).await;
    stage.aws().settle_all();
    is_over(stage, hanging).await;
}

async fn revoked_sessions_are_replaced_and_the_work_goes_on(stage: &mut Stage) {
    let grant = lives(stage, 36_000).await;
    for (operation, sessions) in [(CREATE, 2), (DELETE, 3)] {
        stage.pass(60);
        stage.aws().inject(Fault::on(operation, denied()).once());
        if operation == CREATE {
            let second = stage.grant(&[PAYMENTS], "ReadOnly", 36_000).await;
            stage.until_it_is(second, ProvisioningStatus::Successful).await;
        } else {
            stage.revoke(grant).await;
            stage.until_it_is(grant, ProvisioningStatus::Revoked).await;
        }
        assert_eq!(stage.aws().calls_of("AssumeRole").len(), sessions);
    }
}

async fn a_creation_that_meets_its_lost_predecessor_is_seen_to_be_there(stage: &mut Stage) {
    stage.aws().behave(|aws| {
        aws.observed.duplicates_succeed = false;
        aws.list_lag_ms = 1_000;
    });
    stage.aws().inject(Fault::on(CREATE, FaultKind::LoseReply).once());
    lives(stage, 36_000).await;
}

async fn what_was_removed_by_hand_is_seen_to_be_gone_though_its_deletion_is_refused(stage: &mut Stage) {
    let grant = lives(stage, 36_000).await;
    stage.aws().inject(Fault::on(DELETE, denied()));
    stage.revoke(grant).await;
    stage.until("it was refused for good", async || stage.aws().calls_of(DELETE).len() > 2).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.pass(900);
    is_over(stage, grant).await;
}

async fn a_creation_that_comes_too_late_is_not_sent(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::Throttle).once());
    // A look, a creation, and the one that is tried again.
    stage.stop_call(3);
    let grant = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.call_has_stopped_as_time_passes().await;
    stage.pass(900);
    stage.let_call_go_on();
    stage.until_it_is(grant, ProvisioningStatus::Failed).await;
    assert_eq!((stage.held().len(), stage.aws().calls_of(CREATE).len()), (0, 1));
}

async fn what_was_taken_away_whole_is_gone_though_its_deletion_was_refused(stage: &mut Stage) {
    let grant = lives(stage, 36_000).await;
    stage.aws().inject(Fault::on(DELETE, denied()));
    stage.revoke(grant).await;
    stage.until("it was refused for good", async || stage.aws().calls_of(DELETE).len() > 2).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.delete_permission_set("ReadOnly");
    stage.aws().clear_faults();
    is_over(stage, grant).await;
}

async fn a_refused_deletion_is_sent_again_though_no_list_is_given(stage: &mut Stage) {
    let grant = lives(stage, 36_000).await;
    stage.aws().inject(Fault::on(DELETE, denied()).times(2));
    stage.aws().inject(Fault::on(LIST, FaultKind::ServerError { status: 500 }));
    stage.revoke(grant).await;
    stage.until("AWS took it", async || stage.held().is_empty()).await;
    stage.aws().clear_faults();
    is_over(stage, grant).await;
}

async fn a_grant_of_what_aws_does_not_know_fails_at_once_and_says_why(stage: &mut Stage) {
    stage.delete_permission_set("ReadOnly");
    let grant = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.until_it_is(grant, ProvisioningStatus::Failed).await;
    let grant = stage.view(grant).await.grant;
    assert!(stage.clock_reads() < grant.times.start_by);
    assert!(grant.failure.as_ref().is_some_and(|why| why.contains("ResourceNotFound")), "{grant:?}");
}

async fn a_grant_that_time_ended_is_not_said_to_have_failed_later(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::Throttle));
    let grant = stage.grant(&[DEV], "ReadOnly", 60).await;
    stage.until("it was tried", async || !stage.aws().calls_of(CREATE).is_empty()).await;
    stage.pass(60);
    stage.until_it_is(grant, ProvisioningStatus::Revoked).await;
    let looks = stage.aws().calls_of(LIST).len();
    stage.pass(1_000);
    stage.until("it was looked for again", async || stage.aws().calls_of(LIST).len() > looks + 1).await;
    assert_eq!(stage.view(grant).await.grant.times.failed_at, None);
}
