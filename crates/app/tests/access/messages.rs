//! What people say to each other about a request.

use curfew_app::requests::{self, NewMessage};
use curfew_app::testing::TestApp;
use curfew_app::{AppError, Caller, Made, Once};
use curfew_domain::{
    AuthorType, BuiltInRole, DoneBy, ErrorCode, PageLimit, PageRequest, RequestId, RequestMessage, Scope,
};
use curfew_store::on_both_databases;
use curfew_store::testing::sealed_log;
use serde_json::{Map, json};

use crate::world::*;

fn saying(text: &str) -> NewMessage {
    NewMessage { content: text.parse().unwrap(), metadata: Map::new() }
}

async fn says(world: &World, by: &Caller, id: RequestId, text: &str) -> Result<RequestMessage, AppError> {
    let made = requests::add_message(&world.test.app, by, &Once::unkeyed(), id, saying(text)).await?;
    Ok(made.into_inner())
}

async fn heard(world: &World, by: &Caller, id: RequestId) -> Result<Vec<RequestMessage>, AppError> {
    Ok(requests::messages(&world.test.app, by, id, PageRequest::default()).await?.items)
}

on_both_databases! {
    async fn requester_and_approvers_talk_and_others_hear_nothing(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let asked = says(&world, &ada, request.id, "Which ticket?").await.unwrap();
        let answered = says(&world, &alice, request.id, "OPS-7").await.unwrap();
        assert_eq!((asked.author_type, asked.author), (AuthorType::Approver, DoneBy::Person(ada.user)));
        assert_eq!((answered.author_type, answered.author), (AuthorType::User, DoneBy::Person(alice.user)));
        for by in [&alice, &ada, &world.admin] {
            assert_eq!(heard(&world, by, request.id).await.unwrap(), [answered.clone(), asked.clone()], "newest first");
        }
        let bob = world.person("bob", BuiltInRole::User, None).await;
        assert_eq!(code(heard(&world, &bob, request.id).await), ErrorCode::NotFound);
        assert_eq!(code(says(&world, &bob, request.id, "hello").await), ErrorCode::NotFound);
        let reader = Caller { scopes: [Scope::RequestsRead].into_iter().collect(), ..bob };
        assert_eq!(heard(&world, &reader, request.id).await.unwrap().len(), 2);
        assert_eq!(code(says(&world, &reader, request.id, "hello").await), ErrorCode::Forbidden, "who only reads says nothing");
        requests::deny(&world.test.app, &ada, request.id, None).await.unwrap();
        says(&world, &alice, request.id, "Why?").await.unwrap();
    }

    async fn another_tenants_messages_are_not_there(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        says(&world, &alice, request.id, "OPS-7").await.unwrap();
        let other = World::beside(TestApp::new(&db.store), 2).await;
        assert_eq!(code(heard(&other, &other.admin, request.id).await), ErrorCode::NotFound);
        assert_eq!(code(says(&other, &other.admin, request.id, "hello").await), ErrorCode::NotFound);
    }

    async fn what_is_said_twice_under_one_key_is_said_once(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let once = |body: &[u8]| Once::keyed(&app.keyring, &alice, "POST messages", "k", body);
        let first = requests::add_message(app, &alice, &once(b"a"), request.id, saying("OPS-7")).await.unwrap();
        let again = requests::add_message(app, &alice, &once(b"a"), request.id, saying("OPS-7")).await.unwrap();
        assert_eq!(again, Made::Before(first.into_inner()));
        let other = requests::add_message(app, &alice, &once(b"b"), request.id, saying("OPS-8")).await;
        assert_eq!(code(other), ErrorCode::Conflict);
        assert_eq!(heard(&world, &alice, request.id).await.unwrap().len(), 1);
    }

    async fn there_is_an_end_to_what_is_kept(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let large = NewMessage { metadata: Map::from_iter([("note".to_owned(), json!("x".repeat(16 * 1_024)))]), ..saying("x") };
        let refused = requests::add_message(app, &alice, &Once::unkeyed(), request.id, large).await;
        assert_eq!(fields(refused), ["metadata"]);
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        for _ in 0..499 {
            let message = RequestMessage {
                id: curfew_domain::RequestMessageId::new(app.now(), app.entropy.as_ref()),
                request: request.id,
                author_type: AuthorType::User,
                author: DoneBy::Person(alice.user),
                content: Some("still here".parse().unwrap()),
                metadata: Map::new(),
                created_at: app.now(),
            };
            unit.insert_request_message(&message).await.unwrap();
        }
        unit.commit().await.unwrap();
        let (one, other) = tokio::join!(
            says(&world, &alice, request.id, "the last"),
            says(&world, &world.admin, request.id, "the last"),
        );
        assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1, "500 are kept, and no more");
        let page = PageRequest { limit: PageLimit::new(250).unwrap(), after: None };
        let first = requests::messages(app, &alice, request.id, page.clone()).await.unwrap();
        let second = requests::messages(app, &alice, request.id, PageRequest { after: first.next.clone(), ..page }).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next), (250, 250, None));
    }

    async fn what_an_erased_person_said_is_gone_and_the_log_still_verifies(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        says(&world, &alice, request.id, "my name is Alice").await.unwrap();
        says(&world, &world.admin, request.id, "fine").await.unwrap();
        let app = &world.test.app;
        app.store.seal(world.tenant).await.unwrap();
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        unit.erase_audit_texts_of(alice.user).await.unwrap();
        unit.commit().await.unwrap();
        let said: Vec<_> = heard(&world, &world.admin, request.id).await.unwrap().into_iter().map(|message| message.content).collect();
        assert_eq!(said, [Some("fine".parse().unwrap()), None]);
        for entry in sealed_log(&app.store, world.tenant).await {
            assert!(!entry.personal.iter().any(|text| text.text.contains("Alice")));
        }
        let found = curfew_app::audit::verify(app, &world.admin).await.unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
    }
}
