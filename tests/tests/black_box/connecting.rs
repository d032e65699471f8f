//! Connecting a tenant to AWS, and what the test says when that does not work.

use curfew_sim::world::{ACME_DELEGATED_ROLE, ACME_UNSAFE_ROLE, GLOBEX_ROLE};
use curfew_tests::{Acme, Backend, Client, Cloud, Json, Server, on_both_databases};
use serde_json::Value;

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
const TEST: &str = "/v1/integrations/aws-identity-center/test";

fn status_of(answer: &Value, check: &str) -> String {
    let checks =
        answer.get("checks").or_else(|| answer["details"].get("checks")).cloned().unwrap_or_default();
    let found = checks.as_array().and_then(|all| all.iter().find(|one| one["name"] == check).cloned());
    found.unwrap_or_else(|| panic!("no check {check} in {answer:#}")).text("status")
}

async fn start(backend: Backend, mode: &str) -> (Cloud, Server, Client) {
    let cloud = Cloud::start().await;
    let server = Server::on(backend).aws(&cloud.url()).start().await;
    let admin = server.set_up_as(mode).await;
    (cloud, server, admin)
}

on_both_databases! {
    async fn before_anything_is_saved_there_is_nothing_to_test(backend: Backend) {
        let (_cloud, _server, admin) = start(backend, "single").await;
        assert_eq!(admin.get(CONFIG).await.ok()["configured"], false);
        admin.order(TEST).await.refused(409, "not_configured");
    }

    async fn a_role_that_follows_the_template_passes_every_check(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        cloud.trust(&admin, ACME_DELEGATED_ROLE).await;
        let saved = admin.put(CONFIG, cloud.acme().config(ACME_DELEGATED_ROLE)).await.ok();
        assert_eq!(saved["configured"], true, "{saved:#}");
        let answer = admin.order(TEST).await.ok();
        assert_eq!(answer["success"], true, "{answer:#}");
        for check in ["assume_role", "caller_identity", "external_id_enforced", "identity_center",
            "permission_sets", "accounts", "directory"] {
            assert_eq!(status_of(&answer, check), "passed", "{answer:#}");
        }
    }

    async fn a_role_that_does_not_trust_curfew_is_explained(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        // The demo's role asks for an ExternalId that is not this tenant's.
        admin.put(CONFIG, cloud.acme().config(ACME_DELEGATED_ROLE)).await.ok();
        let refusal = admin.order(TEST).await.refused(502, "sts_check_failed");
        let details = &refusal["details"];
        assert_eq!(details["aws_error_code"], "AccessDenied", "{refusal:#}");
        assert_eq!(details["role_arn"], ACME_DELEGATED_ROLE, "{refusal:#}");
        assert!(details.text("hint").contains("trust"), "{refusal:#}");
        assert_eq!(status_of(&refusal, "assume_role"), "failed");
        assert_eq!(status_of(&refusal, "accounts"), "skipped");
    }

    async fn a_role_that_ignores_the_external_id_is_a_warning_in_single_mode(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        admin.put(CONFIG, cloud.acme().config(ACME_UNSAFE_ROLE)).await.ok();
        let answer = admin.order(TEST).await.ok();
        assert_eq!(answer["success"], true, "{answer:#}");
        assert_eq!(status_of(&answer, "external_id_enforced"), "warning");
    }

    async fn a_role_that_ignores_the_external_id_is_refused_in_multi_mode(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "multi").await;
        admin.put(CONFIG, cloud.acme().config(ACME_UNSAFE_ROLE)).await.ok();
        let refusal = admin.order(TEST).await.refused(422, "unsafe_trust_policy");
        assert_eq!(status_of(&refusal, "external_id_enforced"), "failed");
    }

    async fn a_role_of_another_organization_does_not_know_the_instance(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        cloud.trust(&admin, GLOBEX_ROLE).await;
        admin.put(CONFIG, cloud.acme().config(GLOBEX_ROLE)).await.ok();
        let answer = admin.order(TEST).await.ok();
        assert_eq!(answer["success"], false, "{answer:#}");
        assert_eq!(status_of(&answer, "identity_center"), "failed", "{answer:#}");
    }

    async fn what_is_there_is_discovered(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        cloud.connect(&admin).await;
        let accounts = admin.get("/v1/aws/accounts").await.ok().column("id");
        assert!(accounts.contains(&Acme::DEV.to_owned()), "{accounts:?}");
        let sets = admin.get("/v1/aws/permission-sets?q=ReadOnly").await.ok().column("name");
        assert_eq!(sets, ["ReadOnly"]);
    }
}
