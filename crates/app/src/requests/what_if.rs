//! What a request would ask of the policies, without the request.

use std::net::IpAddr;
use std::sync::Arc;

use curfew_domain::{
    AccountId, Action, GroupId, PermissionSetArn, Reason, ResourceRef, Seconds, TenantId, Timestamp, UserId,
};
use curfew_policy::AccessQuestion;
use curfew_store::ReadUnit;

use super::Asked;
use super::facts::Facts;
use crate::policies::Snapshot;
use crate::{App, AppError, FieldProblem};

/// A request that nobody has made.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// What would be named.
    pub resource: ResourceRef,
    /// What would be done with it.
    pub action: Action,
    /// How long; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
    /// Groups that the person would be in besides their own.
    pub groups: Vec<GroupId>,
    /// What would be said and so besides.
    pub circumstances: Circumstances,
}

/// Under which circumstances a request would be made. What is not said is as it is for a request that says nothing of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Circumstances {
    /// The permission set, where the resource is none.
    pub permission_set: Option<PermissionSetArn>,
    /// The account, where the resource is a permission set.
    pub account: Option<AccountId>,
    /// Why.
    pub reason: Option<Reason>,
    /// A ticket that it would belong to.
    pub ticket: Option<String>,
    /// From where.
    pub source_ip: Option<IpAddr>,
    /// When; now, if nobody says.
    pub requested_at: Option<Timestamp>,
    /// Whether a second factor would be shown, and is enrolled.
    pub mfa: Option<bool>,
    /// Whether it would be an emergency.
    pub break_glass: bool,
}

/// What policies would be told, and what would be asked.
pub(crate) struct Supposed {
    pub(crate) question: AccessQuestion,
    pub(crate) snapshot: Arc<Snapshot>,
    /// Sees the tenant as the snapshot does.
    pub(crate) unit: ReadUnit,
}

/// Reads the facts as for a request of `person`, and refuses what a request would be refused for. Nobody is looked up in
/// AWS.
pub(crate) async fn suppose(
    app: &App,
    tenant: TenantId,
    person: UserId,
    wanted: &WhatIf,
) -> Result<Supposed, AppError> {
    let asked = Asked::supposed(wanted);
    let (facts, unit) = Facts::load(app, tenant, person, &asked).await.map_err(by_its_own_fields)?;
    if !facts.requester.email_verified {
        let problem = "their e-mail address is not verified; access is given to verified addresses alone";
        return Err(AppError::field("principal", problem));
    }
    let snapshot = Arc::clone(facts.snapshot());
    let mut question = facts.question(&asked, app.now());
    let circumstances = &wanted.circumstances;
    for group in &wanted.groups {
        if !question.person.groups.contains(group) {
            question.person.groups.push(*group);
        }
    }
    if let Some(moment) = circumstances.requested_at {
        question.requested_at = moment;
        question.local = moment.local(&snapshot.settings.time_zone);
    }
    if let Some(mfa) = circumstances.mfa {
        question.mfa = mfa;
        question.person.mfa = mfa;
    }
    Ok(Supposed { question, snapshot, unit })
}

impl Asked {
    fn supposed(wanted: &WhatIf) -> Self {
        let circumstances = wanted.circumstances.clone();
        Self {
            resource: wanted.resource.clone(),
            action: wanted.action,
            permission_set: circumstances.permission_set,
            account: circumstances.account,
            reason: circumstances.reason,
            duration: wanted.duration,
            break_glass: circumstances.break_glass,
            ticket: circumstances.ticket,
            source_ip: circumstances.source_ip,
        }
    }
}

/// A request's fields have other places here.
fn by_its_own_fields(problem: AppError) -> AppError {
    let AppError::Invalid(fields) = problem else { return problem };
    let place = |path: String| match path.as_str() {
        "resource.id" => "resource".to_owned(),
        "permission_set_arn" | "account_id" => format!("context.{path}"),
        _ => path,
    };
    AppError::Invalid(
        fields.into_iter().map(|field| FieldProblem { path: place(field.path), ..field }).collect(),
    )
}
