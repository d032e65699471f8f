//! A master key in AWS KMS: asked for at start, and never kept.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_sim::world::{CURFEW_KMS_ALIAS, CURFEW_KMS_KEY};
use curfew_sim::{KeySpec, KeyState, KmsKey, Permissions, World};
use curfew_tests::{Backend, Client, Cloud, Json, Server, on_both_databases};
use serde_json::json;

const MASTER_KEY: &str = "CURFEW_MASTER_KEY";
const GIVEN: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The master key that follows from the demo's key, as text.
fn derived() -> String {
    let mac = KmsKey::new(CURFEW_KMS_KEY).mac(b"curfew master key v1").expect("an HMAC key");
    BASE64_STANDARD.encode(mac)
}

async fn server(backend: Backend, aws: &Cloud, master_key: &str) -> Server {
    let server = Server::on(backend).aws(&aws.url()).env(MASTER_KEY, master_key).start().await;
    server.logs().keep_out(&derived());
    server
}

/// A key of the API, which is kept as a hash under the master key.
async fn api_key(admin: &Client) -> Client {
    let ask = json!({ "name": "laptop", "scopes": ["users:read"] });
    let made = admin.post("/v1/api-keys", ask).await.is(201);
    admin.holding(&made.text("raw_key"))
}

fn asked(aws: &Cloud) -> usize {
    aws.control().calls_of("GenerateMac").len()
}

/// What a server says that is to start with this key, after `change`.
async fn refusal(key: &str, change: impl FnOnce(&mut World)) -> String {
    let aws = Cloud::start().await;
    aws.control().edit(change).expect("a world");
    let server = Server::on(Backend::Sqlite).aws(&aws.url()).env(MASTER_KEY, key).ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    assert!(!ended.output.contains("panicked"), "{}", ended.output);
    let refusals: Vec<_> = ended.output.lines().filter(|line| line.starts_with("curfewd: ")).collect();
    assert_eq!(refusals.len(), 1, "{}", ended.output);
    assert!(refusals[0].starts_with("curfewd: CURFEW_MASTER_KEY"), "{}", refusals[0]);
    assert!(refusals[0].contains(key), "{}", refusals[0]);
    let files = std::fs::read_dir(server.database().folder()).expect("a folder").count();
    assert_eq!(files, 0, "a refused start leaves nothing behind");
    refusals[0].to_owned()
}

fn the_key(world: &mut World) -> &mut KmsKey {
    world.kms_key_mut(CURFEW_KMS_KEY).expect("the demo's key")
}

on_both_databases! {
    async fn what_was_sealed_is_opened_after_a_restart_by_either_name(backend: Backend) {
        let aws = Cloud::start().await;
        let mut server = server(backend, &aws, CURFEW_KMS_KEY).await;
        assert_eq!(asked(&aws), 1);
        let admin = server.set_up().await;
        let key = api_key(&admin).await;
        for name in [CURFEW_KMS_KEY, CURFEW_KMS_ALIAS] {
            assert!(server.terminate().success(), "{}", server.logs().text());
            server.start_again_with(MASTER_KEY, name).await;
            admin.get("/v1/users/me").await.ok();
            key.get("/v1/users/me").await.ok();
        }
        assert_eq!(asked(&aws), 3, "KMS is asked when a server starts, and not again");
    }

    async fn kms_may_fail_while_a_server_runs(backend: Backend) {
        let aws = Cloud::start().await;
        let server = server(backend, &aws, CURFEW_KMS_ALIAS).await;
        let admin = server.set_up().await;
        aws.control().edit(|world| the_key(world).state = KeyState::Disabled).expect("a world");
        api_key(&admin).await.get("/v1/users/me").await.ok();
    }

    async fn a_given_key_gives_way_to_one_in_kms(backend: Backend) {
        let aws = Cloud::start().await;
        let mut server = server(backend, &aws, GIVEN).await;
        let admin = server.set_up().await;
        let key = api_key(&admin).await;
        assert_eq!(asked(&aws), 0, "KMS is not asked for what is given");

        assert!(server.terminate().success(), "{}", server.logs().text());
        server.start_again_with(MASTER_KEY, &format!("{CURFEW_KMS_ALIAS},{GIVEN}")).await;
        // Each credential moves to the new key when it is shown.
        admin.get("/v1/users/me").await.ok();
        key.get("/v1/users/me").await.ok();

        assert!(server.terminate().success(), "{}", server.logs().text());
        server.start_again_with(MASTER_KEY, CURFEW_KMS_ALIAS).await;
        admin.get("/v1/users/me").await.ok();
        key.get("/v1/users/me").await.ok();
    }

    async fn an_alias_that_leads_to_another_key_is_found_out(backend: Backend) {
        let aws = Cloud::start().await;
        let mut server = server(backend, &aws, CURFEW_KMS_ALIAS).await;
        let admin = server.set_up().await;
        assert!(server.terminate().success(), "{}", server.logs().text());
        let lead_elsewhere = |world: &mut World| {
            let alias = the_key(world).aliases.remove(0);
            world.kms_keys.push(KmsKey::new("arn:aws:kms:us-east-1:555500000001:key/second").with_alias(&alias));
        };
        aws.control().edit(lead_elsewhere).expect("a world");
        let ended = server.run(&["serve"]);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
        assert!(ended.output.contains("CURFEW_MASTER_KEY lacks the key"), "{}", ended.output);
        server.start_again_with(MASTER_KEY, &format!("{CURFEW_KMS_ALIAS},{CURFEW_KMS_KEY}")).await;
        admin.get("/v1/users/me").await.ok();
    }

    async fn whoever_must_leave_kms_gives_the_mac_itself(backend: Backend) {
        let aws = Cloud::start().await;
        let mut server = server(backend, &aws, CURFEW_KMS_KEY).await;
        let admin = server.set_up().await;
        assert!(server.terminate().success(), "{}", server.logs().text());
        server.start_again_with(MASTER_KEY, &derived()).await;
        admin.get("/v1/users/me").await.ok();
        assert_eq!(asked(&aws), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_there_or_elsewhere() {
    for key in [
        "alias/another",
        "arn:aws:kms:us-east-1:555500000001:key/00000000-0000-0000-0000-000000000000",
        "arn:aws:kms:eu-west-1:555500000001:alias/curfew-master-key",
    ] {
        let said = refusal(key, |_| {}).await;
        assert!(said.contains("there is no such key") && said.contains("NotFoundException"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_curfew_may_not_use() {
    let take_away = |world: &mut World| {
        world.own_credentials[0].permissions = Permissions::all_but(&["kms:GenerateMac"]);
    };
    let said = refusal(CURFEW_KMS_ALIAS, take_away).await;
    assert!(said.contains("allow kms:GenerateMac") && said.contains("AccessDeniedException"), "{said}");
    assert!(said.contains(CURFEW_KMS_KEY), "AWS says which key it is: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_disabled_or_to_be_deleted() {
    let said = refusal(CURFEW_KMS_KEY, |world| the_key(world).state = KeyState::Disabled).await;
    assert!(said.contains("enable-key") && said.contains("DisabledException"), "{said}");
    let said = refusal(CURFEW_KMS_KEY, |world| the_key(world).state = KeyState::PendingDeletion).await;
    assert!(said.contains("cancel-key-deletion") && said.contains("KMSInvalidStateException"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_kind() {
    for spec in [KeySpec::SymmetricDefault, KeySpec::Hmac512] {
        let said = refusal(CURFEW_KMS_KEY, |world| the_key(world).spec = spec).await;
        assert!(said.contains("HMAC_256") && said.contains("InvalidKeyUsageException"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_that_can_not_be_reached() {
    // Nobody listens where the server looks for AWS.
    let server = Server::on(Backend::Sqlite).env(MASTER_KEY, CURFEW_KMS_KEY).ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    for part in [MASTER_KEY, CURFEW_KMS_KEY, "can't be reached", "AWS_ENDPOINT_URL_KMS"] {
        assert!(ended.output.contains(part), "{part}: {}", ended.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_by_two_names() {
    let aws = Cloud::start().await;
    let keys = format!("{CURFEW_KMS_KEY},{CURFEW_KMS_ALIAS}");
    let server = Server::on(Backend::Sqlite).aws(&aws.url()).env(MASTER_KEY, keys).ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    assert!(ended.output.contains("two of the master keys are the same"), "{}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_secrets_can_not_be_in_kms() {
    for name in ["JWT_SECRET", "CURFEW_SIGNING_KEY"] {
        let server = Server::on(Backend::Sqlite).env(name, CURFEW_KMS_KEY).ready().await;
        let ended = server.run(&["serve"]);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
        let said = format!("{name} is not valid: only CURFEW_MASTER_KEY can be in KMS");
        assert!(ended.output.contains(&said), "{}", ended.output);
    }
}
