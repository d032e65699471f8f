//! The role for the customer to create.

use curfew_aws::bootstrap::{Bootstrap, Templates};
use curfew_domain::{AccountId, ExternalId, InstanceArn, Region, Scope};

use super::aws_unreachable;
use crate::{App, AppError, Caller};

/// Where the role shall live, and for which instance.
#[derive(Debug, Clone)]
pub struct TemplateFor {
    /// The management account, or the delegated administrator.
    pub account: AccountId,
    /// The instance.
    pub instance: InstanceArn,
    /// Its primary region.
    pub region: Region,
}

/// Renders the role with the tenant's `ExternalId`s, and says which they are.
pub async fn bootstrap_template(
    app: &App,
    caller: &Caller,
    wanted: TemplateFor,
) -> Result<(Templates, Vec<ExternalId>), AppError> {
    caller.require(Scope::IntegrationsRead)?;
    if wanted.region.partition() != wanted.instance.partition() {
        let found = wanted.region.partition();
        return Err(AppError::field("region", format!("is of the partition {found}, the instance is not")));
    }
    let unit = app.store.tenant(caller.tenant).read().await?;
    let connection = unit.connection().await?.ok_or(AppError::NotFound("ExternalId"))?;
    drop(unit);
    let external_ids: Vec<ExternalId> = connection.external_ids.in_order().cloned().collect();
    let own = app.aws.trust(&wanted.region).own_identity().await;
    let own = own.map_err(|error| aws_unreachable(&error, &wanted.region))?;
    let principal = own.principal().map_err(AppError::internal)?;
    let bootstrap = Bootstrap {
        account: &wanted.account,
        instance: &wanted.instance,
        region: &wanted.region,
        external_ids: &external_ids,
        principal: &principal,
    };
    Ok((bootstrap.render(), external_ids))
}
