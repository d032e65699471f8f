//! Requests that nobody has made: what policies would be told of them.

use std::net::IpAddr;
use std::sync::Arc;

use curfew_domain::{
    AccountId, Action, Email, PermissionSetArn, Reason, ResourceRef, Seconds, TenantId, Timestamp, UserId,
};
use curfew_policy::AccessQuestion;
use curfew_store::ReadUnit;

use super::Asked;
use super::facts::Facts;
use super::memory::Memory;
use super::source::Source;
use crate::{App, AppError, FieldProblem};

/// What somebody might ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposed {
    /// Who.
    pub requester: Requester,
    /// What is named.
    pub resource: ResourceRef,
    /// What they want to do with it.
    pub action: Action,
    /// The permission set, where `resource` is none.
    pub permission_set: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set.
    pub account: Option<AccountId>,
    /// How long; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
    /// Why.
    pub reason: Option<Reason>,
    /// A ticket that it belongs to.
    pub ticket: Option<String>,
    /// From where.
    pub source_ip: Option<IpAddr>,
    /// When; now where nobody says.
    pub at: Option<Timestamp>,
}

/// Who might ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requester {
    /// The person with this id.
    Id(UserId),
    /// The person with this address.
    Email(Email),
}

/// What policies would be told of each, by what is known now. They are read in one unit, so give few at a time.
///
/// Problems name their fields below `requests[n]`, counted from `first`, and are told of all of them at once.
pub(crate) async fn questions(
    app: &App,
    tenant: TenantId,
    supposed: &[Supposed],
    first: usize,
) -> Result<Vec<AccessQuestion>, AppError> {
    let (unit, versions, snapshot) = app.policies.current(&app.store, tenant).await?;
    let memory = app.memories.of(tenant, versions, snapshot);
    let (mut questions, mut problems) = (Vec::with_capacity(supposed.len()), Vec::new());
    for (one, number) in supposed.iter().zip(first..) {
        match question(&unit, &memory, one, app.now()).await {
            Ok(question) => questions.push(question),
            Err(AppError::Invalid(found)) => problems.extend(found.into_iter().map(|problem| FieldProblem {
                path: format!("requests[{number}].{}", problem.path),
                problem: problem.problem,
            })),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(questions) } else { Err(AppError::Invalid(problems)) }
}

async fn question(
    unit: &ReadUnit,
    memory: &Arc<Memory>,
    supposed: &Supposed,
    now: Timestamp,
) -> Result<AccessQuestion, AppError> {
    let person = match &supposed.requester {
        Requester::Id(id) => unit.user(*id).await?,
        Requester::Email(email) => unit.user_by_email(email).await?,
    };
    let person = person.ok_or_else(|| AppError::field("requester", "there is no such person"))?;
    if !person.active {
        return Err(AppError::field("requester", "is suspended, so nothing that they ask for is decided"));
    }
    let asked = Asked::supposed(supposed);
    let facts = Facts::read(Source::Unit(unit, memory), Arc::clone(memory), person.id, &asked).await?;
    let mut question = facts.question(&asked, now);
    if let Some(at) = supposed.at {
        question.requested_at = at;
        question.local = at.local(&memory.snapshot.settings.time_zone);
    }
    Ok(question)
}

impl Asked {
    fn supposed(supposed: &Supposed) -> Self {
        Self {
            resource: supposed.resource.clone(),
            action: supposed.action,
            permission_set: supposed.permission_set.clone(),
            account: supposed.account.clone(),
            reason: supposed.reason.clone(),
            duration: supposed.duration,
            break_glass: false,
            ticket: supposed.ticket.clone(),
            source_ip: supposed.source_ip,
        }
    }
}
