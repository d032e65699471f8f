//! Counts every try of every call, for whoever watches how AWS treats this installation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

const THROTTLED: &str = "throttled";

/// What errors are called that mean "too many calls": part of the codes of all services.
const THROTTLES: [&str; 3] = ["Throttl", "TooManyRequests", "RequestLimitExceeded"];

/// How many tries with one tenant's role were turned away as too many.
#[derive(Debug, Clone, Default)]
pub(super) struct TurnedAway(Arc<AtomicU64>);

impl TurnedAway {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds to `curfew_aws_calls_total`, by operation and outcome.
#[derive(Debug, Default)]
pub(super) struct CountCalls {
    turned_away: TurnedAway,
}

impl CountCalls {
    /// Counts there, too, what is turned away.
    pub(super) fn also_in(turned_away: &TurnedAway) -> Self {
        Self { turned_away: turned_away.clone() }
    }
}

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
            if outcome == THROTTLED {
                self.turned_away.0.fetch_add(1, Ordering::Relaxed);
            }
            metrics::counter!("curfew_aws_calls_total", "operation" => operation, "outcome" => outcome)
                .increment(1);
        }
        Ok(())
    }
}

fn refusal(answer: &HttpResponse) -> &'static str {
    let status = answer.status().as_u16();
    if status == 429 || is_throttle(answer) {
        THROTTLED
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
