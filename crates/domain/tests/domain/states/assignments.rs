//! What is done about an assignment, by what is known of it.

use std::collections::BTreeSet;

use curfew_domain::assignment::{CallKind, CallOutcome, Desired, Observed, Phase, SETTLE, Step, next_step};
use curfew_domain::{Seconds, Timestamp};

use super::Table;

const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

/// When the grant that needs it ends.
const UNTIL: Timestamp = Timestamp::from_micros(START.micros() + 7_200_000_000);

fn at(seconds: u32) -> Timestamp {
    START + Seconds::of(seconds)
}

/// What is known of an assignment at some moment, and what that is called.
struct Situation {
    called: &'static str,
    observed: Observed,
    now: Timestamp,
}

/// Told by the functions that the reconciler tells it by.
fn known(called: &'static str, now: u32, tell: impl FnOnce(&mut Observed)) -> Situation {
    let mut observed = Observed::default();
    tell(&mut observed);
    Situation { called, observed, now: at(now) }
}

fn accepted(id: &str) -> CallOutcome {
    CallOutcome::Accepted { aws_request_id: id.to_owned() }
}

fn lost() -> CallOutcome {
    CallOutcome::Unknown { reason: "timed out".to_owned() }
}

fn throttled() -> CallOutcome {
    CallOutcome::Again { reason: "Rate exceeded".to_owned() }
}

fn refused() -> CallOutcome {
    CallOutcome::Refused { reason: "no such permission set".to_owned() }
}

fn created(seen: &mut Observed, outcome: &CallOutcome) {
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), outcome, at(2));
}

fn present(seen: &mut Observed) {
    created(seen, &accepted("c"));
    seen.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(3));
}

fn deleted(seen: &mut Observed, outcome: &CallOutcome) {
    present(seen);
    seen.sending(CallKind::Delete, at(100));
    seen.answered(CallKind::Delete, at(100), outcome, at(101));
}

fn gone(seen: &mut Observed) {
    deleted(seen, &CallOutcome::Succeeded);
    seen.looked(at(102), false);
    seen.gone(at(103));
}

fn situations() -> Vec<Situation> {
    let settled = u32::try_from(SETTLE.get()).unwrap();
    let mut all = before_it_is_there();
    all.extend(while_it_is_taken_back(settled));
    all.extend(after_gone());
    all
}

fn before_it_is_there() -> Vec<Situation> {
    vec![
        known("nothing was ever looked for", 0, |_| {}),
        known("a list did not show it", 1, |seen| seen.looked(at(0), false)),
        known("a list showed it before Curfew created anything", 1, |seen| seen.looked(at(0), true)),
        known("the creation is written down, and no answer is known", 3, |seen| created(seen, &lost())),
        known("so, and a list taken since does not show it", 5, |seen| {
            created(seen, &lost());
            seen.looked(at(4), false);
        }),
        known("AWS works on the creation", 5, |seen| created(seen, &accepted("c"))),
        known("the creation was throttled", 3, |seen| {
            created(seen, &throttled());
            seen.back_off(at(8));
        }),
        known("the creation was refused for good", 3, |seen| created(seen, &refused())),
        known("it is there", 50, present),
    ]
}

fn while_it_is_taken_back(settled: u32) -> Vec<Situation> {
    vec![
        known("AWS works on the deletion", 102, |seen| deleted(seen, &accepted("d"))),
        known("the answer to the deletion is lost", 103, |seen| {
            deleted(seen, &lost());
            seen.back_off(at(133));
        }),
        known("the deletion was throttled", 103, |seen| {
            deleted(seen, &throttled());
            seen.back_off(at(133));
        }),
        known("the deletion was refused", 103, |seen| deleted(seen, &refused())),
        known("the deletion is done", 102, |seen| deleted(seen, &CallOutcome::Succeeded)),
        known("so, and a list taken since shows it", 103, |seen| {
            deleted(seen, &CallOutcome::Succeeded);
            seen.looked(at(102), true);
        }),
        known("so, and a list taken since does not show it", 103, |seen| {
            deleted(seen, &CallOutcome::Succeeded);
            seen.looked(at(102), false);
        }),
        known("so, and a lost creation may still be done", 105, |seen| lost_and_deleted(seen, 104)),
        known("so, and it can't be done any more", settled + 2, |seen| lost_and_deleted(seen, settled + 1)),
    ]
}

/// A creation was lost, a deletion found nothing, and a list at `listed` shows nothing.
fn lost_and_deleted(seen: &mut Observed, listed: u32) {
    created(seen, &lost());
    seen.sending(CallKind::Delete, at(100));
    seen.answered(CallKind::Delete, at(100), &CallOutcome::NoSuchEntitlement, at(101));
    seen.looked(at(listed), false);
}

fn after_gone() -> Vec<Situation> {
    vec![
        known("it was proved gone", 104, gone),
        known("so, one minute ago", 163, gone),
        known("a look after Gone showed it", 164, |seen| {
            gone(seen);
            seen.looked(at(163), true);
        }),
        known("the last look after Gone was taken", 90_000, |seen| {
            gone(seen);
            for look in [163, 703, 3_703, 86_503] {
                seen.looked(at(look), false);
            }
        }),
        known("the episode is over", 90_001, |seen| {
            gone(seen);
            seen.end_episode();
        }),
    ]
}

pub(super) fn table() -> Table {
    let mut table =
        Table::new(["assignment", "what is known of it", "while a live grant needs it", "when none does"]);
    for Situation { called, observed, now } in situations() {
        let needed = next_step(Desired::Present { until: UNTIL }, &observed, now);
        let unneeded = next_step(Desired::Absent, &observed, now);
        table.rows.push(vec![
            observed.phase().as_str().to_owned(),
            called.to_owned(),
            in_words(&needed, now),
            in_words(&unneeded, now),
        ]);
    }
    table
}

fn in_words(step: &Step, now: Timestamp) -> String {
    match step {
        Step::Look => "look: list who has it".to_owned(),
        Step::Poll { .. } => "ask AWS how the call goes".to_owned(),
        Step::Create => "create it".to_owned(),
        Step::Delete => "delete it".to_owned(),
        Step::GiveUp => "its grants fail".to_owned(),
        Step::ConcludeGone => "note that it is gone".to_owned(),
        Step::EndEpisode => "end the episode".to_owned(),
        Step::WaitUntil(moment) if *moment == UNTIL => "wait for the grant's end".to_owned(),
        Step::WaitUntil(moment) => format!("wait {} s", moment.seconds_since(now).get()),
        Step::Done => "nothing".to_owned(),
    }
}

#[test]
fn the_table_of_assignments_shows_every_phase_and_every_step() {
    let situations = situations();
    let phases: BTreeSet<&str> = situations.iter().map(|it| it.observed.phase().as_str()).collect();
    let all = [Phase::Unseen, Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing, Phase::Gone];
    assert_eq!(phases, all.map(Phase::as_str).into());
    let steps = situations.iter().flat_map(|it| {
        let needed = next_step(Desired::Present { until: UNTIL }, &it.observed, it.now);
        [needed, next_step(Desired::Absent, &it.observed, it.now)]
    });
    let told: BTreeSet<String> = steps.map(|step| in_words(&step, UNTIL)).collect();
    assert_eq!(
        told.len(),
        10,
        "waiting for a grant's end, for less, and the nine others but waiting: {told:?}"
    );
}
