//! What becomes of a deny of AWS's sessions.

use curfew_domain::session_end::{
    Behind, CUT_OFF_MARGIN, LONGEST_SESSION, SessionEndOutcome, SessionEndState, SessionEndTimes, Wanted,
};
use curfew_domain::{Seconds, Timestamp};

use super::Table;

const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

fn at(seconds: u32) -> Timestamp {
    START + Seconds::of(seconds)
}

fn name(state: SessionEndState) -> &'static str {
    match state {
        SessionEndState::Asked => "asked",
        SessionEndState::Denied => "denied",
        SessionEndState::CuttingOff => "cutting off",
        SessionEndState::CutOff => "cut off",
        SessionEndState::Over(_) => "over",
    }
}

fn held(times: &SessionEndTimes) -> String {
    match times.wanted(true, at(60)) {
        Wanted::Deny(None) => "deny all".to_owned(),
        Wanted::Deny(Some(_)) => "deny what was issued before the cut-off".to_owned(),
        Wanted::Nothing(_) => "nothing".to_owned(),
    }
}

pub(super) fn table() -> Table {
    let gone = Behind::Gone { at: Some(at(5)) };
    let asked = SessionEndTimes::asked(START);
    let timed = asked.turned(gone, at(6));
    let with = timed.cut_off;
    let rows = [
        asked,
        asked.written(None, at(1)),
        asked.written(None, at(1)).turned(gone, at(6)),
        timed.written(with, at(7)),
        asked.ended(SessionEndOutcome::TakenOut, at(8)),
    ];
    let mut table = Table::new([
        "state",
        "AWS is to",
        "AWS has what it is to have",
        "the access is gone",
        "the access is given anew",
        "12 h after the cut-off",
    ]);
    for times in rows {
        let late = times.cut_off.map_or(at(60), |cut_off| cut_off + LONGEST_SESSION + CUT_OFF_MARGIN);
        let end = match times.wanted(true, late) {
            Wanted::Nothing(outcome) if times.over.is_none() => {
                format!("taken out, then over: `{}`", outcome.as_str())
            }
            _ => name(times.state()).to_owned(),
        };
        let next = |times: SessionEndTimes| name(times.state()).to_owned();
        table.rows.push(vec![
            name(times.state()).to_owned(),
            held(&times),
            next(times.written(times.cut_off, at(61))),
            next(times.turned(gone, at(61))),
            next(times.turned(Behind::GivenAnew { at: at(60) }, at(61))),
            end,
        ]);
    }
    table
}
