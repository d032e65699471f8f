//! What nodes remember goes by versions: whatever writes what they remember moves one.

use std::collections::BTreeMap;

use curfew_domain::connection::{Connection, ExternalIds};
use curfew_domain::{
    CachedResourceId, Discovered, DiscoveredAttributes, IdentityUser, InstanceArn, Pushed, ResourceRef,
    ResourceType, TenantId, Timestamp,
};
use curfew_store::testing::{TestStore, World};
use curfew_store::{Versions, WriteUnit, on_both_databases};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn account() -> ResourceRef {
    "aws_account:111111111111".parse().unwrap()
}

fn connection() -> Connection {
    Connection {
        saved: None,
        saved_version: 0,
        verified: None,
        suspended: None,
        external_ids: ExternalIds {
            current: "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap(),
            pending: None,
        },
        pending_proved_at: None,
    }
}

fn person() -> IdentityUser {
    IdentityUser {
        identity_store: "d-1234567890".parse().unwrap(),
        principal: "principal-1".parse().unwrap(),
        user_name: "alice".to_owned(),
        email: Some("alice@acme.example".to_owned()),
        status: None,
        seen_at: at(1),
        gone_at: None,
    }
}

/// Everything that writes what is remembered of AWS, by number; false when there is no more.
async fn write(unit: &WriteUnit, nth: usize, world: &World<'_>) -> bool {
    let instance: InstanceArn = INSTANCE.parse().unwrap();
    let id = CachedResourceId::new(world.now(), &world.entropy);
    match nth {
        0 => unit.insert_connection(&connection(), at(1)).await.unwrap(),
        1 => unit.update_connection(&connection(), at(2)).await.unwrap(),
        2 => {
            let discovered = Discovered {
                name: "Dev".to_owned(),
                units: Vec::new(),
                tags: BTreeMap::new(),
                state: None,
                attributes: DiscoveredAttributes::default(),
                seen_at: at(1),
                gone_at: None,
            };
            unit.save_discovered(id, &instance, &account(), None, &discovered).await.unwrap();
        }
        3 => {
            let pushed = Pushed {
                name: None,
                rank: Some(1),
                metadata: serde_json::Map::new(),
                access_level: None,
                exclusive: false,
                at: at(2),
            };
            unit.save_pushed(id, &instance, &account(), None, &pushed).await.unwrap();
        }
        4 => {
            let gone = unit.mark_resources_gone(&instance, ResourceType::AwsAccount, at(9), at(9)).await;
            assert_eq!(gone.unwrap(), 1);
        }
        5 => unit.save_identity_user(&person()).await.unwrap(),
        6 => {
            let gone = unit.mark_identity_users_gone(&person().identity_store, at(9), at(9)).await;
            assert_eq!(gone.unwrap(), 1);
        }
        _ => return false,
    }
    true
}

async fn versions(db: &TestStore, tenant: TenantId) -> Versions {
    db.store.tenant(tenant).read().await.unwrap().versions().await.unwrap()
}

on_both_databases! {
    async fn whatever_writes_what_aws_tells_moves_its_version(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let before = versions(db, ours).await;
        let mut nth = 0;
        loop {
            let unit = db.store.tenant(ours).write().await.unwrap();
            if !write(&unit, nth, &world).await {
                break;
            }
            drop(unit);
            let moves = u64::try_from(nth).unwrap();
            let undone = versions(db, ours).await;
            assert_eq!(undone, Versions { aws: before.aws + moves, ..before }, "{nth} was undone");
            let unit = db.store.tenant(ours).write().await.unwrap();
            write(&unit, nth, &world).await;
            unit.commit().await.unwrap();
            nth += 1;
            let moved = versions(db, ours).await;
            assert_eq!(moved, Versions { aws: before.aws + moves + 1, ..before }, "{nth}");
        }
        assert_eq!(nth, 7);
        assert_eq!(versions(db, theirs).await, Versions::default());
    }
}

/// Whoever suspends somebody moves the version of the rules and then may wait for that person's submission, which may wait
/// for the connection: if a change of the connection waited for the first of them, none would ever go on.
#[tokio::test]
async fn a_change_of_the_connection_does_not_wait_for_a_change_of_the_rules() {
    let Some(db) = TestStore::postgres().await else { return };
    let world = World::new(&db);
    let tenant = world.tenant("ours").await;
    let rules = db.store.tenant(tenant).write().await.unwrap();
    rules.bump_version().await.unwrap();
    let unit = db.store.tenant(tenant).write().await.unwrap();
    unit.insert_connection(&connection(), at(1)).await.unwrap();
    unit.commit().await.unwrap();
    rules.commit().await.unwrap();
}
