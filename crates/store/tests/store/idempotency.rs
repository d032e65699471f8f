//! A repeated request is recognised, once, by its own principal, place, key and body.

use curfew_domain::{Seconds, TenantId, Timestamp};
use curfew_store::{
    Constraint, EarlierRequest, RepeatableRequest, RequestHashes, Store, StoreError, on_both_databases,
};
use uuid::Uuid;

const NOON: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);
const DAY: Seconds = Seconds::of(86_400);

fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(n))
}

fn request(principal: &str, route: &str, key: u8, body: u8) -> RepeatableRequest {
    let hashes = vec![RequestHashes { key: [key; 32], body: [body; 32] }];
    RepeatableRequest { principal: principal.into(), route: route.into(), hashes }
}

async fn remember(
    store: &Store,
    request: &RepeatableRequest,
    id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let unit = store.tenant(tenant(1)).write().await?;
    unit.remember_request(request, id, now).await?;
    unit.commit().await
}

async fn earlier(store: &Store, of: u128, request: &RepeatableRequest, now: Timestamp) -> EarlierRequest {
    store.tenant(tenant(of)).read().await.unwrap().earlier_request(request, now).await.unwrap()
}

on_both_databases! {
    async fn the_same_request_is_recognised_for_a_day(db: &TestStore) {
        let store = &db.store;
        let asked = request("ann", "POST /v1/things", 1, 1);
        assert_eq!(earlier(store, 1, &asked, NOON).await, EarlierRequest::None);
        remember(store, &asked, "thing", NOON).await.unwrap();
        let same = EarlierRequest::Same { resource_id: "thing".into() };
        assert_eq!(earlier(store, 1, &asked, NOON + Seconds::of(86_399)).await, same);
        assert_eq!(earlier(store, 1, &asked, NOON + DAY).await, EarlierRequest::None);
        remember(store, &asked, "another", NOON + DAY).await.unwrap();
    }

    async fn another_body_is_told_apart_and_another_principal_place_or_tenant_is_another_request(db: &TestStore) {
        let store = &db.store;
        remember(store, &request("ann", "POST /v1/things", 1, 1), "thing", NOON).await.unwrap();
        let other_body = request("ann", "POST /v1/things", 1, 2);
        assert_eq!(earlier(store, 1, &other_body, NOON).await, EarlierRequest::Other);
        for (principal, route, key) in
            [("bob", "POST /v1/things", 1), ("ann", "POST /v1/others", 1), ("ann", "POST /v1/things", 2)]
        {
            let other = request(principal, route, key, 1);
            assert_eq!(earlier(store, 1, &other, NOON).await, EarlierRequest::None, "{other:?}");
        }
        let same = request("ann", "POST /v1/things", 1, 1);
        assert_eq!(earlier(store, 2, &same, NOON).await, EarlierRequest::None);
    }

    async fn a_request_is_recognised_under_an_older_key(db: &TestStore) {
        let store = &db.store;
        remember(store, &request("ann", "POST /v1/things", 1, 1), "thing", NOON).await.unwrap();
        let mut rotated = request("ann", "POST /v1/things", 9, 9);
        rotated.hashes.push(RequestHashes { key: [1; 32], body: [1; 32] });
        let same = EarlierRequest::Same { resource_id: "thing".into() };
        assert_eq!(earlier(store, 1, &rotated, NOON).await, same);
    }

    async fn a_twin_is_refused(db: &TestStore) {
        let store = &db.store;
        let asked = request("ann", "POST /v1/things", 1, 1);
        remember(store, &asked, "thing", NOON).await.unwrap();
        let twin = remember(store, &asked, "another", NOON).await;
        assert!(matches!(twin, Err(StoreError::Conflict(Constraint::IdempotencyKey))), "{twin:?}");
    }

    async fn what_was_rolled_back_is_forgotten(db: &TestStore) {
        let store = &db.store;
        let asked = request("ann", "POST /v1/things", 1, 1);
        let unit = store.tenant(tenant(1)).write().await.unwrap();
        unit.remember_request(&asked, "thing", NOON).await.unwrap();
        drop(unit);
        assert_eq!(earlier(store, 1, &asked, NOON).await, EarlierRequest::None);
    }
}
