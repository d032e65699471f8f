//! Delegated administrators.

use serde_json::Value;

use super::view;
use crate::{
    call::{Call, listed},
    protocol::{epoch_seconds, patterns},
    refusal::Refusal,
    sso_admin::BEGINNING,
};

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html>
pub(super) fn list_delegated_administrators(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let service = call.fields.optional_text("ServicePrincipal", patterns::SERVICE_PRINCIPAL)?;
    let administrators: Vec<Value> = organization
        .delegated_administrators
        .iter()
        .filter(|d| service.is_none_or(|wanted| d.service_principals.iter().any(|own| own == wanted)))
        .filter_map(|d| organization.account(&d.account))
        .map(|account| {
            let mut shown = view::account(call, organization, account);
            if let Value::Object(members) = &mut shown {
                members.remove("Paths");
                members.insert("DelegationEnabledDate".to_owned(), epoch_seconds(BEGINNING));
            }
            shown
        })
        .collect();
    let of = service.unwrap_or_default();
    Ok(listed("DelegatedAdministrators", call.page(administrators, |a| a["Id"].to_string(), of)?))
}
