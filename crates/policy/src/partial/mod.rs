//! What a rule says of questions that are known in part, by Cedar's type-aware partial evaluation.
//!
//! Cedar leaves a context either whole or out. A part of it is known here all the same: what is known of it is put into
//! the rule, in the place of what asks for it.
//!
//! [`Says::Never`] and [`Says::Always`] are true of every question that agrees with what is known. A rule that might fail
//! with an error, which would forbid, is neither; and what can't be evaluated in part is [`Says::Perhaps`].

mod known;

use cedar_policy::{
    Entities, EntityTypeName, EntityUid, PartialEntities, PartialEntityUid, PartialRequest, Policy,
    PolicySet, RequestEnv,
};
use serde_json::Value;

use crate::entities::{BoxError, uid};
use crate::schema::access_schema;

pub(crate) use known::Known;

/// What a rule says of all questions that agree with what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// It matches all of them.
    Always,
    /// It matches none of them, without an error.
    Never,
    /// It matches none of them, and may fail.
    Fails,
    /// It may match some of them, or fail.
    Perhaps,
}

/// A question of which a part is known.
pub(crate) struct Partial {
    request: PartialRequest,
    entities: PartialEntities,
    known: Known,
}

impl Partial {
    /// A question for accounts. What is none is not known, and `entities` must hold nothing that some of the questions
    /// don't.
    pub(crate) fn new(
        principal: Option<EntityUid>,
        action: EntityUid,
        account: Option<EntityUid>,
        entities: Entities,
        known: Known,
    ) -> Result<Self, BoxError> {
        let schema = access_schema();
        let (principal, resource) = (side("User", principal)?, side("AwsAccount", account)?);
        Ok(Self {
            request: PartialRequest::new(principal, action, resource, None, schema)?,
            entities: PartialEntities::from_concrete(entities, schema)?,
            known,
        })
    }

    /// Questions of one kind of principal, action and resource, of which nothing else is known.
    pub(crate) fn of_kind(kind: &RequestEnv) -> Result<Self, BoxError> {
        let schema = access_schema();
        let some = |kind: &EntityTypeName| PartialEntityUid::new(kind.clone(), None);
        let (principal, resource) = (some(kind.principal()), some(kind.resource()));
        Ok(Self {
            request: PartialRequest::new(principal, kind.action().clone(), resource, None, schema)?,
            entities: PartialEntities::from_concrete(Entities::empty(), schema)?,
            known: Known::default(),
        })
    }

    /// What a rule says of it.
    pub(crate) fn says(&self, rule: &Policy) -> Says {
        self.evaluated(rule).unwrap_or(Says::Perhaps)
    }

    fn evaluated(&self, rule: &Policy) -> Result<Says, BoxError> {
        let rules = PolicySet::from_policies([self.known.put_into(rule)?])?;
        let response = rules.tpe(&self.request, &self.entities, access_schema())?;
        let never = response.false_permits().chain(response.false_forbids()).next().is_some();
        let always = response.true_permits().chain(response.true_forbids()).next().is_some();
        Ok(match (never, always) {
            (true, _) => Says::Never,
            (_, true) => Says::Always,
            _ if response.residual_policies().any(|left| is_never_true(&left)) => Says::Fails,
            _ => Says::Perhaps,
        })
    }
}

/// Whether a `false` stands among all that has to be true: Cedar leaves it where something before it may fail.
fn is_never_true(left: &Policy) -> bool {
    let written = left.to_json().unwrap_or_default();
    let conditions = written.get("conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| {
            condition.get("kind").is_some_and(|kind| kind == "when") && is_false(&condition["body"])
        })
    })
}

fn is_false(expression: &Value) -> bool {
    match expression.get("&&") {
        Some(both) => is_false(&both["left"]) || is_false(&both["right"]),
        None => expression.get("Value") == Some(&Value::Bool(false)),
    }
}

fn side(kind: &str, known: Option<EntityUid>) -> Result<PartialEntityUid, BoxError> {
    let unknown = || Ok(PartialEntityUid::new(kind.parse()?, None));
    known.map_or_else(unknown, |known| Ok(PartialEntityUid::from_concrete(known)))
}

/// The action as Cedar names it.
pub(crate) fn action_uid(action: curfew_domain::Action) -> Result<EntityUid, BoxError> {
    uid("Action", action.as_str())
}

#[cfg(test)]
mod tests {
    use curfew_domain::Action;

    use super::*;

    fn said(condition: &str, known: Known) -> Says {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let rule = Policy::parse(None, text).unwrap();
        let action = action_uid(Action::Read).unwrap();
        Partial::new(None, action, None, Entities::empty(), known).unwrap().says(&rule)
    }

    #[test]
    fn what_is_known_of_the_context_decides_and_the_rest_does_not() {
        let known = || Known::default().number("hour", 9).text("day_of_week", "monday").absent("ticket");
        assert_eq!(said("context.hour > 8", known()), Says::Always);
        assert_eq!(said("context.hour > 9 && context.mfa", known()), Says::Never);
        assert_eq!(said("context.mfa && context.hour > 9", known()), Says::Fails);
        assert_eq!(said("context.hour > 8 && context.mfa", known()), Says::Perhaps);
        assert_eq!(said("[\"sunday\"].contains(context.day_of_week)", known()), Says::Never);
        assert_eq!(said("context has ticket && context.ticket like \"OPS-*\"", known()), Says::Never);
        assert_eq!(said("context has reason && context.reason like \"x\"", known()), Says::Perhaps);
    }

    #[test]
    fn what_may_fail_is_not_said_to_match_never() {
        let stranger = "AwsAccount::\"999999999999\".is_management";
        assert_eq!(said(&format!("{stranger} && false"), Known::default()), Says::Fails);
        assert_eq!(said(&format!("false && {stranger}"), Known::default()), Says::Never);
        assert_eq!(said("context.hour + 9223372036854775807 > 0 && false", Known::default()), Says::Fails);
    }

    #[test]
    fn an_account_that_is_the_resource_is_the_same_in_the_context() {
        let known = || Known::default().resource_as("account");
        let elsewhere = "!(context.account == resource)";
        assert_eq!(said(&format!("context has account && {elsewhere}"), known()), Says::Perhaps);
        assert_eq!(said("context has account && context.account is AwsS3Bucket", known()), Says::Never);
    }
}
