use curfew_domain::policy::{Effect, Notice};
use curfew_domain::{Action, RuleId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AtMost;
use crate::access::{ActionSchema, yes};
use crate::limit::at_most;

/// A rule that somebody wants: one Cedar statement, or its fields. The statement wins.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicyRule {
    /// One Cedar statement.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 65_536)]
    pub policy_text: Option<AtMost<65_536>>,
    /// Whether it gives or takes. Required where there is no statement.
    #[serde(default)]
    #[schema(value_type = Option<EffectSchema>)]
    pub effect: Option<Effect>,
    /// Whom it speaks of.
    #[serde(default)]
    pub principal_scope_type: EntityScopeType,
    /// `User`, `Group` or `Role`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub principal_entity_type: Option<AtMost<200>>,
    /// Which of them: an e-mail, a name or an id. For `is_in`, what it must be in: `Group::"engineering"`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub principal_entity_id: Option<AtMost<2048>>,
    /// Which actions.
    #[serde(default)]
    pub action_scope_type: ActionScopeType,
    /// Their names.
    #[serde(default, deserialize_with = "at_most::<5, _, _>")]
    #[schema(value_type = Vec<ActionSchema>, max_items = 5)]
    pub action_ids: Vec<Action>,
    /// Which resources.
    #[serde(default)]
    pub resource_scope_type: EntityScopeType,
    /// `AwsAccount`, `AwsOrganizationalUnit`, ….
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub resource_entity_type: Option<AtMost<200>>,
    /// Which of them, by AWS's id. For `is_in`, what it must be in: `AwsOrganizationalUnit::"ou-…"`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub resource_entity_id: Option<AtMost<2048>>,
    /// `when` and `unless` clauses, as raw Cedar.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 65_536)]
    pub conditions: Option<AtMost<65_536>>,
    /// What requesters are told when it decides.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub notice: Option<Notice>,
    /// Whether sessions that it gives are followed.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub audit_session: bool,
}

/// What a rule says of its principal or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityScopeType {
    /// All of them.
    #[default]
    Any,
    /// Exactly this one.
    Eq,
    /// This one and all below it.
    In,
    /// All of a type.
    Is,
    /// Those of a type that are below this one.
    IsIn,
}

/// What a rule says of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionScopeType {
    /// All of them.
    #[default]
    Any,
    /// Exactly this one.
    Eq,
    /// These, and those that they are the group of.
    In,
}

/// Whether a rule gives or takes.
#[derive(ToSchema)]
#[schema(as = Effect, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum EffectSchema {
    Permit,
    Forbid,
}

/// A rule: one Cedar statement, and its fields.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyRule {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: RuleId,
    /// Its place in the policy.
    pub ordinal: u32,
    /// Whether it gives or takes.
    #[schema(value_type = EffectSchema)]
    pub effect: Effect,
    /// The statement as it was written, or as it was assembled from fields.
    pub policy_text: String,
    /// Whom it speaks of.
    pub principal_scope_type: EntityScopeType,
    /// Of which type.
    #[schema(required)]
    pub principal_entity_type: Option<String>,
    /// Which of them; for `is_in`, what it must be in, as `Type::"id"`.
    #[schema(required)]
    pub principal_entity_id: Option<String>,
    /// Which actions.
    pub action_scope_type: ActionScopeType,
    /// Their names.
    #[schema(value_type = Vec<ActionSchema>)]
    pub action_ids: Vec<Action>,
    /// Which resources.
    pub resource_scope_type: EntityScopeType,
    /// Of which type.
    #[schema(required)]
    pub resource_entity_type: Option<String>,
    /// Which of them; for `is_in`, what it must be in, as `Type::"id"`.
    #[schema(required)]
    pub resource_entity_id: Option<String>,
    /// `when` and `unless` clauses, as raw Cedar.
    #[schema(required)]
    pub conditions: Option<String>,
    /// What requesters are told when it decides.
    #[schema(required, value_type = Option<String>)]
    pub notice: Option<Notice>,
    /// Whether sessions that it gives are followed.
    pub audit_session: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}
