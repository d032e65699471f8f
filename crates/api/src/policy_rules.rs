use curfew_domain::policy::{ChangeReason, Effect, Notice};
use curfew_domain::{Action, Change, RuleId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AtMost;
use crate::access::ActionSchema;
use crate::limit::{at_most, changed_at_most};

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
    /// What requesters are told when it decides; else what the statement's `@notice` says.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub notice: Option<Notice>,
    /// Whether sessions that it gives are followed; else what the statement's `@audit_session` says, and `true` where
    /// it has none.
    #[serde(default)]
    #[schema(default = true)]
    pub audit_session: Option<bool>,
}

/// A rule for a policy that is there: one Cedar statement, or its fields. The statement wins.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddedPolicyRule {
    /// Its place: whoever has it moves down, and so on as far as there is no gap. Last unless said.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub ordinal: Option<u32>,
    /// Why it is added.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
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
    /// What requesters are told when it decides; else what the statement's `@notice` says.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub notice: Option<Notice>,
    /// Whether sessions that it gives are followed; else what the statement's `@audit_session` says, and `true` where
    /// it has none.
    #[serde(default)]
    #[schema(default = true)]
    pub audit_session: Option<bool>,
}

/// What is to change of a rule; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRuleChange {
    /// Another statement. It wins over fields.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 65_536)]
    pub policy_text: Change<AtMost<65_536>>,
    /// Another effect.
    #[serde(default)]
    #[schema(value_type = Option<EffectSchema>, nullable = false)]
    pub effect: Change<Effect>,
    /// Another way to say whom it speaks of. What the new way has no use for must be set to null.
    #[serde(default)]
    #[schema(value_type = Option<EntityScopeType>, nullable = false)]
    pub principal_scope_type: Change<EntityScopeType>,
    /// Another type.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub principal_entity_type: Change<Option<AtMost<200>>>,
    /// Another of them.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub principal_entity_id: Change<Option<AtMost<2048>>>,
    /// Another way to say which actions.
    #[serde(default)]
    #[schema(value_type = Option<ActionScopeType>, nullable = false)]
    pub action_scope_type: Change<ActionScopeType>,
    /// Other actions.
    #[serde(default, deserialize_with = "changed_at_most::<5, _, _>")]
    #[schema(value_type = Option<Vec<ActionSchema>>, nullable = false, max_items = 5)]
    pub action_ids: Change<Vec<Action>>,
    /// Another way to say which resources.
    #[serde(default)]
    #[schema(value_type = Option<EntityScopeType>, nullable = false)]
    pub resource_scope_type: Change<EntityScopeType>,
    /// Another type.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub resource_entity_type: Change<Option<AtMost<200>>>,
    /// Another of them.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub resource_entity_id: Change<Option<AtMost<2048>>>,
    /// Other `when` and `unless` clauses.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 65_536)]
    pub conditions: Change<Option<AtMost<65_536>>>,
    /// Another notice. Where the statement has a `@notice`, that is changed too.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub notice: Change<Option<Notice>>,
    /// Whether sessions that it gives are followed. Where the statement has an `@audit_session`, that is changed too.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub audit_session: Change<bool>,
    /// Another place: whoever has it moves down, and so on as far as there is no gap.
    #[serde(default)]
    #[schema(value_type = Option<u32>, nullable = false, minimum = 0, maximum = 1_000_000)]
    pub ordinal: Change<u32>,
    /// Why it is changed.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
}

/// An order of a policy's rules.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleOrder {
    /// Each rule of the policy once, the first one first.
    #[serde(deserialize_with = "at_most::<1000, _, _>")]
    #[schema(value_type = Vec<Uuid>, max_items = 1000)]
    pub ids: Vec<RuleId>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
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

impl AddedPolicyRule {
    /// The rule alone, without its place.
    pub fn rule(self) -> NewPolicyRule {
        NewPolicyRule {
            policy_text: self.policy_text,
            effect: self.effect,
            principal_scope_type: self.principal_scope_type,
            principal_entity_type: self.principal_entity_type,
            principal_entity_id: self.principal_entity_id,
            action_scope_type: self.action_scope_type,
            action_ids: self.action_ids,
            resource_scope_type: self.resource_scope_type,
            resource_entity_type: self.resource_entity_type,
            resource_entity_id: self.resource_entity_id,
            conditions: self.conditions,
            notice: self.notice,
            audit_session: self.audit_session,
        }
    }
}
