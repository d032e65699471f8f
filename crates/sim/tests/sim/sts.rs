//! `AssumeRole` and `GetCallerIdentity`.

use curfew_sim::{
    Role, Trust,
    world::{ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, ACME_UNSAFE_ROLE, CURFEW_PRINCIPAL},
};
use jiff::SignedDuration;

use crate::support::{Caller, SECURITY, still};

const SESSION: (&str, &str) = ("RoleSessionName", "curfew-test");

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id_and_its_session_is_the_role() {
    let sim = still().await;
    let reply = Caller::curfew(&sim)
        .sts("AssumeRole", &[("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("ExternalId", ACME_EXTERNAL_ID)])
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "text/xml");
    assert!(reply.headers.contains_key("x-amzn-requestid"));
    assert!(
        reply.text.starts_with("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">")
    );
    let arn = "arn:aws:sts::100000000002:assumed-role/CurfewAccess/curfew-test";
    assert_eq!(reply.tag("Arn"), arn);

    let identity = Caller::curfew(&sim).with_session(&reply).sts("GetCallerIdentity", &[]).await;
    assert_eq!((identity.tag("Arn").as_str(), identity.tag("Account").as_str()), (arn, SECURITY));
}

#[tokio::test]
async fn a_wrong_external_id_a_wrong_principal_and_a_missing_role_are_told_apart_by_nobody() {
    let sim = still().await;
    let untrusting = Role::new(SECURITY, "TrustsAnother").trusting("arn:aws:iam::555500000001:user/somebody");
    let untrusting_arn = untrusting.arn.clone();
    sim.control().put_role(untrusting).unwrap();
    let curfew = Caller::curfew(&sim);
    let attempts = [
        vec![("RoleArn", ACME_DELEGATED_ROLE), SESSION],
        vec![("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("ExternalId", "something-else")],
        vec![("RoleArn", &untrusting_arn), SESSION, ("ExternalId", ACME_EXTERNAL_ID)],
        vec![
            ("RoleArn", "arn:aws:iam::100000000002:role/Missing"),
            SESSION,
            ("ExternalId", ACME_EXTERNAL_ID),
        ],
    ];
    for attempt in attempts {
        let reply = curfew.sts("AssumeRole", &attempt).await;
        assert_eq!(reply.refusal(), (403, "AccessDenied".to_owned()));
        let expected = format!(
            "User: {CURFEW_PRINCIPAL} is not authorized to perform: sts:AssumeRole on resource: {}",
            attempt[0].1
        );
        assert_eq!(reply.tag("Message"), expected);
    }
}

#[tokio::test]
async fn a_role_without_external_id_lets_anyone_it_trusts_in_with_or_without_one() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim);
    for external_id in [None, Some(("ExternalId", "any-at-all"))] {
        let mut parameters = vec![("RoleArn", ACME_UNSAFE_ROLE), SESSION];
        parameters.extend(external_id);
        assert_eq!(curfew.sts("AssumeRole", &parameters).await.status, 200);
    }
}

#[tokio::test]
async fn while_two_external_ids_are_trusted_either_opens_the_role() {
    let sim = still().await;
    let trust = Trust {
        principals: vec!["555500000001".to_owned()],
        external_ids: vec!["first-one".to_owned(), "second-one".to_owned()],
    };
    sim.control().set_trust(ACME_DELEGATED_ROLE, trust).unwrap();
    let curfew = Caller::curfew(&sim);
    for (external_id, status) in [("first-one", 200), ("second-one", 200), (ACME_EXTERNAL_ID, 403)] {
        let parameters = [("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("ExternalId", external_id)];
        assert_eq!(curfew.sts("AssumeRole", &parameters).await.status, status, "{external_id}");
    }
}

#[tokio::test]
async fn a_session_longer_than_the_role_allows_is_a_validation_error() {
    let sim = still().await;
    let parameters = [("RoleArn", ACME_UNSAFE_ROLE), SESSION, ("DurationSeconds", "7200")];
    let reply = Caller::curfew(&sim).sts("AssumeRole", &parameters).await;
    assert_eq!(reply.refusal(), (400, "ValidationError".to_owned()));
    assert!(reply.tag("Message").contains("MaxSessionDuration"));
}

#[tokio::test]
async fn a_chained_role_has_sessions_of_an_hour_at_most() {
    let sim = still().await;
    let inner = Role::new(SECURITY, "Inner").trusting(ACME_DELEGATED_ROLE).with_max_session_seconds(43_200);
    let arn = inner.arn.clone();
    sim.control().put_role(inner).unwrap();
    let chained = Caller::delegated(&sim).await;
    let ask = |seconds| [("RoleArn", arn.as_str()), SESSION, ("DurationSeconds", seconds)];
    assert_eq!(chained.sts("AssumeRole", &ask("3601")).await.refusal(), (400, "ValidationError".to_owned()));
    assert_eq!(chained.sts("AssumeRole", &ask("3600")).await.status, 200);
}

#[tokio::test]
async fn parameters_are_validated_before_anyone_is_let_in() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim);
    let bad: [&[(&str, &str)]; 7] = [
        &[SESSION],
        &[("RoleArn", ACME_DELEGATED_ROLE)],
        &[("RoleArn", "short"), SESSION],
        &[("RoleArn", "arn:aws:iam::1:role/too-few-digits"), SESSION],
        &[("RoleArn", ACME_DELEGATED_ROLE), ("RoleSessionName", "a")],
        &[("RoleArn", ACME_DELEGATED_ROLE), ("RoleSessionName", "no spaces")],
        &[("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("ExternalId", "x")],
    ];
    for parameters in bad {
        let reply = curfew.sts("AssumeRole", parameters).await;
        assert_eq!(reply.refusal(), (400, "ValidationError".to_owned()), "{parameters:?}");
    }
    for seconds in ["899", "43201", "an hour"] {
        let reply = curfew
            .sts("AssumeRole", &[("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("DurationSeconds", seconds)])
            .await;
        assert_eq!(reply.status, 400, "{seconds}");
    }
}

#[tokio::test]
async fn a_region_without_sts_is_disabled() {
    let sim = still().await;
    sim.control()
        .edit(|world| world.organizations[0].sts_disabled_regions.push("me-south-1".to_owned()))
        .unwrap();
    let parameters = [("RoleArn", ACME_DELEGATED_ROLE), SESSION, ("ExternalId", ACME_EXTERNAL_ID)];
    let reply = Caller::curfew(&sim).in_region("me-south-1").sts("AssumeRole", &parameters).await;
    assert_eq!(reply.refusal(), (403, "RegionDisabledException".to_owned()));
}

#[tokio::test]
async fn a_session_lasts_as_long_as_was_asked_for() {
    let sim = still().await;
    let parameters = [
        ("RoleArn", ACME_DELEGATED_ROLE),
        SESSION,
        ("ExternalId", ACME_EXTERNAL_ID),
        ("DurationSeconds", "900"),
    ];
    let curfew = Caller::curfew(&sim);
    let session = curfew.with_session(&curfew.sts("AssumeRole", &parameters).await);
    sim.control().advance(SignedDuration::from_secs(899));
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.status, 200);
    sim.control().advance(SignedDuration::from_secs(1));
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.refusal(), (403, "ExpiredToken".to_owned()));
    let refusal = session.sso("ListInstances", &serde_json::json!({})).await.refusal();
    assert_eq!(refusal, (400, "ExpiredTokenException".to_owned()));
}

#[tokio::test]
async fn an_unknown_action_or_version_is_refused() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim);
    assert_eq!(curfew.sts("AssumeEverything", &[]).await.refusal(), (400, "InvalidAction".to_owned()));
    let reply =
        curfew.send("sts", None, "Action=GetCallerIdentity&Version=2000-01-01".to_owned()).await.unwrap();
    assert_eq!(reply.refusal(), (400, "InvalidAction".to_owned()));
}
