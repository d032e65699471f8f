//! Tests that run at the same time, and what changes meanwhile.

use std::time::Duration;

use curfew_app::{AppError, connection};
use curfew_domain::audit::AuditAction;
use curfew_domain::connection::SavedConnection;
use curfew_sim::{Fault, FaultKind};

use crate::stage::Stage;

crate::on_both! {
    tests_at_the_same_time_are_one_and_each_caller_is_in_the_log,
    a_test_that_has_ended_is_not_given_to_who_asks_later,
    a_result_does_not_count_when_what_was_tested_was_changed_meanwhile,
    a_caller_who_leaves_does_not_end_the_test_for_the_others,
    a_test_whose_only_caller_leaves_is_kept_and_in_the_log,
    a_caller_without_the_right_is_refused_everywhere,
}

/// Holds the test at its last list.
fn slow_list() -> Fault {
    Fault::on("ListUsers", FaultKind::DelayReply { ms: 400 })
}

const SOON: Duration = Duration::from_secs(10);

async fn tests_at_the_same_time_are_one_and_each_caller_is_in_the_log(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(slow_list());
    let tests = (0..10).map(|_| stage.test());
    for report in futures::future::join_all(tests).await {
        assert!(report.unwrap().success);
    }
    assert_eq!(stage.aws().calls_of("ListUsers").len(), 1);
    assert_eq!(stage.logged(AuditAction::AwsConnectionTested).await, 10);
    assert_eq!(stage.logged(AuditAction::AwsConnectionVerified).await, 1);
}

async fn a_test_that_has_ended_is_not_given_to_who_asks_later(stage: &Stage) {
    stage.connect().await;
    assert!(stage.test().await.unwrap().success);
    assert_eq!(stage.aws().calls_of("ListUsers").len(), 2);
}

async fn a_result_does_not_count_when_what_was_tested_was_changed_meanwhile(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(slow_list().once());
    let changing = async {
        assert!(stage.aws().called("ListUsers", 1, SOON).await);
        stage.save(SavedConnection { region: "us-east-1".parse().unwrap(), ..stage.wanted() }).await;
    };
    let (tested, ()) = tokio::join!(stage.test(), changing);
    let error = tested.unwrap_err();
    assert!(matches!(error, AppError::Conflict { .. }), "{error:?}");
    let connection = stage.connection().await;
    assert_eq!(connection.verified, None);
    assert_eq!(connection.saved.unwrap().region.as_str(), "us-east-1");
}

async fn a_caller_who_leaves_does_not_end_the_test_for_the_others(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(slow_list().once());
    let leaving = async {
        let gone = tokio::time::timeout(Duration::from_millis(150), stage.test()).await;
        assert!(gone.is_err());
    };
    let ((), report) = tokio::join!(leaving, stage.test());
    assert!(report.unwrap().success);
    assert_eq!(stage.aws().calls_of("ListUsers").len(), 1);
}

async fn a_test_whose_only_caller_leaves_is_kept_and_in_the_log(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(slow_list());
    let leaving = tokio::time::timeout(Duration::from_millis(150), stage.test()).await;
    assert!(leaving.is_err());
    let logged = async {
        while stage.logged(AuditAction::AwsConnectionTested).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, logged).await.unwrap();
    assert!(stage.connection().await.verified.is_some());
}

async fn a_caller_without_the_right_is_refused_everywhere(stage: &Stage) {
    stage.connect().await;
    let mut nobody = stage.acme.clone();
    nobody.scopes = curfew_domain::ScopeSet::default();
    let app = stage.app();
    let refusals = [
        connection::test(app, &nobody).await.err(),
        connection::config(app, &nobody).await.err(),
        connection::save(app, &nobody, stage.wanted()).await.err(),
        connection::delete(app, &nobody).await.err(),
        connection::external_ids(app, &nobody).await.err(),
        connection::rotate(app, &nobody).await.err(),
        connection::commit_rotation(app, &nobody).await.err(),
        connection::cancel_rotation(app, &nobody).await.err(),
        curfew_app::discovery::start(app, &nobody).await.err(),
        curfew_app::discovery::latest(app, &nobody).await.err(),
        curfew_app::aws_resources::push(app, &nobody, &[]).await.err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(AppError::Forbidden { .. })), "{refusal:?}");
    }
}
