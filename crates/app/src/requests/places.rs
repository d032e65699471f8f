//! All accounts and permission sets that AWS told of, for questions about more than one request.

use std::collections::BTreeMap;

use curfew_domain::{AccessLevel, Action, InstanceArn, OuId, ResourceType, Timestamp};
use curfew_policy::{AccountFacts, PermissionSetFacts, unit_links};
use curfew_store::ReadUnit;

use super::normalise::{Known, account_facts, is_active, known, set_facts, within_reach};
use crate::AppError;

/// An account as policies see it.
#[derive(Debug, Clone)]
pub(crate) struct AccountPlace {
    pub(crate) facts: AccountFacts,
    /// The units above it, and what each of them lies in.
    pub(crate) units: BTreeMap<OuId, Option<OuId>>,
    pub(crate) seen_at: Timestamp,
    /// Whether it can be asked for at all.
    pub(crate) can_be_had: bool,
}

/// A permission set as policies see it.
#[derive(Debug, Clone)]
pub(crate) struct SetPlace {
    pub(crate) facts: PermissionSetFacts,
    pub(crate) seen_at: Timestamp,
    pub(super) level: AccessLevel,
    is_in_reach: bool,
}

impl SetPlace {
    /// Whether it can be asked for by this action.
    pub(crate) fn can_be_had(&self, action: Action) -> bool {
        self.is_in_reach && action.may_carry(self.level)
    }
}

/// The accounts, by their ids.
pub(crate) async fn accounts(unit: &ReadUnit, instance: &InstanceArn) -> Result<Vec<AccountPlace>, AppError> {
    let all = unit.aws_resources_of(instance, ResourceType::AwsAccount).await?;
    all.into_iter().filter_map(known).map(|account| account_place(&account)).collect()
}

/// The permission sets, by their ARNs.
pub(crate) async fn permission_sets(
    unit: &ReadUnit,
    instance: &InstanceArn,
) -> Result<Vec<SetPlace>, AppError> {
    let all = unit.aws_resources_of(instance, ResourceType::AwsPermissionSet).await?;
    all.into_iter().filter_map(known).map(|set| set_place(&set)).collect()
}

fn account_place(account: &Known) -> Result<AccountPlace, AppError> {
    Ok(AccountPlace {
        facts: account_facts(account)?,
        units: unit_links(&account.units).collect(),
        seen_at: account.seen_at,
        can_be_had: is_active(account) && within_reach(account, "resource").is_ok(),
    })
}

fn set_place(set: &Known) -> Result<SetPlace, AppError> {
    let arn = set.resource.id().parse();
    let arn = arn.map_err(|problem| AppError::invalid("permission_set_arn", &problem))?;
    Ok(SetPlace {
        facts: set_facts(arn, set),
        seen_at: set.seen_at,
        level: set.cached.access_level(),
        is_in_reach: within_reach(set, "permission_set_arn").is_ok(),
    })
}
