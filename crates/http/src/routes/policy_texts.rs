//! Policies as Cedar text, and the schema that they are held to.

use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use curfew_app::policies;
use curfew_domain::PolicyId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::tagged::Tagged;
use crate::{ApiError, ApiPath, ApiQuery, Authenticated, HttpState};

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(cedar)).routes(routes!(schema))
}

/// A policy's rules as a file of Cedar, laid out, by ordinal.
///
/// Annotations and comments stay as written. A notice that the text doesn't have is added as `@notice`, and
/// `@audit_session("false")` where sessions are not followed: sent as `cedar_policy_set`, the file makes the same rules.
#[utoipa::path(get, path = "/v1/policies/{policyId}/cedar", tag = "policies", params(("policyId" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/plain",
        headers(("ETag" = String, description = "The policy's version."),
            ("Content-Disposition" = String, description = "A name for the file.")))))]
async fn cedar(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(policy): ApiPath<PolicyId>,
) -> Result<impl IntoResponse, ApiError> {
    let file = policies::cedar(&state.app, &caller, policy).await?;
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let headers = [(header::CONTENT_TYPE, PLAIN_TEXT.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok(Tagged(file.version, (headers, file.text)))
}

/// How the schema is to be written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SchemaQuery {
    /// In Cedar's language of schemas, or in its JSON form.
    #[param(inline)]
    format: Option<SchemaFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SchemaFormat {
    Cedar,
    Json,
}

/// The schema that rules are validated against.
#[utoipa::path(get, path = "/v1/policies/schema", tag = "policies", params(SchemaQuery),
    responses((status = 200, description = "The schema.",
        content((String = "text/plain"), (serde_json::Value = "application/json")))))]
async fn schema(
    Authenticated(caller): Authenticated,
    ApiQuery(query): ApiQuery<SchemaQuery>,
) -> Result<([(HeaderName, &'static str); 1], &'static str), ApiError> {
    let as_json = query.format == Some(SchemaFormat::Json);
    let kind = if as_json { "application/json" } else { PLAIN_TEXT };
    Ok(([(header::CONTENT_TYPE, kind)], policies::schema(&caller, as_json)?))
}
