//! Access that somebody gives by hand.

use curfew_app::grants::{self, Extension, NewGrant};
use curfew_app::{AppError, Caller, Made, Once, settings, users};
use curfew_domain::grant::GrantStatus;
use curfew_domain::{AccountSet, Action, Actor, ApiKeyId, BuiltInRole, ErrorCode, Scope, Seconds, UserId};
use curfew_store::testing::sealed_log;
use curfew_store::{GrantView, on_both_databases};

use crate::world::*;

fn gift(grantee: UserId) -> NewGrant {
    NewGrant {
        grantee,
        resource: account(DEV),
        permission_set: Some(READ.parse().unwrap()),
        account: None,
        action: None,
        duration: Seconds::of(1_800),
        reason: "nobody can approve INC-7".parse().unwrap(),
    }
}

async fn give(world: &World, caller: &Caller, gift: NewGrant) -> Result<GrantView, AppError> {
    Ok(grants::give(&world.test.app, caller, &Once::unkeyed(), gift).await?.into_inner())
}

on_both_databases! {
    async fn what_nothing_permits_can_be_given_by_hand(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        let given = give(&world, &world.admin, gift(alice.user)).await.unwrap();
        assert_eq!((given.grant.request, given.grant.grantee), (None, alice.user));
        assert_eq!((given.grant.action, given.grant.times.duration), (Action::Read, Seconds::of(1_800)));
        assert!(given.grant.audit_enabled);
        assert_eq!(given.grant.times.status(world.test.app.now()), GrantStatus::Active);
        assert_eq!(world.due_assignments().await, 1);
        world.test.app.store.seal(world.tenant).await.unwrap();
        let log = sealed_log(&world.test.app.store, world.tenant).await;
        let last = log.last().unwrap();
        assert_eq!((last.body.action.as_str(), &last.body.actor_id), ("grant.created", &world.admin.user.to_string()));
        assert_eq!(last.personal("reason"), Some("nobody can approve INC-7"));
        let mut of_unit = gift(alice.user);
        of_unit.resource = unit(LAB);
        give(&world, &world.admin, of_unit).await.unwrap();
        assert_eq!(world.due_assignments().await, 2, "it shares the one of Dev");
    }

    async fn no_forbid_of_any_priority_is_got_past(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let forbid = format!(
            "@notice(\"Prod is closed\") forbid (principal, action == Action::\"admin\", resource == AwsAccount::\"{PROD}\");"
        );
        let mut low = new_policy(auto(), &forbid);
        low.priority = -5;
        curfew_app::policies::create(&world.test.app, &world.admin, &Once::unkeyed(), low).await.unwrap();
        let admin_of_prod = NewGrant {
            resource: account(PROD),
            permission_set: Some(ADMIN.parse().unwrap()),
            ..gift(alice.user)
        };
        for action in [None, Some(Action::Admin), Some(Action::Assume), Some(Action::RequestAccess)] {
            let named = NewGrant { action, ..admin_of_prod.clone() };
            let Err(AppError::Forbidden { notices, .. }) = give(&world, &world.admin, named).await else {
                panic!("{action:?} got past it");
            };
            assert_eq!(notices, ["Prod is closed"], "{action:?}");
        }
        assert_eq!(world.due_assignments().await, 0);
        let elsewhere = NewGrant { resource: account(DEV), ..admin_of_prod };
        assert_eq!(give(&world, &world.admin, elsewhere).await.unwrap().grant.action, Action::Admin);
    }

    async fn nobody_gives_to_themselves_nor_without_the_right(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let own = give(&world, &world.admin, gift(world.admin.user)).await;
        assert_eq!(code(own), ErrorCode::Forbidden);
        let key = Caller {
            actor: Actor::ApiKey {
                key: ApiKeyId::new(world.test.app.now(), world.test.app.entropy.as_ref()),
                maker: world.admin.user,
            },
            ..world.admin.clone()
        };
        assert_eq!(code(give(&world, &key, gift(world.admin.user)).await), ErrorCode::Forbidden);
        give(&world, &key, gift(alice.user)).await.unwrap();
        let mut poor = world.admin.clone();
        poor.scopes = Scope::ALL.iter().copied().filter(|scope| *scope != Scope::GrantsCreate).collect();
        assert_eq!(code(give(&world, &poor, gift(alice.user)).await), ErrorCode::Forbidden);
    }

    async fn nobody_gives_to_whoever_made_their_account(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Admin, None).await;
        let now = world.test.app.now();
        let puppet =
            world.person("puppet", BuiltInRole::Admin, Some(AccountSet { by: ada.user, at: now })).await;
        assert_eq!(code(give(&world, &puppet, gift(ada.user)).await), ErrorCode::Forbidden);
        let alice = world.person("alice", BuiltInRole::User, None).await;
        give(&world, &puppet, gift(alice.user)).await.unwrap();
        let long_ago = AccountSet { by: ada.user, at: now - Seconds::of(30 * 86_400) };
        let colleague = world.person("colleague", BuiltInRole::Admin, Some(long_ago)).await;
        give(&world, &colleague, gift(ada.user)).await.unwrap();
    }

    async fn only_people_who_can_have_it_are_given_it(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let nobody = UserId::new(world.test.app.now(), world.test.app.entropy.as_ref());
        assert_eq!(fields(give(&world, &world.admin, gift(nobody)).await), ["grantee_id"]);
        users::suspend(&world.test.app, &world.admin, alice.user).await.unwrap();
        assert_eq!(fields(give(&world, &world.admin, gift(alice.user)).await), ["grantee_id"]);
        let bob = world.person("bob", BuiltInRole::User, None).await;
        db.tamper("UPDATE app_user SET email_verified = FALSE").await;
        assert_eq!(fields(give(&world, &world.admin, gift(bob.user)).await), ["grantee_id"]);
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn what_is_given_is_within_bounds(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        settings::change(&world.test.app, &world.admin, settings::SettingKey::MaxGrant, 600.into()).await.unwrap();
        let too_long = give(&world, &world.admin, gift(alice.user)).await;
        assert_eq!(fields(too_long), ["duration_seconds"]);
        let none = NewGrant { duration: Seconds::of(0), ..gift(alice.user) };
        assert_eq!(fields(give(&world, &world.admin, none).await), ["duration_seconds"]);
        let short = NewGrant { duration: Seconds::of(600), ..gift(alice.user) };
        let unknown = NewGrant { resource: account("999999999999"), ..short.clone() };
        assert_eq!(fields(give(&world, &world.admin, unknown).await), ["resource.id"]);
        let no_set = NewGrant { permission_set: None, ..short.clone() };
        assert_eq!(fields(give(&world, &world.admin, no_set).await), ["permission_set_arn"]);
        let below = NewGrant { action: Some(Action::Read), permission_set: Some(ADMIN.parse().unwrap()), ..short.clone() };
        assert_eq!(fields(give(&world, &world.admin, below).await), ["action"]);
        give(&world, &world.admin, short).await.unwrap();
    }

    async fn the_same_key_gives_once(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &world.admin, "POST /v1/grants", "key", b"{}");
        let Made::Now(first) = grants::give(app, &world.admin, &once, gift(alice.user)).await.unwrap() else { panic!() };
        let Made::Before(again) = grants::give(app, &world.admin, &once, gift(alice.user)).await.unwrap() else { panic!() };
        assert_eq!(first.grant.id, again.grant.id);
        assert_eq!(world.logged().await.iter().filter(|action| *action == "grant.created").count(), 1);
    }

    async fn more_time_of_a_gift_goes_through_policy(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = give(&world, &world.admin, gift(alice.user)).await.unwrap().grant.id;
        let more = async || {
            let more = Extension { by: Seconds::of(60), reason: None };
            grants::extend(app, &alice, &Once::unkeyed(), grant, more).await
        };
        assert_eq!(code(more().await), ErrorCode::Forbidden);
        world.policy(auto(), PERMIT_ALL).await;
        more().await.unwrap();
    }

    async fn a_gift_and_a_suspension_at_once_leave_nothing_behind(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        for round in 0..6 {
            let alice = world.person(&format!("alice-{round}"), BuiltInRole::User, None).await;
            let (given, suspended) = tokio::join!(
                give(&world, &world.admin, gift(alice.user)),
                users::suspend(app, &world.admin, alice.user),
            );
            suspended.unwrap();
            if let Ok(view) = given {
                let now = grants::get(app, &world.admin, view.grant.id).await.unwrap();
                assert_eq!(now.grant.times.status(app.now()), GrantStatus::Revoked);
            }
        }
    }
}
