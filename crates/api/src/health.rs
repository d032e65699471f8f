use serde::Serialize;
use utoipa::ToSchema;

/// The server answers and reaches its database.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`: a server that is not well answers with an error.
    #[schema(value_type = String, pattern = "^ok$", example = "ok")]
    pub status: HealthStatus,
}

/// The one word of a healthy server.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Well.
    Ok,
}
