//! Access that Curfew never gave, and that is not to stay.

use std::collections::BTreeMap;

use curfew_app::drift::{self, Remedy};
use curfew_app::{AppError, Caller};
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::audit::AuditAction;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::{
    AssignmentId, CachedResourceId, Discovered, DiscoveredAttributes, DriftId, DriftKind, DriftOutcome,
    DriftPlace, ErrorCode, Pushed, ResourceRef, Scope,
};
use curfew_sim::world::{Assignment, PrincipalType};
use curfew_store::NewDrift;
use uuid::Uuid;

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const SET: &str = "ReadOnly";

on_both! {
    what_others_assign_of_an_exclusive_set_is_told_first_and_then_removed,
    an_exclusive_set_is_watched_where_nothing_is_due_and_in_accounts_that_curfew_never_worked_on,
    what_a_grant_found_there_before_the_set_was_marked_stays,
    what_somebody_accepted_and_what_a_group_has_stays,
    a_grant_that_finds_access_of_an_exclusive_set_ends_it,
    what_an_admin_has_removed_goes_though_it_was_standing_access,
    what_is_gone_meanwhile_is_not_claimed,
    what_a_grant_needs_is_not_removed_and_nothing_is_settled_twice,
    access_that_is_adopted_ends_with_its_grant,
    what_one_list_did_not_show_can_be_removed_all_the_same,
    what_somebody_accepted_stays_though_a_list_did_not_show_it,
    what_is_accepted_before_its_removal_has_begun_stays,
    what_was_to_be_adopted_by_a_grant_that_never_began_is_left_as_it_was,
}

impl Stage {
    /// Nobody but Curfew may assign it, from now on.
    async fn mark_exclusive(&self, set: &str) {
        let (now, entropy) = (self.clock_reads(), self.app.entropy.as_ref());
        let key = self.key(DEV, set);
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let pushed = Pushed {
            name: Some(set.parse().unwrap()),
            rank: None,
            metadata: serde_json::Map::new(),
            access_level: None,
            exclusive: true,
            at: now,
        };
        let resource = ResourceRef::from(key.permission_set);
        let id = CachedResourceId::new(now, entropy);
        unit.save_pushed(id, &key.instance, &resource, None, &pushed).await.unwrap();
        let discovered = Discovered {
            name: "Dev".to_owned(),
            units: Vec::new(),
            tags: BTreeMap::new(),
            state: None,
            attributes: DiscoveredAttributes::default(),
            seen_at: now,
            gone_at: None,
        };
        let id = CachedResourceId::new(now, entropy);
        let account = ResourceRef::from(key.account);
        unit.save_discovered(id, &key.instance, &account, None, &discovered).await.unwrap();
        unit.watch_exclusive().await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Somebody else's access, given by hand.
    fn give_bob(&self) -> Assignment {
        let bob = Assignment { principal_id: self.instance().users[1].id.clone(), ..self.in_aws(DEV, SET) };
        self.aws().assign(&self.instance().arn, &bob);
        bob
    }

    pub(crate) async fn remove(&self, id: DriftId) -> Result<curfew_domain::Drift, AppError> {
        let reason = "nobody knows why".parse().unwrap();
        drift::resolve(&self.app, &self.admin().await, id, Remedy::Remove { reason }).await
    }

    async fn accept(&self, id: DriftId) -> Result<curfew_domain::Drift, AppError> {
        let reason = Some("the auditor's, as agreed".parse().unwrap());
        drift::resolve(&self.app, &self.admin().await, id, Remedy::Accept { reason }).await
    }

    /// Whether it waits for its owner to make it Curfew's.
    async fn is_wanted(&self, assignment: AssignmentId) -> bool {
        let unit = self.app.store.tenant(self.tenant).read().await.unwrap();
        unit.assignment_work(assignment).await.unwrap().unwrap().claim_wanted_at.is_some()
    }

    /// A pass has found it, and its removal waits until AWS can be asked.
    async fn is_about_to_be_removed(&self, access: &Assignment) -> (DriftId, AssignmentId) {
        let (now, entropy) = (self.clock_reads(), self.app.entropy.as_ref());
        let key = AssignmentKey { principal: access.principal_id.parse().unwrap(), ..self.key(DEV, SET) };
        let unit = self.app.store.tenant(self.tenant).write().await.unwrap();
        let new = AssignmentId::new(now, entropy);
        let assignment = unit.hold_assignment_to_change(new, &key, now).await.unwrap().id;
        unit.want_removal(assignment, now).await.unwrap();
        let finding = NewDrift {
            id: DriftId::new(now, entropy),
            kind: DriftKind::UnmanagedUser,
            place: DriftPlace {
                instance: key.instance,
                account: key.account,
                permission_set: key.permission_set,
                principal: key.principal,
            },
            assignment: Some(assignment),
            outcome: DriftOutcome::Removed,
            found_at: now,
        };
        assert!(unit.insert_drift(&finding).await.unwrap());
        unit.commit().await.unwrap();
        (finding.id, assignment)
    }

    pub(crate) async fn finds(&self, how_many: usize) -> Vec<curfew_domain::Drift> {
        self.until("it was found", async || self.drift().await.len() == how_many).await;
        self.drift().await
    }

    async fn is_rid_of(&self, assignment: &Assignment) {
        self.until("it is removed", async || !self.held().contains(assignment)).await;
        self.until("it is proved gone", async || self.told_in_all(AuditAction::AssignmentGone).await == 1)
            .await;
        self.until("the finding is over", async || self.drift().await[0].over_at.is_some()).await;
    }
}

async fn what_others_assign_of_an_exclusive_set_is_told_first_and_then_removed(stage: &mut Stage) {
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.mark_exclusive(SET).await;
    let bob = stage.give_bob();
    let found = stage.finds(1).await;
    assert_eq!((found[0].outcome, found[0].is_open()), (DriftOutcome::ToBeRemoved, true));
    assert_eq!(stage.told_in_all(AuditAction::DriftDetected).await, 1);
    assert!(stage.held().contains(&bob));
    stage.pass(3_600);
    stage.is_rid_of(&bob).await;
    let found = stage.drift().await;
    assert_eq!((found.len(), found[0].outcome), (1, DriftOutcome::Removed));
    assert_eq!(stage.told_in_all(AuditAction::DriftDetected).await, 2);
    assert_eq!(stage.told_in_all(AuditAction::AssignmentClaimed).await, 1);
    assert_eq!(stage.provisioning(grant).await, Successful, "a grant's own access stays");
    assert_eq!(stage.held(), [stage.in_aws(DEV, SET)]);
}

async fn an_exclusive_set_is_watched_where_nothing_is_due_and_in_accounts_that_curfew_never_worked_on(
    stage: &mut Stage,
) {
    stage.mark_exclusive(SET).await;
    stage.pass(3_600);
    let bob = stage.give_bob();
    assert!(!stage.is_anything_due().await);
    stage.watch().await;
    stage.is_rid_of(&bob).await;
}

async fn what_a_grant_found_there_before_the_set_was_marked_stays(stage: &mut Stage) {
    stage.put_in_aws(DEV, SET);
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    stage.mark_exclusive(SET).await;
    stage.pass(7_200);
    stage.watch().await;
    assert_eq!(stage.finds(1).await[0].outcome, DriftOutcome::LeftAlone);
    // Nor is it Curfew's for a grant that comes later.
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, SET)]);
    assert_eq!(stage.told_in_all(AuditAction::AssignmentCalled).await, 0);
}

async fn what_somebody_accepted_and_what_a_group_has_stays(stage: &mut Stage) {
    stage.mark_exclusive(SET).await;
    let bob = stage.give_bob();
    stage.watch().await;
    let found = stage.finds(1).await;
    stage.accept(found[0].id).await.unwrap();
    let group = Assignment {
        principal_type: PrincipalType::Group,
        principal_id: stage.instance().groups[0].id.clone(),
        ..stage.in_aws(DEV, SET)
    };
    stage.aws().assign(&stage.instance().arn, &group);
    stage.pass(7_200);
    stage.watch().await;
    let found = stage.finds(2).await;
    assert_eq!([found[0].outcome, found[1].outcome], [DriftOutcome::ToBeRemoved, DriftOutcome::LeftAlone]);
    let looks = stage.aws().calls_of("ListAccountAssignments").len();
    stage.watch().await;
    stage
        .until("it was looked again", async || stage.aws().calls_of("ListAccountAssignments").len() > looks)
        .await;
    assert!(stage.held().contains(&bob) && stage.held().contains(&group));
    let id = stage.drift().await[1].id;
    assert_eq!(stage.remove(id).await.unwrap_err().code(), ErrorCode::InvalidState, "it is a group's");
}

async fn a_grant_that_finds_access_of_an_exclusive_set_ends_it(stage: &mut Stage) {
    stage.mark_exclusive(SET).await;
    stage.pass(3_600);
    stage.put_in_aws(DEV, SET);
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    assert!(!stage.view(grant).await.standing);
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn what_an_admin_has_removed_goes_though_it_was_standing_access(stage: &mut Stage) {
    stage.put_in_aws(DEV, SET);
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    let found = stage.finds(1).await;
    assert_eq!(stage.remove(found[0].id).await.unwrap_err().code(), ErrorCode::Conflict, "a grant needs it");
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    let removed = stage.remove(found[0].id).await.unwrap();
    assert_eq!(removed.outcome, DriftOutcome::Removed);
    assert_eq!(removed.resolved.unwrap().reason.unwrap().as_str(), "nobody knows why");
    stage.is_rid_of(&stage.in_aws(DEV, SET)).await;
    assert_eq!(stage.told_in_all(AuditAction::DriftResolved).await, 1);
}

async fn what_is_gone_meanwhile_is_not_claimed(stage: &mut Stage) {
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    let bob = stage.give_bob();
    let found = stage.finds(1).await;
    stage.stop().await;
    stage.aws().unassign(&stage.instance().arn, &bob);
    stage.remove(found[0].id).await.unwrap();
    stage.start();
    stage.watch().await;
    stage.until("it is over", async || stage.drift().await[0].over_at.is_some()).await;
    let assignment = stage.drift().await[0].assignment.unwrap();
    stage.until("nothing is wanted any more", async || !stage.is_wanted(assignment).await).await;
    assert_eq!(stage.aws().calls_of("DeleteAccountAssignment").len(), 0);
}

async fn what_a_grant_needs_is_not_removed_and_nothing_is_settled_twice(stage: &mut Stage) {
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    let bob = stage.give_bob();
    let found = stage.finds(1).await;
    let admin = stage.admin().await;
    let without = |scope| Caller {
        scopes: Scope::ALL.iter().copied().filter(|one| *one != scope).collect(),
        ..admin.clone()
    };
    for scope in [Scope::DriftResolve, Scope::GrantsDelete] {
        let remedy = Remedy::Remove { reason: "why not".parse().unwrap() };
        let refused = drift::resolve(&stage.app, &without(scope), found[0].id, remedy).await;
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Forbidden, "{scope:?}");
    }
    let (one, other) = tokio::join!(stage.remove(found[0].id), stage.remove(found[0].id));
    let refused = if one.is_ok() { other } else { one };
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidState);
    stage.is_rid_of(&bob).await;
    assert_eq!(stage.remove(found[0].id).await.unwrap_err().code(), ErrorCode::InvalidState);
}

async fn access_that_is_adopted_ends_with_its_grant(stage: &mut Stage) {
    stage.put_in_aws(DEV, SET);
    // However the owner comes to it: by the grant, so that it seems to be standing access, or by the wish.
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let new = AssignmentId::from_uuid(Uuid::from_u128(8));
    let assignment = unit.hold_assignment(new, &stage.key(DEV, SET), stage.clock_reads()).await.unwrap().id;
    unit.want_claim(assignment, stage.clock_reads()).await.unwrap();
    unit.commit().await.unwrap();
    stage.until("it is claimed", async || stage.told_in_all(AuditAction::AssignmentClaimed).await == 1).await;
    stage.until_it_is(grant, Successful).await;
    assert!(!stage.view(grant).await.standing, "it does not stay");
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn what_one_list_did_not_show_can_be_removed_all_the_same(stage: &mut Stage) {
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    let bob = stage.give_bob();
    let found = stage.finds(1).await;
    // As a list does that lags.
    stage.stop().await;
    stage.aws().unassign(&stage.instance().arn, &bob);
    let assignment = stage.remove(found[0].id).await.unwrap().assignment.unwrap();
    stage.start();
    stage.until("nothing is wanted any more", async || !stage.is_wanted(assignment).await).await;
    assert!(stage.drift().await[0].over_at.is_some());
    stage.give_bob();
    stage.watch().await;
    let found = stage.finds(2).await;
    assert_eq!((found[1].outcome, found[1].is_open()), (DriftOutcome::LeftAlone, true));
    stage.remove(found[1].id).await.unwrap();
    stage.until("it is removed", async || !stage.held().contains(&bob)).await;
}

async fn what_somebody_accepted_stays_though_a_list_did_not_show_it(stage: &mut Stage) {
    stage.watch().await;
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.mark_exclusive(SET).await;
    let bob = stage.give_bob();
    let found = stage.finds(1).await;
    stage.accept(found[0].id).await.unwrap();
    stage.pass(7_200);
    stage.aws().unassign(&stage.instance().arn, &bob);
    stage.until("it seems to be over", async || stage.drift().await[0].over_at.is_some()).await;
    stage.give_bob();
    stage.until("it is there again", async || stage.drift().await[0].over_at.is_none()).await;
    let looks = stage.aws().calls_of("ListAccountAssignments").len();
    stage
        .until("it was looked again", async || {
            stage.aws().calls_of("ListAccountAssignments").len() > looks + 1
        })
        .await;
    assert_eq!(stage.drift().await.len(), 1);
    assert!(stage.held().contains(&bob));
    assert_eq!(stage.told_in_all(AuditAction::AssignmentClaimed).await, 0);
}

async fn what_is_accepted_before_its_removal_has_begun_stays(stage: &mut Stage) {
    stage.mark_exclusive(SET).await;
    stage.pass(3_600);
    let bob = stage.give_bob();
    stage.stop().await;
    let (id, assignment) = stage.is_about_to_be_removed(&bob).await;
    let accepted = stage.accept(id).await.unwrap();
    assert_eq!((accepted.outcome, accepted.is_open()), (DriftOutcome::LeftAlone, false));
    assert!(!stage.is_wanted(assignment).await);
    let looks = stage.aws().calls_of("ListAccountAssignments").len();
    stage.start();
    stage.watch().await;
    stage
        .until("it was looked again", async || stage.aws().calls_of("ListAccountAssignments").len() > looks)
        .await;
    stage.until("nothing is due", async || !stage.is_anything_due().await).await;
    assert!(stage.held().contains(&bob));
    assert_eq!(stage.told_in_all(AuditAction::AssignmentClaimed).await, 0);
}

async fn what_was_to_be_adopted_by_a_grant_that_never_began_is_left_as_it_was(stage: &mut Stage) {
    stage.stop().await;
    stage.put_in_aws(DEV, SET);
    let grant = stage.grant(&[DEV], SET, 36_000).await;
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    let new = AssignmentId::from_uuid(Uuid::from_u128(8));
    let assignment = unit.hold_assignment(new, &stage.key(DEV, SET), stage.clock_reads()).await.unwrap().id;
    unit.want_claim(assignment, stage.clock_reads()).await.unwrap();
    unit.commit().await.unwrap();
    // AWS could not be asked for so long.
    stage.pass(15 * 60);
    stage.start();
    stage.until("nothing is wanted any more", async || !stage.is_wanted(assignment).await).await;
    stage.until("it has failed", async || stage.view(grant).await.grant.times.failed_at.is_some()).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, SET)]);
    assert_eq!(stage.told_in_all(AuditAction::AssignmentClaimed).await, 0);
}
