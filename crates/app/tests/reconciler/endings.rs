//! Ends that are told ahead, that move, and that are missed.

use curfew_domain::audit::AuditAction::{GrantExpired, GrantExpiringSoon, RevocationOverdue};
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::{GrantId, Seconds};
use curfew_sim::{Fault, FaultKind};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const WEB: &str = "100000000004";

on_both! {
    an_end_is_told_once_ten_minutes_or_a_fifth_before_it,
    a_moved_end_is_told_again_and_the_access_stays_until_it,
    the_end_of_standing_access_and_of_what_joined_is_told_too,
    an_end_that_passed_while_no_node_ran_is_not_told_ahead,
    a_revocation_ends_what_was_extended,
    an_extension_beside_another_grant_keeps_the_access,
    an_overdue_revocation_is_told_once_whichever_node_finds_it,
    an_end_is_told_though_nothing_can_be_taken_back,
}

/// AWS may have all of a grant before its owner has taken note of that.
async fn until_it_has_begun(stage: &Stage, grant: GrantId) {
    stage.until("it has begun", async || stage.view(grant).await.grant.times.succeeded_at.is_some()).await;
}

async fn an_end_is_told_once_ten_minutes_or_a_fifth_before_it(stage: &mut Stage) {
    let long = stage.grant(&[DEV, WEB], "ReadOnly", 7_200).await;
    stage.until_it_is(long, Successful).await;
    let end = stage.view(long).await.grant.times.expires_at.unwrap();
    stage.pass(6_500);
    stage.until("eleven minutes are left", async || stage.clock_reads() >= end - Seconds::of(660)).await;
    assert_eq!(stage.told(GrantExpiringSoon, long).await, 0, "told too early");
    stage.pass(60);
    stage.until("it is told", async || stage.told(GrantExpiringSoon, long).await == 1).await;
    assert!(stage.clock_reads() < end, "told too late");
    stage.pass(600);
    stage.until_it_is(long, Revoked).await;
    assert_eq!(stage.told(GrantExpiringSoon, long).await, 1);
    assert_eq!(stage.told(GrantExpired, long).await, 1);
}

async fn a_moved_end_is_told_again_and_the_access_stays_until_it(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 1_000).await;
    stage.until_it_is(grant, Successful).await;
    let before = stage.view(grant).await.grant.times.expires_at.unwrap();
    stage.pass(850);
    stage.until("it is told", async || stage.told(GrantExpiringSoon, grant).await == 1).await;
    stage.extend(grant, 1_000).await;
    stage.pass(200);
    stage.until("the first end has passed", async || stage.clock_reads() > before + Seconds::of(60)).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")], "taken back at its old end");
    assert_eq!(stage.told(GrantExpired, grant).await, 0);
    stage.pass(500);
    stage.until("the new end is told", async || stage.told(GrantExpiringSoon, grant).await == 2).await;
    stage.pass(400);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
    assert_eq!(stage.told(GrantExpiringSoon, grant).await, 2);
}

async fn the_end_of_standing_access_and_of_what_joined_is_told_too(stage: &mut Stage) {
    stage.put_in_aws(DEV, "ReadOnly");
    let standing = stage.grant(&[DEV], "ReadOnly", 7_200).await;
    stage.until_it_is(standing, Successful).await;
    let first = stage.grant(&[WEB], "ReadOnly", 36_000).await;
    stage.until_it_is(first, Successful).await;
    let joined = stage.grant(&[WEB], "ReadOnly", 7_200).await;
    until_it_has_begun(stage, joined).await;
    stage.pass(6_600);
    stage.until("one is told", async || stage.told(GrantExpiringSoon, standing).await == 1).await;
    stage.until("the other is told", async || stage.told(GrantExpiringSoon, joined).await == 1).await;
    assert_eq!(stage.told(GrantExpiringSoon, first).await, 0);
}

async fn an_end_that_passed_while_no_node_ran_is_not_told_ahead(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 1_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.kill().await;
    stage.pass(2_000);
    stage.leases_run_out().await;
    stage.start();
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.told(GrantExpired, grant).await, 1);
    assert_eq!(stage.told(GrantExpiringSoon, grant).await, 0);
}

async fn a_revocation_ends_what_was_extended(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 1_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.extend(grant, 36_000).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
    assert_eq!(stage.told(GrantExpiringSoon, grant).await, 0);
}

async fn an_extension_beside_another_grant_keeps_the_access(stage: &mut Stage) {
    let one = stage.grant(&[DEV], "ReadOnly", 1_000).await;
    let other = stage.grant(&[DEV], "ReadOnly", 1_500).await;
    until_it_has_begun(stage, one).await;
    until_it_has_begun(stage, other).await;
    stage.extend(one, 2_000).await;
    stage.pass(1_600);
    stage.until_it_is(other, Revoked).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")], "the extended one still needs it");
    stage.pass(1_500);
    stage.until_it_is(one, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn an_overdue_revocation_is_told_once_whichever_node_finds_it(stage: &mut Stage) {
    const DELETE: &str = "DeleteAccountAssignment";
    let grant = stage.grant(&[DEV], "ReadOnly", 1_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::AccessDenied { message: "not authorized".to_owned() }));
    stage.pass(1_200);
    stage.until("it was refused", async || !stage.aws().calls_of(DELETE).is_empty()).await;
    assert_eq!(stage.told_in_all(RevocationOverdue).await, 0, "told too early");
    stage.pass(300);
    stage.until("it is told", async || stage.told_in_all(RevocationOverdue).await == 1).await;
    stage.kill().await;
    stage.leases_run_out().await;
    stage.start();
    let before = stage.aws().calls_of(DELETE).len();
    stage.pass(600);
    stage.until("another node tries", async || stage.aws().calls_of(DELETE).len() > before).await;
    assert_eq!(stage.told_in_all(RevocationOverdue).await, 1);
    stage.aws().clear_faults();
    stage.pass(900);
    stage.until_it_is(grant, Revoked).await;
}

async fn an_end_is_told_though_nothing_can_be_taken_back(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    until_it_has_begun(stage, grant).await;
    stage.disconnect().await;
    stage.pass(900);
    stage.until("it is told", async || stage.told(GrantExpired, grant).await == 1).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")], "how?");
    stage.pass(300);
    stage.until("and that it is overdue", async || stage.told_in_all(RevocationOverdue).await == 1).await;
}
