//! One file for each group of operations. See the crate's own page for how to add one.

mod access;
mod api_keys;
mod audit;
mod auth;
mod aws_identity_center;
mod aws_resources;
mod blast_radius;
mod drift;
mod evaluate;
mod grants;
mod groups;
mod health;
mod lockdowns;
mod notification_channels;
mod notifications;
mod policies;
mod policy_analysis;
mod policy_analysis_shown;
mod policy_rules;
mod policy_simulation;
mod policy_simulation_shown;
mod policy_texts;
mod policy_versions;
mod policy_warnings;
mod reach;
mod request_decisions;
mod request_messages;
mod requests;
mod roles;
mod rule_fields;
mod settings;
mod setup;
mod tenants;
mod users;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::{ApiError, HttpState};

/// All operations.
pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(crate::openapi::base())
        .merge(access::routes())
        .merge(api_keys::routes())
        .merge(audit::routes())
        .merge(auth::routes())
        .merge(aws_identity_center::routes())
        .merge(aws_resources::routes())
        .merge(drift::routes())
        .merge(evaluate::routes())
        .merge(grants::routes())
        .merge(groups::routes())
        .merge(health::routes())
        .merge(lockdowns::routes())
        .merge(notification_channels::routes())
        .merge(notifications::routes())
        .merge(policies::routes())
        .merge(policy_analysis::routes())
        .merge(policy_rules::routes())
        .merge(policy_texts::routes())
        .merge(policy_versions::routes())
        .merge(policy_simulation::routes())
        .merge(reach::routes())
        .merge(request_decisions::routes())
        .merge(request_messages::routes())
        .merge(requests::routes())
        .merge(roles::routes())
        .merge(settings::routes())
        .merge(setup::routes())
        .merge(tenants::routes())
        .merge(users::routes())
}

/// Unknown paths and wrong methods, in the one error body. To be called once all routes are in.
pub(crate) fn with_fallbacks<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .fallback(|| async { ApiError::UnknownPath })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
}
