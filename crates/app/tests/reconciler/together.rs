//! Many ends at once.

use curfew_domain::GrantId;
use curfew_domain::audit::AuditAction::{AssignmentCalled, AssignmentGone, GrantExpired};
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_sim::{Fault, FaultKind};
use curfew_store::Backend;

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const WEB: &str = "100000000004";
const DELETE: &str = "DeleteAccountAssignment";

on_both! {
    what_ends_together_is_taken_back_and_each_end_is_told_once,
    what_another_grant_needs_stays_where_the_rest_is_taken_back,
    a_deletion_whose_answer_is_lost_keeps_none_of_the_others,
    a_deletion_that_aws_refuses_for_now_keeps_none_of_the_others,
    what_is_gone_already_keeps_none_of_the_others,
    a_node_that_was_held_up_sends_no_deletions_that_its_successor_has_sent,
}

/// One grant of two accounts, and one of each; they end in ten minutes.
async fn given(stage: &Stage) -> [GrantId; 3] {
    let grants = [
        stage.grant(&[DEV, WEB], "ReadOnly", 600).await,
        stage.grant(&[DEV], "PowerUser", 600).await,
        stage.grant(&[WEB], "PowerUser", 600).await,
    ];
    for grant in grants {
        stage.until_it_is(grant, Successful).await;
    }
    grants
}

async fn until_all_are_gone(stage: &Stage, grants: [GrantId; 3]) {
    for grant in grants {
        stage.until_it_is(grant, Revoked).await;
    }
    assert_eq!(stage.told_in_all(GrantExpired).await, 3);
}

async fn what_ends_together_is_taken_back_and_each_end_is_told_once(stage: &mut Stage) {
    let grants = given(stage).await;
    stage.pass(700);
    until_all_are_gone(stage, grants).await;
    assert_eq!(stage.held(), []);
    assert_eq!(stage.aws().calls_of(DELETE).len(), 4);
    // Four creations, and as many deletions.
    assert_eq!(stage.told_in_all(AssignmentCalled).await, 8);
    assert_eq!(stage.told_in_all(AssignmentGone).await, 4);
}

async fn what_another_grant_needs_stays_where_the_rest_is_taken_back(stage: &mut Stage) {
    let grants = given(stage).await;
    let longer = stage.grant(&[WEB], "ReadOnly", 36_000).await;
    stage.until_it_is(longer, Successful).await;
    stage.pass(700);
    until_all_are_gone(stage, grants).await;
    assert_eq!(stage.held(), [stage.in_aws(WEB, "ReadOnly")]);
    assert_eq!(stage.provisioning(longer).await, Successful);
}

async fn a_deletion_whose_answer_is_lost_keeps_none_of_the_others(stage: &mut Stage) {
    let grants = given(stage).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::LoseReply).once());
    stage.pass(700);
    until_all_are_gone(stage, grants).await;
    assert_eq!(stage.held(), []);
}

async fn a_deletion_that_aws_refuses_for_now_keeps_none_of_the_others(stage: &mut Stage) {
    let grants = given(stage).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::ServerError { status: 500 }).once());
    stage.pass(700);
    until_all_are_gone(stage, grants).await;
    assert_eq!(stage.held(), []);
}

async fn what_is_gone_already_keeps_none_of_the_others(stage: &mut Stage) {
    let grants = given(stage).await;
    stage.take_from_aws(DEV, "PowerUser");
    stage.pass(700);
    until_all_are_gone(stage, grants).await;
    assert_eq!(stage.held(), []);
}

async fn a_node_that_was_held_up_sends_no_deletions_that_its_successor_has_sent(stage: &mut Stage) {
    if stage.app.store.backend() == Backend::Sqlite {
        // One process has the file.
        return;
    }
    let grants = given(stage).await;
    stage.stop_call(1);
    stage.pass(700);
    stage.call_has_stopped().await;
    let held_up = stage.leave_running();
    stage.start();
    stage.newest_node_takes_over().await;
    until_all_are_gone(stage, grants).await;
    stage.let_call_go_on();
    stage.pass(60);
    held_up.cancel();
    assert_eq!((stage.held().len(), stage.aws().calls_of(DELETE).len()), (0, 4));
}
