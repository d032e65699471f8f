//! Counts every try of every call, for whoever watches how AWS treats this installation.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What errors are called that mean "too many calls": part of the codes of all services.
const THROTTLES: [&str; 3] = ["Throttl", "TooManyRequests", "RequestLimitExceeded"];

/// Adds to `curfew_aws_calls_total`, by operation and outcome.
#[derive(Debug)]
pub(super) struct CountCalls;

impl Intercept for CountCalls {
    fn name(&self) -> &'static str {
        "CountCalls"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = cfg.load::<Metadata>() {
            let operation = call.name().to_owned();
            let outcome = match (context.output_or_error(), context.response()) {
                (Some(Ok(_)), _) => "ok",
                (_, Some(answer)) => refusal(answer),
                (_, None) => "no_answer",
            };
            metrics::counter!("curfew_aws_calls_total", "operation" => operation, "outcome" => outcome)
                .increment(1);
        }
        Ok(())
    }
}

fn refusal(answer: &HttpResponse) -> &'static str {
    let status = answer.status().as_u16();
    if status == 429 || is_throttle(answer) {
        "throttled"
    } else if status >= 500 {
        "fault"
    } else if status >= 400 {
        "refused"
    } else {
        "garbage"
    }
}

/// The code is in a header or in the body, as the protocol has it.
fn is_throttle(answer: &HttpResponse) -> bool {
    let body = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let code = answer.headers().get("x-amzn-errortype").unwrap_or_default();
    THROTTLES.iter().any(|throttle| body.contains(throttle) || code.contains(throttle))
}
