//! From a person to who they are in Identity Center.

use curfew_app::settings::{self, SettingKey};
use curfew_app::{AppError, connection, directory};
use curfew_domain::{Email, Seconds};
use curfew_sim::User;
use curfew_sim::world::ACME_DELEGATED_ROLE;

use crate::stage::Stage;

crate::on_both! {
    a_person_is_looked_up_once_and_then_known,
    a_person_whom_discovery_saw_is_known_without_asking,
    an_address_that_has_moved_to_somebody_else_is_not_the_firsts_for_long,
    where_nothing_old_is_believed_no_address_is_either,
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

/// Alice takes another address, and somebody new is given hers.
fn pass_on_alices_address(stage: &Stage) -> User {
    let newcomer = User { id: "a1b2c3d4e5-11111111-2222-3333-4444-555555555555".to_owned(), ..alice(stage) };
    stage
        .aws()
        .edit(|world| {
            let users = &mut world.organizations[0].instances[0].users;
            let alice = users.iter_mut().find(|user| user.user_name == "alice@acme.example").unwrap();
            *alice = alice.clone().with_names("alice.old@acme.example", Some("alice.old@acme.example"));
            users.push(newcomer.clone());
        })
        .unwrap();
    newcomer
}

fn alice(stage: &Stage) -> User {
    stage.instance().user_by_email("alice@acme.example").unwrap().clone()
}

async fn who_is_alice(stage: &Stage) -> String {
    let alice = email("alice@acme.example");
    let found = directory::principal_of(stage.app(), stage.acme.tenant, &alice).await.unwrap();
    found.unwrap().id.to_string()
}

async fn an_address_that_has_moved_to_somebody_else_is_not_the_firsts_for_long(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let first = alice(stage);
    let second = pass_on_alices_address(stage);
    assert_eq!(who_is_alice(stage).await, first.id);
    stage.test.clock.advance(Seconds::of(3_600));
    assert_eq!(who_is_alice(stage).await, second.id);
    assert_eq!(who_is_alice(stage).await, second.id, "what is too old to be believed contradicts nobody");
    assert_eq!(stage.aws().calls_of("GetUserId").len(), 1);
}

async fn where_nothing_old_is_believed_no_address_is_either(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    settings::change(stage.app(), &stage.acme, SettingKey::AwsDataMaxAge, 60.into()).await.unwrap();
    let second = pass_on_alices_address(stage);
    stage.test.clock.advance(Seconds::of(60));
    assert_eq!(who_is_alice(stage).await, second.id);
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
