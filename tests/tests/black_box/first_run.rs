//! From an empty database to somebody who is logged in.

use curfew_tests::{Json, Server, eventually, on_both_databases};
use serde_json::{Value, json};

const PASSWORD: &str = "a-long-passphrase-of-hers";

fn setup(slug: &str) -> Value {
    json!({
        "tenant_name": "Acme", "tenant_slug": slug, "admin_email": "admin@acme.example",
        "admin_name": "Ada Admin", "admin_password": PASSWORD,
    })
}

on_both_databases! {
    async fn the_first_run_makes_the_master_and_its_admin(backend: Backend) {
        let server = Server::on(backend).start().await;
        let stranger = server.stranger();
        stranger.keep_out_of_the_log(PASSWORD);
        assert_eq!(stranger.get("/v1/setup/status").await.ok()["completed"], false);

        let made = stranger.post("/v1/setup/complete", setup("acme")).await.is(201);
        assert_eq!(made["tenant"]["is_master"], true, "{made:#}");
        assert_eq!(made["tenant"]["slug"], "acme", "{made:#}");
        assert_eq!(made["admin"]["is_owner"], true, "{made:#}");
        assert_eq!(made["admin"]["email_verified"], true, "{made:#}");

        let status = stranger.get("/v1/setup/status").await.ok();
        assert_eq!((&status["completed"], &status["platform_mode"]), (&json!(true), &json!("single")));
        let admin = stranger.login("admin@acme.example", PASSWORD, "acme").await;
        let me = admin.get("/v1/users/me").await.ok();
        assert_eq!(me["id"], made["admin"]["id"], "{me:#}");
    }

    async fn of_twenty_first_runs_at_once_one_wins(backend: Backend) {
        let server = Server::on(backend).start().await;
        let runs: Vec<_> = (0..20)
            .map(|number| {
                let stranger = server.stranger();
                tokio::spawn(async move {
                    stranger.post("/v1/setup/complete", setup(&format!("acme-{number}"))).await.status
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for run in runs {
            statuses.push(run.await.expect("it ends"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses[0], 201, "{statuses:?}");
        assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    }

    async fn a_logout_works_at_once(backend: Backend) {
        let server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        admin.get("/v1/users/me").await.ok();
        admin.order("/v1/auth/logout").await.is(204);
        admin.get("/v1/users/me").await.refused(401, "unauthenticated");
    }

    async fn a_suspended_person_is_out_at_once_and_their_keys_with_them(backend: Backend) {
        let server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        let alice = admin.person("alice@acme.example", &["admin"]).await;
        let ask = json!({ "name": "laptop", "scopes": ["users:read"] });
        let key = alice.post("/v1/api-keys", ask).await.is(201);
        let key = alice.holding(&key.text("raw_key"));
        key.get("/v1/users/me").await.ok();
        admin.order(&format!("/v1/users/{}/suspend", alice.id().await)).await.ok();
        alice.get("/v1/users/me").await.refused(401, "unauthenticated");
        key.get("/v1/users/me").await.refused(401, "unauthenticated");
    }

    async fn what_no_body_may_be_is_refused_over_the_wire_with_either_credential(backend: Backend) {
        let server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        let ask = json!({ "name": "laptop", "scopes": ["users:create", "users:read", "requests:create"] });
        let key = admin.post("/v1/api-keys", ask).await.is(201);
        let key = admin.holding(&key.text("raw_key"));
        let named = |name: &str| json!({ "email": "bob@acme.example", "name": name, "roles": ["user"] });
        let mut deep = json!(1);
        for _ in 0..500 {
            deep = json!([deep]);
        }
        let request = json!({ "resource": { "type": "aws_account", "id": "100000000005" }, "action": "read", "metadata": { "a": deep } });
        for caller in [&admin, &key] {
            let too_large = caller.post("/v1/users", named(&"a".repeat(2 << 20))).await;
            assert_eq!(too_large.header("connection"), "close", "its body is not read to the end");
            too_large.refused(413, "payload_too_large");
            caller.post("/v1/users", named("Bob\u{0}")).await.refused(400, "invalid_request");
            caller.post("/v1/requests", request.clone()).await.refused(400, "invalid_request");
            caller.get("/v1/users/me").await.ok();
        }
        assert_eq!(admin.get("/v1/users").await.ok().list("data").len(), 1);
    }

    async fn what_was_done_is_in_the_log_and_gets_sealed(backend: Backend) {
        let server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        admin.person("alice@acme.example", &["user"]).await;
        let sealed = eventually("entries to be sealed", async || {
            let entries = admin.get("/v1/audit-log").await.ok().list("data");
            entries.iter().all(|entry| entry["sequence"].is_u64()).then_some(entries)
        })
        .await;
        let actions: Vec<_> = sealed.iter().map(|entry| entry.text("action")).collect();
        for action in ["tenant.created", "user.created", "login.succeeded"] {
            assert!(actions.iter().any(|other| other == action), "{actions:?}");
        }
        let verified = admin.get("/v1/audit-log/verify").await.ok();
        assert_eq!(verified["sound"], true, "{verified:#}");
    }

    async fn a_restart_forgets_nothing(backend: Backend) {
        let mut server = Server::on(backend).start().await;
        let admin = server.set_up().await;
        assert!(server.terminate().success(), "{}", server.logs().text());
        server.start_again().await;
        admin.get("/v1/users/me").await.ok();
        assert_eq!(admin.get("/v1/setup/status").await.ok()["completed"], true);
    }
}
