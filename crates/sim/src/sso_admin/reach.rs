//! From where an instance can be administered: by whom, in which region, in what state.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html>,
//! <https://docs.aws.amazon.com/singlesignon/latest/userguide/use-cases-across-regions.html>

use crate::{
    call::Call,
    protocol::patterns,
    refusal::{Missing, Refusal},
    world::{Instance, InstanceStatus, Organization, PermissionSet},
};

/// An instance that the caller may administer, as this call names it.
#[derive(Clone, Copy)]
pub(super) struct Reached<'a> {
    pub(super) organization: &'a Organization,
    pub(super) instance: &'a Instance,
}

/// The instance that a call names, if the caller may use this operation on it from here.
pub(super) fn reach<'a>(call: &'a Call<'_>) -> Result<Reached<'a>, Refusal> {
    let reached = visible(call)?;
    let Reached { instance, .. } = reached;
    if instance.primary_region != call.region {
        return Err(Refusal::invalid(format!(
            "The operation {} is only supported in the primary Region {} of the instance",
            call.operation, instance.primary_region
        )));
    }
    match instance.status {
        InstanceStatus::Active => Ok(reached),
        status => Err(Refusal::invalid(format!("The instance is in status {}", status.as_str()))),
    }
}

/// The instance that a call names, in any of its regions and states. One that is gone, elsewhere or another
/// organization's is access denied: what isn't one's own is never told apart.
pub(super) fn visible<'a>(call: &'a Call<'_>) -> Result<Reached<'a>, Refusal> {
    let arn = call.fields.text("InstanceArn", patterns::INSTANCE_ARN)?;
    call.authorize(arn)?;
    let denied = || Refusal::not_authorized(&call.caller.arn, &call.service.action(call.operation), arn);
    let (organization, instance) = call.state.world.instance(arn).ok_or_else(denied)?;
    if !administers(organization, instance, &call.caller.account) || !instance.is_in(call.region) {
        return Err(denied());
    }
    check_key(call, instance)?;
    Ok(Reached { organization, instance })
}

/// Whether an account administers an instance: its owner does, and who it was delegated to.
fn administers(organization: &Organization, instance: &Instance, account: &str) -> bool {
    let delegated = instance.owner_account == organization.management_account
        && organization.delegates_identity_center_to(account);
    instance.owner_account == account || delegated
}

/// A customer managed key wants `kms:Decrypt` of every caller.
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/encryption-at-rest.html>
fn check_key(call: &Call<'_>, instance: &Instance) -> Result<(), Refusal> {
    match &instance.customer_managed_key {
        Some(key) if !call.caller.permissions.permit("kms:Decrypt") => {
            let message = format!(
                "User: {} is not authorized to perform: kms:Decrypt on resource: {key} because no identity-based policy allows the kms:Decrypt action",
                call.caller.arn
            );
            Err(Refusal::AccessDenied { message, kms: true })
        }
        _ => Ok(()),
    }
}

impl<'a> Reached<'a> {
    /// The permission set that the call names.
    pub(super) fn permission_set(&self, call: &Call<'_>) -> Result<&'a PermissionSet, Refusal> {
        let arn = call.fields.text("PermissionSetArn", patterns::PERMISSION_SET_ARN)?;
        self.instance.permission_set(arn).ok_or_else(|| Refusal::NotFound {
            what: Missing::Resource,
            message: format!("PermissionSet not found for ARN {arn}"),
        })
    }

    /// Checks that an account is one of the organization's.
    pub(super) fn check_account(&self, account: &str) -> Result<(), Refusal> {
        if self.organization.account(account).is_some() {
            return Ok(());
        }
        Err(Refusal::NotFound {
            what: Missing::Resource,
            message: format!("Account not found for id {account}"),
        })
    }
}
