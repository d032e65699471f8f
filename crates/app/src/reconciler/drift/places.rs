//! Which places a pass lists.

use std::collections::{BTreeMap, BTreeSet};

use curfew_aws::AwsError;
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn, ResourceType, Timestamp};
use curfew_store::{Listable, ReadUnit};

use super::super::Reconciler;
use super::super::access::Access;
use super::super::limiter::Urgency;
use crate::{AppError, with_causes};

/// Permission sets that are exclusive, and since when.
pub(in super::super) type Exclusive = BTreeMap<PermissionSetArn, Timestamp>;

impl Reconciler {
    /// Besides what Curfew has worked on: where an exclusive set may be assigned. One set is looked for in every account,
    /// at a call each. Of several, AWS is first asked for each account which are provisioned there: nothing else can be
    /// assigned in it.
    pub(super) async fn exclusive_places(
        &self,
        access: &Access,
        accounts: Vec<AccountId>,
        exclusive: &Exclusive,
    ) -> BTreeSet<Listable> {
        let mut places = BTreeSet::new();
        for account in accounts {
            let sets = match exclusive.len() {
                0 | 1 => None,
                _ => self.provisioned(access, &account).await.ok(),
            };
            let held = exclusive.keys().filter(|set| sets.as_ref().is_none_or(|sets| sets.contains(*set)));
            places.extend(held.map(|set| Listable { account: account.clone(), permission_set: set.clone() }));
        }
        places
    }

    /// The permission sets that are provisioned in an account.
    pub(in super::super) async fn provisioned(
        &self,
        access: &Access,
        account: &AccountId,
    ) -> Result<BTreeSet<PermissionSetArn>, AwsError> {
        let instance = &access.verified.saved.instance;
        let (mut sets, mut after) = (BTreeSet::new(), None);
        loop {
            self.limiters.take(access.role.tenant, Urgency::Watch).await;
            let asked = async {
                self.app
                    .aws
                    .directory(&access.role)
                    .await?
                    .sets_provisioned_in(instance, account, after)
                    .await
            };
            match asked.await {
                Ok(page) => {
                    sets.extend(page.items);
                    after = page.next;
                }
                Err(error) => {
                    tracing::warn!(tenant_id = %access.role.tenant, account_id = %account,
                        error = with_causes(&error), "AWS does not tell what is provisioned in an account");
                    return Err(error);
                }
            }
            if after.is_none() {
                return Ok(sets);
            }
        }
    }
}

/// The accounts that AWS told of, and that can be managed.
pub(in super::super) async fn manageable_accounts(
    unit: &ReadUnit,
    instance: &InstanceArn,
) -> Result<Vec<AccountId>, AppError> {
    let found = unit.aws_resources_of(instance, ResourceType::AwsAccount).await?;
    let manageable = found
        .into_iter()
        .filter(|one| one.known().is_some_and(|told| told.attributes.out_of_reach.is_none()));
    Ok(manageable.filter_map(|one| one.resource.id().parse().ok()).collect())
}
