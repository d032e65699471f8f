//! Where access may be that was forgotten: every account that AWS tells of, and every permission set that it says is
//! provisioned there; and what the database knows besides.

use std::collections::BTreeSet;

use curfew_domain::{AccountId, PermissionSetArn, ResourceType};

use super::super::Reconciler;
use super::super::access::Access;
use super::super::drift::{Exclusive, manageable_accounts};
use super::super::limiter::Urgency;
use crate::{AppError, with_causes};

impl Reconciler {
    /// All accounts but a management account that a delegated administrator can't assign in. And why AWS does not tell of
    /// all of them, where it does not: then those that it told of now or before.
    pub(super) async fn accounts(
        &self,
        access: &Access,
    ) -> Result<(BTreeSet<AccountId>, Option<String>), AppError> {
        let (tenant, instance) = (access.role.tenant, &access.verified.saved.instance);
        let unit = self.app.store.tenant(tenant).read().await?;
        let mut accounts: BTreeSet<_> = manageable_accounts(&unit, instance).await?.into_iter().collect();
        let managing =
            unit.aws_resources_of(instance, ResourceType::AwsAccount).await?.into_iter().find(|one| {
                let is_other = one.resource.id() != access.role.role.account().as_str();
                is_other && one.known().is_some_and(|told| told.attributes.is_management)
            });
        let worked_on = unit.listable(instance, true).await?;
        drop(unit);
        let beyond = |id: &AccountId| managing.as_ref().is_some_and(|one| one.resource.id() == id.as_str());
        accounts.retain(|id| !beyond(id));
        accounts.extend(worked_on.into_iter().map(|place| place.account));
        let mut after = None;
        loop {
            self.limiters.take(tenant, Urgency::Watch).await;
            let asked = async { self.app.aws.directory(&access.role).await?.accounts(after).await };
            match asked.await {
                Ok(page) => {
                    accounts.extend(
                        page.items.into_iter().filter(|one| one.active && !beyond(&one.id)).map(|one| one.id),
                    );
                    after = page.next;
                }
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, error = with_causes(&error), "AWS does not list accounts");
                    return Ok((accounts, Some(with_causes(&error))));
                }
            }
            if after.is_none() {
                return Ok((accounts, None));
            }
        }
    }

    /// The permission sets that somebody may have in an account; of `only` these, where they are given. And why AWS does not
    /// tell of them, where it does not: then those that the database knows of.
    pub(super) async fn sets_in(
        &self,
        access: &Access,
        account: &AccountId,
        only: Option<&Exclusive>,
    ) -> Result<(BTreeSet<PermissionSetArn>, Option<String>), AppError> {
        let instance = &access.verified.saved.instance;
        let unit = self.app.store.tenant(access.role.tenant).read().await?;
        let known = unit.listable(instance, true).await?;
        let exclusive = unit.exclusive_sets(instance).await?;
        drop(unit);
        let mut sets: BTreeSet<_> = known
            .into_iter()
            .filter(|place| place.account == *account)
            .map(|place| place.permission_set)
            .collect();
        let problem = match self.provisioned(access, account).await {
            Ok(provisioned) => {
                sets.extend(provisioned);
                None
            }
            Err(error) => {
                sets.extend(exclusive.into_keys());
                Some(with_causes(&error))
            }
        };
        if let Some(only) = only {
            sets.retain(|set| only.contains_key(set));
        }
        Ok((sets, problem))
    }
}
