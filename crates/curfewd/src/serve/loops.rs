//! The loops behind the answers.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use curfew_app::audit;
use curfew_app::discovery::Discoverer;
use curfew_app::health::Health;
use curfew_app::notify::Notifier;
use curfew_app::reconciler::{Node, Reconciler};
use curfew_app::requests::Deadlines;
use curfew_app::{App, Relay, audit::heads, tenants, upkeep, with_causes};
use curfew_domain::{NodeId, Timestamp};
use curfew_store::{StoreError, in_time};

use super::background::{Background, Went};
use super::{Server, ServerClock};

/// How often the clock is kept and compared with the wall's (DESIGN.md, "Decisions, and why").
const CLOCK_EVERY: Duration = Duration::from_secs(5);

/// How soon it is seen that the clock has leapt: until that is kept nothing begins, and a crash would forget it.
const LEAP_SEEN_EVERY: Duration = Duration::from_millis(250);

/// More than this ahead of the wall, or with a wall that is this far off the database's, nothing new is decided.
const TOO_FAR: Duration = Duration::from_mins(5);

/// How often the audit log is sealed: within a second (DESIGN.md).
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// How often heads of the audit log leave the database.
const HEADS_EVERY: Duration = Duration::from_mins(1);

/// How often credentials are renewed and tidied up.
const UPKEEP_EVERY: Duration = Duration::from_mins(10);

/// How often tenants that are being deleted are looked at.
const DELETIONS_EVERY: Duration = Duration::from_secs(15);

/// How long a round of deletions may take: a large tenant is erased in one piece.
const DELETIONS_WITHIN: Duration = Duration::from_mins(5);

/// How long keeping the clock may take: the port is not opened before.
const CLOCK_WITHIN: Duration = Duration::from_secs(10);

/// How long a round of these loops may take; one of upkeep goes over all tenants, each with units of its own.
const ROUND_WITHIN: Duration = Duration::from_secs(30);
const UPKEEP_WITHIN: Duration = UPKEEP_EVERY;

/// How often collected metrics are tidied up, so that they don't grow where nobody scrapes.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// Starts all of them.
pub(super) fn start(background: &Background, server: &Server) {
    let app = &server.app;
    let clock = server.clock.clone();
    background.every(
        "clock",
        CLOCK_EVERY,
        ROUND_WITHIN,
        with(app, move |app| {
            let clock = clock.clone();
            async move { keep_clock(&app, &clock).await }
        }),
    );
    let clock = server.clock.clone();
    background.every(
        "leaps",
        LEAP_SEEN_EVERY,
        ROUND_WITHIN,
        with(app, move |app| {
            let clock = clock.clone();
            async move { if has_leapt(&app) { keep_clock(&app, &clock).await } else { Went::Well } }
        }),
    );
    let upkeep = with(app, |app| async move { keep_up(&app).await });
    background.every("upkeep", UPKEEP_EVERY, UPKEEP_WITHIN, upkeep);
    let sealer = with(app, |app| async move { seal(&app).await });
    background.every("sealer", SEAL_EVERY, ROUND_WITHIN, sealer);
    let (relayed, listens) = (Arc::clone(app), server.reconciles);
    background.run("nudges", move |shutdown| Relay::new(Arc::clone(&relayed), listens).run(shutdown));
    let metrics = server.metrics.clone();
    background.every(
        "metrics",
        METRICS_EVERY,
        ROUND_WITHIN,
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
        HEADS_EVERY,
        with(&server.app, move |app| {
            let (signing, file) = (signing.clone(), Arc::clone(&file));
            async move {
                let sent = heads::send_out(&app.store, signing.key(), file.as_ref(), app.now()).await;
                report("audit heads could not be sent out", sent)
            }
        }),
    );
    let deletions = with(&server.app, |app| async move {
        report("tenants could not be deleted", tenants::delete_further(&app).await)
    });
    background.every("deletions", DELETIONS_EVERY, DELETIONS_WITHIN, deletions);
    // One name for both: they act under the same leases.
    let node = Node::new(NodeId::new(server.app.now(), server.app.entropy.as_ref()));
    let (app, its, concurrency) = (Arc::clone(&server.app), node.clone(), server.config.worker_concurrency);
    let watches_every = server.config.reconciliation_interval;
    background.run("reconciler", move |shutdown| {
        Reconciler::new(Arc::clone(&app), its.clone(), concurrency).watching(watches_every).run(shutdown)
    });
    let app = Arc::clone(&server.app);
    background.run("notifier", move |shutdown| Notifier::new(Arc::clone(&app)).run(shutdown));
    let app = Arc::clone(&server.app);
    background
        .run("discovery", move |shutdown| Discoverer::new(Arc::clone(&app), node.clone()).run(shutdown));
    let app = Arc::clone(&server.app);
    background.run("deadlines", move |shutdown| Deadlines::new(Arc::clone(&app)).run(shutdown));
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

/// Sees whether the clock is right, and keeps it, so that a restart goes on from here. Before the port is opened too:
/// nothing may be decided by a wrong one.
pub(super) async fn keep_clock(app: &App, clock: &ServerClock) -> Went {
    check_ahead(&app.health, clock);
    let leaps = clock.leaps();
    let kept = async {
        let unit = app.store.unwalled().write().await?;
        let shared = unit.database_clock().await?;
        if let Some(shared) = shared {
            clock.follow(shared);
        }
        let agrees = agrees(&app.health, clock.wall(), shared);
        // What a wrong clock keeps, all nodes that start later go on from.
        if agrees {
            unit.keep_clock(app.now()).await?;
        }
        unit.commit().await?;
        Ok::<_, StoreError>(agrees)
    };
    let kept = in_time(CLOCK_WITHIN, kept).await;
    // What begins by a leapt clock that was not kept would last too long after a crash and another leap back.
    if matches!(kept, Ok(true)) {
        clock.trust(leaps);
    }
    report("the clock could not be kept", kept)
}

/// Asked for the time it notices; else it would when somebody asks.
fn has_leapt(app: &App) -> bool {
    app.clock.now();
    app.clock.has_leapt()
}

/// Whether the clock is far ahead of this machine's own wall clock.
fn check_ahead(health: &Health, clock: &ServerClock) {
    let ahead = clock.ahead();
    health.clock_is_ahead(ahead > TOO_FAR);
    metrics::gauge!("curfew_clock_ahead_seconds").set(ahead.as_secs_f64());
    if ahead > TOO_FAR {
        tracing::error!(
            ahead_seconds = ahead.as_secs(),
            "the wall clock was set back: nothing new is decided"
        );
    }
}

/// Whether this machine's wall clock agrees with that of the database, where both are there to be asked. All nodes ask
/// the same one, so a node that is slow or fast is found; that the database is the one that is wrong, all say.
fn agrees(health: &Health, wall: Option<Timestamp>, database: Option<Timestamp>) -> bool {
    let (Some(wall), Some(database)) = (wall, database) else { return true };
    let off = wall.since(database).max(database.since(wall));
    health.clock_disagrees(off > TOO_FAR);
    metrics::gauge!("curfew_clock_off_seconds").set(off.as_secs_f64());
    if off > TOO_FAR {
        tracing::error!(%wall, %database, "this machine's clock and the database's differ: nothing new is decided");
    }
    off <= TOO_FAR
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
    tracing::warn!(error = with_causes(&error), "{problem}");
    Went::Wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_is_far_off_the_databases_is_found_and_forgotten_when_it_is_right_again() {
        let of_database = Timestamp::from_micros(1_772_366_400_000_000);
        let seconds = |seconds: i64| Some(of_database.plus_millis(seconds * 1_000));
        let health = Health::of_answering_node();
        for (wall, right) in [(0, true), (-600, false), (299, true), (600, false), (-299, true)] {
            assert_eq!(agrees(&health, seconds(wall), Some(of_database)), right, "{wall}");
            assert_eq!(health.clock_is_right(), right, "{wall}");
        }
        agrees(&health, seconds(600), Some(of_database));
        assert!(agrees(&health, seconds(600), None), "with SQLite there is no other clock");
    }
}
