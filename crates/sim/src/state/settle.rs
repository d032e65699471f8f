//! How accepted changes end.
//!
//! The texts are *observed*: AWS documents `FailureReason` as free text.

use jiff::Timestamp;

use super::{Change, ChangeKind, ChangeStatus, Ending, Place, State};
use crate::world::{AccountState, Assignment, Instance, Organization, PermissionSet, PrincipalType};

impl State {
    /// Ends every change that is due by `now`.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for mut change in self.changes.take_due(now) {
            change.status = match self.outcome(&change) {
                Ok(()) => ChangeStatus::Succeeded,
                Err(reason) => ChangeStatus::Failed(reason),
            };
            if change.status == ChangeStatus::Succeeded {
                self.carry_out(&change, now);
            }
            self.changes.end(change);
        }
    }

    fn carry_out(&mut self, change: &Change, now: Timestamp) {
        let at = change.ending.instant().unwrap_or(now);
        match change.kind {
            ChangeKind::Creation => self.book.add(&change.instance, &change.assignment, at),
            ChangeKind::Deletion => {
                self.book.remove(&change.instance, &change.assignment, at);
            }
        }
    }

    fn outcome(&self, change: &Change) -> Result<(), String> {
        if let Ending::Fails(_, reason) = &change.ending {
            return Err(reason.clone());
        }
        let Some((organization, instance)) = self.world.instance(&change.instance) else {
            return Err("Received a 404 status error: the instance does not exist".to_owned());
        };
        match change.kind {
            ChangeKind::Creation => self.creation_outcome(organization, instance, &change.assignment),
            ChangeKind::Deletion => self.deletion_outcome(instance, &change.assignment),
        }
    }

    fn creation_outcome(
        &self,
        organization: &Organization,
        instance: &Instance,
        wanted: &Assignment,
    ) -> Result<(), String> {
        assignee_is_there(instance, wanted)?;
        let account =
            organization.account(&wanted.account).filter(|account| account.state == AccountState::Active);
        let Some(account) = account else {
            return Err(format!(
                "Received a 403 status error: Access denied by IAM. Account {} is not active",
                wanted.account
            ));
        };
        let Some(set) = instance.permission_set(&wanted.permission_set) else {
            return Err(format!(
                "Received a 404 status error: Permission set {} not found",
                wanted.permission_set
            ));
        };
        if self.is_provisioned(instance, set, &account.id) {
            return Ok(());
        }
        if account.role_quota_reached {
            return Err(
                "Received a 409 status error: Cannot exceed quota for RolesPerAccount: 1000".to_owned()
            );
        }
        match set.customer_policies.iter().find(|policy| policy.missing_in.contains(&account.id)) {
            Some(policy) => {
                let arn = format!("arn:aws:iam::{}:policy/{}", account.id, policy.name);
                Err(format!("Received a 404 status error: Not supported policy {arn}."))
            }
            None => Ok(()),
        }
    }

    fn deletion_outcome(&self, instance: &Instance, unwanted: &Assignment) -> Result<(), String> {
        if !self.book.holds(&instance.arn, unwanted) {
            return Err(format!(
                "Received a 404 status error: EntitlementItem doesn't exist for {} in account {}",
                unwanted.principal_id, unwanted.account
            ));
        }
        if self.world.behaviour.observed.deleted_users_keep_assignments {
            return assignee_is_there(instance, unwanted);
        }
        Ok(())
    }

    /// Whether a permission set's role is in an account: given so from the start, or somebody is assigned.
    pub(crate) fn is_provisioned(&self, instance: &Instance, set: &PermissionSet, account: &str) -> bool {
        let place = Place {
            instance: instance.arn.clone(),
            account: account.to_owned(),
            permission_set: set.arn.clone(),
        };
        let given = set.provisioned_in.iter().any(|own| own == account) || set.is_outdated_in(account);
        given || self.book.is_occupied(&place)
    }
}

fn assignee_is_there(instance: &Instance, assignment: &Assignment) -> Result<(), String> {
    let Assignment { principal_type, principal_id, .. } = assignment;
    if instance.knows(*principal_type, principal_id) {
        return Ok(());
    }
    let kind = match principal_type {
        PrincipalType::User => "USER",
        PrincipalType::Group => "GROUP",
    };
    Err(format!(
        "Received a 404 status error: the {kind} assignee {principal_id} was not found in directory {}",
        instance.identity_store_id
    ))
}
