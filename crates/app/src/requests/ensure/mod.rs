//! Making sure that somebody has what they need: what is there is answered, what is missing is asked for, once.

mod denied;
mod found;
mod names;
mod wish;

use curfew_domain::{PermissionSetArn, RequestId, Scope, Seconds};
use curfew_policy::{Decision, Outcome};
use curfew_store::GrantView;

use crate::{App, AppError, Caller, Once};

use super::extend::{Extended, Extending, Extension};
use super::facts::Facts;
use super::submit::{Submission, keep, new_request, refuse_denied};
use super::{Asked, TRIES, moved, read};

pub use wish::{AccessStatus, Changed, Diagnostic, Ensured, Entitlement, Justification, Standing, Wish};

use denied::denied_before;
pub(super) use found::{Found, Place};
use names::Names;

/// Makes sure of each entitlement by itself: what one can't have is told with it, and keeps none of the others. What the caller
/// has for long enough is left as it is, what ends too early is extended, what waits for people waits on, and the rest
/// is asked for. Safe to repeat, also at the same moment.
pub async fn ensure(app: &App, caller: &Caller, wish: &Wish) -> Result<Vec<Ensured>, AppError> {
    caller.require(Scope::RequestsCreate)?;
    app.check_deciding()?;
    let names = Names::load(app, caller.tenant, &wish.entitlements).await?;
    let mut ensured = Vec::with_capacity(wish.entitlements.len());
    for entitlement in &wish.entitlements {
        let name = names.of_entitlement(entitlement);
        let one = match names.permission_set(&entitlement.role) {
            Ok(set) => one(app, caller, wish, entitlement, set).await,
            Err(problem) => Err(problem),
        };
        ensured.push(match one {
            Ok(one) => Ensured { name, ..one },
            Err(problem) if is_of_this_one(&problem) => {
                let asked = entitlement.duration;
                Ensured { name, duration: asked, ..Ensured::nothing(Diagnostic::error(&problem)) }
            }
            Err(problem) => return Err(problem),
        });
    }
    Ok(ensured)
}

/// What became of what was asked for.
pub async fn access_of(app: &App, caller: &Caller, id: RequestId) -> Result<AccessStatus, AppError> {
    let request = read::get(app, caller, id).await?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let grant = match request.grant.or(request.extends) {
        Some(grant) => unit.grant(grant, app.now()).await?,
        None => None,
    };
    let name = names::of_request(&unit, &request).await?;
    Ok(AccessStatus { request, grant, name })
}

/// Whether the rest may be fine. What the database or this program fails at fails whole: it is safe to repeat.
fn is_of_this_one(problem: &AppError) -> bool {
    !matches!(problem, AppError::Unavailable { .. } | AppError::Internal(_) | AppError::RateLimited { .. })
}

async fn one(
    app: &App,
    caller: &Caller,
    wish: &Wish,
    entitlement: &Entitlement,
    permission_set: PermissionSetArn,
) -> Result<Ensured, AppError> {
    let place =
        Place { account: entitlement.account.clone(), permission_set, duration: entitlement.duration };
    for _ in 0..TRIES {
        let unit = app.store.tenant(caller.tenant).read().await?;
        let found = Found::look(&unit, caller.user, &place, app.now()).await?;
        drop(unit);
        let done = match found {
            Found::Enough(view) => Some(Ensured::granted(*view, Changed::None)),
            Found::Waits(request) => Some(Ensured::waiting(*request, Changed::None)),
            Found::TooShort(view, by) => longer(app, caller, wish, *view, by).await?,
            Found::Nothing if wish.dry_run => Some(would_ask(app, caller, wish, &place).await?),
            Found::Nothing => ask(app, caller, wish, &place).await?,
        };
        if let Some(done) = done {
            return Ok(done);
        }
    }
    Err(moved())
}

/// Asks for what is not there. None when something has changed meanwhile, such as that it is there.
async fn ask(app: &App, caller: &Caller, wish: &Wish, place: &Place) -> Result<Option<Ensured>, AppError> {
    let wanted = place.wanted(&wish.justification);
    let asked = Asked::new(&wanted, caller)?;
    let (facts, reading) = Facts::load(app, caller.tenant, caller.user, &asked).await?;
    let person = facts.person(Some(&reading), app.now()).await?;
    drop(reading);
    let principal = person.principal(app, caller.tenant, &facts.connection, &facts.requester).await?;
    let now = app.now();
    let decision = facts.decide(app, &asked, now).await?;
    let request = new_request(app, &wanted, &asked, &facts, &principal, &decision, now);
    let unit = app.store.tenant(caller.tenant).read().await?;
    if let Some(before) = denied_before(&unit, place, &request, &decision, now).await?
        && let Err(problem) = refuse_denied(request.clone(), &decision.outcome)
    {
        return Ok(Some(refused(before, &problem)));
    }
    drop(unit);
    let new_at = Some(place);
    let submission = Submission { request, asked: &asked, facts: &facts, decision: &decision, now, new_at };
    let Some(request) = keep(app, caller, &Once::unkeyed(), submission).await? else { return Ok(None) };
    let Some(grant) = request.grant else {
        return Ok(Some(match refuse_denied(request.clone(), &decision.outcome) {
            Ok(request) => Ensured::waiting(request, Changed::Requested),
            Err(problem) => refused(request.id, &problem),
        }));
    };
    let unit = app.store.tenant(caller.tenant).read().await?;
    let view = unit.grant(grant, app.now()).await?.ok_or(AppError::NotFound("grant"))?;
    Ok(Some(Ensured::granted(view, Changed::Activated)))
}

fn refused(request: RequestId, problem: &AppError) -> Ensured {
    Ensured { request: Some(request), ..Ensured::nothing(Diagnostic::error(problem)) }
}

/// What asking would come to. Nobody is looked up in AWS.
async fn would_ask(app: &App, caller: &Caller, wish: &Wish, place: &Place) -> Result<Ensured, AppError> {
    let asked = Asked::new(&place.wanted(&wish.justification), caller)?;
    let (facts, reading) = Facts::load(app, caller.tenant, caller.user, &asked).await?;
    let now = app.now();
    facts.person(Some(&reading), now).await?;
    drop(reading);
    let decision = facts.decide(app, &asked, now).await?;
    let (change, duration) = match &decision.outcome {
        Outcome::Approved { terms, .. } => (Changed::Activated, terms.duration),
        Outcome::NeedsApproval { terms, .. } => (Changed::Requested, terms.duration),
        Outcome::Denied { .. } => return Ok(Ensured::nothing(denied(&decision))),
    };
    let approved = change == Changed::Activated;
    Ok(Ensured { change, approved, duration: Some(duration), ..Ensured::none() })
}

/// Makes a grant that ends too early last longer. That it can't is told, and leaves it as it is. None when it has changed
/// meanwhile.
async fn longer(
    app: &App,
    caller: &Caller,
    wish: &Wish,
    view: GrantView,
    by: Seconds,
) -> Result<Option<Ensured>, AppError> {
    let extension = Extension { by, reason: wish.justification.reason.clone() };
    let as_it_is = |diagnostic: Diagnostic| Ensured {
        diagnostics: vec![diagnostic],
        ..Ensured::granted(view.clone(), Changed::None)
    };
    if let Some(waiting) = waiting_extension(app, caller, &view).await? {
        let told = Diagnostic::info("more time was asked for already, and waits for approval");
        return Ok(Some(Ensured { request: Some(waiting), ..as_it_is(told) }));
    }
    let extending = match Extending::of(app, caller, view.grant.id, &extension).await {
        Ok(extending) => extending,
        Err(problem) if is_of_this_one(&problem) => {
            return Ok(Some(as_it_is(Diagnostic::too_short(&problem))));
        }
        Err(problem) => return Err(problem),
    };
    let change = match &extending.decision.outcome {
        Outcome::Approved { .. } => Changed::Extended,
        Outcome::NeedsApproval { .. } => Changed::Requested,
        Outcome::Denied { .. } => {
            return Ok(Some(as_it_is(Diagnostic::warning(denied(&extending.decision)))));
        }
    };
    if wish.dry_run {
        return Ok(Some(Ensured { change, ..Ensured::granted(view, change) }));
    }
    match extending.keep(app, caller, &Once::unkeyed()).await {
        Ok(None) => Ok(None),
        Ok(Some(Extended::Grant(longer))) => Ok(Some(Ensured::granted(*longer, Changed::Extended))),
        Ok(Some(Extended::Asked(request))) => {
            let asked = Ensured::granted(view, Changed::Requested);
            Ok(Some(Ensured { request: Some(request.id), ..asked }))
        }
        Err(problem) if is_of_this_one(&problem) => Ok(Some(as_it_is(Diagnostic::too_short(&problem)))),
        Err(problem) => Err(problem),
    }
}

async fn waiting_extension(
    app: &App,
    caller: &Caller,
    view: &GrantView,
) -> Result<Option<RequestId>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.pending_extension(caller.user, view.grant.id, app.now()).await?)
}

fn denied(decision: &Decision) -> Diagnostic {
    let would_do = match &decision.outcome {
        Outcome::Denied { max_duration: Some(longest), .. } => {
            format!("; {} seconds at most would do", longest.get())
        }
        _ => String::new(),
    };
    let notices: Vec<&str> = decision.notices.iter().map(String::as_str).collect();
    let said = if notices.is_empty() { String::new() } else { format!(": {}", notices.join("; ")) };
    Diagnostic::denied(format!("policy denies it{would_do}{said}"))
}
