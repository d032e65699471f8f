use std::collections::HashSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    AccessLevel, AccountId, Actor, CachedResourceId, DisplayName, InstanceArn, Pushed, ResourceRef,
    ResourceType, Scope, Timestamp,
};
use curfew_store::WriteUnit;
use serde_json::{Map, Value};

use super::instance_of;
use crate::{App, AppError, Caller, FieldProblem};

/// What somebody tells of a resource.
#[derive(Debug, Clone)]
pub struct PushedResource {
    /// Which.
    pub resource: ResourceRef,
    /// A name to show.
    pub name: DisplayName,
    /// The account that it is in.
    pub account: Option<AccountId>,
    /// Whatever is to be shown with it.
    pub metadata: Map<String, Value>,
    /// Its privilege rank, low is weak.
    pub rank: Option<i32>,
    /// How much a permission set can do; what is not said stays as it was.
    pub access_level: Option<AccessLevel>,
    /// Whether only Curfew may assign a permission set; what is not said stays as it was.
    pub exclusive: Option<bool>,
}

impl PushedResource {
    /// Whether it says what decisions go by, and not only what is shown.
    fn governs(&self) -> bool {
        self.access_level.is_some() || self.exclusive.is_some()
    }
}

/// Keeps what is told beside what AWS tells. Says how many resources were told of.
pub async fn push(app: &App, caller: &Caller, resources: &[PushedResource]) -> Result<usize, AppError> {
    caller.require(Scope::AwsWrite)?;
    if resources.iter().any(PushedResource::governs) {
        caller.require(Scope::IntegrationsWrite)?;
    }
    check(resources)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let instance = instance_of(&unit).await?.ok_or_else(|| {
        AppError::NotConfigured("resources belong to an instance: save the AWS connection first".to_owned())
    })?;
    for resource in resources {
        keep(app, &unit, caller.actor, &instance, resource, now).await?;
    }
    if resources.iter().any(|told| told.exclusive.is_some()) {
        unit.watch_exclusive().await?;
    }
    let pushed = NewEntry::new(caller.actor, AuditAction::AwsResourcesPushed, "aws_resources", &instance)
        .with("count", resources.len());
    unit.record(pushed, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    if resources.iter().any(PushedResource::governs) {
        app.nudge.about(caller.tenant);
    }
    Ok(resources.len())
}

async fn keep(
    app: &App,
    unit: &WriteUnit,
    actor: Actor,
    instance: &InstanceArn,
    told: &PushedResource,
    now: Timestamp,
) -> Result<(), AppError> {
    let before = unit.aws_resource(instance, &told.resource).await?;
    let before = before.as_ref().and_then(|before| before.pushed.as_ref());
    let was = before.map_or((None, false), |before| (before.access_level, before.exclusive));
    let is = (told.access_level.or(was.0), told.exclusive.unwrap_or(was.1));
    let pushed = Pushed {
        name: Some(told.name.clone()),
        rank: told.rank,
        metadata: told.metadata.clone(),
        access_level: is.0,
        exclusive: is.1,
        at: now,
    };
    let id = CachedResourceId::new(now, app.entropy.as_ref());
    unit.save_pushed(id, instance, &told.resource, told.account.as_ref(), &pushed).await?;
    if was != is {
        unit.record(changed(actor, &told.resource, was, is), now, app.entropy.as_ref()).await?;
    }
    Ok(())
}

/// Decisions go by these two, so the log says who set them, and from what; no level is AWS's, guessed.
fn changed(
    actor: Actor,
    set: &ResourceRef,
    (level_before, exclusive_before): (Option<AccessLevel>, bool),
    (level, exclusive): (Option<AccessLevel>, bool),
) -> NewEntry {
    NewEntry::new(actor, AuditAction::AwsPermissionSetChanged, "aws_permission_set", set.id())
        .with("access_level_before", level_before.map(AccessLevel::as_str))
        .with("access_level", level.map(AccessLevel::as_str))
        .with("exclusive_before", exclusive_before)
        .with("exclusive", exclusive)
}

fn check(resources: &[PushedResource]) -> Result<(), AppError> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for (at, told) in resources.iter().enumerate() {
        let mut problem = |field: &str, problem: &str| {
            let path = format!("resources[{at}].{field}");
            problems.push(FieldProblem { path, problem: problem.to_owned() });
        };
        if !seen.insert(&told.resource) {
            problem("id", "is told of more than once");
        }
        let is_set = told.resource.kind() == ResourceType::AwsPermissionSet;
        if told.access_level.is_some() && !is_set {
            problem("access_level", "only a permission set has one");
        }
        if told.exclusive.is_some() && !is_set {
            problem("exclusive", "only a permission set can be");
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(AppError::Invalid(problems)) }
}
