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
    /// What a scope type has no use for is refused: dropped, it would have the rule speak of everybody.
    fn scope(self, scope: EntityScopeType) -> Result<RuleScope, ApiError> {
        if scope == EntityScopeType::Any {
            self.refuse("entity_type", self.kind.as_ref())?;
        }
        if matches!(scope, EntityScopeType::Any | EntityScopeType::Is) {
            self.refuse("entity_id", self.id.as_ref())?;
        }
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

    fn refuse(&self, field: &str, said: Option<&String>) -> Result<(), ApiError> {
        match said {
            None => Ok(()),
            Some(_) => Err(self.problem(field, "says nothing with this scope type: name one that uses it")),
        }
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

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde_json::{Value, json};

    use super::*;

    fn read(rule: Value) -> Result<NewRule, ApiError> {
        new_rule(0, serde_json::from_value(rule).unwrap())
    }

    async fn refused_field(rule: Value) -> String {
        let response = read(rule).unwrap_err().into_response();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let fields: Vec<_> = body["details"]["fields"].as_object().unwrap().keys().cloned().collect();
        fields.join(" ")
    }

    #[tokio::test]
    async fn a_field_that_the_scope_type_has_no_use_for_is_refused() {
        for (variable, scope, field) in [
            ("principal", None, "entity_type"),
            ("principal", Some("any"), "entity_id"),
            ("principal", Some("is"), "entity_id"),
            ("resource", None, "entity_id"),
            ("resource", Some("is"), "entity_id"),
        ] {
            let name = |field: &str| format!("{variable}_{field}");
            let mut rule = json!({ "effect": "permit", name(field): "User" });
            if let Some(scope) = scope {
                rule[name("scope_type")] = scope.into();
                if scope == "is" {
                    rule[name("entity_type")] = "User".into();
                }
            }
            let refused = refused_field(rule.clone()).await;
            assert_eq!(refused, format!("rules[0].{variable}_{field}"), "{rule}");
        }
    }

    #[test]
    fn a_rule_that_says_no_more_than_its_scope_types_use_is_read() {
        for rule in [
            json!({ "effect": "permit" }),
            json!({ "effect": "permit", "principal_scope_type": "is", "principal_entity_type": "User" }),
            json!({ "effect": "permit", "principal_scope_type": "eq", "principal_entity_type": "User",
                "principal_entity_id": "alice@acme.example" }),
        ] {
            assert!(read(rule.clone()).is_ok(), "{rule}");
        }
    }
}
