//! What must be true when all has calmed down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use curfew_tests::{Client, Json, Reply, Server};
use serde_json::Value;

use crate::estate::Estate;
use crate::records::{Records, chain_is_sound};
use crate::report::Report;
use crate::town::Town;

/// How long it may take until AWS holds what it should: what AWS throttled or hung is tried again within a minute.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// It must go on so for so long.
const LASTS: Duration = Duration::from_secs(3);

/// A town in which nothing breaks any more.
pub(crate) struct Calm(Town);

impl Calm {
    pub(crate) fn of(town: Town) -> Self {
        Self(town)
    }

    /// # Panics
    /// When something is not as it must be.
    pub(crate) async fn judged(self) -> Report {
        let mut town = self.0;
        aws_holds_what_the_grants_say(&town).await;
        let mut report = Report::of(&town.misfortunes);
        for (n, estate) in town.estates.iter().enumerate() {
            let records = Records::sound(estate, &town.ledger).await;
            report.count(&records);
            everybody_knows_of_their_grants(&town, n, &records);
            chain_is_sound(estate, town.misfortunes.clocks.may_go_back()).await;
        }
        stop(&mut town.nodes);
        report
    }
}

fn stop(nodes: &mut [Server]) {
    for node in nodes {
        assert!(node.terminate().success(), "{}", node.logs().text());
    }
}

/// And goes on doing so: no more and no less. Nobody's grant lasts longer than it was given for, by a watch that nobody
/// has set; that it ends early, by a clock that was far ahead, is what it must do.
async fn aws_holds_what_the_grants_say(town: &Town) {
    let (began, mut as_it_should_be_since) = (Instant::now(), None::<Instant>);
    loop {
        match problem(town).await {
            None => {
                let since = *as_it_should_be_since.get_or_insert_with(Instant::now);
                if since.elapsed() > LASTS {
                    return;
                }
            }
            Some(problem) => {
                as_it_should_be_since = None;
                assert!(began.elapsed() < PATIENCE, "{problem}");
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn problem(town: &Town) -> Option<String> {
    let (held, mut wanted) = (BTreeSet::from_iter(town.cloud.held()), BTreeSet::new());
    for estate in &town.estates {
        let live = all(&estate.admin, "/v1/grants?limit=250&status=active").await;
        // One that failed gives nothing, and is over when it would have had to begin.
        let late = live
            .iter()
            .filter(|grant| grant["provisioning_status"] != "failed")
            .find(|grant| town.ledger.grants.get(&grant.text("id")).is_some_and(|known| !known.may_last()));
        if let Some(grant) = late {
            return Some(format!("a grant outlives what was given: {grant:#}"));
        }
        wanted.extend(estate.wanted(&live).await);
    }
    let too_much: Vec<_> = held.difference(&wanted).collect();
    let too_little: Vec<_> = wanted.difference(&held).collect();
    let is_right = too_much.is_empty() && too_little.is_empty();
    (!is_right).then(|| format!("AWS holds {too_much:?} too much and {too_little:?} too little"))
}

impl Estate {
    /// What was there before, and what live grants give.
    async fn wanted(&self, live: &[Value]) -> Vec<String> {
        let users = all(&self.admin, "/v1/users?limit=250").await;
        let email: BTreeMap<String, String> =
            users.iter().map(|user| (user.text("id"), user.text("email"))).collect();
        let given = live.iter().filter(|grant| grant["provisioning_status"] != "failed").map(|grant| {
            let set = self.aws.name_of(&grant.text("permission_set_arn"));
            format!("{} {set} {}", email[&grant.text("grantee_id")], grant.text("account_id"))
        });
        self.baseline.iter().cloned().chain(given).collect()
    }
}

/// Whoever asked for access once was given it once, whatever happened to the answer; and whose access was revoked was told.
fn everybody_knows_of_their_grants(town: &Town, estate: usize, records: &Records) {
    let told = || town.ledger.grants.iter().filter(|(_, known)| known.estate == estate);
    let known: BTreeSet<&String> = told().map(|(id, _)| id).collect();
    let made: BTreeSet<&String> = records.grants.keys().collect();
    let (unknown, lost): (Vec<_>, Vec<_>) =
        (made.difference(&known).collect(), known.difference(&made).collect());
    assert!(unknown.is_empty(), "nobody was told of the grants {unknown:?}");
    assert!(lost.is_empty(), "somebody was told of grants that there are not: {lost:?}");
    for (id, _) in told().filter(|(_, known)| known.is_revoked) {
        assert_eq!(records.grants[id]["status"], "revoked", "{:#}", records.grants[id]);
    }
}

/// All pages of a list.
pub(crate) async fn all(client: &Client, path: &str) -> Vec<Value> {
    pages(client, path, "data").await
}

/// All pages of a list whose items have this name.
pub(crate) async fn pages(client: &Client, path: &str, name: &str) -> Vec<Value> {
    let (mut items, mut next) = (Vec::new(), None::<String>);
    loop {
        let page = match &next {
            None => patient(client, path).await,
            Some(cursor) => patient(client, &format!("{path}&cursor={cursor}")).await,
        };
        items.extend(page.list(name));
        if page["has_more"] != true {
            return items;
        }
        next = Some(page.text("next_cursor"));
    }
}

/// A server that was just started may need a moment.
pub(crate) async fn patient(client: &Client, path: &str) -> Value {
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
