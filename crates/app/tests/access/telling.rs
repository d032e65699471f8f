use std::sync::Arc;

use curfew_app::notify::{Notifier, inbox, preferences};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{AppError, Caller, requests, upkeep, users};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, ApiKeyId, AuditEntryId, BuiltInRole, ErrorCode, Event, Notification, NotificationId,
    NotificationPreference, PageLimit, PageRequest, PersonalChannel, Scope, Seconds,
};
use curfew_store::on_both_databases;

use crate::world::*;

/// Tells and sends all that is due.
pub(crate) async fn tell_all(world: &World) {
    Notifier::new(Arc::clone(&world.test.app)).pass().await.unwrap();
}

pub(crate) async fn told(world: &World, caller: &Caller) -> Vec<Notification> {
    inbox::list(&world.test.app, caller, false, &PageRequest::default()).await.unwrap().page.items
}

async fn events(world: &World, caller: &Caller) -> Vec<Event> {
    told(world, caller).await.into_iter().map(|one| one.event).collect()
}

/// Records something, as others would.
pub(crate) async fn happened(world: &World, entry: NewEntry) {
    let app = &world.test.app;
    let unit = app.store.tenant(world.tenant).write().await.unwrap();
    unit.record(entry, app.now(), app.entropy.as_ref()).await.unwrap();
    unit.commit().await.unwrap();
}

async fn unread(world: &World, caller: &Caller) -> u64 {
    inbox::list(&world.test.app, caller, true, &PageRequest::default()).await.unwrap().unread
}

on_both_databases! {
    async fn who_could_approve_is_told_and_then_who_asked(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::Approver, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let ursula = world.person("ursula", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        tell_all(&world).await;
        for who in [&ada, &world.admin] {
            let told = told(&world, who).await;
            let [one] = &told[..] else { panic!("{told:?}") };
            assert_eq!((one.event, one.title.as_str()), (Event::RequestPending, "alice asks for access"));
            let words = format!("alice asks for ReadOnly in Dev ({DEV}) for 1 hour. The request waits for an approval.");
            assert_eq!(one.body, words);
            assert_eq!(one.resource_id.as_deref(), Some(request.id.to_string().as_str()));
        }
        for who in [&alice, &ursula] {
            assert_eq!(events(&world, who).await, [], "they have no say in it");
        }
        requests::approve(&world.test.app, &ada, request.id, None).await.unwrap();
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await, [Event::RequestApproved]);
        assert_eq!(events(&world, &ada).await, [Event::RequestPending]);
    }

    async fn nobody_is_told_of_what_they_did_or_of_what_is_over(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        requests::cancel(&world.test.app, &alice, request.id).await.unwrap();
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await, []);
        assert_eq!(events(&world, &world.admin).await, [], "it can't be approved any more");
    }

    async fn two_notifiers_tell_everybody_once(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        for _ in 0..8 {
            world.submit(&alice, to_read(account(DEV))).await.unwrap();
        }
        let other = TestParts { clock: Arc::clone(&world.test.clock), seed: 7, ..TestParts::default() };
        let other = TestApp::with(&db.store, other).app;
        let (first, second) =
            (Notifier::new(Arc::clone(&world.test.app)), Notifier::new(other));
        let (first, second) = tokio::join!(first.pass(), second.pass());
        first.unwrap();
        second.unwrap();
        // What the other had taken up and lost to this one, if anything, is due again later.
        world.test.clock.advance(Seconds::of(3_600));
        tell_all(&world).await;
        assert_eq!(events(&world, &world.admin).await, [Event::RequestPending; 8]);
    }

    async fn whoever_died_while_telling_is_followed_by_another(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let now = world.test.app.now();
        let taken = db.store.claim_entries(now, now + Seconds::of(60), 10).await.unwrap();
        assert_eq!(taken.len(), 1);
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await, [], "it is somebody else's for now");
        world.test.clock.advance(Seconds::of(61));
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await, [Event::RequestApproved]);
        world.test.clock.advance(Seconds::of(3_600));
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await.len(), 1);
    }

    async fn what_was_undone_is_told_to_nobody(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        let entry = NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", "d");
        unit.record(entry, app.now(), app.entropy.as_ref()).await.unwrap();
        drop(unit);
        tell_all(&world).await;
        assert_eq!(events(&world, &world.admin).await, []);
    }

    async fn who_may_see_drift_and_lockdowns_is_told_of_them(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let drift = NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", "d")
            .with("account_id", DEV)
            .with("permission_set_arn", READ);
        happened(&world, drift).await;
        let lockdown = NewEntry::new(ada.actor, AuditAction::LockdownStarted, "lockdown", "l");
        happened(&world, lockdown.with("scope", "account")).await;
        tell_all(&world).await;
        let told = told(&world, &world.admin).await;
        let bodies: Vec<&str> = told.iter().map(|one| one.body.as_str()).collect();
        assert!(bodies[1].contains(&format!("ReadOnly in Dev ({DEV})")), "{bodies:?}");
        assert!(bodies[0].contains("an account"), "{bodies:?}");
        assert_eq!(events(&world, &ada).await, []);
        let key = ApiKeyId::new(world.test.app.now(), world.test.app.entropy.as_ref());
        let key = |scopes: &[Scope]| Caller {
            actor: Actor::ApiKey { key, maker: world.admin.user },
            scopes: scopes.iter().copied().collect(),
            ..world.admin.clone()
        };
        assert_eq!(events(&world, &key(&[Scope::DriftRead])).await, [Event::DriftDetected]);
        assert_eq!(events(&world, &key(&[Scope::AwsRead])).await, []);
    }

    async fn a_person_who_wants_no_notifications_gets_none(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let all = preferences::get(app, &alice).await.unwrap();
        assert_eq!(all.len(), Event::ALL.len() * PersonalChannel::ALL.len());
        assert!(all.iter().all(|one| one.enabled));
        let no = |channel| NotificationPreference { event: Event::RequestApproved, channel, enabled: false };
        preferences::replace(app, &alice, vec![no(PersonalChannel::Email)]).await.unwrap();
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await.len(), 1, "mail is another matter");
        let said = preferences::replace(app, &alice, vec![no(PersonalChannel::InApp)]).await.unwrap();
        assert_eq!(said.iter().filter(|one| !one.enabled).count(), 1, "and mail is wanted again");
        assert_eq!(preferences::get(app, &alice).await.unwrap(), said);
        world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        tell_all(&world).await;
        assert_eq!(events(&world, &alice).await.len(), 1);
        let twice = vec![no(PersonalChannel::InApp), no(PersonalChannel::InApp)];
        assert_eq!(fields(preferences::replace(app, &alice, twice).await), ["preferences[1]"]);
    }

    async fn a_suspended_person_is_told_nothing(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        users::suspend(&world.test.app, &world.admin, ada.user).await.unwrap();
        tell_all(&world).await;
        assert_eq!(events(&world, &ada).await, []);
        assert_eq!(events(&world, &world.admin).await.len(), 1);
    }

    async fn notifications_are_ones_own(db: &TestStore) {
        let world = World::new(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::Admin, None).await;
        for resource in [account(DEV), account(STAGING), account(PROD)] {
            world.submit(&alice, to_read(resource)).await.unwrap();
        }
        tell_all(&world).await;
        let app = &world.test.app;
        let mine = told(&world, &alice).await;
        assert_eq!(mine.len(), 3);
        for stranger in [&bob, &other.admin] {
            let refused = inbox::read(app, stranger, mine[0].id).await;
            assert!(matches!(refused, Err(AppError::NotFound(_))), "{refused:?}");
            assert_eq!(inbox::read_all(app, stranger).await.unwrap(), 0);
            assert_eq!(told(&world, stranger).await, []);
        }
        assert_eq!(unread(&world, &alice).await, 3);
        let read = inbox::read(app, &alice, mine[1].id).await.unwrap();
        assert!(read.read_at.is_some());
        assert_eq!(inbox::read(app, &alice, mine[1].id).await.unwrap(), read, "a second time changes nothing");
        let page = PageRequest { limit: PageLimit::new(1).unwrap(), after: None };
        let left = inbox::list(app, &alice, true, &page).await.unwrap();
        assert_eq!((left.page.items[0].id, left.unread), (mine[0].id, 2));
        let page = PageRequest { after: left.page.next, ..page };
        let left = inbox::list(app, &alice, true, &page).await.unwrap();
        assert_eq!((left.page.items[0].id, left.page.next), (mine[2].id, None));
        assert_eq!(inbox::read_all(app, &alice).await.unwrap(), 2);
        assert_eq!(unread(&world, &alice).await, 0);
    }

    async fn old_notifications_and_too_many_are_forgotten(db: &TestStore) {
        let world = World::set_up(TestApp::new(&db.store)).await;
        let (app, user) = (&world.test.app, world.admin.user);
        let keep = async |count: u16| {
            let unit = app.store.tenant(world.tenant).write().await.unwrap();
            for _ in 0..count {
                let now = app.now();
                let one = Notification {
                    id: NotificationId::new(now, app.entropy.as_ref()),
                    event: Event::DriftDetected,
                    title: String::new(),
                    body: String::new(),
                    resource_type: None,
                    resource_id: None,
                    read_at: None,
                    created_at: now,
                };
                let entry = AuditEntryId::new(now, app.entropy.as_ref());
                unit.insert_notifications(entry, [(user, one)]).await.unwrap();
            }
            unit.commit().await.unwrap();
        };
        keep(1).await;
        world.test.clock.advance(Seconds::of(91 * 86_400));
        keep(3).await;
        upkeep::upkeep(app).await.unwrap();
        assert_eq!(unread(&world, &world.admin).await, 3);
        keep(1_007).await;
        let newest = told(&world, &world.admin).await[0].id;
        upkeep::upkeep(app).await.unwrap();
        assert_eq!(unread(&world, &world.admin).await, 1_000);
        assert_eq!(told(&world, &world.admin).await[0].id, newest);
    }
}

#[tokio::test]
async fn what_a_unit_of_this_process_writes_wakes_the_notifier() {
    let db = curfew_store::testing::TestStore::sqlite().await;
    let world = World::new(&db).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(Notifier::new(Arc::clone(&world.test.app)).run(shutdown.clone()));
    happened(&world, NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", "d")).await;
    while events(&world, &world.admin).await.is_empty() {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    running.await.unwrap();
    let refused =
        inbox::read(&world.test.app, &world.admin, NotificationId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(code(refused.await), ErrorCode::NotFound);
}
