use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use curfew_app::notify::channels::{self, ChannelChange, ChannelView, NewWebhook};
use curfew_app::notify::webhook::MASK;
use curfew_app::outbound::{Lookup, Outbound};
use curfew_app::policies::{self, NewPolicy};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::upkeep::upkeep;
use curfew_app::{AppError, Caller, Made, Once, grants};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, AuditEntryId, BuiltInRole, Change, ChannelId, Delivery, DeliveryFailure, DeliveryId,
    DeliveryState, ErrorCode, Event, PageRequest, Scope, Seconds,
};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::receiver::{Answer, Received, Receiver};
use crate::telling::{happened, tell_all};
use crate::world::*;

/// A world that may reach this machine, but no other name or address of its own.
async fn world(db: &TestStore) -> World {
    World::beside(test_app(db, lookup(|_| None)), 1).await
}

fn test_app(db: &TestStore, lookup: Lookup) -> TestApp {
    let outbound = Outbound::with_lookup("127.0.0.1".parse().unwrap(), lookup);
    let outbound = outbound.answering_within(Duration::from_millis(500));
    TestApp::with(&db.store, TestParts { outbound, ..TestParts::default() })
}

/// Names that lead where a test says.
fn lookup(answers: impl Fn(&str) -> Option<Vec<&'static str>> + Send + Sync + 'static) -> Lookup {
    Arc::new(move |name| {
        let found = answers(&name).map(|found| found.into_iter().map(|text| text.parse::<IpAddr>().unwrap()));
        let found = found.map(Iterator::collect).ok_or(io::Error::from(io::ErrorKind::NotFound));
        Box::pin(std::future::ready(found))
    })
}

fn webhook(url: &str) -> NewWebhook {
    NewWebhook {
        name: "ops".parse().unwrap(),
        url: url.to_owned(),
        headers: BTreeMap::from([("Authorization".to_owned(), SecretString::from("Bearer very-secret"))]),
        enabled: true,
        event_filters: BTreeSet::new(),
    }
}

async fn create(world: &World, ask: NewWebhook) -> Result<ChannelView, AppError> {
    let made = channels::create_webhook(&world.test.app, &world.admin, ask, &Once::unkeyed()).await?;
    Ok(made.into_inner())
}

async fn drift(world: &World) {
    happened(
        world,
        NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", "d-1").with("count", 1),
    )
    .await;
}

async fn deliveries(world: &World, id: ChannelId) -> Vec<Delivery> {
    let page = PageRequest::default();
    channels::deliveries(&world.test.app, &world.admin, id, &page).await.unwrap().items
}

/// So many more messages like this one wait for its channel.
async fn as_many_wait(world: &World, like: &Delivery, count: usize) {
    let app = &world.test.app;
    let unit = app.store.tenant(world.tenant).write().await.unwrap();
    let another = || Delivery {
        id: DeliveryId::new(app.now(), app.entropy.as_ref()),
        entry: AuditEntryId::new(app.now(), app.entropy.as_ref()),
        ..like.clone()
    };
    let waiting: Vec<_> = std::iter::repeat_with(another).take(count).collect();
    for some in waiting.chunks(500) {
        unit.insert_deliveries(some).await.unwrap();
    }
    unit.commit().await.unwrap();
}

/// Whether a message is signed by this secret: told by the specification's words, not by the code that signs.
fn is_signed_by(received: &Received, secret: &SecretString) -> bool {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let key = secret.expose_secret().strip_prefix("whsec_").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64_STANDARD.decode(key).unwrap()).unwrap();
    let (id, at) = (&received.headers["webhook-id"], &received.headers["webhook-timestamp"]);
    mac.update(format!("{id}.{at}.{}", received.body).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    received.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
}

on_both_databases! {
    async fn an_event_arrives_signed_and_once(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(204)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        drift(&world).await;
        tell_all(&world).await;
        tell_all(&world).await;
        let received = receiver.received();
        let [one] = &received[..] else { panic!("{received:?}") };
        assert_eq!(one.path, "/hook");
        assert_eq!(one.headers["authorization"], "Bearer very-secret");
        assert_eq!(one.headers["content-type"], "application/json");
        let secret = made.secret.unwrap();
        assert!(is_signed_by(one, &secret), "{one:?}");
        let forged = Received { body: one.body.replace("d-1", "d-2"), ..one.clone() };
        assert!(!is_signed_by(&forged, &secret));
        let body = one.json();
        assert_eq!((&body["type"], &body["data"]["resource_id"]), (&"drift.detected".into(), &"d-1".into()));
        assert_eq!(body["data"]["tenant_id"], world.tenant.to_string());
        assert_eq!(body["data"]["metadata"]["count"], 1);
        assert_eq!(body["data"]["entry_id"], one.headers["webhook-id"].as_str());
        let listed = deliveries(&world, made.channel.id).await;
        let [one] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!((one.state, one.attempts, one.status_code), (DeliveryState::Delivered, 1, Some(204)));
        assert_eq!((one.next_attempt_at, one.failure), (None, None));
    }

    async fn what_does_not_arrive_is_sent_again_under_the_same_id(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(503)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        drift(&world).await;
        tell_all(&world).await;
        let waiting = &deliveries(&world, made.channel.id).await[0];
        assert_eq!((waiting.state, waiting.failure), (DeliveryState::Pending, Some(DeliveryFailure::Refused)));
        assert!(waiting.next_attempt_at.unwrap() > waiting.last_attempt_at.unwrap());
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 1, "not before its time");
        world.test.clock.advance(Seconds::of(6));
        receiver.answers(Answer::Status(200));
        tell_all(&world).await;
        let received = receiver.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
        assert_eq!(received[0].body, received[1].body);
        assert_ne!(received[0].headers["webhook-timestamp"], received[1].headers["webhook-timestamp"]);
        let done = &deliveries(&world, made.channel.id).await[0];
        assert_eq!((done.state, done.attempts, done.failure), (DeliveryState::Delivered, 2, None));
    }

    async fn after_three_days_it_is_given_up(db: &TestStore) {
        let world = World::set_up(test_app(db, lookup(|_| None))).await;
        let receiver = Receiver::start(Answer::Status(500)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        drift(&world).await;
        for _ in 0..12 {
            tell_all(&world).await;
            world.test.clock.advance(Seconds::of(27 * 3_600));
        }
        assert_eq!(receiver.received().len(), 10);
        let lost = &deliveries(&world, made.channel.id).await[0];
        assert_eq!((lost.state, lost.attempts, lost.next_attempt_at), (DeliveryState::Failed, 10, None));
        world.test.clock.advance(Seconds::of(30 * 86_400));
        upkeep(&world.test.app).await.unwrap();
        assert_eq!(deliveries(&world, made.channel.id).await, []);
    }

    async fn bad_answers_do_no_more_than_fail(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Garbage).await;
        let elsewhere = Receiver::start(Answer::Status(200)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        for (answer, status, failure) in [
            (Answer::Garbage, None, Some(DeliveryFailure::BadAnswer)),
            (Answer::HangUp, None, Some(DeliveryFailure::BadAnswer)),
            (Answer::EndlessHead, None, Some(DeliveryFailure::BadAnswer)),
            (Answer::Nothing, None, Some(DeliveryFailure::TimedOut)),
            (Answer::Redirect(elsewhere.url()), Some(307), Some(DeliveryFailure::Redirected)),
            (Answer::Status(404), Some(404), Some(DeliveryFailure::Refused)),
            (Answer::Endless, Some(200), None),
        ] {
            receiver.answers(answer.clone());
            let result = channels::test(&world.test.app, &world.admin, made.channel.id).await.unwrap();
            assert_eq!((result.status, result.failure), (status, failure), "{answer:?}");
        }
        assert_eq!(elsewhere.received().len(), 0, "nobody goes where a receiver points");
        assert_eq!(receiver.received()[0].json()["type"], "notification_channel.tested");
        let listed = deliveries(&world, made.channel.id).await;
        assert_eq!(listed.len(), 7, "each test is listed");
        assert!(listed.iter().all(|one| one.attempts == 1 && one.next_attempt_at.is_none()));
        let logged = world.logged().await;
        assert_eq!(logged.iter().filter(|action| *action == "notification_channel.tested").count(), 7);
    }

    async fn gone_turns_the_channel_off(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(410)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        let id = made.channel.id;
        drift(&world).await;
        tell_all(&world).await;
        assert!(!channels::get(&world.test.app, &world.admin, id).await.unwrap().channel.enabled);
        assert_eq!(deliveries(&world, id).await[0].failure, Some(DeliveryFailure::Gone));
        assert_eq!(world.logged().await.last().map(String::as_str), Some("notification_channel.updated"));
        drift(&world).await;
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 1);
    }

    async fn a_receiver_that_lets_us_wait_keeps_no_other_waiting(db: &TestStore) {
        let world = world(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let (slow, quick) = (Receiver::start(Answer::Nothing).await, Receiver::start(Answer::Status(200)).await);
        let stuck = create(&world, webhook(&slow.url())).await.unwrap();
        create(&world, webhook(&quick.url())).await.unwrap();
        create(&other, webhook(&quick.url())).await.unwrap();
        for _ in 0..30 {
            drift(&world).await;
        }
        drift(&other).await;
        let shutdown = tokio_util::sync::CancellationToken::new();
        let notifier = curfew_app::notify::Notifier::new(Arc::clone(&world.test.app));
        let running = tokio::spawn(notifier.run(shutdown.clone()));
        while quick.received().len() < 31 {
            tokio::task::yield_now().await;
        }
        // Two at a time, half a second each: of thirty most have not had their turn.
        assert!(slow.received().len() < 20, "{}", slow.received().len());
        shutdown.cancel();
        running.await.unwrap();
        assert_eq!(deliveries(&world, stuck.channel.id).await.len(), 30);
    }

    async fn what_is_urgent_goes_before_all_that_waits(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(200)).await;
        create(&world, webhook(&receiver.url())).await.unwrap();
        for _ in 0..200 {
            happened(&world, NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g")).await;
        }
        let started = NewEntry::new(Actor::System, AuditAction::LockdownStarted, "lockdown", "l");
        happened(&world, started.with("scope", "tenant")).await;
        tell_all(&world).await;
        let received = receiver.received();
        let types: Vec<_> = received.iter().map(|one| one.json()["type"].clone()).collect();
        let at = types.iter().position(|one| one == "lockdown.started").unwrap();
        // Entries are told 64 at once, and two messages of a channel are under way at once.
        assert!(at < 2, "{at} others were sent before it");
        assert_eq!(types.len(), 201);
    }

    async fn no_more_than_so_many_wait_for_a_channel_besides_urgent_ones(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(500)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap().channel.id;
        happened(&world, NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g")).await;
        tell_all(&world).await;
        as_many_wait(&world, &deliveries(&world, made).await[0], 9_999).await;
        happened(&world, NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g")).await;
        drift(&world).await;
        tell_all(&world).await;
        let newest = deliveries(&world, made).await;
        let told: BTreeSet<_> =
            newest.iter().map(|one| (one.event_type.as_str(), one.state, one.failure)).collect();
        let (pending, failed) = (DeliveryState::Pending, DeliveryState::Failed);
        assert!(told.contains(&("grant.failed", failed, Some(DeliveryFailure::TooManyWaiting))), "{told:?}");
        assert!(told.contains(&("drift.detected", pending, Some(DeliveryFailure::Refused))), "{told:?}");
    }

    async fn a_channel_is_told_what_it_wants_and_every_emergency(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(200)).await;
        let ask = NewWebhook { event_filters: BTreeSet::from([Event::GrantFailed]), ..webhook(&receiver.url()) };
        let made = create(&world, ask).await.unwrap();
        drift(&world).await;
        happened(&world, NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g")).await;
        happened(&world, NewEntry::new(Actor::System, AuditAction::RequestBreakGlass, "request", "r")).await;
        tell_all(&world).await;
        let types: BTreeSet<String> =
            receiver.received().iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, BTreeSet::from(["grant.failed".to_owned(), "request.break_glass".to_owned()]));
        let off = ChannelChange { enabled: Change::To(false), ..ChannelChange::default() };
        channels::change(&world.test.app, &world.admin, made.channel.id, off).await.unwrap();
        happened(&world, NewEntry::new(Actor::System, AuditAction::GrantFailed, "grant", "g")).await;
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 2);
    }

    async fn the_channel_that_a_policy_names_is_told_of_what_it_decided(db: &TestStore) {
        let world = world(db).await;
        let (named, other) =
            (Receiver::start(Answer::Status(200)).await, Receiver::start(Answer::Status(200)).await);
        let only = |receiver: &Receiver, name: &str| NewWebhook {
            name: name.parse().unwrap(),
            event_filters: BTreeSet::from([Event::DriftDetected]),
            ..webhook(&receiver.url())
        };
        create(&world, only(&named, "database team")).await.unwrap();
        create(&world, only(&other, "everybody else")).await.unwrap();
        let policy = NewPolicy {
            notification_channel: Some("database team".parse().unwrap()),
            ..new_policy(auto(), PERMIT_ALL)
        };
        policies::create(&world.test.app, &world.admin, &Once::unkeyed(), policy).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        grants::revoke(&world.test.app, &alice, request.grant.unwrap(), None).await.unwrap();
        tell_all(&world).await;
        let types: BTreeSet<String> =
            named.received().iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, BTreeSet::from(["grant.revoked".to_owned(), "request.approved".to_owned()]));
        assert_eq!(other.received().len(), 0);
    }

    async fn what_waits_is_not_sent_to_a_channel_that_was_turned_off_or_deleted(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(500)).await;
        let off = create(&world, webhook(&receiver.url())).await.unwrap().channel.id;
        let deleted = create(&world, webhook(&receiver.url())).await.unwrap().channel.id;
        drift(&world).await;
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 2);
        let app = &world.test.app;
        let change = ChannelChange { enabled: Change::To(false), ..ChannelChange::default() };
        channels::change(app, &world.admin, off, change).await.unwrap();
        channels::delete(app, &world.admin, deleted).await.unwrap();
        world.test.clock.advance(Seconds::of(6));
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 2);
        let one = &deliveries(&world, off).await[0];
        assert_eq!((one.state, one.failure), (DeliveryState::Failed, Some(DeliveryFailure::ChannelDisabled)));
        assert_eq!(code(channels::get(app, &world.admin, deleted).await.map(|_| ())), ErrorCode::NotFound);
        assert_eq!(db.store.outbox_backlog(app.now() + Seconds::of(400 * 86_400)).await.unwrap(), 0);
    }

    async fn for_a_day_after_a_rotation_both_secrets_sign(db: &TestStore) {
        let world = world(db).await;
        let receiver = Receiver::start(Answer::Status(200)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        let first = made.secret.unwrap();
        let second = channels::rotate_secret(&world.test.app, &world.admin, made.channel.id).await.unwrap();
        drift(&world).await;
        tell_all(&world).await;
        let sent = &receiver.received()[0];
        assert!(is_signed_by(sent, &first) && is_signed_by(sent, &second));
        world.test.clock.advance(Seconds::of(24 * 3_600 + 1));
        drift(&world).await;
        tell_all(&world).await;
        let sent = &receiver.received()[1];
        assert!(!is_signed_by(sent, &first) && is_signed_by(sent, &second));
    }

    async fn urls_into_ones_own_network_are_refused(db: &TestStore) {
        let lookup = lookup(|name| match name {
            "inside.example.com" => Some(vec!["10.0.0.7"]),
            "half.example.com" => Some(vec!["1.1.1.1", "169.254.169.254"]),
            "mapped.example.com" => Some(vec!["::ffff:127.0.0.1"]),
            "outside.example.com" => Some(vec!["1.1.1.1", "2606:4700:4700::1111"]),
            _ => None,
        });
        let world = World::beside(test_app(db, lookup), 1).await;
        for bad in [
            "https://127.0.0.2/", "https://localhost/", "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/", "https://10.0.0.1:8443/", "https://2130706434/",
            "https://inside.example.com/", "https://half.example.com/", "https://mapped.example.com/",
            "http://outside.example.com/", "https://u:p@outside.example.com/", "not a url",
        ] {
            assert_eq!(fields(create(&world, webhook(bad)).await.map(|_| ())), ["url"], "{bad}");
        }
        let made = create(&world, webhook("https://outside.example.com/x")).await.unwrap();
        create(&world, webhook("https://not-yet.example.com/")).await.unwrap();
        let to = |url: &str| ChannelChange {
            config: Change::To((url.to_owned(), BTreeMap::new())),
            ..ChannelChange::default()
        };
        let refused = channels::change(&world.test.app, &world.admin, made.channel.id, to("https://10.0.0.1/"));
        assert_eq!(fields(refused.await.map(|_| ())), ["config.url"]);
    }

    async fn a_name_that_changes_its_answer_gains_nothing(db: &TestStore) {
        let receiver = Receiver::start(Answer::Status(200)).await;
        let turned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&turned);
        let lookup = lookup(move |_| {
            let answer = if seen.load(Ordering::SeqCst) { "127.0.0.1" } else { "1.1.1.1" };
            Some(vec![answer])
        });
        let world = World::beside(test_app(db, lookup), 1).await;
        let url = format!("https://rebinding.example.com:{}/", receiver.port);
        let made = create(&world, webhook(&url)).await.unwrap();
        turned.store(true, Ordering::SeqCst);
        let result = channels::test(&world.test.app, &world.admin, made.channel.id).await.unwrap();
        assert_eq!((result.status, result.failure), (None, Some(DeliveryFailure::NoPublicAddress)));
        assert_eq!(receiver.received().len(), 0);
    }

    async fn secrets_are_masked_kept_sealed_and_renewed(db: &TestStore) {
        let world = World::set_up(test_app(db, lookup(|_| None))).await;
        let receiver = Receiver::start(Answer::Status(200)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        let (app, id) = (&world.test.app, made.channel.id);
        let second = channels::rotate_secret(app, &world.admin, id).await.unwrap();
        let hex = match db.store.backend() {
            curfew_store::Backend::Sqlite => "hex(config_sealed || secret_sealed)",
            curfew_store::Backend::Postgres => "encode(config_sealed || secret_sealed, 'hex')",
        };
        let kept = db.ask(&format!("SELECT {hex} FROM notification_channel")).await.to_lowercase();
        let very_secret = "766572792d736563726574";
        assert!(!kept.contains(very_secret));
        let new = "test master key number two ------".to_owned();
        let keys = vec![new.clone(), TestParts::default().master_keys.remove(0)];
        let node = |master_keys, seed| {
            let outbound = Outbound::with_lookup("127.0.0.1".parse().unwrap(), lookup(|_| None));
            let clock = Arc::clone(&world.test.clock);
            TestApp::with(&db.store, TestParts { master_keys, seed, clock, outbound, ..TestParts::default() })
        };
        let rotating = node(keys, 2);
        assert_eq!(upkeep(&rotating.app).await.unwrap().tenants_renewed, 1);
        assert_eq!(upkeep(&rotating.app).await.unwrap().tenants_renewed, 0);
        let rotated = World { test: node(vec![new], 3), tenant: world.tenant, admin: world.admin.clone() };
        drift(&rotated).await;
        tell_all(&rotated).await;
        let sent = &receiver.received()[0];
        assert!(is_signed_by(sent, &second) && is_signed_by(sent, &made.secret.unwrap()));
        assert_eq!(sent.headers["authorization"], "Bearer very-secret");
    }

    async fn a_header_that_is_sent_back_masked_keeps_its_value_at_the_same_server_alone(db: &TestStore) {
        let world = world(db).await;
        let (receiver, other) = (Receiver::start(Answer::Status(200)).await, Receiver::start(Answer::Status(200)).await);
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        let masked = |url: String, name: &str| ChannelChange {
            config: Change::To((url, BTreeMap::from([(name.to_owned(), SecretString::from(MASK))]))),
            ..ChannelChange::default()
        };
        let change = async |change| {
            channels::change(&world.test.app, &world.admin, made.channel.id, change).await.map(|_| ())
        };
        change(masked(format!("{}/elsewhere", receiver.url()), "authorization")).await.unwrap();
        let refused = change(masked(other.url(), "authorization")).await;
        assert_eq!(fields(refused), ["config.headers.authorization"]);
        assert_eq!(fields(change(masked(receiver.url(), "x-other")).await), ["config.headers.x-other"]);
        channels::test(&world.test.app, &world.admin, made.channel.id).await.unwrap();
        let sent = &receiver.received()[0];
        assert_eq!((sent.path.as_str(), sent.headers["authorization"].as_str()), ("/hook/elsewhere", "Bearer very-secret"));
        assert_eq!(other.received().len(), 0);
    }

    async fn channels_are_their_tenants_and_for_those_who_may(db: &TestStore) {
        let world = world(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let receiver = Receiver::start(Answer::Status(200)).await;
        let made = create(&world, webhook(&receiver.url())).await.unwrap();
        let (app, id, page) = (&world.test.app, made.channel.id, PageRequest::default());
        let off = || ChannelChange { enabled: Change::To(false), ..ChannelChange::default() };
        let user = world.person("ursula", BuiltInRole::User, None).await;
        let reader = Caller { scopes: [Scope::NotificationChannelsRead].into_iter().collect(), ..user.clone() };
        for (caller, reads, writes) in [
            (&other.admin, ErrorCode::NotFound, ErrorCode::NotFound),
            (&user, ErrorCode::Forbidden, ErrorCode::Forbidden),
        ] {
            assert_eq!(code(channels::get(app, caller, id).await.map(|_| ())), reads);
            assert_eq!(code(channels::deliveries(app, caller, id, &page).await), reads);
            assert_eq!(code(channels::change(app, caller, id, off()).await.map(|_| ())), writes);
            assert_eq!(code(channels::test(app, caller, id).await), writes);
            assert_eq!(code(channels::rotate_secret(app, caller, id).await.map(|_| ())), writes);
            assert_eq!(code(channels::delete(app, caller, id).await), writes);
        }
        channels::get(app, &reader, id).await.unwrap();
        assert_eq!(code(channels::delete(app, &reader, id).await), ErrorCode::Forbidden);
        assert_eq!(channels::list(app, &other.admin, &page).await.unwrap().items.len(), 0);
        drift(&other).await;
        tell_all(&world).await;
        assert_eq!(receiver.received().len(), 0, "what happens elsewhere is not told here");
    }

    async fn the_same_creation_twice_makes_one_channel_and_tells_no_secret(db: &TestStore) {
        let world = world(db).await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &world.admin, "POST /v1/notification-channels", "k", b"{}");
        let url = "http://127.0.0.1:9/";
        let first = channels::create_webhook(app, &world.admin, webhook(url), &once).await.unwrap();
        let Made::Now(first) = first else { panic!("{first:?}") };
        let again = channels::create_webhook(app, &world.admin, webhook(url), &once).await.unwrap();
        let Made::Before(again) = again else { panic!("{again:?}") };
        assert_eq!(again.channel, first.channel);
        assert!(first.secret.is_some() && again.secret.is_none());
    }
}
