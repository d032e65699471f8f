//! What STS says, and what it means.

use std::sync::Arc;

use curfew_aws::{AwsErrorKind, AwsGateway, SdkGateway, SdkSettings, StaticCredentials};
use curfew_domain::Seconds;
use curfew_domain::testing::TestClock;
use curfew_sim::world::{
    ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, CURFEW_ACCESS_KEY, CURFEW_PRINCIPAL, GLOBEX_EXTERNAL_ID,
};
use curfew_sim::{CallOutcome, CredentialState, Fault, FaultKind};
use jiff::SignedDuration;

use crate::support::{Aws, curfew, region};

async fn kind_under(fault: FaultKind) -> AwsErrorKind {
    let aws = Aws::impatient().await;
    aws.control().inject(Fault::on("AssumeRole", fault));
    aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err().kind
}

#[tokio::test]
async fn a_role_is_assumed_under_a_name_that_tells_tenant_and_purpose() {
    let aws = Aws::demo().await;
    let session = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap();
    let identity = aws.gateway.trust(&region()).identity_of(&session).await.unwrap();
    assert_eq!(identity.account.as_str(), "100000000002");
    assert_eq!(identity.role_name(), Some("CurfewAccess"));
    assert!(identity.arn.ends_with("/curfew-test-0192f0c1-7a3b-7c4d-8e5f-0123456789ab"), "{}", identity.arn);
    let call = &aws.control().calls_of("AssumeRole")[0];
    assert_eq!(call.region, "eu-west-1");
    assert_eq!(call.parameters["DurationSeconds"].to_string().trim_matches('"'), "900");
}

#[tokio::test]
async fn curfew_knows_who_it_is() {
    let aws = Aws::demo().await;
    let own = aws.gateway.trust(&region()).own_identity().await.unwrap();
    assert_eq!(own.arn, CURFEW_PRINCIPAL);
}

#[tokio::test]
async fn without_the_external_id_or_with_another_it_is_denied_with_aws_own_words() {
    let aws = Aws::demo().await;
    for external_id in [None, Some(GLOBEX_EXTERNAL_ID)] {
        let error = aws.assume(external_id).await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::AccessDenied);
        assert_eq!(error.code.as_deref(), Some("AccessDenied"));
        assert!(error.request_id.is_some());
        assert!(error.message.contains("sts:AssumeRole"), "{error}");
    }
    assert_eq!(aws.assumed(), 2, "a refusal is not repeated");
}

#[tokio::test]
async fn own_credentials_that_expired_or_are_unknown() {
    let aws = Aws::demo().await;
    for (state, kind) in [
        (CredentialState::Expired, AwsErrorKind::CredentialsExpired),
        (CredentialState::Unknown, AwsErrorKind::InvalidToken),
    ] {
        aws.control().edit(|world| world.own_credentials[0].state = state).unwrap();
        assert_eq!(aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_from_a_secret_that_is_wrong() {
    let aws = Aws::demo().await;
    for minutes in [-20, 20] {
        aws.control().run_clock_at_offset(SignedDuration::from_mins(minutes));
        let error = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::ClockSkew, "{error}");
    }
    aws.control().run_clock_at_offset(SignedDuration::ZERO);
    let wrong = StaticCredentials { secret_access_key: "not-the-secret".into(), ..curfew() };
    assert_eq!(wrong.access_key_id, CURFEW_ACCESS_KEY);
    let clock = Arc::new(TestClock::default());
    let gateway = SdkGateway::load(clock, SdkSettings::at(aws.sim.url(), wrong)).await;
    let error = gateway.trust(&region()).own_identity().await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::InvalidToken, "{error}");
}

#[tokio::test]
async fn work_goes_on_although_the_clock_is_off() {
    let aws = Aws::demo().await;
    aws.control().run_clock_at_offset(SignedDuration::from_mins(20));
    let directory = aws.gateway.directory(&crate::support::access()).await.unwrap();
    assert!(!directory.instances().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_region_in_which_sts_is_not_activated() {
    let aws = Aws::demo().await;
    let disable = |world: &mut curfew_sim::World| {
        world.organizations[0].sts_disabled_regions.push("eu-west-1".to_owned());
    };
    aws.control().edit(disable).unwrap();
    let error = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::RegionDisabled);
    assert_eq!(error.code.as_deref(), Some("RegionDisabledException"));
}

#[tokio::test]
async fn a_session_longer_than_the_role_allows() {
    let aws = Aws::demo().await;
    let longest = |seconds| {
        move |world: &mut curfew_sim::World| {
            world.role_mut(ACME_DELEGATED_ROLE).unwrap().max_session_seconds = seconds;
        }
    };
    aws.control().edit(longest(7_200)).unwrap();
    assert!(aws.assume_for(Some(ACME_EXTERNAL_ID), Seconds::of(7_200)).await.is_ok());
    aws.control().edit(longest(3_600)).unwrap();
    // Within what STS itself allows, and more than the role does.
    let error = aws.assume_for(Some(ACME_EXTERNAL_ID), Seconds::of(7_200)).await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Validation, "{error}");
}

#[tokio::test]
async fn the_test_tries_twice_and_then_says_that_it_was_throttled() {
    let aws = Aws::demo().await;
    aws.control().inject(Fault::on("AssumeRole", FaultKind::Throttle));
    let error = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Throttled);
    assert_eq!(error.message, "Rate exceeded");
    assert_eq!(aws.assumed(), 2);
}

#[tokio::test]
async fn a_throttle_that_passes_is_not_heard_of() {
    let aws = Aws::demo().await;
    aws.control().inject(Fault::on("AssumeRole", FaultKind::Throttle).once());
    assert!(aws.assume(Some(ACME_EXTERNAL_ID)).await.is_ok());
}

#[tokio::test]
async fn no_answer_in_time() {
    assert_eq!(kind_under(FaultKind::DelayReply { ms: 5_000 }).await, AwsErrorKind::Timeout);
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer() {
    assert_eq!(kind_under(FaultKind::DropConnection).await, AwsErrorKind::ConnectionDropped);
    assert_eq!(kind_under(FaultKind::LoseReply).await, AwsErrorKind::ConnectionDropped);
}

#[tokio::test]
async fn an_answer_that_is_none_of_aws() {
    assert_eq!(kind_under(FaultKind::Garbage).await, AwsErrorKind::Garbage);
    let strange = FaultKind::Error { code: String::new(), status: 418, message: "I'm a teapot".to_owned() };
    assert!(matches!(kind_under(strange).await, AwsErrorKind::Garbage | AwsErrorKind::Other));
}

#[tokio::test]
async fn a_fault_of_aws() {
    for status in [500, 503] {
        assert_eq!(kind_under(FaultKind::ServerError { status }).await, AwsErrorKind::ServerFault);
    }
}

#[tokio::test]
async fn nobody_listens() {
    let aws = Aws::impatient().await;
    let gone = aws.sim.url();
    aws.sim.stop().await;
    let gateway = SdkGateway::load(Arc::new(TestClock::default()), SdkSettings::at(gone, curfew())).await;
    let error = gateway.trust(&region()).own_identity().await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::ConnectionFailed, "{error}");
}

#[tokio::test]
async fn a_code_that_nobody_knows_keeps_its_name() {
    let aws = Aws::impatient().await;
    let code = "SomethingNewException".to_owned();
    let fault = FaultKind::Error { code, status: 400, message: "new".to_owned() };
    aws.control().inject(Fault::on("AssumeRole", fault));
    let error = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (AwsErrorKind::Other, Some("SomethingNewException")));
    let refused = CallOutcome::Refused("SomethingNewException".to_owned());
    assert_eq!(aws.control().calls_of("AssumeRole")[0].outcome, Some(refused));
}
