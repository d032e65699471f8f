//! Connecting a tenant to AWS, and what the test says when that does not work.

use curfew_sim::world::{ACME_DELEGATED_ROLE, ACME_UNSAFE_ROLE, GLOBEX_INSTANCE, GLOBEX_ROLE};
use curfew_sim::{Patch, Permissions};
use curfew_tests::{Acme, Backend, Client, Cloud, Json, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::access::Office;

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
const TEST: &str = "/v1/integrations/aws-identity-center/test";
const TEMPLATE: &str = "/v1/integrations/aws-identity-center/bootstrap-template";
const EXTERNAL_ID: &str = "/v1/integrations/aws-identity-center/external-id";

const CHECKS: [&str; 8] = [
    "assume_role",
    "caller_identity",
    "external_id_enforced",
    "identity_center",
    "permission_sets",
    "accounts",
    "directory",
    "reach",
];

/// Concerns what has to be chosen.
const NOT_CHOSEN: &str = "session_policies";

fn template_for(instance: &str) -> Value {
    json!({ "aws_account_id": "100000000002", "sso_instance_arn": instance, "region": "eu-west-1" })
}

/// The actions that the role of the rendered template is allowed, without those of its options, which follow.
async fn allowed_by_the_template(admin: &Client, instance: &str) -> Vec<String> {
    let rendered = admin.post(TEMPLATE, template_for(instance)).await.ok().text("cloudformation_yaml");
    let of_service =
        |text: &&str| ["sso:", "identitystore:", "organizations:"].iter().any(|s| text.starts_with(s));
    let (for_all, _) = rendered.split_once("- !If").expect("options");
    let allowed: Vec<String> =
        for_all.split('"').skip(1).step_by(2).filter(of_service).map(str::to_owned).collect();
    assert!(allowed.iter().all(|action| !action.contains('*')), "{allowed:?}");
    allowed
}

/// A body with one field changed is refused, and the refusal names the field.
async fn wrong(admin: &Client, method: &str, path: &str, sound: &Value, field: &str, value: Value) {
    let mut body = sound.clone();
    body[field] = value;
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let refusal = admin.send(method, path, Some(body.to_string())).await.refused(400, "invalid_request");
    assert!(refusal["details"]["fields"].get(field).is_some(), "{body}: {refusal:#}");
}

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

    async fn the_form_begins_with_the_instance_that_the_server_was_given(backend: Backend) {
        let instance = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
        let server = Server::on(backend).env("IC_INSTANCE_ARN", instance).start().await;
        let config = server.set_up().await.get(CONFIG).await.ok();
        assert_eq!((&config["sso_instance_arn"], &config["configured"]), (&json!(instance), &json!(false)));
    }

    async fn a_role_with_the_templates_permissions_alone_does_all_that_curfew_does(backend: Backend) {
        let (cloud, server, admin) = start(backend, "single").await;
        let allowed = allowed_by_the_template(&admin, &cloud.acme().instance).await;
        let permissions = Permissions { allow: allowed, deny: Vec::new() };
        let role = ACME_DELEGATED_ROLE.to_owned();
        cloud.control().apply(Patch::SetPermissions { role, permissions }).expect("the role is there");
        let office = Office::furnish(cloud, server, admin).await;
        let answer = office.admin.order(TEST).await.ok();
        assert_eq!(answer["success"], true, "{answer:#}");
        for check in CHECKS {
            assert_eq!(status_of(&answer, check), "passed", "{answer:#}");
        }
        assert_eq!(status_of(&answer, NOT_CHOSEN), "skipped", "{answer:#}");
        let grant = office.granted(3_600).await;
        office.is_held(&grant).await;
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.is_gone(&grant, "revoked").await;
    }

    async fn what_was_given_through_one_connection_is_taken_back_before_another_takes_its_place(backend: Backend) {
        let office = Office::open(backend).await;
        let globex = office.cloud.organization(GLOBEX_INSTANCE);
        office.cloud.trust(&office.admin, GLOBEX_ROLE).await;
        office.admin.put(CONFIG, globex.config(GLOBEX_ROLE)).await.ok();
        // It is saved, not tested yet: work goes on through what was verified.
        let grant = office.granted(3_600).await;
        office.is_held(&grant).await;
        let answer = office.admin.order(TEST).await.ok();
        assert_eq!((&answer["success"], status_of(&answer, "identity_center").as_str()), (&json!(false), "failed"));
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.is_gone(&grant, "revoked").await;
        let answer = office.admin.order(TEST).await.ok();
        assert_eq!(answer["success"], true, "{answer:#}");
    }

    async fn the_external_id_is_replaced_step_by_step_and_each_is_in_the_log(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        cloud.connect(&admin).await;
        let of = |step: &str| format!("{EXTERNAL_ID}/{step}");
        let first = admin.get(EXTERNAL_ID).await.ok().text("external_id");
        admin.order(&of("commit")).await.refused(409, "conflict");
        let rotating = admin.order(&of("rotate")).await.ok();
        assert_eq!(rotating["external_id"], json!(first), "{rotating:#}");
        admin.order(&of("rotate")).await.refused(409, "conflict");
        admin.order(&of("commit")).await.refused(409, "conflict");
        admin.order(&of("cancel")).await.ok();

        let pending = admin.order(&of("rotate")).await.ok().text("external_id_pending");
        let mut trust = cloud.control().world().role(ACME_DELEGATED_ROLE).expect("the role").trust.clone();
        trust.external_ids.push(pending.clone());
        cloud.control().set_trust(ACME_DELEGATED_ROLE, trust).expect("a trust policy");
        assert_eq!(admin.order(TEST).await.ok()["success"], true);
        let committed = admin.order(&of("commit")).await.ok();
        assert_eq!((&committed["external_id"], &committed["external_id_pending"]), (&json!(pending), &Value::Null));
        for (action, times) in [("rotated", 2), ("cancelled", 1), ("committed", 1)] {
            let log = admin.get(&format!("/v1/audit-log?action=external_id.{action}")).await.ok();
            assert_eq!(log.list("data").len(), times, "{action}: {log:#}");
        }
    }

    async fn a_connection_that_can_not_be_is_refused_by_its_fields(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        let sound = cloud.acme().config(ACME_DELEGATED_ROLE);
        for (field, value) in [
            ("sso_instance_arn", json!("arn:aws:sso:::instance/ssoins-1")),
            ("sso_instance_arn", json!("arn:aws:sso:::instance/ssoins-1234567890abcdef\u{0}")),
            ("sso_instance_arn", json!(null)),
            ("role_arn", json!("arn:aws:iam::10000000000:role/CurfewAccess")),
            ("role_arn", json!("arn:aws:iam::100000000002:user/CurfewAccess")),
            ("role_arn", json!(format!("arn:aws:iam::100000000002:role/{}", "r".repeat(65)))),
            ("role_arn", json!("arn:aws-cn:iam::100000000002:role/CurfewAccess")),
            ("region", json!("eu-west-9")),
            ("region", json!("cn-north-1")),
            ("region", json!("")),
            ("external_id", json!("0b7ac1a5-7b0e-4f0e-9a53-6f1d2c3b4a59")),
        ] {
            wrong(&admin, "PUT", CONFIG, &sound, field, value).await;
        }
        assert_eq!(admin.get(CONFIG).await.ok()["configured"], false);
        let sound = template_for(&cloud.acme().instance);
        for (field, value) in [
            ("aws_account_id", json!("10000000000")),
            ("aws_account_id", json!("1000000000O2")),
            ("aws_account_id", json!(100_000_000_002_u64)),
            ("sso_instance_arn", json!("ssoins-1234567890abcdef")),
            ("region", json!("us-gov-west-1")),
            ("region", json!("mars-north-1")),
            ("principal", json!("arn:aws:iam::100000000002:root")),
        ] {
            wrong(&admin, "POST", TEMPLATE, &sound, field, value).await;
        }
    }

    async fn a_push_that_can_not_be_is_refused_by_its_fields(backend: Backend) {
        let (cloud, _server, admin) = start(backend, "single").await;
        admin.put(CONFIG, cloud.acme().config(ACME_DELEGATED_ROLE)).await.ok();
        let account = || json!({ "id": "100000000003", "name": "Payments", "metadata": {} });
        let with = |field: &str, value: Value| {
            let mut one = account();
            one[field] = value;
            one
        };
        for (path, one, field) in [
            ("accounts", with("type", json!("aws_permission_set")), "resources[0].type"),
            ("accounts", with("id", json!("10000000000")), "resources[0].id"),
            ("accounts", with("access_level", json!("read")), "resources[0].access_level"),
            ("accounts", with("account_id", json!("x")), "resources[0].account_id"),
            ("accounts", with("name", json!("a\u{0}b")), "resources[0].name"),
            ("accounts", with("parents", json!(["ou-ab12-11111111"])), "resources[0].parents"),
            ("permission-sets", account(), "resources[0].id"),
            ("organizational-units", account(), "resources[0].id"),
            ("resources", account(), "resources[0].type"),
            ("resources", with("type", json!("aws_lambda")), "resources[0].type"),
        ] {
            let body = json!({ "resources": [one] });
            let refusal = admin.put(&format!("/v1/aws/{path}"), body).await.refused(400, "invalid_request");
            assert!(refusal["details"]["fields"].get(field).is_some(), "{path} {field}: {refusal:#}");
        }
        let many: Vec<Value> = (0..1_001).map(|at| with("id", json!(format!("{at:012}")))).collect();
        let body = |many: &[Value]| json!({ "resources": many });
        admin.put("/v1/aws/accounts", body(&many)).await.refused(400, "invalid_request");
        assert_eq!(admin.put("/v1/aws/accounts", body(&many[1..])).await.ok()["upserted"], 1_000);
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
