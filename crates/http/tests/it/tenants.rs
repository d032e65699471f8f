//! Tenants beside each other.

use curfew_app::testing::{ORIGIN, PASSWORD};
use serde_json::{Value, json};

use crate::support::{Caller, Edge};

#[tokio::test]
async fn a_child_tenant_comes_with_a_link_for_its_owner() {
    let edge = Edge::start().await;
    let admin = edge.set_up("multi").await;
    let body =
        json!({ "name": "Bolt", "slug": "bolt", "owner_email": "olga@bolt.example", "locale": "de-CH" });
    let made = edge.post(&admin, "/v1/tenants", body.clone()).await.is(201);
    let url = made["owner_setup_url"].as_str().unwrap();
    let (page, token) = url.split_once("?token=").unwrap();
    assert_eq!(page, format!("{ORIGIN}/set-password"));
    let set = |token: &str| json!({ "token": token, "password": PASSWORD });
    edge.post(&Caller::nobody(), "/v1/auth/set-initial-password", set("cfs_x")).await.wrong("token");
    edge.post(&Caller::nobody(), "/v1/auth/set-initial-password", set(token)).await.is(204);
    edge.post(&Caller::nobody(), "/v1/auth/set-initial-password", set(token)).await.wrong("token");
    let olga = edge.login("olga@bolt.example", "bolt").await;
    let me = edge.get(&olga, "/v1/users/me").await.is(200);
    assert_eq!((&me["tenant"]["slug"], &me["is_owner"]), (&json!("bolt"), &json!(true)));
    edge.get(&olga, "/v1/tenants").await.refused(403, "forbidden");
    let own = format!("/v1/tenants/{}", olga.value("x-tenant-id"));
    let portal = json!({ "sso_start_url": "https://bolt.awsapps.com/start", "sso_region": "eu-central-1" });
    let changed = edge.ask(&olga, "PUT", &own, Some(portal)).await.is(200);
    assert_eq!(changed["sso_region"], "eu-central-1");
    let changed = edge.ask(&olga, "PUT", &own, Some(json!({ "sso_start_url": null }))).await.is(200);
    assert_eq!((&changed["sso_start_url"], &changed["sso_region"]), (&Value::Null, &json!("eu-central-1")));
    edge.ask(&admin, "PUT", &own, Some(json!({ "name": "Mine" }))).await.refused(403, "forbidden");
    edge.post(&admin, "/v1/tenants", body).await.refused(409, "conflict");
    edge.get(&olga, &format!("/v1/tenants/{}", admin.value("x-tenant-id"))).await.refused(404, "not_found");
}

#[tokio::test]
async fn another_tenants_people_mean_nothing_in_a_body() {
    let edge = Edge::start().await;
    let admin = edge.set_up("multi").await;
    let own = edge.get(&admin, "/v1/users/me").await.is(200)["tenant"]["id"].as_str().unwrap().to_owned();
    let child =
        json!({ "name": "Bolt", "slug": "bolt", "owner_email": "olga@bolt.example", "owner_name": "Olga" });
    let child = edge.post(&admin, "/v1/tenants", child).await.is(201);
    let theirs = child["owner_user_id"].as_str().unwrap();
    let nobody = uuid::Uuid::from_u128(7).to_string();
    for id in [theirs, nobody.as_str()] {
        let transfer = json!({ "owner_user_id": id });
        edge.ask(&admin, "PUT", &format!("/v1/tenants/{own}"), Some(transfer)).await.wrong("owner_user_id");
        let policy = json!({
            "name": "For one", "max_duration_seconds": 3600,
            "cedar_policy_set": format!(r#"permit(principal == User::"{id}", action, resource);"#),
        });
        edge.post(&admin, "/v1/policies", policy).await.refused(422, "policy_invalid");
    }
}
