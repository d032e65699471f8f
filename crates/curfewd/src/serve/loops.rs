//! The loops behind the answers.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use curfew_app::audit;
use curfew_app::discovery::Discoverer;
use curfew_app::health::Health;
use curfew_app::reconciler::Reconciler;
use curfew_app::{App, audit::heads, upkeep};
use curfew_domain::NodeId;
use curfew_store::StoreError;

use super::background::{Background, Went};
use super::{Server, ServerClock};

/// How often the clock is kept and compared with the wall's (DESIGN.md, "Decisions, and why").
const CLOCK_EVERY: Duration = Duration::from_secs(5);

/// More than this ahead of the wall, nothing new is decided.
const TOO_FAR_AHEAD: Duration = Duration::from_mins(5);

/// How often the audit log is sealed: within a second (DESIGN.md).
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// How often heads of the audit log leave the database.
const HEADS_EVERY: Duration = Duration::from_mins(1);

/// How often credentials are renewed and tidied up.
const UPKEEP_EVERY: Duration = Duration::from_mins(10);

/// How often collected metrics are tidied up, so that they don't grow where nobody scrapes.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// Starts all of them.
pub(super) fn start(background: &Background, server: &Server) {
    let app = &server.app;
    let clock = server.clock.clone();
    background.every(
        "clock",
        CLOCK_EVERY,
        with(app, move |app| {
            let clock = clock.clone();
            async move { keep_clock(&app, &clock).await }
        }),
    );
    background.every("upkeep", UPKEEP_EVERY, with(app, |app| async move { keep_up(&app).await }));
    background.every("sealer", SEAL_EVERY, with(app, |app| async move { seal(&app).await }));
    let metrics = server.metrics.clone();
    background.every(
        "metrics",
        METRICS_EVERY,
        with(app, move |_| {
            metrics.upkeep();
            std::future::ready(Went::Well)
        }),
    );
    if server.reconciles {
        start_reconciling(background, server);
    }
}

fn start_reconciling(background: &Background, server: &Server) {
    let (signing, file) = (server.signing.clone(), Arc::clone(&server.heads));
    background.every(
        "heads",
        HEADS_EVERY,
        with(&server.app, move |app| {
            let (signing, file) = (signing.clone(), Arc::clone(&file));
            async move {
                let sent = heads::send_out(&app.store, signing.key(), file.as_ref(), app.now()).await;
                report("audit heads could not be sent out", sent)
            }
        }),
    );
    // One name for both: they act under the same leases.
    let node = NodeId::new(server.app.now(), server.app.entropy.as_ref());
    let (app, concurrency) = (Arc::clone(&server.app), server.config.worker_concurrency);
    background.run("reconciler", move |shutdown| {
        Reconciler::new(Arc::clone(&app), node, concurrency).run(shutdown)
    });
    let app = Arc::clone(&server.app);
    background.run("discovery", move |shutdown| Discoverer::new(Arc::clone(&app), node).run(shutdown));
}

/// What is left to do once nothing goes on any more.
pub(super) async fn finish(server: &Server) {
    server.app.gate.idle().await;
    seal(&server.app).await;
    if server.reconciles {
        let (app, key) = (&server.app, server.signing.key());
        let sent = heads::send_out(&app.store, key, server.heads.as_ref(), app.now()).await;
        report("audit heads could not be sent out", sent);
    }
    keep_clock(&server.app, &server.clock).await;
}

async fn seal(app: &App) -> Went {
    report("the audit log could not be sealed", audit::seal_all(&app.store).await)
}

async fn keep_up(app: &App) -> Went {
    report("credentials could not be tidied up", upkeep::upkeep(app).await)
}

/// Keeps the clock, so that a restart goes on from here, and sees whether it is right.
async fn keep_clock(app: &App, clock: &ServerClock) -> Went {
    check_clock(&app.health, clock);
    let kept = async {
        let unit = app.store.unwalled().write().await?;
        unit.keep_clock(app.now()).await?;
        unit.commit().await
    };
    report::<(), StoreError>("the clock could not be kept", kept.await)
}

/// Sees whether the clock is right. Before the port is opened too: nothing may be decided by a wrong one.
pub(super) fn check_clock(health: &Health, clock: &ServerClock) {
    let ahead = clock.ahead();
    health.clock_is_ahead(ahead > TOO_FAR_AHEAD);
    metrics::gauge!("curfew_clock_ahead_seconds").set(ahead.as_secs_f64());
    if ahead > TOO_FAR_AHEAD {
        tracing::error!(
            ahead_seconds = ahead.as_secs(),
            "the wall clock was set back: nothing new is decided"
        );
    }
}

/// Hands a loop its own reference to what it works with.
fn with<W, F>(app: &Arc<App>, work: F) -> impl Fn() -> W + Clone + Send + Sync + use<W, F>
where
    F: Fn(Arc<App>) -> W + Clone + Send + Sync,
{
    let app = Arc::clone(app);
    move || work(Arc::clone(&app))
}

/// A round that goes wrong is done again later; the log says so.
fn report<T, E: Error + 'static>(problem: &'static str, result: Result<T, E>) -> Went {
    let Err(error) = result else { return Went::Well };
    let error: &(dyn Error + 'static) = &error;
    tracing::warn!(error, "{problem}");
    Went::Wrong
}
