//! Making sure of access, many at once.

use std::str::FromStr;

use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccountId, ErrorCode, Invalid, PermissionSetName, Reason, RequestId, Seconds, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AtMost;
use crate::limit::at_most;
use crate::requests::RequestStatusSchema;

/// What somebody needs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "entitlements": [{ "target": "AWS::Account::123456789012", "role": "ReadOnly", "duration_seconds": 3600 }],
    "justification": { "reason": "to look into INC-7", "attachments": ["INC-7"] }
}))]
pub struct EnsureAccess {
    /// Each by itself.
    #[serde(deserialize_with = "at_most::<50, _, _>")]
    #[schema(min_items = 1, max_items = 50)]
    pub entitlements: Vec<EntitlementBody>,
    /// Why.
    #[serde(default)]
    pub justification: JustificationBody,
    /// Whether nothing is to be written: what would come of it is told alone.
    #[serde(default)]
    pub dry_run: bool,
}

/// A permission set in an account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Entitlement)]
pub struct EntitlementBody {
    /// The account.
    #[schema(value_type = String, pattern = "^AWS::Account::[0-9]{12}$", example = "AWS::Account::123456789012")]
    pub target: AccountTarget,
    /// The permission set, by its name or its ARN.
    #[schema(value_type = String, min_length = 1, max_length = 2048, example = "ReadOnly")]
    pub role: PermissionSetName,
    /// How long from now; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
}

/// An account, as `AWS::Account::123456789012`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTarget(pub AccountId);

impl FromStr for AccountTarget {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("a target is AWS::Account:: and the account's 12 digits");
        text.strip_prefix("AWS::Account::").and_then(|id| id.parse().ok()).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for AccountTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why somebody needs it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Justification)]
pub struct JustificationBody {
    /// In words.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// Tickets. Policies see the first as `context.ticket`.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schema(max_items = 20)]
    pub attachments: Vec<Attachment>,
}

/// A ticket: its key or address, or an object that says more of it.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Attachment {
    /// Its key or address, 2048 letters at most.
    #[schema(value_type = String, example = "INC-7")]
    Text(#[serde(serialize_with = "as_text")] AtMost<2048>),
    /// More of it.
    Described(DescribedAttachment),
}

/// What is said of a ticket.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribedAttachment {
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_some_text")]
    #[schema(value_type = Option<String>, max_length = 255)]
    pub id: Option<AtMost<255>>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_some_text")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub url: Option<AtMost<2048>>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_some_text")]
    #[schema(value_type = Option<String>, max_length = 255)]
    pub title: Option<AtMost<255>>,
    /// What kind it is of.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_some_text")]
    #[schema(value_type = Option<String>, max_length = 64)]
    pub r#type: Option<AtMost<64>>,
}

fn as_text<const MAX: usize, S: serde::Serializer>(text: &AtMost<MAX>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text.as_str())
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn as_some_text<const MAX: usize, S: serde::Serializer>(
    text: &Option<AtMost<MAX>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    text.as_ref().map(AtMost::as_str).serialize(to)
}

impl Attachment {
    /// What names it: a key or an address. None where it says neither, or nothing.
    pub fn name(&self) -> Option<&str> {
        let name = match self {
            Attachment::Text(text) => Some(text.as_str()),
            Attachment::Described(described) => {
                described.id.as_ref().map(AtMost::as_str).or(described.url.as_ref().map(AtMost::as_str))
            }
        };
        name.filter(|name| !name.trim().is_empty())
    }

    /// As it is kept.
    pub fn kept(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// What came of each entitlement, in their order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnsuredAccess {
    /// One for each.
    pub grants: Vec<EnsuredGrant>,
}

/// What came of an entitlement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnsuredGrant {
    /// The grant's id; the request's while people decide; the nil UUID where there is neither.
    pub id: Uuid,
    /// What it is called.
    #[schema(example = "ReadOnly in Sandbox")]
    pub name: String,
    /// Where it stands. `pending`: people decide. `provisioning`: it is approved, and AWS does not have it yet. `expired` also where
    /// there is nothing, and nothing will come.
    #[schema(value_type = EnsuredStatusSchema)]
    pub status: &'static str,
    /// What was changed, or would be in a dry run.
    #[schema(value_type = EnsuredChangeSchema)]
    pub change: &'static str,
    /// Whether it is approved, or would be at once.
    pub approved: bool,
    /// How long it lasts in all, or was asked for.
    #[schema(required, value_type = Option<i64>)]
    pub duration_seconds: Option<Seconds>,
    /// When it ends; null until its first creation is sent to AWS.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When AWS had it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Timestamp>,
    /// The request that it came from, or waits in: see `GET /v1/access/requests/{id}`.
    #[schema(required, value_type = Option<Uuid>)]
    pub access_request_id: Option<RequestId>,
    /// What AWS holds.
    #[schema(value_type = EnsuredProvisioningSchema)]
    pub provisioning_status: &'static str,
    /// What the justification has.
    pub validation: EnsureValidation,
    /// What there is to say of it.
    pub diagnostics: Vec<EnsureDiagnostic>,
}

/// What a justification has.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct EnsureValidation {
    /// Whether it has a reason.
    pub has_reason: bool,
    /// Whether it names a ticket.
    pub has_ticket_attachment: bool,
}

/// Something to say of an entitlement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnsureDiagnostic {
    /// `error`: it is not there, and nothing will come. `warning`: it is there, not as it was asked for.
    #[schema(pattern = "^(error|warning|info)$")]
    pub level: &'static str,
    /// The code of the error that asking for it alone would have answered.
    #[schema(required, value_type = Option<String>, example = "forbidden")]
    pub code: Option<ErrorCode>,
    /// What.
    pub message: String,
}

/// What became of a request for access.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccessRequestStatus {
    /// The request's id.
    #[schema(value_type = Uuid)]
    pub id: RequestId,
    /// Where it stands.
    #[schema(value_type = RequestStatusSchema)]
    pub status: RequestStatus,
    /// What it gives.
    pub grants: Vec<AccessGrantStatus>,
}

/// Where what was asked for stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccessGrantStatus {
    /// The grant's id; the request's where there is no grant.
    pub id: Uuid,
    /// What it is called.
    #[schema(example = "ReadOnly in Sandbox")]
    pub name: String,
    /// Where it stands; `expired` also where the request came to nothing.
    #[schema(value_type = EnsuredStatusSchema)]
    pub status: &'static str,
    /// Whether it is approved.
    pub approved: bool,
    /// When it ends; null until its first creation is sent to AWS.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When AWS had it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Timestamp>,
    /// What AWS holds.
    #[schema(value_type = EnsuredProvisioningSchema)]
    pub provisioning_status: &'static str,
}

/// Where access stands.
#[derive(ToSchema)]
#[schema(as = EnsuredStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum EnsuredStatusSchema {
    Active,
    Pending,
    Provisioning,
    Expired,
    Revoked,
}

/// What was changed.
#[derive(ToSchema)]
#[schema(as = EnsuredChange, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum EnsuredChangeSchema {
    None,
    Activated,
    Requested,
    Extended,
}

/// What AWS holds of access.
#[derive(ToSchema)]
#[schema(as = EnsuredProvisioning, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum EnsuredProvisioningSchema {
    Pending,
    Successful,
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_account() {
        let id = "123456789012".parse().unwrap();
        assert_eq!("AWS::Account::123456789012".parse(), Ok(AccountTarget(id)));
        for wrong in
            ["123456789012", "AWS::Account::1234", "AWS::Bucket::123456789012", "aws::account::123456789012"]
        {
            assert!(wrong.parse::<AccountTarget>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ticket_is_named_by_its_key_or_address() {
        let name = |json: Value| {
            serde_json::from_value::<Attachment>(json).ok().and_then(|it| it.name().map(str::to_owned))
        };
        assert_eq!(name("INC-7".into()).as_deref(), Some("INC-7"));
        assert_eq!(
            name(serde_json::json!({ "url": "https://t.example/7" })).as_deref(),
            Some("https://t.example/7")
        );
        assert_eq!(name(serde_json::json!({ "title": "an incident" })), None);
        assert_eq!(name(" ".into()), None);
        assert!(serde_json::from_value::<Attachment>(serde_json::json!({ "unknown": 1 })).is_err());
    }
}
