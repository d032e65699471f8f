//! What must be true when all has calmed down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use curfew_tests::{Client, Json, Reply, Server};
use serde_json::Value;

use crate::town::Town;

/// How long it may take until AWS holds what it should: what AWS throttled or hung is tried again within a minute.
const PATIENCE: Duration = Duration::from_mins(3);

/// A town in which nothing breaks any more.
pub(crate) struct Calm(Town);

/// What was survived.
pub(crate) struct Told {
    grants: usize,
    events: usize,
    faults: u32,
    kills: u32,
    pauses: u32,
    restarts: u32,
    removals: u32,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} grants, {} events, {} faults, {} kills, {} pauses, {} database restarts, {} removals by hand, \
             0 violations",
            self.grants, self.events, self.faults, self.kills, self.pauses, self.restarts, self.removals
        )
    }
}

impl Calm {
    pub(crate) fn of(town: Town) -> Self {
        Self(town)
    }

    /// # Panics
    /// When something is not as it must be.
    pub(crate) async fn judged(self) -> Told {
        let mut town = self.0;
        aws_holds_what_the_grants_say(&town).await;
        let (grants, entries) = each_event_was_recorded_once(&town.admin).await;
        let events = entries.len();
        let verified = patient(&town.admin, "/v1/audit-log/verify").await;
        assert_eq!(verified["sound"], true, "{verified:#}");
        stop(&mut town.nodes);
        let misfortunes = &town.misfortunes;
        Told {
            grants: grants.len(),
            events,
            faults: misfortunes.faults,
            kills: misfortunes.kills,
            pauses: misfortunes.pauses,
            restarts: misfortunes.restarts,
            removals: misfortunes.removals,
        }
    }
}

fn stop(nodes: &mut [Server]) {
    for node in nodes {
        assert!(node.terminate().success(), "{}", node.logs().text());
    }
}

/// And goes on doing so.
async fn aws_holds_what_the_grants_say(town: &Town) {
    let (began, mut as_it_should_be_since) = (Instant::now(), None::<Instant>);
    loop {
        let (held, wanted) = (town.held(), town.wanted().await);
        if held == wanted {
            let since = *as_it_should_be_since.get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_secs(3) {
                return;
            }
        } else {
            as_it_should_be_since = None;
            let over = began.elapsed() > PATIENCE;
            assert!(
                !over,
                "AWS holds {:?} too much and {:?} too little",
                held.difference(&wanted).collect::<Vec<_>>(),
                wanted.difference(&held).collect::<Vec<_>>()
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Town {
    fn held(&self) -> BTreeSet<String> {
        self.cloud.held().into_iter().collect()
    }

    /// What was there before, and what live grants give.
    async fn wanted(&self) -> BTreeSet<String> {
        let users = all(&self.admin, "/v1/users?limit=250").await;
        let email: BTreeMap<String, String> =
            users.iter().map(|user| (user.text("id"), user.text("email"))).collect();
        let live = all(&self.admin, "/v1/grants?limit=250&status=active").await;
        let given = live.iter().filter(|grant| grant["provisioning_status"] != "failed").map(|grant| {
            let set = self.acme.name_of(&grant.text("permission_set_arn"));
            format!("{} {set} {}", email[&grant.text("grantee_id")], grant.text("account_id"))
        });
        self.baseline.iter().cloned().chain(given).collect()
    }
}

/// One birth, one beginning at most, one end. A grant may end while they are read: then they are read again.
async fn each_event_was_recorded_once(admin: &Client) -> (Vec<Value>, Vec<Value>) {
    let began = Instant::now();
    loop {
        let grants = all(admin, "/v1/grants?limit=250").await;
        let entries = all(admin, "/v1/audit-log?limit=250&resource_type=grant").await;
        let Some(problem) = grants.iter().find_map(|grant| told_wrong(grant, &entries)) else {
            return (grants, entries);
        };
        assert!(began.elapsed() < Duration::from_secs(30), "{problem}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn told_wrong(grant: &Value, entries: &[Value]) -> Option<String> {
    let id = grant.text("id");
    let own: Vec<String> =
        entries.iter().filter(|entry| entry["resource_id"] == id).map(|entry| entry.text("action")).collect();
    let times = |action: &str| own.iter().filter(|told| *told == action).count();
    let ends = times("grant.revoked") + times("grant.expired");
    let ended = usize::from(grant["status"] != "active");
    let never_began = times("grant.failed") == 1;
    let is_right = times("grant.created") == 1
        && times("grant.active") <= 1
        && times("grant.failed") <= 1
        && times("grant.expiring_soon") <= 1 + times("grant.extended")
        && (ends == ended || (never_began && ends == 0));
    (!is_right).then(|| format!("{own:?}: {grant:#}"))
}

/// All pages of a list.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let (mut items, mut next) = (Vec::new(), None::<String>);
    loop {
        let page = match &next {
            None => patient(client, path).await,
            Some(cursor) => patient(client, &format!("{path}&cursor={cursor}")).await,
        };
        items.extend(page.list("data"));
        if page["has_more"] != true {
            return items;
        }
        next = Some(page.text("next_cursor"));
    }
}

/// A server that was just started may need a moment.
async fn patient(client: &Client, path: &str) -> Value {
    let began = Instant::now();
    loop {
        let reply: Result<Reply, _> = client.try_send(reqwest::Method::GET, path, None).await;
        match reply {
            Ok(reply) if reply.status == 200 => return reply.body,
            reply => {
                let why = reply.map_or_else(|error| error.to_string(), |reply| reply.text);
                assert!(began.elapsed() < PATIENCE, "{path}: {why}");
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
