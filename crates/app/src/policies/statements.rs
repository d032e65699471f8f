//! Rules as they come in: text, or fields to assemble a text from.

use std::collections::{HashMap, HashSet};

use curfew_domain::policy::{Notice, PolicyRule};
use curfew_domain::{RuleId, TenantId};
use curfew_policy::{
    MOST_NAMES, MOST_STATEMENTS, PolicyInvalid, PrincipalId, PrincipalName, Rule, RuleShape, Statement,
    too_many_names, too_many_statements,
};

use crate::{App, AppError};

use super::names::KnownNames;

/// A rule that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRule {
    /// What it says.
    pub said: Said,
    /// What requesters are told when it decides; else what its `@notice` says.
    pub notice: Option<Notice>,
    /// Whether sessions that it gives are followed; else what its `@audit_session` says, and yes where it has none.
    pub audit_session: Option<bool>,
}

/// A rule's statement, in one of its two forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// One Cedar statement.
    Text(String),
    /// Its fields.
    Shape(Box<RuleShape>),
}

/// A statement with what belongs to it besides.
struct Draft {
    statement: Statement,
    notice: Option<Notice>,
    audit_session: Option<bool>,
}

/// Reads, resolves and validates the statements of `cedar_policy_set`, then the single rules; numbers them in that
/// order.
pub(super) async fn rules(
    app: &App,
    tenant: TenantId,
    policy_set: Option<String>,
    single: Vec<NewRule>,
) -> Result<Vec<PolicyRule>, AppError> {
    rules_with(app, tenant, policy_set, single, HashMap::new()).await
}

/// The same for one rule, which stands alone.
pub(super) async fn one(app: &App, tenant: TenantId, wanted: NewRule) -> Result<PolicyRule, AppError> {
    one_with(app, tenant, wanted, HashMap::new()).await
}

/// The same, where it is known already for whom some names stand.
pub(super) async fn one_with(
    app: &App,
    tenant: TenantId,
    wanted: NewRule,
    known: HashMap<PrincipalName, PrincipalId>,
) -> Result<PolicyRule, AppError> {
    let rules = rules_with(app, tenant, None, vec![wanted], known).await?;
    rules.into_iter().next().ok_or(AppError::NotFound("rule"))
}

async fn rules_with(
    app: &App,
    tenant: TenantId,
    policy_set: Option<String>,
    single: Vec<NewRule>,
    known: HashMap<PrincipalName, PrincipalId>,
) -> Result<Vec<PolicyRule>, AppError> {
    // Parsing is work for the processor, and the more of it the more somebody writes.
    let labour = &app.policies.labour;
    let reading = labour.of(tenant, move || {
        let drafts = drafts(policy_set.as_deref(), &single)?;
        let names: HashSet<_> = drafts.iter().flat_map(|draft| draft.statement.names()).collect();
        if names.len() > MOST_NAMES {
            return Err(too_many_names());
        }
        Ok((drafts, names))
    });
    let (drafts, names) = reading.await?.map_err(invalid)?;
    let names = names.into_iter().filter(|name| !known.contains_key(name)).collect();
    let names = look_up(app, tenant, names).await?.and(known);
    let resolved = labour.of(tenant, move || resolved(&drafts, &names)).await?.map_err(invalid)?;
    let now = app.now();
    resolved
        .into_iter()
        .zip(0..)
        .map(|((rule, notice, audit_session), ordinal)| {
            Ok(PolicyRule {
                id: RuleId::new(app.now(), app.entropy.as_ref()),
                ordinal,
                notice: notice.or(annotated(&rule)?),
                audit_session: audit_session.or(rule.audit_session).unwrap_or(true),
                text: rule.text,
                resolved: rule.resolved,
                created_at: now,
            })
        })
        .collect()
}

/// In a unit of its own, which nothing else is done in.
async fn look_up(app: &App, tenant: TenantId, names: HashSet<PrincipalName>) -> Result<KnownNames, AppError> {
    if names.is_empty() {
        return Ok(KnownNames::default());
    }
    KnownNames::of(&app.store.tenant(tenant).read().await?, names).await
}

fn drafts(policy_set: Option<&str>, single: &[NewRule]) -> Result<Vec<Draft>, PolicyInvalid> {
    let mut drafts = Vec::new();
    if let Some(text) = policy_set {
        let statements = Statement::all(text)?;
        drafts.extend(statements.into_iter().map(|statement| Draft {
            statement,
            notice: None,
            audit_session: None,
        }));
    }
    if drafts.len() + single.len() > MOST_STATEMENTS {
        return Err(too_many_statements());
    }
    for rule in single {
        let statement = match &rule.said {
            Said::Text(text) => Statement::one(text)?,
            Said::Shape(shape) => shape.assemble(rule.notice.as_ref().map(Notice::as_str))?,
        };
        drafts.push(Draft { statement, notice: rule.notice.clone(), audit_session: rule.audit_session });
    }
    Ok(drafts)
}

type Resolved = (Rule, Option<Notice>, Option<bool>);

/// All problems of all statements, not only the first one's.
fn resolved(drafts: &[Draft], names: &KnownNames) -> Result<Vec<Resolved>, PolicyInvalid> {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for draft in drafts {
        match draft.statement.resolve(|name| names.resolve(name)) {
            Ok(rule) => rules.push((rule, draft.notice.clone(), draft.audit_session)),
            Err(PolicyInvalid(found)) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(PolicyInvalid(problems)) }
}

fn annotated(rule: &Rule) -> Result<Option<Notice>, AppError> {
    let said = rule.notice.as_deref().filter(|said| !said.is_empty());
    said.map(str::parse).transpose().map_err(|problem| AppError::invalid("notice", &problem))
}

pub(super) fn invalid(invalid: PolicyInvalid) -> AppError {
    let message = invalid.to_string();
    let errors = invalid.0.iter().filter_map(|problem| serde_json::to_value(problem).ok()).collect();
    AppError::PolicyInvalid { message, errors }
}
