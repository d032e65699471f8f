//! A rule in fields instead of text: the contract's structured form.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, Effect as CedarEffect, EntityId, EntityTypeName, EntityUid, Policy,
    PrincipalConstraint, ResourceConstraint,
};
use curfew_domain::Action;
use curfew_domain::policy::Effect;

use crate::problem::Position;
use crate::statement::{Statement, conditions};
use crate::{PolicyInvalid, Problem};

/// The fields of a rule. Assembling them and reading the text back gives the same fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleShape {
    /// Whether it gives or takes.
    pub effect: Effect,
    /// Whom it speaks of.
    pub principal: Scope,
    /// Which actions.
    pub action: ActionScope,
    /// Which resources.
    pub resource: Scope,
    /// Its `when` and `unless` clauses, as raw Cedar.
    pub conditions: Option<String>,
}

/// What a rule says of its principal or resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Any,
    /// Exactly this one.
    Eq(EntityRef),
    /// This one and all below it.
    In(EntityRef),
    /// All of a type.
    Is(String),
    /// Those of a type that are below this one.
    IsIn(String, EntityRef),
}

/// What a rule says of the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionScope {
    /// All of them.
    Any,
    /// Exactly this one.
    Eq(Action),
    /// These, and those that they are the group of.
    In(Vec<Action>),
}

/// An entity as a rule names it: `User::"alice@acme.com"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// Its type.
    pub kind: String,
    /// Its id: any text.
    pub id: String,
}

impl RuleShape {
    /// Reads the fields of a statement.
    pub fn of(statement: &Statement) -> Result<RuleShape, PolicyInvalid> {
        let policy = statement.policy();
        let action =
            action_scope(&policy.action_constraint()).map_err(|problem| PolicyInvalid(vec![problem]))?;
        Ok(RuleShape {
            effect: effect(policy),
            principal: principal_scope(policy.principal_constraint()),
            action,
            resource: resource_scope(policy.resource_constraint()),
            conditions: conditions(statement.text()).map(str::to_owned),
        })
    }

    /// Makes the statement that says exactly this, with its notice as an annotation. Whatever stands in the
    /// fields can't make it say anything else: what was assembled is read back and compared.
    pub fn assemble(&self, notice: Option<&str>) -> Result<Statement, PolicyInvalid> {
        let text = self.text(notice)?;
        let statement = Statement::one(&text)?;
        let read_back = RuleShape::of(&statement)?;
        let intended = RuleShape { conditions: self.trimmed_conditions().map(str::to_owned), ..self.clone() };
        if read_back == intended && statement.annotation("notice") == notice {
            Ok(statement)
        } else {
            Err(refused(
                "the fields don't form one rule",
                "conditions hold `when` and `unless` clauses alone",
            ))
        }
    }

    fn text(&self, notice: Option<&str>) -> Result<String, PolicyInvalid> {
        let mut text = String::new();
        if let Some(notice) = notice {
            let _ = writeln!(text, "@notice(\"{}\")", notice.escape_debug());
        }
        let principal = scope_text("principal", &self.principal)?;
        let action = action_text(&self.action);
        let resource = scope_text("resource", &self.resource)?;
        let effect = self.effect.as_str();
        let _ = write!(text, "{effect} (\n  {principal},\n  {action},\n  {resource}\n)");
        if let Some(conditions) = self.trimmed_conditions() {
            // On lines of their own: a comment at their end must not swallow what follows.
            text.push('\n');
            text.push_str(conditions);
            if conditions.contains("//") {
                text.push('\n');
            }
        }
        text.push(';');
        Ok(text)
    }

    fn trimmed_conditions(&self) -> Option<&str> {
        self.conditions.as_deref().map(str::trim).filter(|conditions| !conditions.is_empty())
    }
}

impl EntityRef {
    /// An entity by type and id.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    fn uid(&self) -> Result<EntityUid, PolicyInvalid> {
        Ok(EntityUid::from_type_name_and_id(type_name(&self.kind)?, EntityId::new(&self.id)))
    }
}

/// As Cedar writes it, with its id escaped.
impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::\"{}\"", self.kind, self.id.escape_debug())
    }
}

/// Reads `Type::"id"`.
impl FromStr for EntityRef {
    type Err = curfew_domain::Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            curfew_domain::Invalid::new("an entity is written Type::\"id\", such as Group::\"engineering\"")
        };
        let uid = EntityUid::from_str(text).map_err(|_| wrong())?;
        Ok(uid.into())
    }
}

impl From<EntityUid> for EntityRef {
    fn from(uid: EntityUid) -> Self {
        Self::new(uid.type_name().to_string(), uid.id().unescaped())
    }
}

fn refused(message: &str, hint: &str) -> PolicyInvalid {
    PolicyInvalid(vec![Problem::at(Position::START, message, hint)])
}

fn type_name(kind: &str) -> Result<EntityTypeName, PolicyInvalid> {
    EntityTypeName::from_str(kind).map_err(|_| {
        let shown: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
        refused(
            &format!("'{shown}' is not the name of an entity type"),
            "a type is named such as Group or AwsAccount",
        )
    })
}

fn scope_text(variable: &str, scope: &Scope) -> Result<String, PolicyInvalid> {
    Ok(match scope {
        Scope::Any => variable.to_owned(),
        Scope::Eq(entity) => format!("{variable} == {}", entity.uid()?),
        Scope::In(entity) => format!("{variable} in {}", entity.uid()?),
        Scope::Is(kind) => format!("{variable} is {}", type_name(kind)?),
        Scope::IsIn(kind, entity) => format!("{variable} is {} in {}", type_name(kind)?, entity.uid()?),
    })
}

fn action_text(scope: &ActionScope) -> String {
    let named = |action: &Action| format!("Action::\"{action}\"");
    match scope {
        ActionScope::Any => "action".to_owned(),
        ActionScope::Eq(action) => format!("action == {}", named(action)),
        ActionScope::In(actions) => {
            format!("action in [{}]", actions.iter().map(named).collect::<Vec<_>>().join(", "))
        }
    }
}

pub(crate) fn effect(policy: &Policy) -> Effect {
    match policy.effect() {
        CedarEffect::Permit => Effect::Permit,
        CedarEffect::Forbid => Effect::Forbid,
    }
}

fn principal_scope(constraint: PrincipalConstraint) -> Scope {
    match constraint {
        PrincipalConstraint::Any => Scope::Any,
        PrincipalConstraint::Eq(uid) => Scope::Eq(uid.into()),
        PrincipalConstraint::In(uid) => Scope::In(uid.into()),
        PrincipalConstraint::Is(kind) => Scope::Is(kind.to_string()),
        PrincipalConstraint::IsIn(kind, uid) => Scope::IsIn(kind.to_string(), uid.into()),
    }
}

fn resource_scope(constraint: ResourceConstraint) -> Scope {
    match constraint {
        ResourceConstraint::Any => Scope::Any,
        ResourceConstraint::Eq(uid) => Scope::Eq(uid.into()),
        ResourceConstraint::In(uid) => Scope::In(uid.into()),
        ResourceConstraint::Is(kind) => Scope::Is(kind.to_string()),
        ResourceConstraint::IsIn(kind, uid) => Scope::IsIn(kind.to_string(), uid.into()),
    }
}

fn action_scope(constraint: &ActionConstraint) -> Result<ActionScope, Problem> {
    let action = |uid: &EntityUid| {
        let known = (uid.type_name().to_string() == "Action").then(|| uid.id().unescaped().parse::<Action>());
        match known {
            Some(Ok(action)) => Ok(action),
            _ => Err(Problem::at(
                Position::START,
                format!("there is no action {uid}"),
                "an action is one of request_access, assume, read, write, admin",
            )),
        }
    };
    Ok(match constraint {
        ActionConstraint::Any => ActionScope::Any,
        ActionConstraint::Eq(uid) => ActionScope::Eq(action(uid)?),
        ActionConstraint::In(uids) => ActionScope::In(uids.iter().map(action).collect::<Result<_, _>>()?),
    })
}
