//! Work that goes on behind the answers: each in its own loop, started again when it panics.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The loops of one server.
pub(super) struct Background {
    shutdown: CancellationToken,
    loops: TaskTracker,
}

/// How a round of a loop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// As it should.
    Well,
    /// Not; the log says why.
    Wrong,
}

/// How soon a round that went wrong is tried again: while the database is away, the log says so in this step.
const AFTER_WRONG: Duration = Duration::from_secs(5);

/// How long a loop rests after a panic: it can't turn into a hot one.
const REST: Duration = Duration::from_secs(1);

impl Background {
    /// No loops yet; all end with `shutdown`.
    pub(super) fn new(shutdown: CancellationToken) -> Self {
        Self { shutdown, loops: TaskTracker::new() }
    }

    /// Runs `work` until it returns, which it does at shutdown; and again when it panics.
    pub(super) fn run<W>(
        &self,
        name: &'static str,
        mut work: impl FnMut(CancellationToken) -> W + Send + 'static,
    ) where
        W: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.loops.spawn(async move {
            loop {
                let Err(error) = tokio::spawn(work(shutdown.clone())).await else { return };
                tracing::error!(name, %error, "a background loop broke; it is started again");
                metrics::counter!("curfew_background_faults_total", "loop" => name).increment(1);
                if pause(&shutdown, REST).await.is_break() {
                    return;
                }
            }
        });
    }

    /// Does `work` now, and then `every` so often; not more often than is of use while it goes wrong. A round that has not
    /// ended `within` so long is given up: the next one may find what it waited for.
    pub(super) fn every<W>(
        &self,
        name: &'static str,
        every: Duration,
        within: Duration,
        work: impl Fn() -> W + Clone + Send + Sync + 'static,
    ) where
        W: Future<Output = Went> + Send + 'static,
    {
        self.run(name, move |shutdown| {
            let work = work.clone();
            async move {
                loop {
                    let went = tokio::time::timeout(within, work()).await.unwrap_or_else(|_| {
                        tracing::warn!(name, "a round of a background loop took too long; it is given up");
                        Went::Wrong
                    });
                    let time = match went {
                        Went::Well => every,
                        Went::Wrong => every.max(AFTER_WRONG),
                    };
                    if pause(&shutdown, time).await.is_break() {
                        return;
                    }
                }
            }
        });
    }

    /// Waits for all loops to end, for at most `deadline`. Says whether they did.
    pub(super) async fn end(self, deadline: Duration) -> bool {
        self.loops.close();
        tokio::time::timeout(deadline, self.loops.wait()).await.is_ok()
    }
}

/// Sleeps; breaks off at shutdown.
async fn pause(shutdown: &CancellationToken, time: Duration) -> ControlFlow<()> {
    tokio::select! {
        () = shutdown.cancelled() => ControlFlow::Break(()),
        () = tokio::time::sleep(time) => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_round_that_waits_for_ever_does_not_keep_the_next_from_coming() {
        let shutdown = CancellationToken::new();
        let background = Background::new(shutdown.clone());
        let rounds = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&rounds);
        background.every("stuck", Duration::from_secs(1), Duration::from_secs(30), move || {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::pending()
        });
        while rounds.load(Ordering::SeqCst) < 3 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        shutdown.cancel();
        assert!(background.end(Duration::from_mins(1)).await);
    }
}
