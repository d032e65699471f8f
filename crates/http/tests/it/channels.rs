//! Where messages are sent, and what people want to be told.

use serde_json::{Value, json};

use crate::support::Edge;

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body = || {
        json!({
            "name": "ops", "url": "https://1.1.1.1/curfew?x=1", "event_filters": ["grant.failed"],
            "headers": { "Authorization": "Bearer very-secret" },
        })
    };
    let create = "/v1/notification-channels/generic-webhook";
    let made = edge.post(&once, create, body()).await.is(201);
    let secret = made["signing_secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let again = edge.post(&once, create, body()).await.is(201);
    assert_eq!((&again["id"], &again["signing_secret"]), (&made["id"], &Value::Null), "told once");
    let uri = format!("/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let shown = edge.get(&admin, &uri).await.is(200);
    assert_eq!(
        shown["config"],
        json!({ "url": "https://1.1.1.1/curfew?x=1", "headers": { "authorization": "********" } })
    );
    for (field, value) in [
        ("channel_type", json!("generic_webhook")),
        ("enabled", json!(true)),
        ("event_filters", json!(["grant.failed"])),
        ("name", json!("ops")),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert!(shown.get("signing_secret").is_none());
    let listed = edge.get(&admin, "/v1/notification-channels").await.is(200);
    assert_eq!(listed["data"], json!([shown]));
    let change = json!({ "name": "security", "event_filters": [], "enabled": false });
    let changed = edge.ask(&admin, "PUT", &uri, Some(change)).await.is(200);
    assert_eq!(
        (&changed["name"], &changed["event_filters"], &changed["config"]),
        (&json!("security"), &json!([]), &shown["config"])
    );
    let rotated = edge.ask(&admin, "POST", &format!("{uri}/rotate-secret"), None).await.is(200);
    assert_ne!(rotated["signing_secret"], made["signing_secret"]);
    let deliveries = edge.get(&admin, &format!("{uri}/deliveries")).await.is(200);
    assert_eq!(deliveries, json!({ "data": [], "next_cursor": null, "has_more": false }));
    let log = edge.get(&admin, "/v1/audit-log").await.is(200);
    assert!(!log.to_string().contains("very-secret") && !log.to_string().contains("1.1.1.1"), "{log}");
    edge.ask(&admin, "DELETE", &uri, None).await.is(204);
    edge.get(&admin, &uri).await.refused(404, "not_found");
}

#[tokio::test]
async fn bodies_of_channels_and_notifications_are_held_to_their_description() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let create = "/v1/notification-channels/generic-webhook";
    let good = json!({ "name": "ops", "url": "https://1.1.1.1/" });
    let made = edge.post(&admin, create, good.clone()).await.is(201);
    let uri = format!("/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let preferences = "/v1/users/me/notification-preferences";
    let one =
        |event: &str, channel: &str| json!({ "event_type": event, "channel": channel, "enabled": false });
    for (method, path, body, field) in [
        ("POST", create, json!({}), "name"),
        ("POST", create, json!({ "name": "ops" }), "url"),
        ("POST", create, with("url", json!("http://1.1.1.1/")), "url"),
        ("POST", create, with("url", json!("https://127.0.0.1/")), "url"),
        ("POST", create, with("url", json!("https://169.254.169.254/")), "url"),
        ("POST", create, with("url", json!(format!("https://1.1.1.1/{}", "x".repeat(2_048)))), "url"),
        ("POST", create, with("headers", json!({ "Host": "x" })), "headers.Host"),
        ("POST", create, with("headers", json!({ "x-a": "a\r\nb: c" })), "headers.x-a"),
        ("POST", create, with("headers", json!({ "x-a": 1 })), "headers.x-a"),
        ("POST", create, with("event_filters", json!(["grant.lost"])), "event_filters[0]"),
        ("POST", create, with("surprise", json!(1)), "surprise"),
        ("PUT", &uri, json!({ "name": null }), "name"),
        ("PUT", &uri, json!({ "config": { "url": "https://10.0.0.1/" } }), "config.url"),
        ("PUT", &uri, json!({ "config": { "headers": {} } }), "config.url"),
        ("PUT", &uri, json!({ "channel_type": "email" }), "channel_type"),
        ("PUT", preferences, json!({}), "preferences"),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.lost", "email")] }),
            "preferences[0].event_type",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.active", "sms")] }),
            "preferences[0].channel",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.active", "email"), one("grant.active", "email")] }),
            "preferences[1]",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": vec![one("grant.active", "email"); 201] }),
            "preferences",
        ),
    ] {
        edge.ask(&admin, method, path, Some(body)).await.wrong(field);
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("unread_only=maybe", "unread_only"),
        ("surprise=1", "surprise"),
    ] {
        edge.get(&admin, &format!("/v1/users/me/notifications?{query}")).await.wrong(field);
    }
}

#[tokio::test]
async fn preferences_are_shown_whole_and_replaced() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let uri = "/v1/users/me/notification-preferences";
    let all = edge.get(&admin, uri).await.is(200)["preferences"].as_array().unwrap().clone();
    assert!(all.contains(&json!({ "event_type": "request.pending", "channel": "in_app", "enabled": true })));
    let off = json!({ "event_type": "grant.active", "channel": "slack", "enabled": false });
    let said = edge.ask(&admin, "PUT", uri, Some(json!({ "preferences": [off] }))).await.is(200);
    let said = said["preferences"].as_array().unwrap().clone();
    assert_eq!(said.len(), all.len());
    assert_eq!(said.iter().filter(|one| one["enabled"] == false).collect::<Vec<_>>(), [&off]);
    assert_eq!(edge.get(&admin, uri).await.is(200)["preferences"], json!(said));
    // What was shown can be sent back.
    edge.ask(&admin, "PUT", uri, Some(json!({ "preferences": said }))).await.is(200);
}
