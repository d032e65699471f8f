//! How checks are noted: with their time, within what time there is.

use std::sync::Arc;
use std::time::Duration;

use curfew_aws::AwsError;
use curfew_domain::connection::{Check, CheckName, CheckStatus};
use curfew_domain::{Clock, Region};
use tokio::time::Instant;

use super::run::Tested;
use crate::connection::words::explain;

/// A test being written down.
pub(super) struct Report {
    clock: Arc<dyn Clock>,
    deadline: Instant,
    pub(super) tested: Tested,
}

/// What a check came to, with what the next ones need.
pub(super) enum Finding<T> {
    /// As it should be.
    Good(T, String),
    /// Works, but look at it.
    Doubtful(T, String),
    /// Not as it should be.
    Bad {
        /// What, and what to do.
        message: String,
        /// AWS's refusal, where it is one.
        error: Option<AwsError>,
    },
}

impl<T> Finding<T> {
    /// Bad for a reason that AWS did not name.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Finding::Bad { message: message.into(), error: None }
    }

    /// Bad since AWS refused or could not be reached.
    pub(super) fn refused(error: AwsError, region: &Region) -> Self {
        Finding::Bad { message: explain(&error, region), error: Some(error) }
    }
}

impl Report {
    pub(super) fn new(clock: Arc<dyn Clock>, deadline: Instant) -> Self {
        Self { clock, deadline, tested: Tested::default() }
    }

    /// Runs one check and notes it. None when it failed: then nothing else is run.
    pub(super) async fn step<T>(
        &mut self,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
    ) -> Option<T> {
        let too_late = || Finding::Bad {
            message: "the time that a test may take was over: AWS answers slowly, try again".to_owned(),
            error: Some(AwsError::out_of_time(name.as_str())),
        };
        self.step_until(self.deadline, name, work, too_late).await
    }

    /// Runs a check that is worth `at_most` so much time, and on which nothing depends: what it has not found out by
    /// then is `too_late`'s.
    pub(super) async fn brief_step<T>(
        &mut self,
        at_most: Duration,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
        too_late: impl FnOnce() -> Finding<T>,
    ) -> Option<T> {
        let until = self.deadline.min(Instant::now() + at_most);
        self.step_until(until, name, work, too_late).await
    }

    async fn step_until<T>(
        &mut self,
        until: Instant,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
        too_late: impl FnOnce() -> Finding<T>,
    ) -> Option<T> {
        let begun = self.clock.now();
        let finding = tokio::time::timeout_at(until, work).await.unwrap_or_else(|_| too_late());
        let (status, message, outcome) = match finding {
            Finding::Good(outcome, message) => (CheckStatus::Passed, message, Some(outcome)),
            Finding::Doubtful(outcome, message) => (CheckStatus::Warning, message, Some(outcome)),
            Finding::Bad { message, error } => {
                self.tested.sts_error = error;
                (CheckStatus::Failed, message, None)
            }
        };
        let took = self.clock.now().since(begun).as_millis();
        let duration_ms = u64::try_from(took).unwrap_or(u64::MAX);
        self.tested.checks.push(Check { name, status, message, duration_ms });
        outcome
    }

    /// What was found; checks that were not run are skipped.
    pub(super) fn end(mut self) -> Tested {
        let done = self.tested.checks.len();
        let skipped = CheckName::ALL.into_iter().skip(done).map(|name| Check {
            name,
            status: CheckStatus::Skipped,
            message: "not run, since an earlier check failed".to_owned(),
            duration_ms: 0,
        });
        self.tested.checks.extend(skipped);
        self.tested
    }
}
