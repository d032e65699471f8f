//! Connecting a tenant to AWS IAM Identity Center.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    AwsCheck, AwsConfig, AwsTestResult, BootstrapTemplate, BootstrapTemplateFor, ErrorBody, ExternalIdBody,
    SaveAwsConfig,
};
use curfew_app::connection::{self, ConnectionConfig, TemplateFor};
use curfew_domain::connection::SavedConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, Authenticated, HttpState};

const TAG: &str = "aws-identity-center";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(config, save, delete))
        .routes(routes!(test))
        .routes(routes!(bootstrap_template))
        .routes(routes!(external_id))
        .routes(routes!(rotate))
        .routes(routes!(commit))
        .routes(routes!(cancel))
}

/// What is saved.
///
/// Before anything is, the master tenant is shown the instance that the server was given as `IC_INSTANCE_ARN`.
#[utoipa::path(get, path = "/v1/integrations/aws-identity-center/config", tag = TAG,
    responses((status = 200, body = AwsConfig)))]
async fn config(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<AwsConfig>, ApiError> {
    Ok(Json(shown(connection::config(&state.app, &caller).await?)))
}

/// Save what shall be connected.
///
/// Nothing is asked of AWS; a test that passes puts it to use. Another role of the same account is always taken,
/// another instance or account only when every assignment is gone.
#[utoipa::path(put, path = "/v1/integrations/aws-identity-center/config", tag = TAG,
    request_body = SaveAwsConfig,
    responses((status = 200, body = AwsConfig),
        (status = 409, description = "Assignments are left in what is connected now.", body = ErrorBody)))]
async fn save(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<SaveAwsConfig>,
) -> Result<Json<AwsConfig>, ApiError> {
    let saved = SavedConnection { instance: body.sso_instance_arn, role: body.role_arn, region: body.region };
    Ok(Json(shown(connection::save(&state.app, &caller, saved).await?)))
}

/// Forget the connection, and give up the instance.
#[utoipa::path(delete, path = "/v1/integrations/aws-identity-center/config", tag = TAG,
    responses((status = 204, description = "Forgotten."),
        (status = 409, description = "Assignments are left in what is connected now.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<StatusCode, ApiError> {
    connection::delete(&state.app, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Test what is saved, check by check.
///
/// Nothing is written to AWS, and no credentials from before are used. What passes is put to use. Tests that run at
/// the same time are one.
#[utoipa::path(post, path = "/v1/integrations/aws-identity-center/test", tag = TAG,
    responses((status = 200, body = AwsTestResult),
        (status = 409, description = "No role is saved, or it was changed while it was tested.", body = ErrorBody),
        (status = 422, description = "The role can be assumed without the ExternalId.", body = ErrorBody),
        (status = 502, description = "STS refused, or could not be reached.", body = ErrorBody)))]
async fn test(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<AwsTestResult>, ApiError> {
    let report = connection::test(&state.app, &caller).await?;
    let checks = report.checks.into_iter().map(AwsCheck::from).collect();
    Ok(Json(AwsTestResult { success: report.success, message: report.message, checks }))
}

/// Render the role for the customer to create.
#[utoipa::path(post, path = "/v1/integrations/aws-identity-center/bootstrap-template", tag = TAG,
    request_body = BootstrapTemplateFor,
    responses((status = 200, body = BootstrapTemplate),
        (status = 502, description = "AWS does not tell who Curfew is.", body = ErrorBody)))]
async fn bootstrap_template(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<BootstrapTemplateFor>,
) -> Result<Json<BootstrapTemplate>, ApiError> {
    let wanted =
        TemplateFor { account: body.aws_account_id, instance: body.sso_instance_arn, region: body.region };
    let (templates, external_ids) = connection::bootstrap_template(&state.app, &caller, wanted).await?;
    Ok(Json(BootstrapTemplate {
        cloudformation_yaml: templates.cloudformation_yaml,
        terraform_hcl: templates.terraform_hcl,
        launch_stack_url: templates.launch_stack_url,
        external_ids,
    }))
}

/// The tenant's `ExternalId`.
#[utoipa::path(get, path = "/v1/integrations/aws-identity-center/external-id", tag = TAG,
    responses((status = 200, body = ExternalIdBody)))]
async fn external_id(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ExternalIdBody>, ApiError> {
    Ok(Json(connection::external_ids(&state.app, &caller).await?.into()))
}

/// Make a pending `ExternalId`; until it is committed or cancelled Curfew tries both.
#[utoipa::path(post, path = "/v1/integrations/aws-identity-center/external-id/rotate", tag = TAG,
    responses((status = 200, body = ExternalIdBody),
        (status = 409, description = "A rotation is pending.", body = ErrorBody)))]
async fn rotate(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ExternalIdBody>, ApiError> {
    Ok(Json(connection::rotate(&state.app, &caller).await?.into()))
}

/// Put the pending `ExternalId` in force. Only after a test has shown that the role takes it.
#[utoipa::path(post, path = "/v1/integrations/aws-identity-center/external-id/commit", tag = TAG,
    responses((status = 200, body = ExternalIdBody),
        (status = 409, description = "No rotation is pending, or none that a test has proved.", body = ErrorBody)))]
async fn commit(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ExternalIdBody>, ApiError> {
    Ok(Json(connection::commit_rotation(&state.app, &caller).await?.into()))
}

/// Drop the pending `ExternalId`.
#[utoipa::path(post, path = "/v1/integrations/aws-identity-center/external-id/cancel", tag = TAG,
    responses((status = 200, body = ExternalIdBody),
        (status = 409, description = "No rotation is pending, or the role takes nothing else.", body = ErrorBody)))]
async fn cancel(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ExternalIdBody>, ApiError> {
    Ok(Json(connection::cancel_rotation(&state.app, &caller).await?.into()))
}

fn shown(config: ConnectionConfig) -> AwsConfig {
    let configured = config.saved.is_some();
    let (instance, role, region) = match config.saved {
        Some(saved) => (Some(saved.instance), Some(saved.role), Some(saved.region)),
        None => (config.offered, None, None),
    };
    AwsConfig {
        sso_instance_arn: instance,
        role_arn: role,
        region,
        configured,
        verified_at: config.verified_at,
        suspended: config.suspended.map(|reason| reason.as_str().to_owned()),
    }
}
