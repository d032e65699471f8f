//! What the reconciler makes of AWS's limits and of its own time, with the simulator as AWS.
//!
//! What is measured is what AWS saw: the calls in the simulator's log, by its clock, which is the machine's. `SCALE=0.02`
//! makes each of them smaller, to see that it runs; its figures say nothing then.

mod approval;
mod assignments;
mod calls;
mod drift;
mod expiry;
mod idle;
mod nodes;
mod seed;

use curfew_tests::Backend;

const ALL: [&str; 6] = ["expiry", "approval", "assignments", "drift", "idle", "nodes"];

/// Those of them that are named, or all where none is; on the databases that are named, or on both.
pub(crate) async fn run(named: &[String]) {
    let is_named = |name: &str| named.iter().any(|one| one == name);
    let wanted = |name: &str| named.is_empty() || is_named(name);
    if !ALL.into_iter().any(wanted) {
        return;
    }
    let backends = backends(&is_named);
    for backend in &backends {
        if wanted("expiry") {
            expiry::run(backend).await;
        }
        if wanted("approval") {
            approval::run(backend).await;
        }
    }
    let first = &backends[0];
    if wanted("assignments") {
        assignments::run(first).await;
    }
    if wanted("drift") {
        drift::run(first).await;
    }
    if wanted("idle") {
        idle::run(first).await;
    }
    if wanted("nodes")
        && let Some(postgresql) = Backend::postgresql()
    {
        nodes::run(&postgresql).await;
    }
}

fn backends(is_named: &impl Fn(&str) -> bool) -> Vec<Backend> {
    let both = !is_named("sqlite") && !is_named("postgresql");
    let sqlite = (both || is_named("sqlite")).then_some(Backend::Sqlite);
    let postgresql = (both || is_named("postgresql")).then(Backend::postgresql).flatten();
    sqlite.into_iter().chain(postgresql).collect()
}

fn name(backend: &Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgresql(_) => "PostgreSQL",
    }
}

/// So many, or as many fewer as `SCALE` says, and no fewer than `least`.
///
/// # Panics
/// When `SCALE` is no number above 0 and up to 1.
fn scaled(full: usize, least: usize) -> usize {
    let scale: f64 = std::env::var("SCALE").map_or(1.0, |scale| scale.parse().expect("SCALE is a number"));
    assert!(scale > 0.0 && scale <= 1.0, "SCALE is above 0 and up to 1");
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count up to a million, times at most 1"
    )]
    let fewer = (full as f64 * scale) as usize;
    fewer.max(least)
}

/// A count as a share's part.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^52")]
fn real(count: usize) -> f64 {
    count as f64
}
