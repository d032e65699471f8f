//! A database that was restored from a backup, before a server works with it.

use std::collections::BTreeSet;

use curfew_app::reconciler::{Node, NotRecovered, Recovered, Recovery, recover};
use curfew_domain::audit::AuditAction;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::{DriftOutcome, NodeId};
use curfew_sim::{Fault, FaultKind};
use curfew_store::{Backend, StoreError, StoredSetting};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const SET: &str = "ReadOnly";

on_both! {
    what_the_database_forgot_is_found_once_and_left_to_an_admin,
    a_live_grant_that_aws_does_not_prove_ends_and_is_not_put_back,
    a_grant_that_waited_when_the_backup_was_made_is_ended_and_what_it_may_have_got_is_found,
    what_is_known_goes_on,
    a_tenant_that_a_server_works_with_is_refused,
    a_former_owner_with_a_greater_number_than_the_backups_is_refused,
    what_aws_does_not_tell_is_told,
    accounts_that_aws_does_not_list_are_told,
    a_tenant_without_a_verified_connection_is_not_compared,
}

impl Stage {
    async fn try_to_recover(&self) -> Result<Recovered, NotRecovered> {
        let node = Node::new(NodeId::new(self.clock_reads(), self.app.entropy.as_ref()));
        recover(&self.app, &node, self.tenant, &Recovery::default()).await
    }

    async fn recover(&self) -> Recovered {
        self.try_to_recover().await.unwrap()
    }
}

async fn what_the_database_forgot_is_found_once_and_left_to_an_admin(stage: &mut Stage) {
    stage.stop().await;
    stage.put_in_aws(DEV, SET);
    let found = stage.recover().await;
    assert!(found.is_connected && found.not_compared.is_empty(), "{found:?}");
    assert_eq!(found.unknown.len(), 1, "{found:?}");
    let unknown = &found.unknown[0].finding;
    assert_eq!((unknown.outcome, &unknown.place.principal), (DriftOutcome::LeftAlone, &stage.alice()));
    assert_eq!(stage.recover().await.unknown, found.unknown);
    assert_eq!(stage.drift().await.len(), 1);
    assert_eq!(stage.told_in_all(AuditAction::TenantRecovered).await, 2);
    assert_eq!(stage.held(), [stage.in_aws(DEV, SET)]);
    stage.start();
}

async fn a_live_grant_that_aws_does_not_prove_ends_and_is_not_put_back(stage: &mut Stage) {
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let (key, value) = ("put_back_removed_access".to_owned(), true.into());
    unit.save_setting(&StoredSetting { key, value, updated_at: stage.clock_reads() }).await.unwrap();
    unit.commit().await.unwrap();
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.stop().await;
    // It was revoked after the backup was made.
    stage.take_from_aws(DEV, SET);
    assert_eq!(stage.recover().await.ended, [grant]);
    stage.start();
    stage.watch().await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
    assert_eq!(stage.aws().calls_of("CreateAccountAssignment").len(), 1);
    assert_eq!(stage.told(AuditAction::GrantRevoked, grant).await, 1);
}

async fn a_grant_that_waited_when_the_backup_was_made_is_ended_and_what_it_may_have_got_is_found(
    stage: &mut Stage,
) {
    stage.stop().await;
    let (here, elsewhere) =
        (stage.grant(&[DEV], SET, 36_000).await, stage.grant(&["100000000004"], SET, 36_000).await);
    stage.put_in_aws(DEV, SET);
    let recovered = stage.recover().await;
    let ended: BTreeSet<_> = recovered.ended.iter().copied().collect();
    assert_eq!(ended, BTreeSet::from([here, elsewhere]));
    assert_eq!(recovered.unknown.len(), 1, "{recovered:?}");
    stage.start();
    stage.until_it_is(here, Revoked).await;
    stage.until_it_is(elsewhere, Revoked).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, SET)], "whose it is, an admin says");
    assert!(!stage.view(here).await.standing);
}

async fn what_is_known_goes_on(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.stop().await;
    let recovered = stage.recover().await;
    assert!(recovered.ended.is_empty() && recovered.unknown.is_empty(), "{recovered:?}");
    stage.start();
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn a_tenant_that_a_server_works_with_is_refused(stage: &mut Stage) {
    if stage.app.store.backend() == Backend::Sqlite {
        // Its file is refused to a second process.
        return;
    }
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    let refused = stage.try_to_recover().await;
    assert!(matches!(refused, Err(NotRecovered::Served)), "{refused:?}");
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
}

async fn a_former_owner_with_a_greater_number_than_the_backups_is_refused(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.stop().await;
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let new = curfew_domain::AssignmentId::from_uuid(uuid::Uuid::from_u128(8));
    let assignment = unit.hold_assignment(new, &stage.key(DEV, SET), stage.clock_reads()).await.unwrap().id;
    let observed = unit.lock_assignment_work(assignment).await.unwrap().unwrap().observed;
    drop(unit);
    stage.recover().await;
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let refused = unit.save_observed(assignment, &observed, 1_000_000, stage.clock_reads()).await;
    assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    drop(unit);
    stage.start();
}

async fn what_aws_does_not_tell_is_told(stage: &mut Stage) {
    stage.stop().await;
    stage.put_in_aws(DEV, SET);
    let refused = FaultKind::ServerError { status: 503 };
    stage.aws().inject(Fault::on("ListAccountAssignments", refused));
    let found = stage.recover().await;
    // This one, and what the demo's organization has in its management account.
    assert_eq!((found.not_compared.len(), found.places), (2, 0), "{found:?}");
    stage.aws().clear_faults();
    let found = stage.recover().await;
    assert_eq!((found.not_compared.len(), found.unknown.len()), (0, 1), "{found:?}");
    stage.start();
}

async fn accounts_that_aws_does_not_list_are_told(stage: &mut Stage) {
    stage.stop().await;
    stage.put_in_aws(DEV, SET);
    let refused = FaultKind::ServerError { status: 503 };
    stage.aws().inject(Fault::on("ListAccounts", refused));
    let found = stage.recover().await;
    assert_eq!((found.not_compared.len(), found.places), (1, 0), "{found:?}");
    assert_eq!(found.not_compared[0].0, "the list of accounts");
    stage.aws().clear_faults();
    let found = stage.recover().await;
    assert_eq!((found.not_compared.len(), found.unknown.len()), (0, 1), "{found:?}");
    stage.start();
}

async fn a_tenant_without_a_verified_connection_is_not_compared(stage: &mut Stage) {
    stage.stop().await;
    stage.put_in_aws(DEV, SET);
    stage.disconnect().await;
    let found = stage.recover().await;
    assert_eq!((found.is_connected, found.not_compared.len(), found.places), (false, 1, 0), "{found:?}");
    stage.start();
}
