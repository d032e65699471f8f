//! A rule written anew: by another text, by other fields, or with another notice.

use std::collections::HashMap;

use curfew_domain::policy::{Notice, PolicyRule};
use curfew_domain::{Change, TenantId};
use curfew_policy::{
    ActionScope, PolicyInvalid, PrincipalId, PrincipalName, RuleShape, Scope, Statement, resolved_names,
    with_its_annotations,
};

use super::fields::{FieldsChange, RuleFields};
use super::read::shape;
use super::statements::{self, NewRule, Said};
use crate::{App, AppError};

/// What is to change of a rule; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleChange {
    /// Another statement. It wins over fields.
    pub text: Change<String>,
    /// Other fields.
    pub fields: FieldsChange,
    /// Another notice, or none.
    pub notice: Change<Option<Notice>>,
    /// Whether sessions that it gives are followed.
    pub audit_session: Change<bool>,
}

/// Whether a rule says what it said when it was `seen`. Its place is another matter.
pub(super) fn is_same(rule: &PolicyRule, seen: &PolicyRule) -> bool {
    *rule == PolicyRule { ordinal: rule.ordinal, ..seen.clone() }
}

/// The rule with the change made, but for its id and place.
pub(super) async fn rewritten(
    app: &App,
    tenant: TenantId,
    rule: PolicyRule,
    change: RuleChange,
) -> Result<PolicyRule, AppError> {
    match change.text {
        // Who sends back what they read writes no name anew.
        Change::To(text) if text == rule.text => {
            retold(app, tenant, rule, change.notice, change.audit_session).await
        }
        Change::To(text) => with_text(app, tenant, rule, text, change.notice, change.audit_session).await,
        Change::Keep if change.fields.is_nothing() => {
            retold(app, tenant, rule, change.notice, change.audit_session).await
        }
        Change::Keep => {
            let rule = with_fields(app, tenant, rule, change.fields).await?;
            retold(app, tenant, rule, change.notice, change.audit_session).await
        }
    }
}

/// What the old text said of notice and sessions goes with it; what was said beside it stays.
async fn with_text(
    app: &App,
    tenant: TenantId,
    rule: PolicyRule,
    text: String,
    notice: Change<Option<Notice>>,
    audit_session: Change<bool>,
) -> Result<PolicyRule, AppError> {
    let reading = app.policies.labour.of(tenant, move || {
        let said_beside = |name| !has(&rule.text, name) && !has(&text, name);
        let (notice_stays, silence_stays) = (said_beside("notice"), said_beside("audit_session"));
        (rule.notice.filter(|_| notice_stays), silence_stays && !rule.audit_session, text)
    });
    let (kept_notice, stays_silent, text) = reading.await?;
    let notice = match notice {
        Change::To(notice) => notice,
        Change::Keep => kept_notice,
    };
    let audit_session = match audit_session {
        Change::To(audit_session) => Some(audit_session),
        Change::Keep => stays_silent.then_some(false),
    };
    statements::one(app, tenant, NewRule { said: Said::Text(text), notice, audit_session }).await
}

fn has(text: &str, annotation: &str) -> bool {
    Statement::one(text).is_ok_and(|statement| statement.annotation(annotation).is_some())
}

/// Its annotations and the comments before it stay. A name that is not written anew stands for whom it stood for.
async fn with_fields(
    app: &App,
    tenant: TenantId,
    rule: PolicyRule,
    change: FieldsChange,
) -> Result<PolicyRule, AppError> {
    let before = rule.clone();
    let writing = app.policies.labour.of(tenant, move || reshaped(&rule, change)).await?;
    let Reshaped { text, pinned, anew_and_not } = writing?;
    let (notice, audit_session) = (before.notice.clone(), Some(before.audit_session));
    let wanted = NewRule { said: Said::Text(text), notice, audit_session };
    let written = statements::one_with(app, tenant, wanted, pinned).await?;
    refuse_another_bearer(&written, &anew_and_not)?;
    // None said beside a text that says one is one that was taken away.
    Ok(PolicyRule { notice: before.notice, ..written })
}

/// A name of a part that stays would follow the one that is written anew.
fn refuse_another_bearer(
    written: &PolicyRule,
    anew_and_not: &HashMap<PrincipalName, PrincipalId>,
) -> Result<(), AppError> {
    let stands_for = resolved_names(&written.text, &written.resolved);
    match stands_for.iter().find(|(name, id)| anew_and_not.get(name).is_some_and(|before| before != id)) {
        None => Ok(()),
        Some((name, _)) => Err(AppError::conflict(format!(
            "\"{}\" stands for somebody else by now, and the part of the rule that is not written anew names them \
             too: write both parts, or name people by id",
            name.name.escape_debug()
        ))),
    }
}

/// A rule's text with other fields.
struct Reshaped {
    text: String,
    /// What names stand for that are not written anew.
    pinned: HashMap<PrincipalName, PrincipalId>,
    /// What names stood for that are written anew in one part, and stay in another.
    anew_and_not: HashMap<PrincipalName, PrincipalId>,
}

fn reshaped(rule: &PolicyRule, change: FieldsChange) -> Result<Reshaped, AppError> {
    let corrupt = |problem: PolicyInvalid| AppError::internal(problem);
    let statement = Statement::kept(&rule.text).map_err(corrupt)?;
    let mut fields = RuleFields::of(shape(&rule.text).map_err(corrupt)?);
    let writes_principal = change.principal.entity_id != Change::Keep;
    let writes_conditions = change.conditions != Change::Keep;
    change.apply_to(&mut fields);
    let shape = fields.shape().map_err(|problem| AppError::Invalid(vec![problem]))?;
    let only = |principal: bool, conditions: bool| RuleShape {
        effect: shape.effect,
        principal: if principal { shape.principal.clone() } else { Scope::Any },
        action: ActionScope::Any,
        resource: Scope::Any,
        conditions: shape.conditions.clone().filter(|_| conditions),
    };
    let written = statement.reshaped(&shape).map_err(statements::invalid)?;
    let fresh = only(writes_principal, writes_conditions).names().map_err(statements::invalid)?;
    let staying = only(!writes_principal, !writes_conditions).names().map_err(statements::invalid)?;
    let stood_for: HashMap<_, _> = resolved_names(&rule.text, &rule.resolved).into_iter().collect();
    let (anew, pinned): (HashMap<_, _>, _) =
        stood_for.into_iter().partition(|(name, _)| fresh.contains(name));
    let anew_and_not = anew.into_iter().filter(|(name, _)| staying.contains(name)).collect();
    Ok(Reshaped { text: written.text().to_owned(), pinned, anew_and_not })
}

/// Another notice, and whether sessions are followed: beside the text, and in it where it says so itself.
async fn retold(
    app: &App,
    tenant: TenantId,
    mut rule: PolicyRule,
    notice: Change<Option<Notice>>,
    audit_session: Change<bool>,
) -> Result<PolicyRule, AppError> {
    if notice == Change::Keep && audit_session == Change::Keep {
        return Ok(rule);
    }
    notice.apply_to(&mut rule.notice);
    audit_session.apply_to(&mut rule.audit_session);
    let telling = app.policies.labour.of(tenant, move || {
        let told = |text: &str| {
            let told =
                with_its_annotations(text, rule.notice.as_ref().map(Notice::as_str), rule.audit_session);
            Statement::kept(&told).map(|statement| statement.text().to_owned())
        };
        let (text, resolved) = (told(&rule.text)?, told(&rule.resolved)?);
        Statement::one(&text)?;
        Ok(PolicyRule { text, resolved, ..rule })
    });
    telling.await?.map_err(statements::invalid)
}
