//! What the environment says, in a process of its own.

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{AwsErrorKind, AwsGateway, MacKeys, SdkGateway};
use curfew_domain::testing::TestClock;
use curfew_sim::world::{CURFEW_ACCESS_KEY, CURFEW_KMS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY};
use curfew_sim::{Sim, World};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::region;

/// Runs one of the ignored tests below with nothing in its environment but what is given.
fn run_with(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", test])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", std::env::temp_dir().join("curfew-nobody"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// The same, with a profile that says this.
fn run_with_profile(test: &str, profile: &str, variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, format!("[profile curfew]\n{profile}\n")).unwrap();
    let named = [("AWS_CONFIG_FILE", file.to_str().unwrap()), ("AWS_PROFILE", "curfew")];
    run_with(test, &[named.as_slice(), variables].concat())
}

async fn from_env() -> SdkGateway {
    SdkGateway::from_env(Arc::new(TestClock::default())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_and_credentials_come_from_where_the_sdk_looks_for_them() {
    let sim = Sim::start(World::demo()).await.unwrap();
    let own = [("AWS_ACCESS_KEY_ID", CURFEW_ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", CURFEW_SECRET_KEY)];
    for endpoint in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        let url = sim.url();
        let output = run_with("environment::child_asks_who_it_is", &[own[0], own[1], (endpoint, &url)]);
        assert!(output.status.success(), "{endpoint}: {output:?}");
    }
    assert_eq!(sim.control().calls_of("GetCallerIdentity").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn kms_has_an_endpoint_of_its_own() {
    let sim = Sim::start(World::demo()).await.unwrap();
    let url = sim.url();
    let output = run_with(
        "environment::child_asks_kms",
        &[
            ("AWS_ACCESS_KEY_ID", CURFEW_ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", CURFEW_SECRET_KEY),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ("AWS_ENDPOINT_URL_KMS", &url),
        ],
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(sim.control().calls_of("GenerateMac").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_taken_where_the_sdk_takes_it() {
    // In it, nobody answers; outside of it, neither.
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut client, _) = proxy.accept().await.unwrap();
        let mut line = [0; 64];
        let read = client.read(&mut line).await.unwrap();
        String::from_utf8_lossy(&line[..read]).into_owned()
    });
    let environment = [
        ("AWS_ACCESS_KEY_ID", CURFEW_ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", CURFEW_SECRET_KEY),
        ("HTTPS_PROXY", url.as_str()),
    ];
    let output = run_with("environment::child_reaches_nobody", &environment);
    assert!(output.status.success(), "{output:?}");
    let asked = tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap().unwrap();
    assert!(asked.starts_with("CONNECT sts.eu-west-1.amazonaws.com:443 "), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_may_name_a_program_that_tells_credentials() {
    let sim = Sim::start(World::demo()).await.unwrap();
    let told = format!(
        r#"{{"Version":1,"AccessKeyId":"{CURFEW_ACCESS_KEY}","SecretAccessKey":"{CURFEW_SECRET_KEY}"}}"#
    );
    let directory = tempfile::tempdir().unwrap();
    let tells = directory.path().join("credentials.json");
    std::fs::write(&tells, told).unwrap();
    let output = run_with_profile(
        "environment::child_asks_who_it_is",
        &format!("credential_process = /bin/cat {}", tells.display()),
        &[("AWS_ENDPOINT_URL", &sim.url())],
    );
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_profile_may_be_of_somebody_who_signs_in() {
    let profile = "sso_session = acme\nsso_account_id = 100000000002\nsso_role_name = Curfew\n\
        [sso-session acme]\nsso_region = eu-west-1\nsso_start_url = https://acme.awsapps.com/start";
    let output = run_with_profile("environment::child_has_no_credentials", profile, &[]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("token") && !said.contains("cargo feature"), "who has not signed in: {said}");
}

#[test]
fn without_credentials_that_is_what_is_said() {
    let output =
        run_with("environment::child_has_no_credentials", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
#[ignore = "run by its parent, in an environment of its own"]
async fn child_asks_who_it_is() {
    let own = from_env().await.trust(&region()).own_identity().await.unwrap();
    assert_eq!(own.arn, CURFEW_PRINCIPAL);
}

#[tokio::test]
#[ignore = "run by its parent, in an environment of its own"]
async fn child_asks_kms() {
    let key = CURFEW_KMS_KEY.parse().unwrap();
    from_env().await.hmac_sha_256(&key, &region(), b"hello").await.unwrap();
}

#[tokio::test]
#[ignore = "run by its parent, in an environment of its own"]
async fn child_reaches_nobody() {
    from_env().await.trust(&region()).own_identity().await.unwrap_err();
}

#[tokio::test]
#[ignore = "run by its parent, in an environment of its own"]
async fn child_has_no_credentials() {
    let error = from_env().await.trust(&region()).own_identity().await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NoCredentials, "{error}");
    println!("{error}");
}
