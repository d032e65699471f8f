use std::fmt::Formatter;
use std::net::IpAddr;

use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccountId, Action, Change, DisplayName, GroupId, LongText, PermissionSetArn, PolicyId, Reason,
    ResourceRef, Seconds, Timestamp,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::AtMost;
use crate::access::{ActionSchema, ApprovalModeSchema, ResourceRefSchema};
use crate::limit::{at_most, changed_at_most, some_at_most};
use crate::policies::{NewPolicy, PolicyChange};
use crate::policy_rules::NewPolicyRule;
use crate::policy_simulation::DifferenceKind;

/// A draft of the policies, and what to try it on: past requests, or those in `requests`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatePolicies {
    /// What would be made, changed and deleted; each policy at most once.
    #[serde(deserialize_with = "at_most::<1000, _, _>")]
    #[schema(min_items = 1, max_items = 1000)]
    pub changes: Vec<DraftPolicy>,
    /// Past requests that were made at this moment or later.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Past requests that were made before this moment.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// How many past requests to try at most, the newest; 1,000 unless said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000, default = 1_000)]
    pub limit: Option<u32>,
    /// Requests to try instead of past ones. With them, `from`, `to` and `limit` are refused.
    #[serde(default, deserialize_with = "some_at_most::<1000, _, _>")]
    #[schema(value_type = Option<Vec<SupposedRequest>>, nullable = false, min_items = 1, max_items = 1000)]
    pub requests: Option<Vec<SupposedRequest>>,
    /// Which differences to list; all unless said. All are counted.
    #[serde(default, deserialize_with = "some_at_most::<3, _, _>")]
    #[schema(value_type = Option<Vec<DifferenceKind>>, nullable = false, min_items = 1, max_items = 3)]
    pub kinds: Option<Vec<DifferenceKind>>,
}

/// What a draft does with one policy. Without `policy_id` it is a new one: `name` and `max_duration_seconds` are
/// required, and what is left out is as in a new policy. With it, what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPolicy {
    /// Which policy is changed or deleted.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// Whether it is taken away. Then nothing else is said of it.
    #[serde(default)]
    #[schema(default = false)]
    pub delete: bool,
    /// Its name.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 200)]
    pub name: Change<DisplayName>,
    /// Its description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub description: Change<Option<LongText>>,
    /// Whether it takes part in decisions.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub enabled: Change<bool>,
    /// Its priority.
    #[serde(default)]
    #[schema(value_type = Option<i32>, nullable = false)]
    pub priority: Change<i32>,
    /// Above this its permits don't match.
    #[serde(default)]
    #[schema(value_type = Option<i64>, nullable = false, minimum = 1, maximum = 315_360_000)]
    pub max_duration_seconds: Change<Seconds>,
    /// How long, when nobody said.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub default_duration_seconds: Change<Option<Seconds>>,
    /// Where its events are told besides.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub notification_channel: Change<Option<DisplayName>>,
    /// Cedar statements. With `rules` or without, they take the place of all rules that the policy has.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 1_048_576)]
    pub cedar_policy_set: Change<String>,
    /// Single rules, after the statements. They too take the place of all rules that the policy has.
    #[serde(default, deserialize_with = "changed_at_most::<1000, _, _>")]
    #[schema(value_type = Option<Vec<NewPolicyRule>>, nullable = false, max_items = 1000)]
    pub rules: Change<Vec<NewPolicyRule>>,
    /// How requests are approved.
    #[serde(default)]
    #[schema(value_type = Option<ApprovalModeSchema>, nullable = false)]
    pub approval_mode: Change<ApprovalMode>,
    /// How long a request waits for people.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub approval_timeout_seconds: Change<Option<Seconds>>,
    /// How many different people have to approve.
    #[serde(default)]
    #[schema(value_type = Option<u16>, nullable = false, minimum = 1, maximum = 20)]
    pub approvals_required: Change<u16>,
    /// Who may approve.
    #[serde(default, deserialize_with = "changed_at_most::<100, _, _>")]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false, max_items = 100)]
    pub approver_groups: Change<Vec<GroupId>>,
    /// Whether an emergency passes without approval.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub allow_break_glass: Change<bool>,
    /// How long an emergency lasts at most.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub break_glass_max_duration_seconds: Change<Option<Seconds>>,
}

/// A request that nobody has made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupposedRequest {
    /// Who would ask: a user's id or e-mail address, also as `User::"…"`.
    #[schema(value_type = String, min_length = 1, max_length = 400)]
    pub requester: AtMost<400>,
    /// What is named.
    #[schema(value_type = ResourceNameSchema)]
    pub resource: ResourceName,
    /// What is to be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// The permission set, unless `resource` is one.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, example = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// How long; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// A ticket that it belongs to.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub ticket: Option<AtMost<2000>>,
    /// From where.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "192.0.2.7")]
    pub source_ip: Option<IpAddr>,
    /// When; now unless said.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub requested_at: Option<Timestamp>,
    /// Whether it would be an emergency, asked for by somebody who may ask so.
    #[serde(default)]
    pub break_glass: bool,
}

/// A resource, as `type:id` or by type and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceName(pub ResourceRef);

impl<'de> Deserialize<'de> for ResourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ResourceRef;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a resource, as \"type:id\" or by type and id")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ResourceRef, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ResourceRef, A::Error> {
                ResourceRef::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(Either).map(Self)
    }
}

/// A resource, as `type:id` or by type and id.
#[derive(ToSchema)]
#[schema(as = ResourceName)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ResourceNameSchema {
    /// `aws_account:123456789012`
    Text(String),
    /// By type and id.
    Parts(ResourceRefSchema),
}

impl DraftPolicy {
    /// The body of the new policy that it is, where it says what one must say; else the field that lacks.
    pub fn new_policy(self) -> Result<NewPolicy, &'static str> {
        let defaults =
            PolicyTerms::lasting_up_to(self.max_duration_seconds.said().ok_or("max_duration_seconds")?);
        Ok(NewPolicy {
            name: self.name.said().ok_or("name")?,
            description: self.description.said().flatten(),
            enabled: self.enabled.said().unwrap_or(true),
            priority: self.priority.said().unwrap_or(0),
            max_duration_seconds: defaults.maximum,
            default_duration_seconds: self.default_duration_seconds.said().flatten(),
            notification_channel: self.notification_channel.said().flatten(),
            cedar_policy_set: self.cedar_policy_set.said(),
            rules: self.rules.said().unwrap_or_default(),
            approval_mode: self.approval_mode.said().unwrap_or(defaults.mode),
            approval_timeout_seconds: self.approval_timeout_seconds.said().flatten(),
            approvals_required: self.approvals_required.said().unwrap_or(defaults.approvals_required),
            approver_groups: self.approver_groups.said().unwrap_or_default(),
            allow_break_glass: self.allow_break_glass.said().unwrap_or(false),
            break_glass_max_duration_seconds: self.break_glass_max_duration_seconds.said().flatten(),
            change_reason: None,
        })
    }

    /// What of the policy that it names is to change, and single rules in the place of its own.
    pub fn change(self) -> (PolicyChange, Change<Vec<NewPolicyRule>>) {
        let change = PolicyChange {
            name: self.name,
            description: self.description,
            enabled: self.enabled,
            priority: self.priority,
            max_duration_seconds: self.max_duration_seconds,
            default_duration_seconds: self.default_duration_seconds,
            notification_channel: self.notification_channel,
            cedar_policy_set: self.cedar_policy_set,
            approval_mode: self.approval_mode,
            approval_timeout_seconds: self.approval_timeout_seconds,
            approvals_required: self.approvals_required,
            approver_groups: self.approver_groups,
            allow_break_glass: self.allow_break_glass,
            break_glass_max_duration_seconds: self.break_glass_max_duration_seconds,
            change_reason: None,
        };
        (change, self.rules)
    }
}
