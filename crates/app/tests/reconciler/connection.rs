//! What happens to access while its connection changes, and while nodes do.

use curfew_app::discovery::Discoverer;
use curfew_domain::NodeId;
use curfew_domain::connection::Suspension;
use curfew_domain::grant::ProvisioningStatus::{Pending, Revoked, Successful};
use curfew_sim::{Fault, FaultKind};
use curfew_store::Backend;

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const WEB: &str = "100000000004";

const CREATE: &str = "CreateAccountAssignment";
const DELETE: &str = "DeleteAccountAssignment";

on_both! {
    while_a_connection_is_suspended_nothing_is_created_and_deletions_go_on,
    a_suspension_that_comes_before_a_creation_is_sent_stops_it,
    another_region_in_the_connection_does_not_move_a_deletion,
    a_stopped_node_hands_its_connection_over_at_once,
    another_node_goes_on_where_one_died,
    a_node_that_was_held_up_sends_nothing_that_its_successor_has_sent,
    a_node_that_can_not_work_with_aws_hands_the_connection_over,
}

async fn while_a_connection_is_suspended_nothing_is_created_and_deletions_go_on(stage: &mut Stage) {
    for (created, reason) in [(1, Suspension::UnsafeTrustPolicy), (2, Suspension::WrongAccount)] {
        let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
        stage.until_it_is(grant, Successful).await;
        stage.edit_connection(|connection| connection.suspended = Some(reason)).await;
        let refused = stage.grant(&[WEB], "ReadOnly", 600).await;
        stage.pass(600);
        stage.until_it_is(grant, Revoked).await;
        assert_eq!(stage.held(), []);
        assert_eq!(stage.provisioning(refused).await, Pending);
        assert_eq!(stage.aws().calls_of(CREATE).len(), created);
        stage.revoke(refused).await;
        stage.edit_connection(|connection| connection.suspended = None).await;
    }
}

async fn a_suspension_that_comes_before_a_creation_is_sent_stops_it(stage: &mut Stage) {
    // A look, and then the creation.
    stage.stop_call(2);
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.call_has_stopped().await;
    stage.edit_connection(|connection| connection.suspended = Some(Suspension::UnsafeTrustPolicy)).await;
    stage.let_call_go_on();
    stage.pass(900);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.aws().calls_of(CREATE).len(), 0);
}

async fn another_region_in_the_connection_does_not_move_a_deletion(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    let elsewhere = "us-east-1".parse().unwrap();
    stage.edit_connection(|connection| connection.verified.as_mut().unwrap().saved.region = elsewhere).await;
    stage.pass(600);
    stage.until_it_is(grant, Revoked).await;
    let regions: Vec<_> = stage.aws().calls_of(DELETE).into_iter().map(|call| call.region).collect();
    assert_eq!(regions, [stage.key(DEV, "ReadOnly").region.to_string()]);
}

async fn a_stopped_node_hands_its_connection_over_at_once(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    stage.stop().await;
    let other = NodeId::new(stage.clock_reads(), stage.app.entropy.as_ref());
    let lease = stage.app.store.take_lease(stage.tenant, other, std::time::Duration::from_millis(1)).await;
    assert_eq!(lease.unwrap(), Some(2));
}

async fn another_node_goes_on_where_one_died(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    stage.kill().await;
    stage.start();
    stage.pass(600);
    stage.leases_run_out().await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn a_node_that_was_held_up_sends_nothing_that_its_successor_has_sent(stage: &mut Stage) {
    if stage.app.store.backend() == Backend::Sqlite {
        // One process has the file.
        return;
    }
    stage.stop_call(2);
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.call_has_stopped().await;
    let held_up = stage.leave_running();
    stage.start();
    stage.newest_node_takes_over().await;
    stage.until_it_is(grant, Successful).await;
    stage.let_call_go_on();
    stage.pass(600);
    stage.until_it_is(grant, Revoked).await;
    held_up.cancel();
    assert_eq!((stage.held().len(), stage.aws().calls_of(CREATE).len()), (0, 1));
}

async fn a_node_that_can_not_work_with_aws_hands_the_connection_over(stage: &mut Stage) {
    if stage.app.store.backend() == Backend::Sqlite {
        // There is no other node.
        return;
    }
    let grant = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.aws().inject(Fault::on("*", FaultKind::ServerError { status: 503 }));
    stage.revoke(grant).await;
    let other = NodeId::new(stage.clock_reads(), stage.app.entropy.as_ref());
    let (store, tenant) = (stage.app.store.clone(), stage.tenant);
    let brief = std::time::Duration::from_millis(1);
    let taken = async || store.take_lease(tenant, other, brief).await.unwrap().is_some();
    assert!(!taken().await, "its owner tries for a while");
    stage.until("another may take it", taken).await;
    let discoverer = Discoverer::new(stage.app.clone(), stage.node.clone().unwrap());
    discoverer.pass().await.unwrap();
    assert!(taken().await, "this node's discovery leaves it to others as well");
    stage.aws().clear_faults();
    stage.until_it_is(grant, Revoked).await;
}
