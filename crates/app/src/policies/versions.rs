//! What a policy was, and making it so again.

use curfew_domain::audit::AuditAction;
use curfew_domain::policy::Policy;
use curfew_domain::{Page, PageRequest, PolicyId, Scope};
use curfew_policy::{NameProblem, PolicyInvalid, Statement};
use curfew_store::{PolicyVersion, PolicyVersionSummary, WriteUnit};

use super::change::{check, refuse_one_more};
use super::expected::Edit;
use super::read::PolicyDetail;
use super::{groups, saving, statements};
use crate::{App, AppError, Caller};

/// A policy as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionDetail {
    /// Which version, by whom, and why.
    pub version: PolicyVersionSummary,
    /// The policy.
    pub detail: PolicyDetail,
}

/// A page of a policy's versions, newest first; also of one that was deleted.
pub async fn list(
    app: &App,
    caller: &Caller,
    id: PolicyId,
    page: PageRequest,
) -> Result<Page<PolicyVersionSummary>, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let versions = unit.policy_versions(id, &page).await?;
    if versions.items.is_empty() && page.after.is_none() {
        return Err(AppError::NotFound("policy"));
    }
    Ok(versions)
}

/// A policy as it was at a version; also one that was deleted.
pub async fn get(app: &App, caller: &Caller, id: PolicyId, version: u32) -> Result<VersionDetail, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let kept = kept(app, caller, id, version).await?;
    let summary = PolicyVersionSummary {
        version,
        by: kept.by,
        at: kept.policy.updated_at,
        reason: kept.reason,
        changed: kept.changed,
    };
    let detail = PolicyDetail::of(app, caller.tenant, kept.policy).await?;
    Ok(VersionDetail { version: summary, detail })
}

/// Makes a policy what it was at a version, as a new version of it. One that was deleted comes back by its id, and
/// takes no part until it is enabled.
///
/// Names stand for whom they stood for then: none is looked up again.
pub async fn restore(
    app: &App,
    caller: &Caller,
    id: PolicyId,
    version: u32,
    edit: Edit,
) -> Result<PolicyDetail, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    let wanted = kept(app, caller, id, version).await?.policy;
    check(&wanted.terms)?;
    let checking = app.policies.labour.of(caller.tenant, move || still_valid(&wanted).map(|()| wanted));
    let wanted = checking.await?.map_err(statements::invalid)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let after = match unit.lock_policy(id).await? {
        Some(before) => {
            edit.expected.check(before.version)?;
            let after = following(app, &before, wanted);
            saving::check_room(&unit, Some(&before), &after).await?;
            unit.save_policy(&before, &after, saving::made_by(caller, edit.why.clone())).await?;
            groups::refuse_missing(&unit, Some(&before), &after).await?;
            after
        }
        None => revive(app, caller, &unit, id, wanted, edit.clone()).await?,
    };
    let entry = saving::entry(caller, AuditAction::PolicyRestored, &after, edit.why.as_ref())?
        .with("restored_version", version);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    PolicyDetail::warned(app, caller.tenant, after).await
}

async fn kept(app: &App, caller: &Caller, id: PolicyId, version: u32) -> Result<PolicyVersion, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.policy_version(id, version).await?.ok_or(AppError::NotFound("version"))
}

async fn revive(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    id: PolicyId,
    wanted: Policy,
    edit: Edit,
) -> Result<Policy, AppError> {
    let last = unit.last_policy_version(id).await?.ok_or(AppError::NotFound("policy"))?.policy;
    edit.expected.check(last.version)?;
    refuse_one_more(unit).await?;
    let after = Policy { enabled: false, ..following(app, &last, wanted) };
    saving::check_room(unit, None, &after).await?;
    unit.revive_policy(&last, &after, &saving::made_by(caller, edit.why)).await?;
    groups::refuse_missing(unit, None, &after).await?;
    Ok(after)
}

fn following(app: &App, before: &Policy, wanted: Policy) -> Policy {
    saving::next_version(app, before, Policy { created_at: before.created_at, ..wanted })
}

/// Whether today's schema takes what is evaluated. In it stand ids alone, and each stands for itself.
fn still_valid(policy: &Policy) -> Result<(), PolicyInvalid> {
    let mut problems = Vec::new();
    for rule in &policy.rules {
        let checked = Statement::kept(&rule.resolved)
            .and_then(|statement| statement.resolve(|name| name.id().ok_or(NameProblem::Unknown)));
        if let Err(PolicyInvalid(found)) = checked {
            problems.extend(found);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(PolicyInvalid(problems)) }
}
