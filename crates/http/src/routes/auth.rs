//! Signing in, staying in, and signing out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use curfew_api::{
    ErrorBody, Login, LoginMethod, LoginResult, Providers, ProvidersQuery, Refreshed, SessionCarrier,
    SetInitialPassword,
};
use curfew_app::credentials::password::PresentedPassword;
use curfew_app::gate::{self, SignedIn};
use curfew_app::login::{self, LoginName, SignIn};
use curfew_domain::SessionKind;
use secrecy::ExposeSecret;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Visitor;
use crate::{ApiError, ApiJson, ApiQuery, Authenticated, HttpState};

const TAG: &str = "auth";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(providers))
        .routes(routes!(sign_in))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
        .routes(routes!(set_initial_password))
}

/// How one signs in to a tenant.
#[utoipa::path(get, path = "/v1/auth/providers", tag = TAG, security(()), params(ProvidersQuery),
    responses((status = 200, body = Providers),
        (status = 404, description = "No tenant by that name.", body = ErrorBody)))]
async fn providers(
    State(state): State<HttpState>,
    ApiQuery(query): ApiQuery<ProvidersQuery>,
) -> Result<Json<Providers>, ApiError> {
    let name = match (&query.slug, &query.domain) {
        (Some(slug), None) => LoginName::Slug(slug),
        (None, Some(domain)) => LoginName::Domain(domain),
        _ => return Err(ApiError::field("slug", "give either slug or domain")),
    };
    let found = login::methods(&state.app, name).await?;
    let method = |method: login::LoginMethod| match method {
        login::LoginMethod::Local => LoginMethod::Local,
    };
    let methods = found.methods.into_iter().map(method).collect();
    Ok(Json(Providers { tenant_id: found.tenant, methods }))
}

/// Sign in with an e-mail address and a password.
///
/// An unknown address and a wrong password get the same answer after the same time. After repeated failures tries
/// are turned away for a while: by address and e-mail, by address, and over all addresses.
#[utoipa::path(post, path = "/v1/auth/login", tag = TAG, security(()), request_body = Login,
    responses((status = 200, body = LoginResult, headers(("Set-Cookie" = String, description = "The session, where it is a cookie."))),
        (status = 401, description = "The e-mail address or the password is wrong.", body = ErrorBody),
        (status = 403, description = "A cookie was asked for from another origin than the console's.", body = ErrorBody)))]
async fn sign_in(
    State(state): State<HttpState>,
    visitor: Visitor,
    ApiJson(body): ApiJson<Login>,
) -> Result<Response, ApiError> {
    let kind = match body.session {
        SessionCarrier::Bearer => SessionKind::Bearer,
        SessionCarrier::Cookie => SessionKind::Cookie,
    };
    if kind == SessionKind::Cookie {
        gate::refuse_foreign_origin(&state.app, visitor.origin.as_deref())?;
    }
    let ask = SignIn {
        email: body.email,
        password: PresentedPassword::new(&body.password),
        tenant: body.tenant_slug,
        kind,
        source: visitor.source,
    };
    let signed_in = login::sign_in(&state.app, ask).await?;
    let expires_at = signed_in.expires_at;
    let tenant_id = signed_in.tenant;
    let (cookie, token) = carried(&state, signed_in)?;
    let body = LoginResult {
        token,
        expires_at: Some(expires_at),
        tenant_id,
        mfa_required: false,
        challenge_id: None,
        methods: Vec::new(),
        mfa_setup_required: false,
        enrollment_required: false,
    };
    Ok((cookie, Json(body)).into_response())
}

/// Take a new token in place of the one that was shown, up to the end of the login.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = TAG,
    responses((status = 200, body = Refreshed, headers(("Set-Cookie" = String, description = "The session, where it is a cookie.")))))]
async fn refresh(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    let signed_in = login::refresh(&state.app, &caller).await?;
    let expires_at = signed_in.expires_at;
    let (cookie, token) = carried(&state, signed_in)?;
    Ok((cookie, Json(Refreshed { token, expires_at })).into_response())
}

/// Sign out: the login's tokens are refused at once, on every node.
#[utoipa::path(post, path = "/v1/auth/logout", tag = TAG,
    responses((status = 204, description = "Signed out.")))]
async fn sign_out(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    login::sign_out(&state.app, &caller).await?;
    let cookie = set_cookie(&state.app.gate.console.take_back())?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([cookie])).into_response())
}

/// Set a first password with a setup link, which is used up by it.
#[utoipa::path(post, path = "/v1/auth/set-initial-password", tag = TAG, security(()),
    request_body = SetInitialPassword,
    responses((status = 204, description = "Set: sign in with it.")))]
async fn set_initial_password(
    State(state): State<HttpState>,
    ApiJson(body): ApiJson<SetInitialPassword>,
) -> Result<StatusCode, ApiError> {
    let ask = login::SetInitialPassword { token: body.token, password: body.password };
    login::set_initial_password(&state.app, ask).await?;
    Ok(StatusCode::NO_CONTENT)
}

type Cookie = AppendHeaders<Option<(HeaderName, HeaderValue)>>;

/// The token where it belongs: in a cookie, or in the body.
fn carried(
    state: &HttpState,
    signed_in: SignedIn,
) -> Result<(Cookie, Option<secrecy::SecretString>), ApiError> {
    match signed_in.kind {
        SessionKind::Bearer => Ok((AppendHeaders(None), Some(signed_in.token))),
        SessionKind::Cookie => {
            let lives = signed_in.expires_at.seconds_since(state.app.now());
            let cookie = state.app.gate.console.give(signed_in.token.expose_secret(), lives);
            Ok((AppendHeaders(Some(set_cookie(&cookie)?)), None))
        }
    }
}

fn set_cookie(cookie: &str) -> Result<(HeaderName, HeaderValue), ApiError> {
    let mut value = HeaderValue::from_str(cookie).map_err(curfew_app::AppError::internal)?;
    value.set_sensitive(true);
    Ok((header::SET_COOKIE, value))
}
