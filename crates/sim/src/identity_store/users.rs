//! People.

use serde_json::{Value, json};

use super::store::{bare, resource_arn, store};
use crate::{
    call::{Call, compact, listed},
    protocol::{fields::Fields, patterns},
    refusal::{Missing, Refusal},
    world::{Instance, User},
};

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListUsers.html>: one filter at
/// most, on `UserName` (deprecated) or an external id.
pub(super) fn list_users(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    let filters = call.fields.structures("Filters", 1)?;
    let wanted = filters.first().map(user_name_filter).transpose()?;
    let users: Vec<Value> = instance
        .users
        .iter()
        .filter(|user| wanted.is_none_or(|wanted| user.user_name.eq_ignore_ascii_case(wanted)))
        .map(|user| shown(instance, user))
        .collect();
    let of = format!("{}:{}", instance.identity_store_id, wanted.unwrap_or_default());
    Ok(listed("Users", call.page(users, |user| user["UserId"].to_string(), &of)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html>
pub(super) fn describe_user(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    let id = bare(call.fields.text("UserId", patterns::RESOURCE_ID)?);
    let user = instance.user(id).ok_or_else(not_found)?;
    Ok(shown(instance, user))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetUserId.html>: by an external id,
/// or by one of the unique attributes `userName` and `emails.value`.
pub(super) fn get_user_id(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    let identifier = call.fields.structure("AlternateIdentifier")?;
    let user = match (
        identifier.optional_structure("UniqueAttribute")?,
        identifier.optional_structure("ExternalId")?,
    ) {
        (Some(attribute), None) => by_attribute(instance, attribute)?,
        (None, Some(external)) => by_external_id(instance, external)?,
        _ => {
            return Err(Refusal::invalid(
                "AlternateIdentifier must have exactly one of UniqueAttribute and ExternalId",
            ));
        }
    };
    let user = user.ok_or_else(not_found)?;
    Ok(json!({
        "IdentityStoreId": instance.identity_store_id,
        "UserId": user.id,
        "UserArn": resource_arn("user", &user.id),
    }))
}

fn user_name_filter<'a>(filter: &Fields<'a>) -> Result<&'a str, Refusal> {
    let path = filter.text("AttributePath", patterns::TEXT)?;
    if path != "UserName" {
        return Err(Refusal::invalid(format!("Unsupported filter attribute path: {path}")));
    }
    filter.text("AttributeValue", patterns::TEXT)
}

fn by_attribute<'a>(instance: &'a Instance, attribute: Fields<'_>) -> Result<Option<&'a User>, Refusal> {
    let value = attribute.text("AttributeValue", patterns::TEXT)?;
    match attribute.text("AttributePath", patterns::TEXT)? {
        "emails.value" => Ok(instance.user_by_email(value)),
        "userName" => Ok(instance.users.iter().find(|user| user.user_name.eq_ignore_ascii_case(value))),
        path => {
            Err(Refusal::invalid(format!("The attribute path {path} is not a unique attribute of users")))
        }
    }
}

fn by_external_id<'a>(instance: &'a Instance, external: Fields<'_>) -> Result<Option<&'a User>, Refusal> {
    let issuer = external.text("Issuer", patterns::TEXT)?;
    let id = external.text("Id", patterns::TEXT)?;
    let has = |user: &&User| user.external_ids.iter().any(|own| own.issuer == issuer && own.id == id);
    Ok(instance.users.iter().find(has))
}

fn shown(instance: &Instance, user: &User) -> Value {
    let (given, family) = user.display_name.split_once(' ').unwrap_or((&user.display_name, "-"));
    let external: Vec<Value> =
        user.external_ids.iter().map(|own| json!({ "Issuer": own.issuer, "Id": own.id })).collect();
    compact(json!({
        "IdentityStoreId": instance.identity_store_id,
        "UserId": user.id,
        "UserArn": resource_arn("user", &user.id),
        "Revision": "1",
        "UserName": user.user_name,
        "ExternalIds": (!external.is_empty()).then_some(external),
        "Name": { "GivenName": given, "FamilyName": family },
        "DisplayName": user.display_name,
        "Emails": user.email.as_ref().map(|email| json!([{ "Value": email, "Type": "work", "Primary": true }])),
        "UserStatus": user.status.as_str(),
    }))
}

fn not_found() -> Refusal {
    Refusal::NotFound { what: Missing::User, message: "USER not found.".to_owned() }
}
