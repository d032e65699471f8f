//! What the environment says, in a process of its own.

use std::process::{Command, Output};
use std::sync::Arc;

use curfew_aws::{AwsErrorKind, AwsGateway, MacKeys, SdkGateway};
use curfew_domain::testing::TestClock;
use curfew_sim::world::{CURFEW_ACCESS_KEY, CURFEW_KMS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY};
use curfew_sim::{Sim, World};

use crate::support::region;

/// Runs one of the ignored tests below with nothing in its environment but what is given.
fn run_with(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", test])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", std::env::temp_dir().join("curfew-nobody"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
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
async fn child_has_no_credentials() {
    let error = from_env().await.trust(&region()).own_identity().await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NoCredentials, "{error}");
}
