//! The time by which calls are signed that are sent once.
//!
//! AWS refuses what is signed more than five minutes from its own time. The SDK learns how far a machine is off from such
//! a refusal, and tries again: but a change is tried once, by a client of its own. So it is learnt here from every answer,
//! and what is tried once is signed by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::classify::{SKEW_THAT_MATTERS, date_of};

/// This machine's time, put right by what AWS's answers are dated by.
#[derive(Debug, Clone)]
pub(super) struct SigningTime {
    machine: SharedTimeSource,
    /// So many milliseconds AWS's time is ahead of the machine's; none where that does not matter.
    ahead: Arc<AtomicI64>,
}

impl SigningTime {
    pub(super) fn of(machine: SharedTimeSource) -> Self {
        Self { machine, ahead: Arc::default() }
    }

    /// An answer has just come that is dated so.
    fn learn(&self, theirs: SystemTime) {
        let ours = self.machine.now();
        let apart = match theirs.duration_since(ours) {
            Ok(ahead) => millis(ahead),
            Err(behind) => -millis(behind.duration()),
        };
        let matters = apart.unsigned_abs() > millis(SKEW_THAT_MATTERS).unsigned_abs();
        self.ahead.store(if matters { apart } else { 0 }, Ordering::Relaxed);
    }
}

impl TimeSource for SigningTime {
    fn now(&self) -> SystemTime {
        let (ours, ahead) = (self.machine.now(), self.ahead.load(Ordering::Relaxed));
        let by = Duration::from_millis(ahead.unsigned_abs());
        let right = if ahead < 0 { ours.checked_sub(by) } else { ours.checked_add(by) };
        right.unwrap_or(ours)
    }
}

impl Intercept for SigningTime {
    fn name(&self) -> &'static str {
        "SigningTime"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(theirs) = context.response().and_then(date_of) {
            self.learn(theirs);
        }
        Ok(())
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
