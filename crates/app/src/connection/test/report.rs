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

/// A check that was run and is not noted yet.
pub(super) struct Checked<T> {
    name: CheckName,
    finding: Finding<T>,
    duration_ms: u64,
}

/// What a check came to, with what the next ones need.
pub(super) enum Finding<T> {
    /// As it should be.
    Good(T, String),
    /// Works, but look at it.
    Doubtful(T, String),
    /// Concerns what the tenant has not chosen.
    LeftOut(T, String),
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
        let checked = self.check(name, work).await;
        self.note(checked)
    }

    /// Runs one check, perhaps beside others; [`Report::note`] writes it down in its place.
    pub(super) async fn check<T>(
        &self,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
    ) -> Checked<T> {
        let too_late = || Finding::Bad {
            message: "the time that a test may take was over: AWS answers slowly, try again".to_owned(),
            error: Some(AwsError::out_of_time(name.as_str())),
        };
        self.check_until(self.deadline, name, work, too_late).await
    }

    /// Runs a check that is worth `at_most` so much time, and on which nothing depends: what it has not found out by
    /// then is `too_late`'s.
    pub(super) async fn brief_check<T>(
        &self,
        at_most: Duration,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
        too_late: impl FnOnce() -> Finding<T>,
    ) -> Checked<T> {
        let until = self.deadline.min(Instant::now() + at_most);
        self.check_until(until, name, work, too_late).await
    }

    async fn check_until<T>(
        &self,
        until: Instant,
        name: CheckName,
        work: impl Future<Output = Finding<T>>,
        too_late: impl FnOnce() -> Finding<T>,
    ) -> Checked<T> {
        let begun = self.clock.now();
        let finding = tokio::time::timeout_at(until, work).await.unwrap_or_else(|_| too_late());
        let took = self.clock.now().since(begun).as_millis();
        Checked { name, finding, duration_ms: u64::try_from(took).unwrap_or(u64::MAX) }
    }

    /// Notes a check. None when it failed: then nothing that comes after it counts.
    pub(super) fn note<T>(&mut self, checked: Checked<T>) -> Option<T> {
        let Checked { name, finding, duration_ms } = checked;
        let (status, message, outcome) = match finding {
            Finding::Good(outcome, message) => (CheckStatus::Passed, message, Some(outcome)),
            Finding::Doubtful(outcome, message) => (CheckStatus::Warning, message, Some(outcome)),
            Finding::LeftOut(outcome, message) => (CheckStatus::Skipped, message, Some(outcome)),
            Finding::Bad { message, error } => {
                self.tested.sts_error = error;
                (CheckStatus::Failed, message, None)
            }
        };
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
