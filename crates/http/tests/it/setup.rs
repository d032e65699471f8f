//! The first run.

use curfew_app::testing::{ORIGIN, PASSWORD};
use serde_json::{Value, json};

use crate::support::{Caller, Edge};

pub(crate) fn first_run(platform_mode: &str) -> Value {
    json!({
        "tenant_name": "Acme", "tenant_slug": "acme", "domains": ["acme.example"],
        "admin_email": "root@acme.example", "admin_name": "Robin Root", "admin_password": PASSWORD,
        "platform_mode": platform_mode,
    })
}

impl Edge {
    /// The first run; its admin, signed in.
    pub(crate) async fn set_up(&self, platform_mode: &str) -> Caller {
        self.post(&Caller::nobody(), "/v1/setup/complete", first_run(platform_mode)).await.is(201);
        self.login("root@acme.example", "acme").await
    }
}

#[tokio::test]
async fn the_first_run_answers_with_what_it_made_and_works_once() {
    let edge = Edge::start().await;
    let nobody = Caller::nobody();
    assert_eq!(
        edge.get(&nobody, "/v1/setup/status").await.is(200),
        json!({ "completed": false, "platform_mode": "single" })
    );
    let made = edge.post(&nobody, "/v1/setup/complete", first_run("multi")).await.is(201);
    assert_eq!((&made["tenant"]["is_master"], &made["tenant"]["slug"]), (&json!(true), &json!("acme")));
    assert_eq!(made["domains"][0]["verified"], false);
    assert_eq!(
        (&made["admin"]["roles"], &made["admin"]["email_verified"]),
        (&json!(["admin"]), &json!(true))
    );
    assert!(!made.to_string().contains(PASSWORD));
    edge.post(&nobody, "/v1/setup/complete", first_run("single")).await.refused(409, "conflict");
    assert_eq!(
        edge.get(&nobody, "/v1/setup/status").await.is(200),
        json!({ "completed": true, "platform_mode": "multi" })
    );
}

#[tokio::test]
async fn a_first_run_that_is_not_sound_is_refused_field_by_field() {
    let edge = Edge::start().await;
    let wrong = [
        ("tenant_slug", json!("Acme")),
        ("tenant_name", json!("")),
        ("tenant_name", json!("a\u{0}b")),
        ("admin_email", json!("root")),
        ("admin_password", json!("short")),
        ("admin_password", json!("password1")),
        ("admin_password", json!(null)),
        ("platform_mode", json!("many")),
        ("mfa_required", json!("yes")),
        ("surprise", json!(1)),
    ];
    for (field, value) in wrong {
        let mut body = first_run("single");
        body[field] = value;
        edge.post(&Caller::nobody(), "/v1/setup/complete", body).await.wrong(field);
    }
    let mut body = first_run("single");
    body["aws_identity_center"] = json!({ "sso_instance_arn": "x", "role_arn": "y", "region": "z" });
    let refused = edge.post(&Caller::nobody(), "/v1/setup/complete", body).await;
    refused.wrong("aws_identity_center.sso_instance_arn");
    assert_eq!(edge.get(&Caller::nobody(), "/v1/setup/status").await.is(200)["completed"], false);
}

#[tokio::test]
async fn a_first_run_that_another_sites_page_sends_sets_nothing_up() {
    let edge = Edge::start().await;
    let page = |name, value: &str| Caller::nobody().with(name, value);
    for stranger in [
        page("origin", "https://evil.test"),
        page("origin", "null"),
        // Its own name leads here: then its origin fits, but not to us.
        page("host", "evil.test:8080"),
        page("host", "evil.test:8080").with("origin", "http://evil.test:8080"),
    ] {
        edge.post(&stranger, "/v1/setup/complete", first_run("single")).await.refused(403, "forbidden");
    }
    let console = page("host", "localhost:8080").with("origin", ORIGIN);
    edge.post(&console, "/v1/setup/complete", first_run("single")).await.is(201);
}
