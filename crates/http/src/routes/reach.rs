//! Who can get this, and what can somebody get?

use axum::Json;
use axum::extract::State;
use curfew_api::{
    ErrorBody, GivenAccess, PersonsAccess, PlaceAccess, ReachContext, WhatCanAccess, WhatCanAccessResult,
    WhoCanAccess, WhoCanAccessResult,
};
use curfew_app::AppError;
use curfew_app::policies::{self, Access, Outcome};
use curfew_app::requests::{Circumstances, WhatIfAnywhere};
use curfew_domain::request::ApprovalMode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::evaluate::{determining, groups, needed};
use crate::{ApiError, ApiJson, Authenticated, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(who)).routes(routes!(what))
}

/// Who would get a permission set in an account?
///
/// Of each person who is active and whose address is verified it says what `evaluate` says, by the facts of this moment;
/// those who would be denied are left out. Nothing is written and nobody is told.
///
/// It takes `policies:read`, and `requests:read` or `requests:approve`. 5,000 people are asked about, for 20 seconds at
/// most; where that is not all, `truncated` is `true`.
#[utoipa::path(post, path = "/v1/policies/who-can-access", tag = "policies", request_body = WhoCanAccess,
    responses((status = 200, body = WhoCanAccessResult),
        (status = 409, description = "AWS is not connected.", body = ErrorBody),
        (status = 429, description = "Too many requests, or the tenant's question before this one goes on.", body = ErrorBody)))]
async fn who(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<WhoCanAccess>,
) -> Result<Json<WhoCanAccessResult>, ApiError> {
    let wanted = WhatIfAnywhere {
        action: body.action,
        duration: body.duration_seconds,
        groups: Vec::new(),
        circumstances: circumstances(body.context),
    };
    let place = (body.account_id, body.permission_set_arn);
    let reached = policies::who_can_access(&state.app, &caller, place, wanted).await?;
    let people = reached
        .listed
        .into_iter()
        .filter_map(|access| Some(PersonsAccess { user_id: access.person, given: given(access)? }));
    Ok(Json(WhoCanAccessResult {
        people: people.collect(),
        found: reached.found,
        checked: reached.checked,
        truncated: reached.is_cut,
    }))
}

/// What would somebody get?
///
/// Of each account and permission set that can be asked for by `action` it says what `evaluate` says, by the facts of this
/// moment; what would be denied is left out. Nothing is written and nobody is told.
///
/// For oneself, named by id, it takes `requests:create` or `policies:read`; without the latter no policies are named, so
/// `determining` and `approvals` are empty, and no groups supposed. For others it takes `policies:read`, and
/// `requests:read` or `requests:approve`. It is asked for 20 seconds at most, without `policies:read` for 3; where that was
/// not all, `truncated` is `true`.
#[utoipa::path(post, path = "/v1/policies/what-can-access", tag = "policies", request_body = WhatCanAccess,
    responses((status = 200, body = WhatCanAccessResult),
        (status = 409, description = "AWS is not connected.", body = ErrorBody),
        (status = 429, description = "Too many requests, or the tenant's question before this one goes on.", body = ErrorBody)))]
async fn what(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<WhatCanAccess>,
) -> Result<Json<WhatCanAccessResult>, ApiError> {
    let person = body.principal.as_str().parse();
    let person = person.map_err(|problem| AppError::invalid("principal", &problem))?;
    let wanted = WhatIfAnywhere {
        action: body.action,
        duration: body.duration_seconds,
        groups: groups(&body.groups)?,
        circumstances: circumstances(body.context),
    };
    let reached = policies::what_can_access(&state.app, &caller, person, wanted).await?;
    let access = reached.listed.into_iter().filter_map(|access| {
        Some(PlaceAccess {
            account_id: access.account.clone(),
            permission_set_arn: access.permission_set.clone(),
            given: given(access)?,
        })
    });
    Ok(Json(WhatCanAccessResult {
        access: access.collect(),
        found: reached.found,
        checked: reached.checked,
        truncated: reached.is_cut,
    }))
}

fn circumstances(context: Option<ReachContext>) -> Circumstances {
    let context = context.unwrap_or_default();
    Circumstances {
        reason: context.reason,
        ticket: context.ticket.map(String::from),
        source_ip: context.source_ip,
        requested_at: context.requested_at,
        mfa: context.mfa,
        break_glass: context.break_glass.unwrap_or_default(),
        ..Circumstances::default()
    }
}

/// None where nothing is given.
fn given(access: Access) -> Option<GivenAccess> {
    let decision = access.decision;
    let (mode, requirements, terms) = match decision.outcome {
        Outcome::Approved { mode, terms } => (mode, Vec::new(), terms),
        Outcome::NeedsApproval { requirements, terms } => (ApprovalMode::Require, requirements, terms),
        Outcome::Denied { .. } => return None,
    };
    Some(GivenAccess {
        approval_mode: mode,
        approvals_required: access.approvals_required,
        approvals: requirements.into_iter().map(needed).collect(),
        duration_seconds: terms.duration,
        max_duration_seconds: terms.maximum,
        determining: decision.determining.into_iter().map(determining).collect(),
    })
}
