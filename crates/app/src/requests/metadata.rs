//! What callers may keep with a request, and with what they say about it.

use serde_json::{Map, Value};

use crate::AppError;

/// The most that may be kept, as JSON text.
const LIMIT: usize = 16 * 1_024;

/// Refuses more than is kept.
pub(super) fn check(metadata: &Map<String, Value>) -> Result<(), AppError> {
    let size = serde_json::to_string(metadata).map_err(AppError::internal)?.len();
    if size <= LIMIT {
        return Ok(());
    }
    Err(AppError::field("metadata", format!("has {size} bytes; {LIMIT} are kept at most")))
}
