//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>: no permission is needed.

use serde_json::{Value, json};

use crate::{call::Call, refusal::Refusal};

/// Says who signed the request.
#[expect(clippy::unnecessary_wraps, reason = "it is an `Operation`")]
pub(super) fn get_caller_identity(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let caller = &call.caller;
    Ok(json!({ "Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account }))
}
