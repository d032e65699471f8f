//! Answers that all who ask within a moment share: a probe needs none newer, and strangers who ask without end cost no
//! more than one does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use curfew_app::AppError;
use curfew_domain::{Clock, Seconds, Timestamp};
use tokio::sync::Mutex;

/// For how long an answer is as good as new.
const FRESH: Seconds = Seconds::of(1);

/// How long it may take to find one: a database that says nothing is one that can't be reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// One question, asked by many.
pub(crate) struct Shared<T>(Mutex<Option<(Timestamp, T)>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::const_new(None))
    }
}

impl<T: Clone> Shared<T> {
    /// The answer that `ask` gives, or gave a moment ago. Whoever comes while it is looked for waits for the same.
    pub(crate) async fn answer(&self, clock: &dyn Clock, ask: impl Future<Output = T>) -> T {
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = last.as_ref()
            && clock.now() < *at + FRESH
        {
            return answer.clone();
        }
        let answer = ask.await;
        *last = Some((clock.now(), answer.clone()));
        answer
    }
}

/// Whether a node is well, to be told to several.
pub(crate) type Well = Result<(), NotWell>;

/// Why it is not.
#[derive(Debug, Clone)]
pub(crate) struct NotWell {
    message: &'static str,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl NotWell {
    /// Looks whether a node is well, for as long as a probe may take.
    pub(crate) async fn unless(look: impl Future<Output = Result<(), AppError>>) -> Well {
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(found) => found.map_err(Self::from),
            Err(_) => Err(Self { message: "the database does not answer", source: None }),
        }
    }
}

impl From<AppError> for NotWell {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Unavailable { message, source } => Self { message, source: source.map(Arc::from) },
            other => Self { message: "this node is not well", source: Some(Arc::new(other)) },
        }
    }
}

impl From<NotWell> for AppError {
    fn from(problem: NotWell) -> Self {
        let source = problem.source.map(|source| Box::new(source) as Box<dyn Error + Send + Sync>);
        AppError::Unavailable { message: problem.message, source }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use curfew_domain::testing::TestClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_within_a_moment_shares_the_answer() {
        let (shared, clock, asked) = (Shared::default(), TestClock::default(), AtomicU32::new(0));
        let ask = || {
            shared.answer(&clock, async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                asked.fetch_add(1, Ordering::SeqCst)
            })
        };
        assert_eq!(tokio::join!(ask(), ask(), ask()), (0, 0, 0));
        clock.advance(FRESH);
        assert_eq!(ask().await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_says_nothing_is_not_waited_for() {
        let well = NotWell::unless(std::future::pending()).await;
        assert!(matches!(well.map_err(AppError::from), Err(AppError::Unavailable { .. })));
    }
}
