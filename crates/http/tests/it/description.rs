//! The description: whole, and true of every operation.

use std::collections::BTreeSet;

use curfew_app::testing::ORIGIN;
use curfew_domain::NodeId;
use serde_json::{Value, json};

use crate::support::{Acme, Caller};

#[tokio::test]
async fn metrics_and_description_are_served() {
    let acme = Acme::start().await;
    acme.get("/v1/audit-log").await;
    let described = acme.edge.get(&Caller::nobody(), "/openapi.json").await;
    assert_eq!(described.body["openapi"], "3.1.0");
    assert_eq!(described.body, serde_json::from_str::<Value>(&curfew_http::openapi()).unwrap());
    let docs = acme.edge.get(&Caller::nobody(), "/docs/").await;
    assert_eq!(docs.headers["content-type"], "text/html");
    let metrics = acme.edge.get(&Caller::nobody(), "/metrics").await;
    assert_eq!(
        (metrics.status, &metrics.headers["content-type"]),
        (200, &"text/plain; version=0.0.4".parse().unwrap())
    );
}

#[tokio::test]
async fn what_the_documentation_does_not_have_is_refused_in_the_one_error_body() {
    let acme = Acme::start().await;
    for path in ["/docs/nothing", "/docs/%FF", "/docs/../../etc/passwd"] {
        acme.get(path).await.refused(404, "not_found");
    }
    assert_eq!(acme.get("/docs/").await.status, 200);
}

#[test]
fn whatever_the_description_refers_to_is_in_it() {
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let lacking: BTreeSet<&str> = references(&document)
        .into_iter()
        .filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none())
        .collect();
    assert_eq!(lacking, BTreeSet::new());
}

#[test]
fn the_description_says_of_every_operation_what_a_client_needs() {
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: its id is taken");
        assert!(operation["summary"].is_string(), "{at}: no summary");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at}: no success");
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{at} {status}: no description");
            if !status.starts_with('2') {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/ErrorBody", "{at} {status}");
            }
        }
        let mut expected = vec!["400", "413", "429", "500", "503"];
        if !is_public(&operation) {
            expected.extend(["401", "403"]);
            let names: Vec<_> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|parameter| &parameter["name"])
                .collect();
            assert!(names.contains(&&json!("X-Tenant-ID")), "{at}: {names:?}");
        }
        if path.contains('{') {
            expected.push("404");
        }
        if operation.get("requestBody").is_some() {
            expected.push("415");
        }
        for status in expected {
            assert!(responses.contains_key(status), "{at}: no {status}");
        }
    }
}

#[tokio::test]
async fn every_operation_but_the_public_ones_turns_strangers_away() {
    let acme = Acme::start().await;
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let id = NodeId::from_uuid(uuid::Uuid::from_u128(7)).to_string();
    for (path, method, operation) in operations(&document) {
        if is_public(&operation) {
            continue;
        }
        let path: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { &id } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let method = method.to_uppercase();
        for stranger in [
            Caller::nobody(),
            Caller::showing(&[("x-api-key", "cfw_nonsense")]),
            Caller::showing(&[("authorization", "Bearer x")]),
            Caller::showing(&[("cookie", "__Host-curfew=x"), ("origin", ORIGIN)]),
        ] {
            let reply = acme.edge.ask(&stranger, &method, &path, Some(json!({ "nonsense": 1 }))).await;
            assert_eq!(
                (reply.status, reply.body["code"].as_str()),
                (401, Some("unauthenticated")),
                "{method} {path}"
            );
            assert_eq!(reply.headers["www-authenticate"], "Bearer realm=\"curfew\"");
        }
    }
}

#[tokio::test]
async fn no_operation_takes_a_field_that_it_does_not_describe() {
    let acme = Acme::start().await;
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let tenant = acme.admin.value("x-tenant-id");
    let settings = acme.get("/v1/settings").await.body;
    let setting = settings["data"][0]["key"].as_str().unwrap();
    let mut tried = 0;
    for (path, method, operation) in operations(&document) {
        if operation.get("requestBody").is_none() {
            continue;
        }
        let path: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{key}" => setting,
                id if id.starts_with('{') => tenant,
                part => part,
            })
            .collect();
        let (method, path) = (method.to_uppercase(), path.join("/"));
        let reply = acme.ask(&method, &path, Some(json!({ "no_such_field": 1 }))).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("invalid_request")), "{method} {path}");
        let problem = reply.body["details"]["fields"]["no_such_field"].as_str();
        assert!(problem.is_some(), "{method} {path}: {}", reply.body);
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

/// Every operation of the description, by path and method.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
        })
        .collect()
}

pub(crate) fn is_public(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|schemes| schemes.contains(&json!({})))
}

fn references(within: &Value) -> Vec<&str> {
    match within {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
