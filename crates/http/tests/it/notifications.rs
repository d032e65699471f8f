//! What a person is told: the pages of an inbox are the contract's own.

use std::sync::Arc;

use curfew_app::notify::Notifier;
use curfew_domain::Actor;
use curfew_domain::audit::{AuditAction, NewEntry};
use serde_json::{Value, json};

use crate::support::{Acme, Reply};

/// The admin's.
struct Inbox {
    acme: Acme,
}

impl Inbox {
    async fn start() -> Self {
        Self { acme: Acme::start().await }
    }

    /// Tells the admin of so many events.
    async fn tell(&self, count: u8) {
        let app = &self.acme.edge.test.app;
        let unit = app.store.tenant(self.acme.tenant.tenant.id).write().await.unwrap();
        for number in 0..count {
            let entry = NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", number);
            unit.record(entry, app.now(), app.entropy.as_ref()).await.unwrap();
        }
        unit.commit().await.unwrap();
        Notifier::new(Arc::clone(app)).pass().await.unwrap();
    }

    async fn ask(&self, method: &str, path: &str) -> Reply {
        self.acme.ask(method, &format!("/v1/users/me/notifications{path}"), None).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path).await.is(200)
    }
}

#[tokio::test]
async fn an_inbox_is_walked_read_and_counted() {
    let inbox = Inbox::start().await;
    assert_eq!(
        inbox.get("").await,
        json!({ "items": [], "unread_count": 0, "has_more": false, "next_cursor": null })
    );
    inbox.tell(23).await;
    let first = inbox.get("").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 20, "the contract's own default");
    assert_eq!((&first["unread_count"], &first["has_more"]), (&json!(23), &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = inbox.get(&format!("?cursor={cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["has_more"]), (3, &json!(false)));
    // Another list's.
    inbox.ask("GET", &format!("?unread_only=true&cursor={cursor}")).await.wrong("cursor");
    let one = &first["items"][0];
    for (field, value) in
        [("event_type", json!("drift.detected")), ("resource_type", json!("drift")), ("read_at", Value::Null)]
    {
        assert_eq!(one[field], value, "{one}");
    }
    let read = inbox.ask("POST", &format!("/{}/read", one["id"].as_str().unwrap())).await.is(200);
    assert_eq!(read["id"], one["id"]);
    assert!(read["read_at"].is_string());
    let unread = inbox.get("?unread_only=true&limit=100").await;
    assert_eq!((unread["items"].as_array().unwrap().len(), &unread["unread_count"]), (22, &json!(22)));
    assert_eq!(inbox.ask("POST", "/read-all").await.is(200), json!({ "read": 22 }));
    assert_eq!(inbox.get("?unread_only=true").await["unread_count"], 0);
    assert_eq!(inbox.get("").await["items"].as_array().unwrap().len(), 20);
    for nobodys in ["0192f0c1-7a3b-7c4d-8e5f-0123456789ab", "nonsense"] {
        inbox.ask("POST", &format!("/{nobodys}/read")).await.refused(404, "not_found");
    }
}
