//! Rules between their fields on the wire and their shape.

use curfew_api::{ActionScopeType, EntityScopeType, NewPolicyRule, PolicyRule};
use curfew_app::policies::{ActionScope, EntityRef, NewRule, RuleScope, RuleShape, Said};
use curfew_domain::{AccountId, GroupId, OuId, policy};

use crate::ApiError;

/// Reads rule number `index` of a body. A statement wins over fields.
pub(super) fn new_rule(index: usize, body: NewPolicyRule) -> Result<NewRule, ApiError> {
    let (notice, audit_session) = (body.notice.clone(), body.audit_session);
    let said = match body.policy_text {
        Some(text) => Said::Text(text.into()),
        None => Said::Shape(Box::new(shape(index, body)?)),
    };
    Ok(NewRule { said, notice, audit_session })
}

fn shape(index: usize, body: NewPolicyRule) -> Result<RuleShape, ApiError> {
    let missing = || at(index, "effect", "is required where there is no policy_text");
    let principal = WrittenScope {
        path: [index.to_string(), "principal".to_owned()],
        kind: body.principal_entity_type.map(String::from),
        id: body.principal_entity_id.map(String::from),
    };
    let resource = WrittenScope {
        path: [index.to_string(), "resource".to_owned()],
        kind: body.resource_entity_type.map(String::from),
        id: body.resource_entity_id.map(String::from),
    };
    let action = match (body.action_scope_type, &body.action_ids[..]) {
        (ActionScopeType::Any, []) => ActionScope::Any,
        (ActionScopeType::Eq, [one]) => ActionScope::Eq(*one),
        (ActionScopeType::In, [_, ..]) => ActionScope::In(body.action_ids),
        _ => return Err(at(index, "action_ids", "none for any, one for eq, one or more for in")),
    };
    Ok(RuleShape {
        effect: body.effect.ok_or_else(missing)?,
        principal: principal.scope(body.principal_scope_type)?,
        action,
        resource: resource.scope(body.resource_scope_type)?,
        conditions: body.conditions.map(String::from),
    })
}

/// The type and id of a scope, as they were written.
struct WrittenScope {
    path: [String; 2],
    kind: Option<String>,
    id: Option<String>,
}

impl WrittenScope {
    fn scope(self, scope: EntityScopeType) -> Result<RuleScope, ApiError> {
        Ok(match scope {
            EntityScopeType::Any => RuleScope::Any,
            EntityScopeType::Eq => RuleScope::Eq(EntityRef::new(self.kind()?, self.id()?)),
            EntityScopeType::In => RuleScope::In(EntityRef::new(self.kind()?, self.id()?)),
            EntityScopeType::Is => RuleScope::Is(self.kind()?.to_owned()),
            EntityScopeType::IsIn => RuleScope::IsIn(self.kind()?.to_owned(), self.container()?),
        })
    }

    fn kind(&self) -> Result<&str, ApiError> {
        self.kind.as_deref().ok_or_else(|| self.missing("entity_type"))
    }

    fn id(&self) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(|| self.missing("entity_id"))
    }

    /// What it must be in: `Type::"id"`, or an id whose form tells its type.
    fn container(&self) -> Result<EntityRef, ApiError> {
        let id = self.id()?;
        let kind = if id.starts_with("group:") {
            "User"
        } else if id.parse::<OuId>().is_ok() {
            "AwsOrganizationalUnit"
        } else if id.parse::<AccountId>().is_ok() {
            "AwsAccount"
        } else if id.parse::<GroupId>().is_ok() {
            "Group"
        } else {
            return id
                .parse()
                .map_err(|problem: curfew_domain::Invalid| self.problem("entity_id", &problem.to_string()));
        };
        Ok(EntityRef::new(kind, id))
    }

    fn missing(&self, field: &str) -> ApiError {
        self.problem(field, "is required by the scope type")
    }

    fn problem(&self, field: &str, problem: &str) -> ApiError {
        let [index, variable] = &self.path;
        ApiError::field(format!("rules[{index}].{variable}_{field}"), problem)
    }
}

fn at(index: usize, field: &str, problem: &str) -> ApiError {
    ApiError::field(format!("rules[{index}].{field}"), problem)
}

/// A rule as it is shown.
pub(super) fn shown_rule(rule: policy::PolicyRule, shape: RuleShape) -> PolicyRule {
    let (principal_scope_type, principal_entity_type, principal_entity_id) = fields(shape.principal);
    let (resource_scope_type, resource_entity_type, resource_entity_id) = fields(shape.resource);
    let (action_scope_type, action_ids) = match shape.action {
        ActionScope::Any => (ActionScopeType::Any, Vec::new()),
        ActionScope::Eq(action) => (ActionScopeType::Eq, vec![action]),
        ActionScope::In(actions) => (ActionScopeType::In, actions),
    };
    PolicyRule {
        id: rule.id,
        ordinal: rule.ordinal,
        effect: shape.effect,
        policy_text: rule.text,
        principal_scope_type,
        principal_entity_type,
        principal_entity_id,
        action_scope_type,
        action_ids,
        resource_scope_type,
        resource_entity_type,
        resource_entity_id,
        conditions: shape.conditions,
        notice: rule.notice,
        audit_session: rule.audit_session,
        created_at: rule.created_at,
    }
}

fn fields(scope: RuleScope) -> (EntityScopeType, Option<String>, Option<String>) {
    match scope {
        RuleScope::Any => (EntityScopeType::Any, None, None),
        RuleScope::Eq(entity) => (EntityScopeType::Eq, Some(entity.kind), Some(entity.id)),
        RuleScope::In(entity) => (EntityScopeType::In, Some(entity.kind), Some(entity.id)),
        RuleScope::Is(kind) => (EntityScopeType::Is, Some(kind), None),
        RuleScope::IsIn(kind, within) => (EntityScopeType::IsIn, Some(kind), Some(within.to_string())),
    }
}
