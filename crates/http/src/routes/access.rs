//! Making sure of access.

use axum::Json;
use axum::extract::State;
use curfew_api::{
    AccessGrantStatus, AccessRequestStatus, Attachment, EnsureAccess, EnsureDiagnostic, EnsureValidation,
    EnsuredAccess, EnsuredGrant, EntitlementBody, ErrorBody,
};
use curfew_app::requests::{
    self, AccessStatus, Changed, Ensured, Entitlement, Justification, Standing, Wish,
};
use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::request::RequestStatus;
use curfew_domain::{RequestId, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::{ApiError, ApiJson, ApiPath, Authenticated, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(ensure)).routes(routes!(status))
}

/// Make sure of access.
///
/// Each entitlement by itself: what the caller has for long enough stays as it is (a little less counts, so that asking again
/// changes nothing), what ends too early is extended, what waits for approval waits on, and what is missing is asked for.
/// What one can't have is told in its `diagnostics`, and keeps none of the others. Safe to repeat.
#[utoipa::path(post, path = "/v1/access/ensure", tag = "requests", request_body = EnsureAccess,
    responses((status = 200, body = EnsuredAccess),
        (status = 409, description = "AWS is not connected.", body = ErrorBody)))]
async fn ensure(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<EnsureAccess>,
) -> Result<Json<EnsuredAccess>, ApiError> {
    if body.entitlements.is_empty() {
        return Err(ApiError::field("entitlements", "names at least one"));
    }
    let justification = body.justification;
    let ticket = justification.attachments.iter().find_map(Attachment::name).map(str::to_owned);
    let validation = EnsureValidation {
        has_reason: justification.reason.is_some(),
        has_ticket_attachment: ticket.is_some(),
    };
    let wish = Wish {
        entitlements: body.entitlements.into_iter().map(entitlement).collect(),
        justification: Justification {
            reason: justification.reason,
            attachments: justification.attachments.iter().map(Attachment::kept).collect(),
            ticket,
        },
        dry_run: body.dry_run,
    };
    let ensured = requests::ensure(&state.app, &caller, &wish).await?;
    let now = state.app.now();
    let grants = ensured.into_iter().map(|one| shown(one, validation, now)).collect();
    Ok(Json(EnsuredAccess { grants }))
}

/// What became of what was asked for.
///
/// By the `access_request_id` that was answered, or any request's id.
#[utoipa::path(get, path = "/v1/access/requests/{id}", tag = "requests", params(("id" = Uuid, Path)),
    responses((status = 200, body = AccessRequestStatus)))]
async fn status(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
) -> Result<Json<AccessRequestStatus>, ApiError> {
    let AccessStatus { request, grant, name } = requests::access_of(&state.app, &caller, id).await?;
    let now = state.app.now();
    let status = request.status(now);
    let standing = match (grant, status) {
        (Some(view), _) => Standing::Grant(Box::new(view)),
        (None, RequestStatus::Pending) => Standing::Waiting(Box::new(request)),
        (None, _) => Standing::Nothing,
    };
    let stands = Stands::of(&standing, now);
    let grant = AccessGrantStatus {
        id: if stands.id.is_nil() { id.uuid() } else { stands.id },
        name,
        status: stands.status,
        approved: matches!(standing, Standing::Grant(_)),
        expires_at: stands.expires_at,
        activated_at: stands.activated_at,
        provisioning_status: stands.provisioning,
    };
    Ok(Json(AccessRequestStatus { id, status, grants: vec![grant] }))
}

fn entitlement(body: EntitlementBody) -> Entitlement {
    Entitlement { account: body.target.0, role: body.role, duration: body.duration_seconds }
}

fn shown(one: Ensured, validation: EnsureValidation, now: Timestamp) -> EnsuredGrant {
    let stands = Stands::of(&one.standing, now);
    let status = match (&one.standing, one.change) {
        // What a dry run would come to.
        (Standing::Nothing, Changed::Activated) => "provisioning",
        (Standing::Nothing, Changed::Requested) => "pending",
        _ => stands.status,
    };
    EnsuredGrant {
        id: stands.id,
        name: one.name,
        status,
        change: one.change.as_str(),
        approved: one.approved,
        duration_seconds: one.duration,
        expires_at: stands.expires_at,
        activated_at: stands.activated_at,
        access_request_id: one.request,
        provisioning_status: stands.provisioning,
        validation,
        diagnostics: one.diagnostics.into_iter().map(diagnostic).collect(),
    }
}

fn diagnostic(told: requests::Diagnostic) -> EnsureDiagnostic {
    EnsureDiagnostic { level: told.level, code: told.code, message: told.message }
}

/// How access stands, in the words of these operations.
struct Stands {
    id: Uuid,
    status: &'static str,
    provisioning: &'static str,
    expires_at: Option<Timestamp>,
    activated_at: Option<Timestamp>,
}

impl Stands {
    fn of(standing: &Standing, now: Timestamp) -> Self {
        let nowhere =
            |id, status| Self { id, status, provisioning: "pending", expires_at: None, activated_at: None };
        match standing {
            Standing::Nothing => nowhere(Uuid::nil(), "expired"),
            Standing::Waiting(request) => nowhere(request.id.uuid(), "pending"),
            Standing::Grant(view) => {
                let (times, provisioning) = (&view.grant.times, view.provisioning(now));
                let there = provisioning == ProvisioningStatus::Successful;
                Self {
                    id: view.grant.id.uuid(),
                    status: match times.status(now) {
                        GrantStatus::Active if there => "active",
                        GrantStatus::Active => "provisioning",
                        GrantStatus::Expired => "expired",
                        GrantStatus::Revoked => "revoked",
                    },
                    provisioning: provisioned(provisioning, times.succeeded_at),
                    expires_at: times.expires_at,
                    activated_at: times.succeeded_at,
                }
            }
        }
    }
}

/// Of what is over: whether AWS ever had it.
const fn provisioned(status: ProvisioningStatus, succeeded_at: Option<Timestamp>) -> &'static str {
    match (status, succeeded_at) {
        (ProvisioningStatus::Failed, _) => "failed",
        (ProvisioningStatus::Successful, _)
        | (ProvisioningStatus::Revoking | ProvisioningStatus::Revoked, Some(_)) => "successful",
        _ => "pending",
    }
}
