use curfew_domain::ErrorCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::one_of;

/// The one body of every error, also of those for malformed JSON, unknown paths and wrong methods.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong, from a closed registry that only ever grows.
    #[schema(schema_with = code_schema)]
    pub code: ErrorCode,
    /// The same in words, for people.
    pub message: String,
    /// Facts for programs; which ones depends on the code.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>, nullable = false)]
    pub details: Map<String, Value>,
    /// The texts of the Cedar rules that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub notices: Vec<String>,
}

fn code_schema() -> utoipa::openapi::schema::Object {
    one_of(ErrorCode::ALL.iter().map(|code| code.as_str()))
}
