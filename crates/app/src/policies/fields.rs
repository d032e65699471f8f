//! A rule in the contract's flat fields, and changes of it field by field.

use curfew_domain::policy::Effect;
use curfew_domain::{AccountId, Action, Change, GroupId, Invalid, OuId};
use curfew_policy::{ActionScope, EntityRef, RuleShape, Scope};

use crate::FieldProblem;

/// A rule's fields. Not every combination is a rule: [`RuleFields::shape`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFields {
    /// Whether it gives or takes.
    pub effect: Effect,
    /// Whom it speaks of.
    pub principal: ScopeFields,
    /// Which actions.
    pub action: ActionFields,
    /// Which resources.
    pub resource: ScopeFields,
    /// Its `when` and `unless` clauses, as raw Cedar.
    pub conditions: Option<String>,
}

/// What a rule says of its principal or resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeFields {
    /// In which way.
    pub scope: ScopeType,
    /// Of which type.
    pub entity_type: Option<String>,
    /// Which of them; for `is_in`, what it must be in.
    pub entity_id: Option<String>,
}

/// In which way a rule names its principal or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeType {
    /// All of them.
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
#[derive(Debug, Clone, PartialEq)]
pub struct ActionFields {
    /// In which way.
    pub scope: ActionScopeType,
    /// Which of them.
    pub ids: Vec<Action>,
}

/// In which way a rule names the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionScopeType {
    /// All of them.
    Any,
    /// Exactly this one.
    Eq,
    /// These, and those that they are the group of.
    In,
}

/// What is to change of a rule's fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldsChange {
    /// Another effect.
    pub effect: Change<Effect>,
    /// Another principal.
    pub principal: ScopeChange,
    /// Another way to name the action.
    pub action_scope: Change<ActionScopeType>,
    /// Other actions.
    pub action_ids: Change<Vec<Action>>,
    /// Another resource.
    pub resource: ScopeChange,
    /// Other conditions, or none.
    pub conditions: Change<Option<String>>,
}

/// What is to change of a principal or resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScopeChange {
    /// Another way.
    pub scope: Change<ScopeType>,
    /// Another type, or none.
    pub entity_type: Change<Option<String>>,
    /// Another id, or none.
    pub entity_id: Change<Option<String>>,
}

impl RuleFields {
    /// The fields of a rule.
    pub fn of(shape: RuleShape) -> Self {
        let action = match shape.action {
            ActionScope::Any => ActionFields { scope: ActionScopeType::Any, ids: Vec::new() },
            ActionScope::Eq(action) => ActionFields { scope: ActionScopeType::Eq, ids: vec![action] },
            ActionScope::In(ids) => ActionFields { scope: ActionScopeType::In, ids },
        };
        Self {
            effect: shape.effect,
            principal: ScopeFields::of(shape.principal),
            action,
            resource: ScopeFields::of(shape.resource),
            conditions: shape.conditions,
        }
    }

    /// The rule that they say, or which of them does not go with the others.
    pub fn shape(self) -> Result<RuleShape, FieldProblem> {
        Ok(RuleShape {
            effect: self.effect,
            principal: self.principal.scope("principal")?,
            action: self.action.scope()?,
            resource: self.resource.scope("resource")?,
            conditions: self.conditions,
        })
    }
}

impl FieldsChange {
    /// Whether nothing is to change.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn apply_to(self, fields: &mut RuleFields) {
        self.effect.apply_to(&mut fields.effect);
        self.principal.apply_to(&mut fields.principal);
        self.action_scope.apply_to(&mut fields.action.scope);
        self.action_ids.apply_to(&mut fields.action.ids);
        self.resource.apply_to(&mut fields.resource);
        self.conditions.apply_to(&mut fields.conditions);
    }
}

impl ScopeChange {
    fn apply_to(self, fields: &mut ScopeFields) {
        self.scope.apply_to(&mut fields.scope);
        self.entity_type.apply_to(&mut fields.entity_type);
        self.entity_id.apply_to(&mut fields.entity_id);
    }
}

impl ActionFields {
    fn scope(self) -> Result<ActionScope, FieldProblem> {
        match (self.scope, &self.ids[..]) {
            (ActionScopeType::Any, []) => Ok(ActionScope::Any),
            (ActionScopeType::Eq, [one]) => Ok(ActionScope::Eq(*one)),
            (ActionScopeType::In, [_, ..]) => Ok(ActionScope::In(self.ids)),
            _ => Err(FieldProblem {
                path: "action_ids".to_owned(),
                problem: "none for any, one for eq, one or more for in".to_owned(),
            }),
        }
    }
}

impl ScopeFields {
    fn of(scope: Scope) -> Self {
        let (scope, entity_type, entity_id) = match scope {
            Scope::Any => (ScopeType::Any, None, None),
            Scope::Eq(entity) => (ScopeType::Eq, Some(entity.kind), Some(entity.id)),
            Scope::In(entity) => (ScopeType::In, Some(entity.kind), Some(entity.id)),
            Scope::Is(kind) => (ScopeType::Is, Some(kind), None),
            Scope::IsIn(kind, within) => (ScopeType::IsIn, Some(kind), Some(within.to_string())),
        };
        Self { scope, entity_type, entity_id }
    }

    /// What a scope type has no use for is refused: dropped, it would have the rule speak of everybody.
    fn scope(self, variable: &'static str) -> Result<Scope, FieldProblem> {
        let written = Written { variable, fields: &self };
        if self.scope == ScopeType::Any {
            written.refuse("entity_type", self.entity_type.as_ref())?;
        }
        if matches!(self.scope, ScopeType::Any | ScopeType::Is) {
            written.refuse("entity_id", self.entity_id.as_ref())?;
        }
        Ok(match self.scope {
            ScopeType::Any => Scope::Any,
            ScopeType::Eq => Scope::Eq(EntityRef::new(written.kind()?, written.id()?)),
            ScopeType::In => Scope::In(EntityRef::new(written.kind()?, written.id()?)),
            ScopeType::Is => Scope::Is(written.kind()?.to_owned()),
            ScopeType::IsIn => Scope::IsIn(written.kind()?.to_owned(), written.container()?),
        })
    }
}

/// A scope's fields and what they are the scope of, for problems with them.
struct Written<'f> {
    variable: &'static str,
    fields: &'f ScopeFields,
}

impl<'f> Written<'f> {
    fn kind(&self) -> Result<&'f str, FieldProblem> {
        self.fields.entity_type.as_deref().ok_or_else(|| self.missing("entity_type"))
    }

    fn id(&self) -> Result<&'f str, FieldProblem> {
        self.fields.entity_id.as_deref().ok_or_else(|| self.missing("entity_id"))
    }

    /// What it must be in: `Type::"id"`, or an id whose form tells its type.
    fn container(&self) -> Result<EntityRef, FieldProblem> {
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
            let wrong = |problem: Invalid| self.problem("entity_id", &problem.to_string());
            return id.parse().map_err(wrong);
        };
        Ok(EntityRef::new(kind, id))
    }

    fn missing(&self, field: &str) -> FieldProblem {
        self.problem(field, "is required by the scope type")
    }

    fn refuse(&self, field: &str, said: Option<&String>) -> Result<(), FieldProblem> {
        match said {
            None => Ok(()),
            Some(_) => Err(self.problem(field, "says nothing with this scope type: name one that uses it")),
        }
    }

    fn problem(&self, field: &str, problem: &str) -> FieldProblem {
        FieldProblem { path: format!("{}_{field}", self.variable), problem: problem.to_owned() }
    }
}
