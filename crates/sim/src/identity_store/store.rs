//! The identity store that a call names, and who may read it from where.

use crate::{
    call::Call,
    protocol::patterns,
    refusal::{Missing, Refusal},
    world::{Instance, Organization},
};

/// The store, if the caller may read it: from any account that sees the instance, in all regions of the instance (<https://docs.aws.amazon.com/singlesignon/latest/userguide/use-cases-across-regions.html>).
pub(super) fn store<'a>(call: &'a Call<'_>) -> Result<&'a Instance, Refusal> {
    let id = bare(call.fields.text("IdentityStoreId", patterns::IDENTITY_STORE_ID)?);
    call.authorize(id)?;
    let not_found = || Refusal::NotFound {
        what: Missing::IdentityStore,
        message: format!("IDENTITY_STORE not found for id {id}"),
    };
    let (organization, instance) = call.state.world.identity_store(id).ok_or_else(not_found)?;
    if !may_read(organization, instance, &call.caller.account) {
        let action = call.service.action(call.operation);
        return Err(Refusal::not_authorized(&call.caller.arn, &action, &instance.identity_store_arn()));
    }
    if !instance.is_in(call.region) {
        return Err(not_found());
    }
    match &instance.customer_managed_key {
        Some(key) if !call.caller.permissions.permit("kms:Decrypt") => Err(Refusal::AccessDenied {
            message: format!(
                "User: {} is not authorized to perform: kms:Decrypt on resource: {key}",
                call.caller.arn
            ),
            kms: true,
        }),
        _ => Ok(instance),
    }
}

/// "If you have access to a member account, you can use this API operation from the member account."
fn may_read(organization: &Organization, instance: &Instance, account: &str) -> bool {
    let member = organization.account(account).is_some();
    member && (instance.owner_account == organization.management_account || instance.owner_account == account)
}

/// An id without the ARN that it may be wrapped in.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The ARN of a user, group or membership.
pub(super) fn resource_arn(kind: &str, id: &str) -> String {
    format!("arn:aws:identitystore:::{kind}/{id}")
}
