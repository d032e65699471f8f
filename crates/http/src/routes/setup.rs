//! The first run.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{CompleteSetup, Domain, ErrorBody, SetupCompleted, SetupStatus};
use curfew_app::gate::refuse_foreign_page;
use curfew_app::setup::{self, OidcSetup};
use curfew_domain::TenantDomain;
use curfew_domain::connection::SavedConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{tenants, users};
use crate::extract::Visitor;
use crate::{ApiError, ApiJson, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(complete))
}

/// Whether the first run is over.
#[utoipa::path(get, path = "/v1/setup/status", tag = "setup", security(()),
    responses((status = 200, body = SetupStatus)))]
async fn status(State(state): State<HttpState>) -> Result<Json<SetupStatus>, ApiError> {
    let status = setup::status(&state.app).await?;
    Ok(Json(SetupStatus { completed: status.completed, platform_mode: status.platform_mode }))
}

/// Complete the first run: the master tenant and its admin.
///
/// Works once. Where the server can be reached from other machines it has a token, to be sent in `X-Setup-Token`.
#[utoipa::path(post, path = "/v1/setup/complete", tag = "setup", security(()),
    params(("X-Setup-Token" = Option<String>, Header, description = "The server's CURFEW_SETUP_TOKEN.")),
    request_body = CompleteSetup,
    responses((status = 201, body = SetupCompleted),
        (status = 403, description = "Another site's page had the browser send it.", body = ErrorBody),
        (status = 401, description = "The setup token is missing or wrong.", body = ErrorBody),
        (status = 409, description = "Done before; or multi under a database role that passes every wall.", body = ErrorBody)))]
async fn complete(
    State(state): State<HttpState>,
    visitor: Visitor,
    ApiJson(body): ApiJson<CompleteSetup>,
) -> Result<(StatusCode, Json<SetupCompleted>), ApiError> {
    refuse_foreign_page(&state.app, visitor.origin.as_deref(), visitor.host.as_deref())?;
    let done = setup::complete(&state.app, asked(body), visitor.setup_token.as_deref()).await?;
    let tenant = curfew_app::tenants::TenantView::new(done.tenant, &done.domains);
    let body = SetupCompleted {
        tenant: tenants::shown(tenant),
        domains: done.domains.into_iter().map(domain).collect(),
        admin: users::shown(done.admin),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

fn asked(body: CompleteSetup) -> setup::CompleteSetup {
    setup::CompleteSetup {
        tenant_name: body.tenant_name,
        tenant_slug: body.tenant_slug,
        domains: body.domains.into_iter().collect(),
        admin_email: body.admin_email,
        admin_name: body.admin_name,
        admin_password: body.admin_password,
        oidc: body.oidc_config.map(|oidc| OidcSetup {
            issuer_url: oidc.issuer_url.into(),
            client_id: oidc.client_id.into(),
            client_secret: oidc.client_secret,
            scopes: oidc.scopes.into_iter().map(String::from).collect(),
        }),
        aws: body.aws_identity_center.map(|aws| SavedConnection {
            instance: aws.sso_instance_arn,
            role: aws.role_arn,
            region: aws.region,
        }),
        platform_mode: body.platform_mode,
        mfa_required: body.mfa_required,
    }
}

fn domain(domain: TenantDomain) -> Domain {
    Domain {
        dns_record: domain.dns_record(),
        dns_value: domain.dns_value(),
        id: domain.id,
        domain: domain.name,
        verified: domain.verified_at.is_some(),
        verified_at: domain.verified_at,
        verification_token: domain.verification_token,
        created_at: domain.created_at,
    }
}
