//! Sessions that are kept, and when they are not.

use curfew_aws::{AwsErrorKind, AwsGateway};
use curfew_domain::Seconds;
use curfew_sim::world::{ACME_EXTERNAL_ID, GLOBEX_EXTERNAL_ID};
use curfew_sim::{Fault, FaultKind};

use crate::support::{Aws, access, access_with, tenant};

#[tokio::test]
async fn one_session_serves_until_five_minutes_before_its_end() {
    let aws = Aws::demo().await;
    aws.gateway.directory(&access()).await.unwrap();
    aws.gateway.assignments(&access()).await.unwrap();
    aws.clock.advance(Seconds::of(54 * 60));
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 1);
    aws.clock.advance(Seconds::of(60));
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 2);
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_answer() {
    let aws = Aws::demo().await;
    let access = access();
    let asking = (0..20).map(|_| aws.gateway.directory(&access));
    for answer in futures::future::join_all(asking).await {
        answer.unwrap();
    }
    assert_eq!(aws.assumed(), 1);
}

#[tokio::test]
async fn a_changed_external_id_or_configuration_meets_no_old_session() {
    let aws = Aws::demo().await;
    aws.gateway.directory(&access()).await.unwrap();
    let refused = aws.gateway.directory(&access_with(&[GLOBEX_EXTERNAL_ID])).await.err().unwrap();
    assert_eq!(refused.kind, AwsErrorKind::AccessDenied);
    aws.gateway.forget(tenant());
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 3);
}

#[tokio::test]
async fn during_a_rotation_the_pending_external_id_is_tried_second() {
    let aws = Aws::demo().await;
    aws.gateway.directory(&access_with(&[GLOBEX_EXTERNAL_ID, ACME_EXTERNAL_ID])).await.unwrap();
    let tried: Vec<_> = aws
        .control()
        .calls_of("AssumeRole")
        .iter()
        .map(|call| call.parameters["ExternalId"].clone())
        .collect();
    assert_eq!(tried, [GLOBEX_EXTERNAL_ID, ACME_EXTERNAL_ID]);
}

#[tokio::test]
async fn another_error_than_a_refusal_is_no_reason_to_try_the_pending_one() {
    let aws = Aws::impatient().await;
    aws.control().inject(Fault::on("AssumeRole", FaultKind::ServerError { status: 500 }));
    let error =
        aws.gateway.directory(&access_with(&[GLOBEX_EXTERNAL_ID, ACME_EXTERNAL_ID])).await.err().unwrap();
    assert_eq!(error.kind, AwsErrorKind::ServerFault);
    assert_eq!(aws.assumed(), 1);
}

#[tokio::test]
async fn a_session_that_aws_has_ended_is_fetched_anew() {
    let aws = Aws::demo().await;
    let ended = aws.gateway.directory(&access()).await.unwrap();
    aws.control().advance(jiff::SignedDuration::from_hours(2));
    let error = ended.instances().await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::CredentialsExpired, "{error}");
    let fresh = aws.gateway.directory(&access()).await.unwrap();
    assert!(!fresh.instances().await.unwrap().is_empty());
    assert_eq!(aws.assumed(), 2);
}

#[tokio::test]
async fn the_connection_test_neither_uses_nor_fills_the_cache() {
    let aws = Aws::demo().await;
    aws.gateway.directory(&access()).await.unwrap();
    aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap();
    assert_eq!(aws.assumed(), 2);
    aws.gateway.forget(tenant());
    aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap();
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 4);
}
