//! The wall clock is set far ahead, and nobody has seen yet whether that was right.

use curfew_domain::Seconds;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_sim::{Fault, FaultKind};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const WEB: &str = "100000000004";

on_both! {
    by_a_clock_that_has_leapt_things_end_and_nothing_begins,
    a_success_that_is_seen_after_a_leap_moves_no_end,
}

async fn by_a_clock_that_has_leapt_things_end_and_nothing_begins(stage: &mut Stage) {
    let running = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(running, Successful).await;
    stage.clock.leap_when_read(Seconds::of(600));
    let next = stage.grant(&[WEB], "ReadOnly", 600).await;
    stage.until_it_is(running, Revoked).await;
    assert_eq!(stage.held(), []);
    assert_eq!(stage.view(next).await.grant.times.started_at, None);
    stage.clock.trust();
    stage.until_it_is(next, Successful).await;
}

async fn a_success_that_is_seen_after_a_leap_moves_no_end(stage: &mut Stage) {
    stage.aws().inject(Fault::on("CreateAccountAssignment", FaultKind::HangChange));
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until("AWS works on it", async || !stage.aws().changes_in_progress().is_empty()).await;
    let end = stage.view(grant).await.grant.times.expires_at;
    assert!(end.is_some());
    stage.clock.leap_when_read(Seconds::of(240));
    stage.aws().settle_all();
    let succeeded = async || stage.view(grant).await.grant.times.succeeded_at.is_some();
    stage.until("its success is seen", succeeded).await;
    assert_eq!(stage.view(grant).await.grant.times.expires_at, end);
}
