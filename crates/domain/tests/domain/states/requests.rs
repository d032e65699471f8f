//! What becomes of a request.

use curfew_domain::request::{RequestEvent, RequestStatus};

use super::Table;

/// All events, each with what it is called; the match fails to compile when there is another.
fn events() -> Vec<(RequestEvent, &'static str)> {
    let all = [
        RequestEvent::Approved { complete: false },
        RequestEvent::Approved { complete: true },
        RequestEvent::Denied,
        RequestEvent::TimedOut,
        RequestEvent::Cancelled,
    ];
    let name = |event| match event {
        RequestEvent::Approved { complete: false } => "approved, more approvals needed",
        RequestEvent::Approved { complete: true } => "approved, that was the last",
        RequestEvent::Denied => "denied",
        RequestEvent::TimedOut => "nobody decided in time",
        RequestEvent::Cancelled => "taken back",
    };
    all.into_iter().map(|event| (event, name(event))).collect()
}

pub(super) fn table() -> Table {
    let events = events();
    let mut table = Table::new(std::iter::once("request").chain(events.iter().map(|(_, name)| *name)));
    for state in RequestStatus::ALL {
        let next = events.iter().map(|(event, _)| match state.on(*event) {
            Ok(next) if next == state => "stays".to_owned(),
            Ok(next) => format!("`{next}`"),
            Err(_) => "refused".to_owned(),
        });
        table.rows.push(std::iter::once(format!("`{state}`")).chain(next).collect());
    }
    table
}
