use curfew_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Something that the tenant has chosen, or could.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// What is in force.
    pub value: Value,
    /// When it was set; when the tenant was made, for one that never was.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// What a setting is to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingChange {
    /// A value within the setting's bounds.
    #[schema(required)]
    pub value: Value,
}
