//! How findings of drift are settled.

use curfew_domain::{DriftId, DriftKind, DriftOutcome, DriftPlace};
use curfew_store::NewDrift;
use serde_json::{Value, json};

use crate::support::Acme;

async fn found(acme: &Acme, kind: DriftKind) -> DriftId {
    let app = &acme.edge.test.app;
    let now = app.now();
    let set = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
    let id = DriftId::new(now, app.entropy.as_ref());
    let place = DriftPlace {
        instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        account: "123456789012".parse().unwrap(),
        permission_set: set.parse().unwrap(),
        principal: id.to_string().parse().unwrap(),
    };
    let outcome = DriftOutcome::LeftAlone;
    let finding = NewDrift { id, kind, place, assignment: None, outcome, found_at: now };
    let unit = app.store.tenant(acme.tenant.tenant.id).write().await.unwrap();
    unit.insert_drift(&finding).await.unwrap();
    unit.commit().await.unwrap();
    id
}

async fn resolve(acme: &Acme, id: DriftId, body: Option<Value>) -> (u16, Value) {
    let reply = acme.ask("POST", &format!("/v1/drift/{id}/resolve"), body).await;
    (reply.status, reply.body)
}

#[tokio::test]
async fn a_remedy_that_is_not_sound_is_refused_field_by_field() {
    let acme = Acme::start().await;
    let id = found(&acme, DriftKind::UnmanagedUser).await;
    for (body, field) in [
        (json!({ "action": "remove" }), "reason"),
        (json!({ "action": "remove", "reason": "" }), "reason"),
        (json!({ "action": "remove", "reason": "x", "duration_seconds": 60 }), "duration_seconds"),
        (json!({ "duration_seconds": 60 }), "duration_seconds"),
        (json!({ "action": "adopt", "duration_seconds": 60 }), "reason"),
        (json!({ "action": "adopt", "reason": "x" }), "duration_seconds"),
        (json!({ "action": "delete", "reason": "x" }), "action"),
        (json!({ "remedy": "remove" }), ""),
    ] {
        let (status, refused) = resolve(&acme, id, Some(body.clone())).await;
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{body}: {refused}");
        let fields = refused["details"]["fields"].as_object().unwrap();
        assert!(field.is_empty() || fields.contains_key(field), "{body}: {refused}");
    }
    let (status, accepted) = resolve(&acme, id, None).await;
    assert_eq!((status, &accepted["outcome"], &accepted["open"]), (200, &json!("left_alone"), &json!(false)));
}

#[tokio::test]
async fn only_a_persons_access_is_removed_or_adopted() {
    let acme = Acme::start().await;
    for (kind, state) in [
        (DriftKind::UnmanagedGroup, "group"),
        (DriftKind::Removed, "managed"),
        (DriftKind::Reappeared, "managed"),
    ] {
        let id = found(&acme, kind).await;
        for body in [
            json!({ "action": "remove", "reason": "x" }),
            json!({ "action": "adopt", "reason": "x", "duration_seconds": 60 }),
        ] {
            let (status, refused) = resolve(&acme, id, Some(body)).await;
            assert_eq!((status, &refused["details"]["state"]), (409, &json!(state)), "{refused}");
        }
    }
    let id = found(&acme, DriftKind::UnmanagedUser).await;
    let (status, refused) = resolve(&acme, id, Some(json!({ "action": "remove", "reason": "x" }))).await;
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "no connection leads there");
}
