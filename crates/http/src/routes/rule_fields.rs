//! Rules between their fields on the wire and the use cases'.

use curfew_api::{ActionScopeType, AtMost, EntityScopeType, NewPolicyRule, PolicyRule, PolicyRuleChange};
use curfew_app::policies::{
    ActionFields, FieldsChange, NewRule, RuleChange, RuleDetail, RuleFields, RuleShape, Said, ScopeChange,
    ScopeFields, ScopeType,
};
use curfew_app::{FieldProblem, policies};
use curfew_domain::Change;

use crate::ApiError;

/// Reads a rule of a body, whose path in it is `path` (`rules[0].`). A statement wins over fields.
pub(super) fn new_rule(path: &str, body: NewPolicyRule) -> Result<NewRule, ApiError> {
    let (notice, audit_session) = (body.notice.clone(), body.audit_session);
    let said = match body.policy_text {
        Some(text) => Said::Text(text.into()),
        None => Said::Shape(Box::new(shape(path, body)?)),
    };
    Ok(NewRule { said, notice, audit_session })
}

fn shape(path: &str, body: NewPolicyRule) -> Result<RuleShape, ApiError> {
    let at = |problem: FieldProblem| ApiError::field(format!("{path}{}", problem.path), problem.problem);
    let missing = || {
        at(FieldProblem {
            path: "effect".to_owned(),
            problem: "is required where there is no policy_text".to_owned(),
        })
    };
    let fields = RuleFields {
        effect: body.effect.ok_or_else(missing)?,
        principal: ScopeFields {
            scope: scope_type(body.principal_scope_type),
            entity_type: body.principal_entity_type.map(String::from),
            entity_id: body.principal_entity_id.map(String::from),
        },
        action: ActionFields { scope: action_scope_type(body.action_scope_type), ids: body.action_ids },
        resource: ScopeFields {
            scope: scope_type(body.resource_scope_type),
            entity_type: body.resource_entity_type.map(String::from),
            entity_id: body.resource_entity_id.map(String::from),
        },
        conditions: body.conditions.map(String::from),
    };
    fields.shape().map_err(at)
}

/// Reads what is to change of a rule.
pub(super) fn rule_change(body: PolicyRuleChange) -> RuleChange {
    let fields = FieldsChange {
        effect: body.effect,
        principal: ScopeChange {
            scope: changed(body.principal_scope_type, scope_type),
            entity_type: changed(body.principal_entity_type, some_text),
            entity_id: changed(body.principal_entity_id, some_text),
        },
        action_scope: changed(body.action_scope_type, action_scope_type),
        action_ids: body.action_ids,
        resource: ScopeChange {
            scope: changed(body.resource_scope_type, scope_type),
            entity_type: changed(body.resource_entity_type, some_text),
            entity_id: changed(body.resource_entity_id, some_text),
        },
        conditions: changed(body.conditions, some_text),
    };
    RuleChange {
        text: changed(body.policy_text, String::from),
        fields,
        notice: body.notice,
        audit_session: body.audit_session,
    }
}

fn changed<T, U>(change: Change<T>, of: impl FnOnce(T) -> U) -> Change<U> {
    match change {
        Change::Keep => Change::Keep,
        Change::To(value) => Change::To(of(value)),
    }
}

fn some_text<const MAX: usize>(text: Option<AtMost<MAX>>) -> Option<String> {
    text.map(String::from)
}

/// A rule as it is shown.
pub(super) fn shown_rule(detail: RuleDetail) -> PolicyRule {
    let RuleDetail { rule, shape } = detail;
    let fields = RuleFields::of(shape);
    PolicyRule {
        id: rule.id,
        ordinal: rule.ordinal,
        effect: fields.effect,
        policy_text: rule.text,
        principal_scope_type: shown_scope_type(fields.principal.scope),
        principal_entity_type: fields.principal.entity_type,
        principal_entity_id: fields.principal.entity_id,
        action_scope_type: shown_action_scope_type(fields.action.scope),
        action_ids: fields.action.ids,
        resource_scope_type: shown_scope_type(fields.resource.scope),
        resource_entity_type: fields.resource.entity_type,
        resource_entity_id: fields.resource.entity_id,
        conditions: fields.conditions,
        notice: rule.notice,
        audit_session: rule.audit_session,
        created_at: rule.created_at,
    }
}

fn scope_type(scope: EntityScopeType) -> ScopeType {
    match scope {
        EntityScopeType::Any => ScopeType::Any,
        EntityScopeType::Eq => ScopeType::Eq,
        EntityScopeType::In => ScopeType::In,
        EntityScopeType::Is => ScopeType::Is,
        EntityScopeType::IsIn => ScopeType::IsIn,
    }
}

fn shown_scope_type(scope: ScopeType) -> EntityScopeType {
    match scope {
        ScopeType::Any => EntityScopeType::Any,
        ScopeType::Eq => EntityScopeType::Eq,
        ScopeType::In => EntityScopeType::In,
        ScopeType::Is => EntityScopeType::Is,
        ScopeType::IsIn => EntityScopeType::IsIn,
    }
}

fn action_scope_type(scope: ActionScopeType) -> policies::ActionScopeType {
    match scope {
        ActionScopeType::Any => policies::ActionScopeType::Any,
        ActionScopeType::Eq => policies::ActionScopeType::Eq,
        ActionScopeType::In => policies::ActionScopeType::In,
    }
}

fn shown_action_scope_type(scope: policies::ActionScopeType) -> ActionScopeType {
    match scope {
        policies::ActionScopeType::Any => ActionScopeType::Any,
        policies::ActionScopeType::Eq => ActionScopeType::Eq,
        policies::ActionScopeType::In => ActionScopeType::In,
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde_json::{Value, json};

    use super::*;

    fn read(rule: Value) -> Result<NewRule, ApiError> {
        new_rule("rules[0].", serde_json::from_value(rule).unwrap())
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
