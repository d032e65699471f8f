//! Sessions that are kept, and when they are not.

use std::time::Duration;

use curfew_aws::{AwsErrorKind, AwsGateway, Patience, Patiences};
use curfew_domain::Seconds;
use curfew_domain::assignment::CallOutcome;
use curfew_sim::world::{ACME_EXTERNAL_ID, GLOBEX_EXTERNAL_ID};
use curfew_sim::{Fault, FaultKind, World};

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

fn denied() -> FaultKind {
    FaultKind::AccessDenied { message: "an explicit deny of older sessions".to_owned() }
}

#[tokio::test]
async fn a_session_that_is_denied_after_a_while_may_have_been_revoked_and_is_fetched_anew() {
    let aws = Aws::demo().await;
    let revoked = aws.gateway.directory(&access()).await.unwrap();
    aws.control().inject(Fault::on("ListInstances", denied()));
    aws.clock.advance(Seconds::of(30));
    assert_eq!(revoked.instances().await.unwrap_err().kind, AwsErrorKind::AccessDenied);
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 2);
}

#[tokio::test]
async fn a_fresh_session_that_is_denied_lacks_the_right_and_is_kept() {
    let aws = Aws::demo().await;
    let fresh = aws.gateway.directory(&access()).await.unwrap();
    aws.control().inject(Fault::on("ListInstances", denied()));
    aws.clock.advance(Seconds::of(29));
    assert_eq!(fresh.instances().await.unwrap_err().kind, AwsErrorKind::AccessDenied);
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 1);
}

#[tokio::test]
async fn what_an_old_session_was_refused_does_not_end_the_one_that_came_after_it() {
    let aws = Aws::demo().await;
    let old = aws.gateway.directory(&access()).await.unwrap();
    aws.clock.advance(Seconds::of(56 * 60));
    aws.gateway.directory(&access()).await.unwrap();
    aws.control().inject(Fault::on("ListInstances", denied()));
    old.instances().await.unwrap_err();
    aws.gateway.directory(&access()).await.unwrap();
    assert_eq!(aws.assumed(), 2);
}

#[tokio::test]
async fn a_change_that_an_old_session_was_refused_is_tried_again_and_a_fresh_ones_is_final() {
    let aws = Aws::demo().await;
    aws.control().inject(Fault::on("DeleteAccountAssignment", denied()));
    let key = crate::assignments::key(&aws, "100000000003", "ReadOnly");
    let assignments = aws.gateway.assignments(&access()).await.unwrap();
    assert!(matches!(assignments.delete(&key).await, CallOutcome::Refused { .. }));
    aws.clock.advance(Seconds::of(30));
    assert!(matches!(assignments.delete(&key).await, CallOutcome::Again { .. }));
}

#[tokio::test]
async fn fetching_a_session_for_assignments_takes_no_longer_than_a_call_may() {
    let soon = Patience {
        connect: Duration::from_millis(200),
        attempt: Duration::from_millis(400),
        call: Duration::from_millis(500),
        tries: 1,
    };
    let aws = Aws::playing(World::demo(), Patiences { look: soon, ..Patiences::default() }).await;
    aws.control().inject(Fault::on("AssumeRole", FaultKind::DelayReply { ms: 3_000 }));
    let access = access();
    let patient = aws.gateway.directory(&access);
    let asking = async {
        assert!(aws.control().called("AssumeRole", 1, Duration::from_secs(10)).await);
        // The patient one has the place in the cache, and waits.
        let error = aws.gateway.assignments(&access).await.err().unwrap();
        assert_eq!(error.kind, AwsErrorKind::Timeout);
        aws.assumed()
    };
    let (_, asked) = tokio::join!(patient, asking);
    assert_eq!(asked, 1);
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
