//! Two tenants, and every operation of the server's own description with the other's ids.
//!
//! An operation that is new needs a line in [`expectations`]: what a stranger gets from it. Without one, the first
//! test here fails.

mod expectations;
mod town;

use std::collections::BTreeSet;

use curfew_tests::{Client, Json, fresh_id, on_both_databases};
use reqwest::Method;

use expectations::{Expect, Kind, expectation, known};
use town::Town;

/// An operation of the description.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Operation {
    method: String,
    /// With its parameters in braces.
    path: String,
}

impl Operation {
    /// `GET /v1/users/{}`: what they are called is of no importance here.
    fn key(&self) -> String {
        let mut key = format!("{} ", self.method);
        for (number, part) in self.path.split('{').enumerate() {
            let shown = if number == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) };
            key.push_str(if number == 0 { "" } else { "{}" });
            key.push_str(shown);
        }
        key
    }

    /// With these values for its parameters, in order.
    fn filled(&self, values: &[String]) -> String {
        let key = self.key();
        let (_, template) = key.split_once(' ').expect("a method and a path");
        let mut parts = template.split("{}");
        let mut path = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values) {
            path.push_str(value);
            path.push_str(part);
        }
        path
    }

    async fn call(&self, client: &Client, values: &[String]) -> curfew_tests::Reply {
        let method: Method = self.method.parse().expect("a method");
        let body = expectation(&self.key()).and_then(|line| line.body).map(|body| body().to_string());
        client.send(method, &self.filled(values), body).await
    }
}

async fn operations(client: &Client) -> Vec<Operation> {
    let description = client.nobody().get("/openapi.json").await.ok();
    let paths = description["paths"].as_object().expect("paths").clone();
    let mut all: Vec<Operation> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").keys().cloned().collect::<Vec<_>>();
            methods.into_iter().map(|method| Operation { method: method.to_uppercase(), path: path.clone() })
        })
        .filter(|one| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&one.method.as_str()))
        .collect();
    all.sort();
    all
}

fn made_up() -> Vec<String> {
    vec![fresh_id().to_string(), fresh_id().to_string()]
}

/// Those that take a credential.
async fn guarded(town: &Town) -> Vec<Operation> {
    let mut all = operations(&town.acme.admin).await;
    all.retain(|one| expectation(&one.key()).is_none_or(|line| line.expect != Expect::Public));
    all
}

/// What a caller learns of a thing by its id, without what differs at every call.
async fn learnt(operation: &Operation, caller: &Client, ids: &[String]) -> (u16, String) {
    let reply = operation.call(caller, ids).await;
    (reply.status, ids.iter().fold(reply.text, |text, id| text.replace(id, "ID")))
}

on_both_databases! {
    async fn every_operation_has_an_expectation_and_every_expectation_its_operation(backend: Backend) {
        let server = curfew_tests::Server::on(backend).start().await;
        let described: BTreeSet<String> =
            operations(&server.stranger()).await.iter().map(Operation::key).collect();
        let expected: BTreeSet<String> = known().map(str::to_owned).collect();
        let without: Vec<_> = described.difference(&expected).collect();
        assert!(without.is_empty(), "say in tenants/expectations.rs what a stranger gets from {without:#?}");
        let gone: Vec<_> = expected.difference(&described).collect();
        assert!(gone.is_empty(), "no longer described: {gone:#?}");
    }

    async fn no_operation_lets_a_caller_in_without_credential_and_tenant_in_the_contract_s_order(backend: Backend) {
        let town = Town::build(backend).await;
        let admin = &town.globex.admin;
        for operation in guarded(&town).await {
            let ids = made_up();
            let nobody = admin.without("Authorization");
            operation.call(&nobody, &ids).await.refused(401, "unauthenticated");
            operation.call(&nobody.without("X-Tenant-ID"), &ids).await.refused(401, "unauthenticated");
            let forged = admin.with("Authorization", "Bearer not.a.token");
            operation.call(&forged, &ids).await.refused(401, "unauthenticated");
            operation.call(&admin.without("X-Tenant-ID"), &ids).await.refused(400, "invalid_tenant_id");
            let unreadable = admin.with("X-Tenant-ID", "acme");
            operation.call(&unreadable, &ids).await.refused(400, "invalid_tenant_id");
            let other = admin.with("X-Tenant-ID", town.acme.admin.tenant());
            operation.call(&other, &ids).await.refused(403, "tenant_mismatch");
            let nowhere = admin.with("X-Tenant-ID", fresh_id().to_string());
            operation.call(&nowhere, &ids).await.refused(403, "tenant_mismatch");
        }
    }

    async fn another_tenant_s_id_is_as_one_that_never_was(backend: Backend) {
        let town = Town::build(backend).await;
        for operation in guarded(&town).await {
            let Some(Expect::Foreign(kinds)) = expectation(&operation.key()).map(|line| line.expect) else {
                continue;
            };
            for (caller, other) in [(&town.globex, &town.acme), (&town.acme, &town.globex)] {
                // The master may read its children.
                if caller.is_master && kinds == [Kind::Tenant] {
                    continue;
                }
                let theirs: Vec<String> = kinds.iter().map(|kind| other.id(*kind)).collect();
                let (status, text) = learnt(&operation, &caller.admin, &theirs).await;
                assert_eq!(status, 404, "{} with {theirs:?}: {text}", operation.key());
                let nothing = learnt(&operation, &caller.admin, &made_up()[..kinds.len()]).await;
                assert_eq!((status, text), nothing, "{}: the two can be told apart", operation.key());
            }
        }
        town.acme.is_as_it_was().await;
        town.globex.is_as_it_was().await;
    }

    async fn what_is_read_holds_nothing_of_another_tenant(backend: Backend) {
        let town = Town::build(backend).await;
        for operation in guarded(&town).await {
            let line = expectation(&operation.key());
            if operation.method != "GET" || line.map(|line| line.expect) != Some(Expect::Own) {
                continue;
            }
            // The master lists its children, so only the child is asked here.
            for caller in [&town.globex.admin, &town.globex.user] {
                let reply = operation.call(caller, &[]).await;
                assert!(reply.status < 500, "{}: {}", operation.key(), reply.text);
                for trace in town.acme.traces() {
                    assert!(!reply.text.contains(&trace), "{} shows {trace}: {}", operation.key(), reply.text);
                }
            }
            if operation.key() != "GET /v1/tenants" {
                let reply = operation.call(&town.acme.admin, &[]).await;
                for trace in town.globex.traces() {
                    // That the child was made is in the master's own log.
                    let made_it = operation.key().contains("audit-log") && trace == town.globex.id(Kind::Tenant);
                    assert!(made_it || !reply.text.contains(&trace), "{} shows {trace}", operation.key());
                }
            }
        }
    }

    async fn filters_and_cursors_of_another_tenant_find_nothing(backend: Backend) {
        let town = Town::build(backend).await;
        let (acme, globex) = (&town.acme, &town.globex.admin);
        for path in [
            format!("/v1/requests?requester_id={}", acme.id(Kind::User)),
            format!("/v1/grants?grantee_id={}", acme.id(Kind::User)),
            format!("/v1/audit-log?actor_id={}", acme.id(Kind::User)),
            format!("/v1/audit-log?resource_id={}", acme.id(Kind::User)),
        ] {
            let found = globex.get(&path).await.ok().list("data");
            assert!(found.is_empty(), "{path}: {found:#?}");
        }
        for path in ["/v1/users", "/v1/audit-log"] {
            let page = acme.admin.get(&format!("{path}?limit=1")).await.ok();
            let cursor = page.text("next_cursor");
            acme.admin.get(&format!("{path}?limit=1&cursor={cursor}")).await.ok();
            globex.get(&format!("{path}?limit=1&cursor={cursor}")).await.refused(400, "invalid_request");
        }
    }

    async fn a_key_of_one_tenant_opens_nothing_of_another(backend: Backend) {
        let town = Town::build(backend).await;
        let key = town.globex.admin.holding(&town.globex.raw_key);
        key.get("/v1/users").await.ok();
        let other = key.with("X-Tenant-ID", town.acme.admin.tenant());
        other.get("/v1/users").await.refused(403, "tenant_mismatch");
        key.get(&format!("/v1/users/{}", town.acme.id(Kind::User))).await.refused(404, "not_found");
    }
}
