//! What was recorded and told of each grant: every event once, and in order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use curfew_domain::Timestamp;
use curfew_tests::Json;
use serde_json::Value;

use crate::estate::Estate;
use crate::ledger::Ledger;
use crate::verdict::{all, pages, patient};

/// By how much less an entry's time may be than one's before it: whoever wrote it stood still, or waited, in between.
const OVERTAKEN: Duration = Duration::from_secs(30);

/// How long the last messages may take.
const SOON: Duration = Duration::from_mins(1);

/// A tenant's grants by id, and how many entries of its log speak of them.
pub(crate) struct Records {
    pub(crate) grants: BTreeMap<String, Value>,
    pub(crate) entries: usize,
}

/// How often an event of this name was recorded, or told, of something.
type Times = BTreeMap<(String, String), usize>;

impl Records {
    /// One birth, one beginning at most, one end; each of which its holder was told of once. A grant may end while they are
    /// read: then they are read again.
    ///
    /// # Panics
    /// When something was recorded or told twice, or never.
    pub(crate) async fn sound(estate: &Estate, ledger: &Ledger) -> Self {
        let began = Instant::now();
        loop {
            let grants = all(&estate.admin, "/v1/grants?limit=250").await;
            let entries = all(&estate.admin, "/v1/audit-log?limit=250&resource_type=grant").await;
            let recorded = times(&entries, "resource_id", "action");
            let revoked = |id: &str| ledger.grants.get(id).is_some_and(|known| known.is_revoked);
            let wrong = grants.iter().find_map(|grant| told_wrong(grant, &recorded, revoked));
            let wrong = match wrong {
                None => messages_differ(estate, &recorded).await,
                wrong => wrong,
            };
            let Some(wrong) = wrong else {
                requests_were_decided_once(estate).await;
                let grants = grants.into_iter().map(|grant| (grant.text("id"), grant)).collect();
                return Self { grants, entries: entries.len() };
            };
            assert!(began.elapsed() < SOON, "{wrong}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn times(items: &[Value], of: &str, name: &str) -> Times {
    items.iter().fold(Times::new(), |mut times, item| {
        *times.entry((item.text(of), item.text(name))).or_default() += 1;
        times
    })
}

fn told_wrong(grant: &Value, recorded: &Times, revoked: impl Fn(&str) -> bool) -> Option<String> {
    let id = grant.text("id");
    let times = |action: &str| recorded.get(&(id.clone(), action.to_owned())).copied().unwrap_or(0);
    let ends = times("grant.revoked") + times("grant.expired");
    let ended = usize::from(grant["status"] != "active");
    let never_began = times("grant.failed") == 1;
    let is_right = times("grant.created") == 1
        && times("grant.active") <= 1
        && times("grant.failed") <= 1
        && times("grant.expiring_soon") <= 1 + times("grant.extended")
        && (!revoked(&id) || times("grant.revoked") == 1)
        && (ends == ended || (never_began && ends == 0));
    (!is_right).then(|| {
        let own: Vec<_> = recorded.iter().filter(|((of, _), _)| *of == id).collect();
        format!("{own:?}: {grant:#}")
    })
}

/// Everybody is told of what happens to their own access: as often as it was recorded.
async fn messages_differ(estate: &Estate, recorded: &Times) -> Option<String> {
    let mut told = Times::new();
    for person in &estate.people {
        let inbox = pages(person, "/v1/users/me/notifications?limit=100", "items").await;
        let of_grants: Vec<_> = inbox.into_iter().filter(|one| one["resource_type"] == "grant").collect();
        told.extend(times(&of_grants, "resource_id", "event_type"));
    }
    let events = ["grant.active", "grant.expiring_soon", "grant.expired", "grant.revoked", "grant.failed"];
    let recorded: Times = recorded
        .iter()
        .filter(|((_, action), _)| events.contains(&action.as_str()))
        .map(|(event, times)| (event.clone(), *times))
        .collect();
    let differs = recorded.iter().find(|(event, times)| told.get(*event) != Some(times));
    let invented = told.iter().find(|(event, _)| !recorded.contains_key(*event));
    let (event, _) = differs.or(invented)?;
    let times = |of: &Times| of.get(event).copied().unwrap_or(0);
    Some(format!("{event:?} was recorded {} times and told {} times", times(&recorded), times(&told)))
}

async fn requests_were_decided_once(estate: &Estate) {
    let requests = all(&estate.admin, "/v1/requests?limit=250").await;
    let entries = all(&estate.admin, "/v1/audit-log?limit=250&resource_type=request").await;
    let recorded = times(&entries, "resource_id", "action");
    for request in requests {
        let id = request.text("id");
        let times = |action: &str| recorded.get(&(id.clone(), action.to_owned())).copied().unwrap_or(0);
        let approved = usize::from(request["status"] == "approved");
        let denied = usize::from(request["status"] == "denied");
        assert_eq!(
            (times("request.submitted"), times("request.approved"), times("request.denied")),
            (1, approved, denied),
            "{request:#}"
        );
    }
}

/// It verifies, and its times never go back, whatever became of the nodes' wall clocks: but where one died that had just
/// leapt.
pub(crate) async fn chain_is_sound(estate: &Estate, may_go_back: bool) {
    let verified = patient(&estate.admin, "/v1/audit-log/verify").await;
    assert_eq!(verified["sound"], true, "{verified:#}");
    let mut entries = all(&estate.admin, "/v1/audit-log?limit=250").await;
    entries.sort_by_key(|entry| entry["sequence"].as_u64());
    let mut latest = None::<(Timestamp, &Value)>;
    for entry in &entries {
        let at: Timestamp = entry.text("created_at").parse().expect("a time");
        if let Some((before, other)) = latest {
            let back = before.since(at);
            assert!(
                may_go_back || back <= OVERTAKEN,
                "time goes back by {back:?}: {other:#} and then {entry:#}"
            );
        }
        if latest.is_none_or(|(before, _)| at > before) {
            latest = Some((at, entry));
        }
    }
}
