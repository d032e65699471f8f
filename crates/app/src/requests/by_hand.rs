//! Giving access by hand: no policy has to permit it, and none may forbid it.

use std::collections::BTreeSet;
use std::sync::Arc;

use curfew_domain::{
    AccountId, Action, GrantId, PermissionSetArn, Reason, ResourceRef, Scope, Seconds, StorePrincipalId,
    Timestamp, UserId,
};
use curfew_policy::{AccessQuestion, Prohibition, forbidden};
use curfew_store::{GrantView, ReadUnit};
use serde_json::Map;

use crate::drift::Adoption;
use crate::grants::{Gift, Making};
use crate::{App, AppError, Caller, FieldProblem, Made, Once};

use super::facts::Facts;
use super::review::reviewer;
use super::{Asked, TRIES, moved, room};

/// What somebody gives to somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrant {
    /// Who gets it.
    pub grantee: UserId,
    /// What is named.
    pub resource: ResourceRef,
    /// The permission set, where `resource` is none.
    pub permission_set: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set.
    pub account: Option<AccountId>,
    /// What they may do; what the permission set's level says, if nobody does.
    pub action: Option<Action>,
    /// How long.
    pub duration: Seconds,
    /// Why.
    pub reason: Reason,
}

/// Gives somebody else access. It is within the tenant's maximum, and nothing forbids it, by the action that is named and
/// by the one that names the permission set's level.
pub async fn give(
    app: &App,
    caller: &Caller,
    once: &Once,
    wanted: NewGrant,
) -> Result<Made<GrantView>, AppError> {
    check_giver(caller, &wanted)?;
    if !once.is_unkeyed() {
        let unit = app.store.tenant(caller.tenant).read().await?;
        if let Some(id) = once.earlier(&unit, app.now()).await? {
            return view(app, &unit, id).await.map(Made::Before);
        }
    }
    app.check_deciding()?;
    let asked = Asked::by_hand(&wanted, caller);
    let given = write(app, caller, once, &wanted, &asked, None).await?;
    Ok(Made::Now(given))
}

/// The same for a person who has the access in AWS already, from elsewhere, as a finding of drift tells: it becomes
/// Curfew's, and ends with the grant.
pub(crate) async fn give_what_is_there(
    app: &App,
    caller: &Caller,
    wanted: NewGrant,
    adoption: &Adoption<'_>,
) -> Result<GrantView, AppError> {
    check_giver(caller, &wanted)?;
    app.check_deciding()?;
    let asked = Asked::by_hand(&wanted, caller);
    write(app, caller, &Once::unkeyed(), &wanted, &asked, Some(adoption)).await
}

fn check_giver(caller: &Caller, wanted: &NewGrant) -> Result<(), AppError> {
    caller.require(Scope::GrantsCreate)?;
    if wanted.grantee == caller.user {
        return Err(AppError::forbidden("nobody gives access to themselves; ask for it (POST /v1/requests)"));
    }
    Ok(())
}

async fn write(
    app: &App,
    caller: &Caller,
    once: &Once,
    wanted: &NewGrant,
    asked: &Asked,
    adoption: Option<&Adoption<'_>>,
) -> Result<GrantView, AppError> {
    for _ in 0..TRIES {
        let giving = Giving::of(app, caller, wanted, asked.clone()).await?;
        if let Some(adoption) = adoption {
            adoption.check_aim(&giving.principal, &giving.facts.connection)?;
        }
        if let Some(view) = giving.keep(app, caller, once, wanted, adoption).await? {
            return Ok(view);
        }
    }
    Err(moved())
}

async fn view(app: &App, unit: &ReadUnit, id: GrantId) -> Result<GrantView, AppError> {
    unit.grant(id, app.now()).await?.ok_or(AppError::NotFound("grant"))
}

/// What nothing forbids to give.
struct Giving {
    action: Action,
    facts: Facts,
    principal: StorePrincipalId,
}

impl Giving {
    async fn of(app: &App, caller: &Caller, wanted: &NewGrant, asked: Asked) -> Result<Self, AppError> {
        let loaded = Facts::load(app, caller.tenant, wanted.grantee, &asked).await;
        let (facts, reading) = loaded.map_err(of_the_grantee)?;
        if !facts.requester.email_verified {
            return Err(grantee(
                "their e-mail address is not verified; access is given to verified addresses alone",
            ));
        }
        let person = facts.person(Some(&reading), app.now()).await?;
        drop(reading);
        // This may take seconds, in which what was loaded may change: what is written is checked against what stands then.
        let principal = person.principal(app, caller.tenant, &facts.connection, &facts.requester).await;
        let principal = principal.map_err(of_the_grantee)?;
        let level = Action::of_level(facts.normalised.level);
        let action = wanted.action.unwrap_or(level);
        for action in BTreeSet::from([action, level]) {
            let question = facts.question(&Asked { action, ..asked.clone() }, app.now());
            if let Some(prohibition) = prohibition(app, caller, &facts, question).await? {
                return Err(refused(prohibition));
            }
        }
        Ok(Self { action, facts, principal })
    }

    /// Writes it. None when what was looked at has changed meanwhile.
    async fn keep(
        self,
        app: &App,
        caller: &Caller,
        once: &Once,
        wanted: &NewGrant,
        adoption: Option<&Adoption<'_>>,
    ) -> Result<Option<GrantView>, AppError> {
        let Self { action, facts, principal } = self;
        let _next = app.doors.enter(wanted.grantee).await?;
        let unit = app.store.tenant(caller.tenant).write().await?;
        caller.stays(&unit).await?;
        if !unit.hold_active(wanted.grantee).await? {
            return Err(grantee("is suspended, so nothing is given to them"));
        }
        if !facts.still_stand(&unit).await? {
            return Ok(None);
        }
        room::check_gift(&unit, wanted.grantee).await?;
        let now = app.now();
        check_independent(&unit, caller, wanted.grantee, now).await?;
        let gift = Gift {
            grantee: wanted.grantee,
            principal: &principal,
            resource: &wanted.resource,
            action,
            account: facts.normalised.account.as_ref(),
            permission_set: &facts.normalised.permission_set,
            connection: &facts.connection,
            targets: &facts.normalised.targets,
            duration: wanted.duration,
            reason: &wanted.reason,
        };
        let mut making = Making::by_hand(app, gift, now);
        let mut log = making.write(app, &unit, caller.actor).await?;
        if let Some(adoption) = adoption {
            log.push(adoption.write(&unit, caller, making.grant.id, now).await?);
        }
        unit.record_all(log, app.now(), app.entropy.as_ref()).await?;
        once.remember(&unit, making.grant.id, now).await?;
        let given = view(app, &unit, making.grant.id).await?;
        unit.commit().await?;
        making.nudge(app, caller.tenant);
        Ok(Some(given))
    }
}

/// Nobody gives to themselves through an account that they made or reset.
async fn check_independent(
    unit: &ReadUnit,
    caller: &Caller,
    grantee: UserId,
    now: Timestamp,
) -> Result<(), AppError> {
    let giver = reviewer(unit, caller).await?;
    if giver.depends_on(now) != Some(grantee) {
        return Ok(());
    }
    Err(AppError::forbidden(
        "whoever would get this access made or reset your account within 30 days, so you can't give it to them",
    ))
}

impl Asked {
    fn by_hand(wanted: &NewGrant, caller: &Caller) -> Self {
        Self {
            resource: wanted.resource.clone(),
            // Names no level: the one that does is known once the permission set is.
            action: wanted.action.unwrap_or(Action::RequestAccess),
            permission_set: wanted.permission_set.clone(),
            account: wanted.account.clone(),
            reason: Some(wanted.reason.clone()),
            duration: Some(wanted.duration),
            break_glass: false,
            ticket: None,
            source_ip: caller.source,
        }
    }
}

async fn prohibition(
    app: &App,
    caller: &Caller,
    facts: &Facts,
    question: AccessQuestion,
) -> Result<Option<Prohibition>, AppError> {
    let snapshot = Arc::clone(facts.snapshot());
    app.policies.labour.of(caller.tenant, move || forbidden(&snapshot.policies, &question)).await
}

fn refused(prohibition: Prohibition) -> AppError {
    for fault in &prohibition.faults {
        metrics::counter!("curfew_policy_faults_total").increment(1);
        tracing::error!(policy = ?fault.policy, rule = ?fault.rule, problem = fault.message, "a rule failed, and forbade");
    }
    let ids: Vec<String> =
        prohibition.determining.iter().map(|determining| determining.policy.to_string()).collect();
    AppError::Forbidden {
        message: "the tenant's policies forbid this access, by hand too".to_owned(),
        details: Map::from_iter([("policy_ids".to_owned(), ids.into())]),
        notices: prohibition.notices,
    }
}

fn grantee(problem: &str) -> AppError {
    AppError::field("grantee_id", problem)
}

/// What is wrong with whoever asks is here wrong with whoever is named.
fn of_the_grantee(problem: AppError) -> AppError {
    match problem {
        AppError::NotFound(_) => grantee("there is nobody by that id"),
        AppError::Forbidden { .. } => grantee("is suspended, so nothing is given to them"),
        AppError::Invalid(fields) => {
            let place = |path: String| if path == "requester_id" { "grantee_id".to_owned() } else { path };
            let named = |field: FieldProblem| FieldProblem { path: place(field.path), ..field };
            AppError::Invalid(fields.into_iter().map(named).collect())
        }
        problem => problem,
    }
}
