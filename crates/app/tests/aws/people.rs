//! From a person to who they are in Identity Center.

use curfew_app::{AppError, connection, directory};
use curfew_domain::Email;
use curfew_sim::world::ACME_DELEGATED_ROLE;

use crate::stage::Stage;

crate::on_both! {
    a_person_is_looked_up_once_and_then_known,
    a_person_whom_discovery_saw_is_known_without_asking,
    somebody_unknown_is_nobody,
    before_a_connection_is_verified_nobody_is_asked,
    aws_that_does_not_answer_is_told_from_nobody,
}

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

async fn a_person_is_looked_up_once_and_then_known(stage: &Stage) {
    stage.connect().await;
    let (app, tenant) = (stage.app(), stage.acme.tenant);
    let alice = directory::principal_of(app, tenant, &email("alice@acme.example")).await.unwrap().unwrap();
    assert_eq!(alice.id.as_str(), stage.instance().user_by_email("alice@acme.example").unwrap().id);
    assert_eq!(alice.identity_store.as_str(), stage.instance().identity_store_id);
    let again = directory::principal_of(app, tenant, &email("Alice@ACME.example")).await.unwrap();
    assert_eq!(again, Some(alice));
    assert_eq!(stage.aws().calls_of("GetUserId").len(), 1);
}

async fn a_person_whom_discovery_saw_is_known_without_asking(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let bob = email("bob@acme.example");
    let found = directory::principal_of(stage.app(), stage.acme.tenant, &bob).await.unwrap();
    assert!(found.is_some());
    assert!(stage.aws().calls_of("GetUserId").is_empty());
}

async fn somebody_unknown_is_nobody(stage: &Stage) {
    stage.connect().await;
    let stranger = email("stranger@acme.example");
    assert_eq!(directory::principal_of(stage.app(), stage.acme.tenant, &stranger).await.unwrap(), None);
}

async fn before_a_connection_is_verified_nobody_is_asked(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let alice = email("alice@acme.example");
    let error = directory::principal_of(stage.app(), stage.acme.tenant, &alice).await.unwrap_err();
    assert!(matches!(error, AppError::NotConfigured(_)), "{error:?}");
    assert!(stage.aws().calls().is_empty());
    assert_eq!(connection::config(stage.app(), &stage.acme).await.unwrap().verified_at, None);
}

async fn aws_that_does_not_answer_is_told_from_nobody(stage: &Stage) {
    stage.connect().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &["another".to_owned()]);
    let alice = email("alice@acme.example");
    let error = directory::principal_of(stage.app(), stage.acme.tenant, &alice).await.unwrap_err();
    assert!(matches!(error, AppError::AwsUnreachable { .. }), "{error:?}");
}
