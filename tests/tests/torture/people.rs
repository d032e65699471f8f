//! What people do: ask, revoke, ask for longer. They don't mind being refused, nor that nobody answers.

use curfew_tests::{Acme, Client};
use reqwest::Method;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::town::{ACCOUNTS, SETS, text};

pub(crate) enum Deed {
    Ask(Value),
    Revoke(String),
    Extend(String),
}

impl Deed {
    /// Mostly short access, sometimes the same again, so that grants overlap; a few that last.
    pub(crate) fn by(chance: &mut Chance, grant: Option<String>, acme: &Acme) -> Self {
        match (grant, chance.below(100)) {
            (Some(grant), 0..25) => Deed::Revoke(grant),
            (Some(grant), 25..35) => Deed::Extend(grant),
            _ => {
                let seconds = chance.weighed(&[(30, 1), (30, 3), (25, 8), (13, 20), (2, 3_600)]);
                let (account, set) = (chance.one_of(&ACCOUNTS), chance.one_of(&SETS));
                Deed::Ask(acme.ask(account, set, "assume", seconds))
            }
        }
    }

    /// Answers which grant it made, where somebody was told.
    pub(crate) async fn done(self, person: &Client, admin: &Client) -> Option<String> {
        let (caller, method, path, body) = match self {
            Deed::Ask(body) => (person, Method::POST, "/v1/requests".to_owned(), Some(body)),
            Deed::Revoke(grant) => (admin, Method::DELETE, format!("/v1/grants/{grant}"), None),
            Deed::Extend(grant) => {
                let longer = json!({ "duration_seconds": 5 });
                (person, Method::POST, format!("/v1/grants/{grant}/extend"), Some(longer))
            }
        };
        let reply = caller.try_send(method, &path, body.map(|body| body.to_string())).await.ok()?;
        assert!(reply.status != 500, "{}: {}", reply.call, reply.text);
        if reply.status == 201 { text(&reply.body, "grant_id") } else { None }
    }
}
