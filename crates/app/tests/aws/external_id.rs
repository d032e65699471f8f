//! Replacing the `ExternalId` without locking Curfew out.

use curfew_app::connection::{self, TestReport};
use curfew_app::{AppError, directory};
use curfew_domain::connection::{CheckName, ExternalIds};
use curfew_sim::world::ACME_DELEGATED_ROLE;

use crate::stage::{Stage, check};

crate::on_both! {
    a_rotation_is_committed_once_a_test_has_shown_that_the_role_takes_it,
    a_role_that_takes_the_pending_value_alone_still_lets_curfew_in,
    one_rotation_at_a_time,
    a_rotation_can_be_dropped,
}

fn conflicts(answer: Result<ExternalIds, AppError>) {
    let error = answer.unwrap_err();
    assert!(matches!(error, AppError::Conflict { .. }), "{error:?}");
}

fn says(report: &TestReport, words: &str) {
    let message = &check(&report.checks, CheckName::AssumeRole).message;
    assert!(report.success && message.contains(words), "{message}");
}

async fn rotated(stage: &Stage) -> (String, String) {
    let ids = connection::rotate(stage.app(), &stage.acme).await.unwrap();
    (ids.current.to_string(), ids.pending.unwrap().to_string())
}

async fn a_rotation_is_committed_once_a_test_has_shown_that_the_role_takes_it(stage: &Stage) {
    stage.connect().await;
    let (current, pending) = rotated(stage).await;
    assert_ne!(current, pending);
    conflicts(connection::commit_rotation(stage.app(), &stage.acme).await);
    says(&stage.test().await.unwrap(), "current ExternalId alone");
    conflicts(connection::commit_rotation(stage.app(), &stage.acme).await);
    stage.trust_with(ACME_DELEGATED_ROLE, &[current, pending.clone()]);
    says(&stage.test().await.unwrap(), "can be committed");
    let ids = connection::commit_rotation(stage.app(), &stage.acme).await.unwrap();
    assert_eq!((ids.current.as_str(), ids.pending), (pending.as_str(), None));
    assert_eq!(stage.connection().await.verified.unwrap().external_id.as_str(), pending);
    stage.trust_with(ACME_DELEGATED_ROLE, &[pending]);
    assert!(stage.test().await.unwrap().success);
}

async fn a_role_that_takes_the_pending_value_alone_still_lets_curfew_in(stage: &Stage) {
    stage.connect().await;
    let (_, pending) = rotated(stage).await;
    stage.trust_with(ACME_DELEGATED_ROLE, std::slice::from_ref(&pending));
    let alice = "alice@acme.example".parse().unwrap();
    let found = directory::principal_of(stage.app(), stage.acme.tenant, &alice).await.unwrap();
    assert!(found.is_some(), "work tries both");
    says(&stage.test().await.unwrap(), "pending ExternalId alone");
    conflicts(connection::cancel_rotation(stage.app(), &stage.acme).await);
    let ids = connection::commit_rotation(stage.app(), &stage.acme).await.unwrap();
    assert_eq!(ids.current.as_str(), pending);
}

async fn one_rotation_at_a_time(stage: &Stage) {
    stage.connect().await;
    rotated(stage).await;
    conflicts(connection::rotate(stage.app(), &stage.acme).await);
}

async fn a_rotation_can_be_dropped(stage: &Stage) {
    stage.connect().await;
    let (current, _) = rotated(stage).await;
    let ids = connection::cancel_rotation(stage.app(), &stage.acme).await.unwrap();
    assert_eq!((ids.current.as_str(), ids.pending), (current.as_str(), None));
    conflicts(connection::cancel_rotation(stage.app(), &stage.acme).await);
    conflicts(connection::commit_rotation(stage.app(), &stage.acme).await);
}
