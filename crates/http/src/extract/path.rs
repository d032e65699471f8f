use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use curfew_app::AppError;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// What stands in the path, read into `T`: an id, or a tuple of them.
///
/// What is not an id can't be anybody's: it answers 404 like an id that never existed, and like another
/// tenant's. So whoever probes paths learns one thing only, that there is nothing for them.
#[derive(Debug, Clone, Copy)]
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(AppError::NotFound("thing").into()),
        }
    }
}
