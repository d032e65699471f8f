//! AWS's wire protocols: what comes in, what goes out, and how both are checked.

pub(crate) mod fields;
pub(crate) mod page;
pub(crate) mod patterns;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod signature;
mod xml;

use jiff::Timestamp;
use serde_json::{Value, json};

/// A time as the JSON protocols carry it: seconds since 1970, with a fraction.
pub(crate) fn epoch_seconds(at: Timestamp) -> Value {
    let millis = at.as_millisecond();
    if millis % 1000 == 0 {
        return json!(millis / 1000);
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
    let seconds = millis as f64 / 1000.0;
    json!(seconds)
}
