//! Whom AWS believes.

use curfew_sim::{
    CredentialState, Patch, Permissions,
    world::{ACME_DELEGATED_ROLE, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY},
};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{Caller, still};

fn code(name: &str, status: u16) -> (u16, String) {
    (status, name.to_owned())
}

#[tokio::test]
async fn an_unknown_key_and_a_deleted_one_are_refused_alike() {
    let sim = still().await;
    let unknown = Caller::with_key(&sim, "AKIANOBODYKNOWSTHIS0", CURFEW_SECRET_KEY);
    let deleted = Caller::curfew(&sim);
    let change =
        Patch::SetCredentials { access_key: CURFEW_ACCESS_KEY.to_owned(), state: CredentialState::Unknown };
    sim.control().apply(change).unwrap();
    for caller in [unknown, deleted] {
        assert_eq!(caller.sts("GetCallerIdentity", &[]).await.refusal(), code("InvalidClientTokenId", 403));
        let refusal = caller.sso("ListInstances", &json!({})).await.refusal();
        assert_eq!(refusal, code("UnrecognizedClientException", 400));
    }
}

#[tokio::test]
async fn expired_credentials_say_so() {
    let sim = still().await;
    let change =
        Patch::SetCredentials { access_key: CURFEW_ACCESS_KEY.to_owned(), state: CredentialState::Expired };
    sim.control().apply(change).unwrap();
    let refusal = Caller::curfew(&sim).sts("GetCallerIdentity", &[]).await.refusal();
    assert_eq!(refusal, code("ExpiredToken", 403));
}

#[tokio::test]
async fn a_wrong_secret_does_not_match() {
    let sim = still().await;
    let caller = Caller::with_key(&sim, CURFEW_ACCESS_KEY, "not the secret");
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.refusal(), code("SignatureDoesNotMatch", 403));
    let refusal = caller.sso("ListInstances", &json!({})).await.refusal();
    assert_eq!(refusal, code("InvalidSignatureException", 400));

    sim.control().behave(|behaviour| behaviour.check_signatures = false);
    assert_eq!(caller.sts("GetCallerIdentity", &[]).await.status, 200);
}

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_five_minutes_is_told_so() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim);
    for (minutes, says) in [(-6, "Signature expired: "), (6, "Signature not yet current: ")] {
        let reply =
            curfew.with_clock_off(SignedDuration::from_mins(minutes)).sts("GetCallerIdentity", &[]).await;
        assert_eq!(reply.refusal(), code("SignatureDoesNotMatch", 403));
        assert!(reply.tag("Message").starts_with(says), "{}", reply.text);
    }
    let near = curfew.with_clock_off(SignedDuration::from_mins(-4));
    assert_eq!(near.sts("GetCallerIdentity", &[]).await.status, 200);
}

#[tokio::test]
async fn when_aws_has_another_time_the_machines_is_off_and_the_answer_shows_awss() {
    let sim = still().await;
    sim.control().run_clock_at_offset(SignedDuration::from_mins(10));
    let curfew = Caller::curfew(&sim);
    let reply = curfew.sts("GetCallerIdentity", &[]).await;
    assert_eq!(reply.refusal(), code("SignatureDoesNotMatch", 403));
    let date = reply.headers["date"].to_str().unwrap();
    let shown = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    assert!(sim.control().now().duration_since(shown).abs() < SignedDuration::from_secs(60), "{date}");
    let right = curfew.with_clock_off(SignedDuration::from_mins(10));
    assert_eq!(right.sts("GetCallerIdentity", &[]).await.status, 200);
}

#[tokio::test]
async fn skipped_time_makes_no_callers_clock_wrong() {
    let sim = still().await;
    sim.control().advance(SignedDuration::from_hours(3));
    let curfew = Caller::curfew(&sim);
    assert_eq!(curfew.sts("GetCallerIdentity", &[]).await.status, 200);
    let ahead = curfew.with_clock_off(SignedDuration::from_hours(3));
    assert_eq!(ahead.sts("GetCallerIdentity", &[]).await.status, 200);
}

#[tokio::test]
async fn a_signature_for_another_service_is_refused() {
    let sim = still().await;
    let target = Some("SWBExternalService.ListInstances".to_owned());
    let reply = Caller::curfew(&sim).send("sts", target, "{}".to_owned()).await.unwrap();
    assert_eq!(reply.refusal(), code("InvalidSignatureException", 400));
    assert!(reply.message().contains("'sso'"));
}

#[tokio::test]
async fn an_unsigned_call_is_refused() {
    let sim = still().await;
    let client = reqwest::Client::new();
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let sts = client.post(sim.url()).body(form).send().await.unwrap();
    assert_eq!(sts.status(), 403);
    assert!(sts.text().await.unwrap().contains("<Code>MissingAuthenticationToken</Code>"));
    let json =
        client.post(sim.url()).header("x-amz-target", "AWSIdentityStore.ListUsers").send().await.unwrap();
    assert_eq!(json.status(), 400);
    assert_eq!(json.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn a_session_ends_with_its_role() {
    let sim = still().await;
    let session = Caller::delegated(&sim).await;
    sim.control().apply(Patch::RemoveRole { role: ACME_DELEGATED_ROLE.to_owned() }).unwrap();
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.refusal(), code("InvalidClientTokenId", 403));
}

#[tokio::test]
async fn a_missing_permission_names_the_action() {
    let sim = still().await;
    let session = Caller::delegated(&sim).await;
    let permissions =
        Permissions::all_but(&["sso:ListInstances", "identitystore:*", "organizations:ListAccounts"]);
    let change = Patch::SetPermissions { role: ACME_DELEGATED_ROLE.to_owned(), permissions };
    sim.control().apply(change).unwrap();
    let store = json!({ "IdentityStoreId": "d-0123456789" });
    let replies = [
        (session.sso("ListInstances", &json!({})).await, "sso:ListInstances"),
        (session.store("ListUsers", &store).await, "identitystore:ListUsers"),
        (session.organizations("ListAccounts", &json!({})).await, "organizations:ListAccounts"),
    ];
    for (reply, action) in replies {
        assert_eq!(reply.refusal(), code("AccessDeniedException", 400));
        assert!(
            reply.message().contains(&format!("is not authorized to perform: {action}")),
            "{}",
            reply.text
        );
    }
    assert_eq!(session.organizations("DescribeOrganization", &json!({})).await.status, 200);
}
