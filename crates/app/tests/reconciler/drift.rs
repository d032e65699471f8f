//! AWS holds something else than it should, by somebody's hand.

use curfew_domain::audit::AuditAction;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::{DriftKind, DriftOutcome};
use curfew_sim::world::{Assignment, PrincipalType};
use curfew_sim::{Fault, FaultKind};
use curfew_store::StoredSetting;

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const CREATE: &str = "CreateAccountAssignment";
const DELETE: &str = "DeleteAccountAssignment";
const LIST: &str = "ListAccountAssignments";

on_both! {
    a_grant_whose_access_somebody_removed_ends,
    a_removal_is_noticed_also_where_the_answer_to_a_creation_was_lost,
    what_a_lost_deletion_may_have_taken_is_made_again_and_blamed_on_nobody,
    access_that_somebody_removed_is_put_back_where_the_tenant_says_so,
    what_a_list_does_not_show_for_a_moment_is_not_held_to_be_removed,
    access_that_comes_back_after_gone_is_found_and_deleted_again,
    access_that_curfew_never_gave_is_reported_and_left_alone,
    a_removed_permission_set_ends_its_grants,
}

async fn lives(stage: &mut Stage) -> curfew_domain::GrantId {
    stage.watch().await;
    let grant = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.until_it_is(grant, Successful).await;
    grant
}

async fn a_grant_whose_access_somebody_removed_ends(stage: &mut Stage) {
    let grant = lives(stage).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.until_it_is(grant, Revoked).await;
    let ended = stage.view(grant).await.grant;
    assert_eq!(ended.revoke_reason.unwrap().as_str(), "somebody removed the access in AWS");
    assert_eq!(stage.held(), []);
    let found = stage.drift().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].outcome), (DriftKind::Removed, DriftOutcome::GrantsEnded));
    assert!(found[0].is_open());
    assert_eq!(found[0].place.principal, stage.alice());
    assert_eq!(stage.told_in_all(AuditAction::DriftDetected).await, 1);
    assert_eq!(stage.told_in_all(AuditAction::GrantRevoked).await, 1);
}

async fn a_removal_is_noticed_also_where_the_answer_to_a_creation_was_lost(stage: &mut Stage) {
    stage.aws().inject(Fault::on(CREATE, FaultKind::DropConnection).once());
    let grant = lives(stage).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.until("its grant ends", async || stage.view(grant).await.grant.times.revoked_at.is_some()).await;
    assert_eq!(stage.drift().await[0].kind, DriftKind::Removed);
    // Until then the lost creation may land.
    stage.pass(15 * 60);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn what_a_lost_deletion_may_have_taken_is_made_again_and_blamed_on_nobody(stage: &mut Stage) {
    let first = lives(stage).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::DropConnection));
    stage.revoke(first).await;
    stage.until("a deletion is lost", async || !stage.aws().calls_of(DELETE).is_empty()).await;
    let second = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.until_it_is(second, Successful).await;
    stage.aws().clear_faults();
    stage.take_from_aws(DEV, "ReadOnly");
    stage.until("it is back", async || !stage.held().is_empty()).await;
    stage.until_it_is(second, Successful).await;
    assert_eq!(stage.drift().await, []);
    stage.revoke(second).await;
    stage.until_it_is(second, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn access_that_somebody_removed_is_put_back_where_the_tenant_says_so(stage: &mut Stage) {
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let (key, value) = ("put_back_removed_access".to_owned(), true.into());
    unit.save_setting(&StoredSetting { key, value, updated_at: stage.clock_reads() }).await.unwrap();
    unit.commit().await.unwrap();
    let grant = lives(stage).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.until("it is back", async || !stage.held().is_empty()).await;
    stage.until_it_is(grant, Successful).await;
    assert_eq!(stage.drift().await[0].outcome, DriftOutcome::PutBack);
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn what_a_list_does_not_show_for_a_moment_is_not_held_to_be_removed(stage: &mut Stage) {
    let grant = lives(stage).await;
    stage.take_from_aws(DEV, "ReadOnly");
    let looks = stage.aws().calls_of(LIST).len();
    stage.until("it was missed", async || stage.aws().calls_of(LIST).len() > looks + 1).await;
    stage.put_in_aws(DEV, "ReadOnly");
    let looks = stage.aws().calls_of(LIST).len();
    stage.until("it was seen again", async || stage.aws().calls_of(LIST).len() > looks + 1).await;
    stage.pass(120);
    let looks = stage.aws().calls_of(LIST).len();
    stage.until("it was seen once more", async || stage.aws().calls_of(LIST).len() > looks + 1).await;
    assert_eq!(stage.drift().await, []);
    assert_eq!(stage.provisioning(grant).await, Successful);
}

async fn access_that_comes_back_after_gone_is_found_and_deleted_again(stage: &mut Stage) {
    let grant = lives(stage).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    stage.put_in_aws(DEV, "ReadOnly");
    stage.stop().await;
    // A pass over the whole comes with the start, long before the first look after Gone.
    stage.start();
    stage.watch().await;
    stage.until("it was deleted again", async || stage.held().is_empty()).await;
    stage.until("it was found", async || !stage.drift().await.is_empty()).await;
    let found = stage.drift().await;
    assert_eq!((found[0].kind, found[0].outcome), (DriftKind::Reappeared, DriftOutcome::DeletedAgain));
    assert_eq!(stage.told_in_all(AuditAction::AssignmentReappeared).await, 1);
}

async fn access_that_curfew_never_gave_is_reported_and_left_alone(stage: &mut Stage) {
    let group = stage.instance().groups[0].id.clone();
    let by_hand = Assignment {
        principal_type: PrincipalType::Group,
        principal_id: group.clone(),
        ..stage.in_aws(DEV, "ReadOnly")
    };
    stage.aws().assign(&stage.instance().arn, &by_hand);
    lives(stage).await;
    stage.until("the group was found", async || stage.drift().await.len() == 1).await;
    assert_eq!(
        stage.told_in_all(AuditAction::DriftDetected).await,
        0,
        "it was there when the place was first listed"
    );
    let stranger =
        Assignment { principal_id: stage.instance().users[1].id.clone(), ..stage.in_aws(DEV, "ReadOnly") };
    stage.aws().assign(&stage.instance().arn, &stranger);
    stage.until("the person was found", async || stage.drift().await.len() == 2).await;
    assert_eq!(stage.told_in_all(AuditAction::DriftDetected).await, 1);
    let found = stage.drift().await;
    assert_eq!([found[0].kind, found[1].kind], [DriftKind::UnmanagedGroup, DriftKind::UnmanagedUser]);
    assert!(stage.held().contains(&by_hand) && stage.held().contains(&stranger));
    stage.aws().unassign(&stage.instance().arn, &stranger);
    stage.until("it is over", async || stage.drift().await[1].over_at.is_some()).await;
    assert!(stage.drift().await[0].is_open() && !stage.drift().await[1].is_open());
}

async fn a_removed_permission_set_ends_its_grants(stage: &mut Stage) {
    let grant = lives(stage).await;
    stage.take_from_aws(DEV, "ReadOnly");
    stage.delete_permission_set("ReadOnly");
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.drift().await[0].kind, DriftKind::Removed);
}
