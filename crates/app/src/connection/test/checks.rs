//! The checks that read Identity Center, the organization and the directory.

use curfew_aws::{AwsError, AwsErrorKind, Directory, InstanceFacts, InstanceState, Listed, SessionPolicies};
use curfew_domain::connection::CheckName;
use curfew_domain::{AccountId, IdentityStoreId};

use super::report::{Finding, Report};
use super::run::Run;

/// What was found out about the instance.
pub(super) struct Found {
    pub(super) identity_store: IdentityStoreId,
    /// Which account manages the organization, or why that was not told.
    pub(super) management_account: Result<AccountId, AwsError>,
}

impl Run {
    /// The instance is there, active, the organization's, in its primary region, and nobody else's here.
    pub(super) async fn check_identity_center(
        &self,
        report: &mut Report,
        directory: &dyn Directory,
    ) -> Option<Found> {
        let found = report.step(CheckName::IdentityCenter, self.find_instance(directory)).await?;
        report.tested.identity_store = Some(found.identity_store.clone());
        Some(found)
    }

    async fn find_instance(&self, directory: &dyn Directory) -> Finding<Found> {
        let (instances, organization) = tokio::join!(directory.instances(), directory.organization());
        let instances = match instances {
            Ok(instances) => instances,
            Err(error) => return Finding::refused(error, &self.saved.region),
        };
        let wanted = self.saved.instance.as_str();
        let Some(instance) = instances.iter().find(|instance| instance.arn == wanted) else {
            return Finding::bad(self.not_seen(&instances));
        };
        if let Some(problem) = self.unusable(instance) {
            return Finding::bad(problem);
        }
        let Some(identity_store) = instance.identity_store.clone() else {
            return Finding::bad("AWS names no identity store of the instance: is it still being made?");
        };
        let management_account = organization.map(|organization| organization.management_account);
        if let Some(problem) = self.of_an_account(instance, management_account.as_ref().ok()) {
            return Finding::bad(problem);
        }
        match self.is_connected_elsewhere().await {
            Ok(false) => {
                let message = format!("{wanted} is active in {}", self.saved.region);
                Finding::Good(Found { identity_store, management_account }, message)
            }
            Ok(true) => Finding::bad(connected_elsewhere()),
            Err(_) => {
                Finding::bad("whether the instance is connected elsewhere could not be looked up: test again")
            }
        }
    }

    fn not_seen(&self, instances: &[InstanceFacts]) -> String {
        let (wanted, region) = (&self.saved.instance, &self.saved.region);
        let seen: Vec<String> = instances.iter().map(described).collect();
        if seen.is_empty() {
            return format!(
                "{} sees no Identity Center instance: region {region} has none, or its account is neither the \
                 management account nor a delegated administrator",
                self.saved.role
            );
        }
        format!("there is no instance {wanted} in region {region}; the role sees {}", seen.join(", "))
    }

    fn unusable(&self, instance: &InstanceFacts) -> Option<String> {
        let (wanted, region) = (&self.saved.instance, &self.saved.region);
        match (&instance.state, &instance.primary_region) {
            (InstanceState::Not(state), _) => {
                let reason =
                    instance.state_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                Some(format!("{wanted} is not active but {state}{reason}"))
            }
            (InstanceState::Active, Some(primary)) if primary != region.as_str() => {
                let there = instance.regions.iter().any(|other| other == region.as_str());
                Some(if there {
                    format!(
                        "region {region} is an additional region of {wanted}, where nothing can be assigned: save its \
                         primary region, {primary}"
                    )
                } else {
                    format!(
                        "region {region} has no Identity Center instance {wanted}; it is in {primary}: save that region"
                    )
                })
            }
            _ => None,
        }
    }

    /// An account's own instance has no permission sets. Where AWS does not tell who manages the organization, the
    /// next check finds out.
    fn of_an_account(&self, instance: &InstanceFacts, management: Option<&AccountId>) -> Option<String> {
        let (owner, management) = (instance.owner.as_ref()?, management?);
        (owner != management).then(|| {
            format!(
                "{} is account {owner}'s own instance; Curfew needs the organization's, which belongs to the \
                 management account {management}",
                self.saved.instance
            )
        })
    }

    async fn is_connected_elsewhere(&self) -> Result<bool, curfew_store::StoreError> {
        let unit = self.store.unwalled().read().await?;
        let claimed = unit.instance_claimed_by(&self.saved.instance).await?;
        Ok(claimed.is_some_and(|tenant| tenant != self.tenant))
    }

    /// One page each of permission sets, accounts and people, what can be managed from here, and what ends sessions. None needs what another
    /// finds out, so they are asked side by side, and count one after the other.
    pub(super) async fn check_lists(
        &self,
        report: &mut Report,
        directory: &dyn Directory,
        policies: &dyn SessionPolicies,
        found: &Found,
    ) {
        let sets = async {
            let page = directory.permission_sets(&self.saved.instance, None).await;
            self.or_not_delegated(
                self.one_page(page, "permission sets"),
                found.management_account.as_ref().ok(),
            )
        };
        let accounts = async { self.one_page(directory.accounts(None).await, "accounts") };
        let people = async { self.one_page(directory.users(&found.identity_store, None).await, "users") };
        let (sets, accounts, people, reach, ends) = tokio::join!(
            report.check(CheckName::PermissionSets, sets),
            report.check(CheckName::Accounts, accounts),
            report.check(CheckName::Directory, people),
            self.check_reach(report, directory, &found.management_account),
            self.check_session_policies(report, policies, found.management_account.as_ref().ok()),
        );
        for checked in [sets, accounts, people, reach, ends] {
            if report.note(checked).is_none() {
                return;
            }
        }
    }

    /// Identity Center refuses an account that it is not delegated to in the same words as a role that lacks the
    /// permission.
    fn or_not_delegated(&self, page: Finding<()>, management: Option<&AccountId>) -> Finding<()> {
        let own = self.saved.role.account();
        match (page, management) {
            (Finding::Bad { message, error: Some(error) }, Some(management))
                if error.kind == AwsErrorKind::AccessDenied && own != *management =>
            {
                let message = format!(
                    "{message}. Or Identity Center is not delegated to account {own}: delegate it, or save a role of \
                     the management account {management}"
                );
                Finding::Bad { message, error: Some(error) }
            }
            (page, _) => page,
        }
    }

    fn one_page<T>(&self, page: Result<Listed<T>, AwsError>, what: &str) -> Finding<()> {
        match page {
            Ok(page) if page.items.is_empty() && page.next.is_none() => {
                Finding::Doubtful((), format!("there are no {what} yet"))
            }
            Ok(page) => {
                let at_least = if page.next.is_some() { "at least " } else { "" };
                Finding::Good((), format!("{at_least}{} {what} can be listed", page.items.len()))
            }
            Err(error) => Finding::refused(error, &self.saved.region),
        }
    }
}

fn described(instance: &InstanceFacts) -> String {
    match &instance.primary_region {
        Some(region) => format!("{} in {region}", instance.arn),
        None => instance.arn.clone(),
    }
}

/// Says nothing of who has it.
pub(super) fn connected_elsewhere() -> String {
    "the instance is connected elsewhere in this installation: an instance can be connected once".to_owned()
}
