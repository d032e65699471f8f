//! What people do: ask, revoke, ask for longer. They don't mind being refused, but they want to know: whom one node
//! doesn't answer soon asks the next, with the same key, until one has told them.

use std::time::{Duration, Instant};

use curfew_tests::{Client, Reply, fresh_id};
use reqwest::Method;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::estate::Estate;
use crate::ledger::text;

/// How long somebody waits for one node's answer.
const IMPATIENCE: Duration = Duration::from_secs(3);

/// Between two tries.
const BREATH: Duration = Duration::from_millis(150);

/// How long somebody tries.
const TRIES_FOR: Duration = Duration::from_mins(1);

/// By how much access is prolonged.
pub(crate) const LONGER: u64 = 5;

/// What somebody wants.
pub(crate) enum Wish {
    Access { body: Value, seconds: u64 },
    Longer { grant: String, person: usize },
    NoMore { grant: String },
}

/// What they have been told.
pub(crate) enum Heard {
    Granted {
        grant: String,
        person: usize,
        seconds: u64,
    },
    Prolonged {
        grant: String,
    },
    Revoked {
        grant: String,
    },
    Refused,
    /// Nobody has told them anything.
    Nothing(Deed),
}

/// Somebody's, at a tenant's, who will be known by this key however often they ask.
pub(crate) struct Deed {
    pub(crate) estate: usize,
    person: usize,
    caller: Client,
    wish: Wish,
}

impl Wish {
    /// Mostly short access, often the same again, so that grants overlap; a few that last.
    pub(crate) fn by(chance: &mut Chance, grant: Option<(String, usize)>, estate: &Estate) -> Self {
        match (grant, chance.below(100)) {
            (Some((grant, _)), 0..12) => Wish::NoMore { grant },
            (Some((grant, person)), 12..20) => Wish::Longer { grant, person },
            _ => {
                let seconds = chance.weighed(&[(40, 1), (30, 2), (20, 4), (8, 10), (2, 3_600)]);
                let (account, set) = estate.somewhere(chance);
                let body = estate.aws.ask(account, set, "assume", seconds);
                Wish::Access { body, seconds: seconds.into() }
            }
        }
    }
}

impl Deed {
    pub(crate) fn of(estate: usize, there: &Estate, chance: &mut Chance, wish: Wish) -> Self {
        let person = match wish {
            Wish::Longer { person, .. } => person,
            Wish::Access { .. } | Wish::NoMore { .. } => chance.below(there.people.len()),
        };
        let caller = if matches!(wish, Wish::NoMore { .. }) { &there.admin } else { &there.people[person] };
        let caller = caller.with("Idempotency-Key", fresh_id().to_string()).waiting(IMPATIENCE);
        Self { estate, person, caller, wish }
    }

    /// Asks one place after another.
    pub(crate) async fn done(self, places: Vec<Client>) -> Heard {
        let began = Instant::now();
        for place in places.iter().cycle() {
            if began.elapsed() > TRIES_FOR {
                break;
            }
            let asked = self.ask(&self.caller.of(place.clone())).await;
            if let Some(heard) = asked {
                return heard;
            }
            tokio::time::sleep(BREATH).await;
        }
        Heard::Nothing(self)
    }

    async fn ask(&self, caller: &Client) -> Option<Heard> {
        let (method, path, body) = match &self.wish {
            Wish::Access { body, .. } => (Method::POST, "/v1/requests".to_owned(), Some(body.clone())),
            Wish::Longer { grant, .. } => {
                let longer = json!({ "duration_seconds": LONGER });
                (Method::POST, format!("/v1/grants/{grant}/extend"), Some(longer))
            }
            Wish::NoMore { grant } => (Method::DELETE, format!("/v1/grants/{grant}"), None),
        };
        let reply = caller.try_send(method, &path, body.map(|body| body.to_string())).await.ok()?;
        assert!(reply.status != 500, "{}: {}", reply.call, reply.text);
        if is_no_answer(&reply) { None } else { Some(self.heard(&reply)) }
    }

    fn heard(&self, reply: &Reply) -> Heard {
        match &self.wish {
            Wish::Access { seconds, .. } if reply.status == 201 => {
                let grant = text(&reply.body, "grant_id").expect("everything is given at once");
                Heard::Granted { grant, person: self.person, seconds: *seconds }
            }
            Wish::Longer { grant, .. } if reply.status == 200 => Heard::Prolonged { grant: grant.clone() },
            Wish::NoMore { grant } if reply.status == 200 => Heard::Revoked { grant: grant.clone() },
            _ => {
                assert!(
                    [403, 409].contains(&reply.status),
                    "{}: {} {}",
                    reply.call,
                    reply.status,
                    reply.text
                );
                Heard::Refused
            }
        }
    }
}

/// The node can't answer now, or another one is just about to.
fn is_no_answer(reply: &Reply) -> bool {
    reply.status >= 500 || reply.status == 429 || (reply.status == 409 && reply.body["code"] == "conflict")
}
