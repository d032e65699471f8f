//! An account as policies see it, with what it may be had as.

use curfew_domain::{
    AccessLevel, AccountId, InstanceArn, OuId, PermissionSetArn, ResourceRef, ResourceType, TenantId,
};
use curfew_policy::{AccountFacts, PermissionSetFacts};
use curfew_store::ReadUnit;

use super::normalise::{Known, account_facts, is_active, known, set_facts, within_reach};
use crate::{App, AppError, connection};

/// More permission sets than this are not told one by one.
const MOST_SETS: usize = 100;

/// An account that AWS told of.
pub(crate) struct KnownAccount {
    /// What policies see of it.
    pub(crate) facts: AccountFacts,
    /// The units that it lies in, the nearest first.
    pub(crate) above: Vec<OuId>,
    /// What it may be had as; none where there are too many to tell.
    pub(crate) sets: Option<Vec<(PermissionSetFacts, AccessLevel)>>,
}

/// What is known of an account, and of one permission set or of all that can be had. Refused where it can't be had at all.
/// Problems name the fields `account_id` and `permission_set_arn`.
pub(crate) async fn known_account(
    app: &App,
    tenant: TenantId,
    account: &AccountId,
    set: Option<&PermissionSetArn>,
) -> Result<KnownAccount, AppError> {
    let unit = app.store.tenant(tenant).read().await?;
    let connection = unit.connection().await?;
    let instance = &connection::usable(connection.as_ref())?.saved.instance;
    let account = one(&unit, instance, account.clone().into(), "account_id").await?;
    if !is_active(&account) {
        return Err(AppError::field(
            "account_id",
            "this account is not active: nobody can be given access to it",
        ));
    }
    let sets = if let Some(arn) = set {
        vec![one(&unit, instance, arn.clone().into(), "permission_set_arn").await?]
    } else {
        let all = unit.aws_resources_of(instance, ResourceType::AwsPermissionSet).await?;
        all.into_iter().filter_map(known).filter(|set| set.attributes.out_of_reach.is_none()).collect()
    };
    let sets = sets.iter().map(with_level).collect::<Result<Vec<_>, _>>()?;
    Ok(KnownAccount {
        facts: account_facts(&account)?,
        above: account.units.clone(),
        sets: (sets.len() <= MOST_SETS).then_some(sets),
    })
}

async fn one(
    unit: &ReadUnit,
    instance: &InstanceArn,
    named: ResourceRef,
    field: &str,
) -> Result<Known, AppError> {
    let found = unit.aws_resources(instance, std::slice::from_ref(&named)).await?.pop();
    let found = found.and_then(known).ok_or_else(|| {
        let problem = "AWS has not told of it; a discovery (POST /v1/aws/sync) may find it";
        AppError::field(field, format!("{} is not known: {problem}", named.id()))
    })?;
    within_reach(&found, field)?;
    Ok(found)
}

fn with_level(set: &Known) -> Result<(PermissionSetFacts, AccessLevel), AppError> {
    let arn =
        set.resource.id().parse().map_err(|problem| AppError::invalid("permission_set_arn", &problem))?;
    Ok((set_facts(arn, set), set.cached.access_level()))
}
