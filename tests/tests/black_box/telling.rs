//! Who is told: a webhook's receiver and people in the console, by a real server.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use curfew_tests::{Acme, Json, Server, eventually, on_both_databases};
use serde_json::{Value, json};

use crate::access::Office;

const DOCUMENTED: &str = include_str!("../../../docs/notifications.md");

type Messages = Arc<Mutex<Vec<Message>>>;

/// A message as it came.
#[derive(Clone)]
struct Message {
    headers: HeaderMap,
    bytes: Bytes,
}

impl Message {
    fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("a message is JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a text")
    }

    /// What the documentation's own program says of it.
    fn is_from_curfew(&self, secret: &str) -> bool {
        let program = DOCUMENTED.split_once("```python\n").expect("a program").1;
        let program = program.split_once("```").expect("its end").0;
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: Value =
            names.map(|name| (name.to_owned(), json!(self.header(name)))).into_iter().collect();
        let call =
            format!("import sys\nprint(is_from_curfew({secret:?}, {headers}, sys.stdin.buffer.read()))");
        let mut python = Command::new("python3")
            .args(["-c", &format!("{program}\n{call}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        python.stdin.take().expect("its input").write_all(&self.bytes).expect("it reads");
        let said = python.wait_with_output().expect("it ends").stdout;
        match String::from_utf8_lossy(&said).trim() {
            "True" => true,
            "False" => false,
            other => panic!("the documented program says {other:?}"),
        }
    }
}

#[test]
fn every_event_is_documented() {
    for event in curfew_domain::Event::ALL {
        assert!(DOCUMENTED.contains(&format!("\n| `{event}` | ")), "{event}");
    }
    for reason in curfew_domain::DeliveryFailure::ALL {
        assert!(DOCUMENTED.contains(&format!("\n| `{}` | ", reason.as_str())), "{reason:?}");
    }
}

/// Somebody's server on loopback, and what it was told.
async fn receiver() -> (String, Messages) {
    let messages = Messages::default();
    let hook = async |State(messages): State<Messages>, headers: HeaderMap, bytes: Bytes| {
        messages.lock().expect("nobody panicked").push(Message { headers, bytes });
    };
    let router = Router::new().route("/hook", post(hook)).with_state(Arc::clone(&messages));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a port");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address.to_string(), messages)
}

on_both_databases! {
    async fn a_request_is_told_to_who_can_approve_and_to_the_webhook(backend: Backend) {
        let (address, messages) = receiver().await;
        let office = Office::open_with(Server::on(backend).env("CURFEW_OUTBOUND_ALLOW", address.clone())).await;
        let webhook = json!({
            "name": "ops", "url": format!("http://{address}/hook"), "event_filters": ["request.pending"],
            "headers": { "X-Team": "platform" },
        });
        let made = office.admin.post("/v1/notification-channels/generic-webhook", webhook).await.is(201);
        office.admin.keep_out_of_the_log(&made.text("signing_secret"));
        let channel = format!("/v1/notification-channels/{}", made.text("id"));
        let tested = office.admin.order(&format!("{channel}/test")).await.ok();
        assert_eq!((&tested["delivered"], &tested["status_code"]), (&json!(true), &json!(200)), "{tested:#}");

        let ask = office.acme.ask(Acme::DEV, "PowerUser", "write", 3_600);
        let request = office.alice.post("/v1/requests", ask).await.is(201);
        let message = eventually("the message to arrive", async || {
            let messages = messages.lock().expect("nobody panicked");
            messages.iter().find(|one| one.body()["type"] == "request.pending").cloned()
        })
        .await;
        assert_eq!(message.body()["data"]["resource_id"], request["id"]);
        assert_eq!(message.header("x-team"), "platform");
        assert!(message.is_from_curfew(&made.text("signing_secret")));
        let forged = Message { bytes: Bytes::from_static(b"{}"), ..message };
        assert!(!forged.is_from_curfew(&made.text("signing_secret")));
        let listed = eventually("the delivery to be noted", async || {
            let listed = office.admin.get(&format!("{channel}/deliveries")).await.ok().list("data");
            listed.iter().all(|one| one["state"] == "delivered").then_some(listed)
        })
        .await;
        assert_eq!(listed.len(), 2, "{listed:#?}");

        let inbox = eventually("the admin to be told", async || {
            let inbox = office.admin.get("/v1/users/me/notifications?unread_only=true").await.ok();
            (inbox["unread_count"] == 1).then_some(inbox)
        })
        .await;
        let told = &inbox.list("items")[0];
        assert_eq!((&told["event_type"], &told["resource_id"]), (&json!("request.pending"), &request["id"]));
        assert_eq!(office.alice.get("/v1/users/me/notifications").await.ok()["unread_count"], 0);
    }

    async fn a_url_into_the_server_s_own_network_is_refused(backend: Backend) {
        let server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        for url in ["https://127.0.0.1/", "https://localhost/", "http://169.254.169.254/", "https://[::1]:8080/"] {
            let webhook = json!({ "name": "inside", "url": url });
            let refused = admin.post("/v1/notification-channels/generic-webhook", webhook).await;
            let refused = refused.refused(400, "invalid_request");
            assert!(refused["details"]["fields"]["url"].is_string(), "{refused:#}");
        }
    }
}
