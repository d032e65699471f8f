//! Grants, and ensuring access.

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::known_aws::{ACCOUNT, READ_ONLY, aws_is_known};
use crate::support::{Acme, Caller};

/// Acme, and Dana.
struct Stage {
    acme: Acme,
    dana: Caller,
}

impl Stage {
    /// With a policy by which an hour is given at once and more by people.
    async fn set() -> Self {
        let acme = Acme::start().await;
        aws_is_known(&acme).await;
        let dana =
            json!({ "email": "dana@acme.example", "name": "Dana", "password": PASSWORD, "roles": ["user"] });
        acme.post("/v1/users", dana).await.is(201);
        for (name, mode, condition) in [("short", "auto", "<="), ("long", "require", ">")] {
            let rules = format!(
                "permit (principal, action, resource) when {{ context.duration_seconds {condition} 3600 }};"
            );
            let policy = json!({
                "name": name, "max_duration_seconds": 28_800, "approval_mode": mode, "cedar_policy_set": rules
            });
            acme.post("/v1/policies", policy).await.is(201);
        }
        let dana = acme.signed_in("dana@acme.example").await;
        Self { acme, dana }
    }

    /// A grant of half an hour that this caller has asked for.
    async fn grant_of(&self, caller: &Caller) -> Value {
        let wanted = json!({
            "resource": { "type": "aws_account", "id": ACCOUNT }, "action": "read",
            "permission_set_arn": READ_ONLY, "duration_seconds": 1_800, "reason": "INC-7"
        });
        let request = self.acme.edge.post(caller, "/v1/requests", wanted).await.is(201);
        assert_eq!(request["extends_grant_id"], Value::Null);
        let id = request["grant_id"].as_str().unwrap();
        self.acme.edge.get(caller, &format!("/v1/grants/{id}")).await.is(200)
    }
}

fn more(seconds: i64) -> Value {
    json!({ "duration_seconds": seconds, "reason": "not over yet" })
}

#[tokio::test]
async fn a_grant_says_how_awss_own_sessions_stand_and_warns_of_longer_ones() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let grant = stage.grant_of(dana).await;
    assert_eq!(
        grant["sessions"],
        json!({
            "state": "none", "may_live_until": null, "reason": null, "lasts_seconds": 3_600, "outlasts_grant": true
        })
    );
    let uri = format!("/v1/grants/{}/extend", grant["id"].as_str().unwrap());
    let longer = acme.edge.ask(dana, "POST", &uri, Some(more(1_800))).await.is(200);
    assert_eq!(
        (&longer["sessions"]["outlasts_grant"], &longer["duration_seconds"]),
        (&json!(false), &json!(3_600))
    );
}

#[tokio::test]
async fn more_time_is_given_at_once_or_by_people() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let grant = stage.grant_of(dana).await;
    assert_eq!((&grant["duration_seconds"], grant["start_by"].is_string()), (&json!(1_800), true));
    let uri = format!("/v1/grants/{}/extend", grant["id"].as_str().unwrap());
    let once = dana.with("idempotency-key", "one");
    let longer = acme.edge.ask(&once, "POST", &uri, Some(more(900))).await.is(200);
    assert_eq!((&longer["id"], &longer["duration_seconds"]), (&grant["id"], &json!(2_700)));
    let again = acme.edge.ask(&once, "POST", &uri, Some(more(900))).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.is(200)["duration_seconds"], 2_700);
    acme.edge.ask(&once, "POST", &uri, Some(more(901))).await.refused(409, "conflict");

    let asked = acme.edge.ask(dana, "POST", &uri, Some(more(3_600))).await.is(202);
    assert_eq!((&asked["status"], &asked["extends_grant_id"]), (&json!("pending"), &grant["id"]));
    assert_eq!((&asked["duration_seconds"], &asked["grant_id"]), (&json!(6_300), &Value::Null));
    let waiting = acme.edge.ask(dana, "POST", &uri, Some(more(60))).await;
    waiting.refused(409, "conflict");
    assert_eq!(waiting.body["details"]["request_id"], asked["id"]);
    let approve = format!("/v1/requests/{}/approve", asked["id"].as_str().unwrap());
    let approved = acme.ask("POST", &approve, Some(json!({}))).await.is(200);
    assert_eq!((&approved["status"], &approved["grant_id"]), (&json!("approved"), &grant["id"]));
    let longer = acme.ask("GET", uri.trim_end_matches("/extend"), None).await.is(200);
    assert_eq!(longer["duration_seconds"], 6_300);
    acme.ask("POST", &uri, Some(more(60))).await.refused(403, "forbidden");
}

#[tokio::test]
async fn more_time_is_refused_with_what_is_wrong() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let grant = stage.grant_of(dana).await;
    let grant = format!("/v1/grants/{}", grant["id"].as_str().unwrap());
    let uri = format!("{grant}/extend");
    let extend = async |body| acme.edge.ask(dana, "POST", &uri, body).await;
    for wrong in [json!(0), json!(-1), json!(i64::MAX), json!("3600"), json!(1.5), Value::Null] {
        extend(Some(json!({ "duration_seconds": wrong }))).await.wrong("duration_seconds");
    }
    extend(Some(json!({}))).await.wrong("duration_seconds");
    extend(Some(more(60_000))).await.wrong("duration_seconds");
    let denied = extend(Some(more(28_000))).await;
    denied.refused(403, "forbidden");
    assert!(denied.body["details"]["request_id"].is_string(), "{}", denied.body);
    acme.edge.ask(dana, "DELETE", &grant, None).await.is(200);
    let over = extend(Some(more(60))).await;
    over.refused(409, "invalid_state");
    assert_eq!(over.body["details"]["state"], "revoked");
    let unknown = "/v1/grants/0192f0c1-7a3b-7c4d-8e5f-0123456789ab/extend";
    acme.edge.ask(dana, "POST", unknown, Some(more(60))).await.refused(404, "not_found");
}

#[tokio::test]
async fn access_is_given_by_hand_to_others() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let me = acme.edge.get(dana, "/v1/users/me").await.is(200);
    let gift = |change: Value| {
        let mut gift = json!({
            "grantee_id": me["id"], "resource": { "type": "aws_account", "id": ACCOUNT },
            "permission_set_arn": READ_ONLY, "duration_seconds": 7_200, "reason": "nobody can approve"
        });
        for (name, value) in change.as_object().unwrap() {
            gift[name] = value.clone();
        }
        Some(gift)
    };
    let once = acme.admin.with("idempotency-key", "one");
    let given = acme.edge.ask(&once, "POST", "/v1/grants", gift(json!({}))).await.is(201);
    assert_eq!((&given["request_id"], &given["grantee_id"]), (&Value::Null, &me["id"]));
    assert_eq!((&given["action"], &given["status"]), (&json!("read"), &json!("active")));
    let again = acme.edge.ask(&once, "POST", "/v1/grants", gift(json!({}))).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.is(201)["id"], given["id"]);
    acme.edge.ask(dana, "POST", "/v1/grants", gift(json!({}))).await.refused(403, "forbidden");
    let own = gift(json!({ "grantee_id": acme.tenant.admin.id.to_string() }));
    acme.ask("POST", "/v1/grants", own).await.refused(403, "forbidden");
    for (field, wrong) in [
        ("grantee_id", json!("nobody")),
        ("grantee_id", json!("0192f0c1-7a3b-7c4d-8e5f-0123456789ab")),
        ("duration_seconds", json!(0)),
        ("duration_seconds", json!(86_400)),
        ("duration_seconds", json!(9_223_372_036_854_775_808_u64)),
        ("reason", json!("")),
        ("reason", Value::Null),
        ("permission_set_arn", Value::Null),
        ("action", json!("everything")),
    ] {
        acme.ask("POST", "/v1/grants", gift(json!({ field: wrong }))).await.wrong(field);
    }
    let story = format!("/v1/grants/{}/timeline", given["id"].as_str().unwrap());
    let told = acme.edge.get(dana, &story).await.is(200);
    assert_eq!(told["data"][0]["action"], "grant.created");
    assert_eq!(told["data"][0]["what"], "Somebody gave it by hand, for 7200 seconds: nobody can approve");
    assert_eq!(told["data"][0]["actor_id"], acme.tenant.admin.id.to_string());
}

#[tokio::test]
async fn a_story_is_read_page_by_page_by_whoever_sees_the_grant() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let grant = stage.grant_of(&acme.admin).await;
    let uri = format!("/v1/grants/{}/timeline", grant["id"].as_str().unwrap());
    let first = acme.ask("GET", &format!("{uri}?limit=2"), None).await.is(200);
    let actions = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(actions(&first), ["request.submitted", "request.evaluated"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = acme.ask("GET", &format!("{uri}?limit=2&cursor={cursor}"), None).await.is(200);
    assert_eq!(actions(&second), ["request.approved", "grant.created"]);
    assert_eq!((&second["has_more"], &second["next_cursor"]), (&json!(false), &Value::Null));
    acme.edge.get(dana, &uri).await.refused(404, "not_found");
    acme.ask("GET", &format!("{uri}?oldest=1"), None).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn access_is_made_sure_of() {
    let stage = Stage::set().await;
    let (acme, dana) = (&stage.acme, &stage.dana);
    let target = format!("AWS::Account::{ACCOUNT}");
    let wanted = |role: &str, seconds: i64, dry_run: bool| {
        Some(json!({
            "entitlements": [{ "target": target, "role": role, "duration_seconds": seconds }],
            "justification": { "reason": "INC-7", "attachments": [{ "type": "ticket", "id": "INC-7" }] },
            "dry_run": dry_run
        }))
    };
    let ensure = async |body| acme.edge.ask(dana, "POST", "/v1/access/ensure", body).await;
    let one = async |body| ensure(body).await.is(200)["grants"][0].clone();
    let dry = one(wanted("ReadOnly", 600, true)).await;
    assert_eq!((&dry["change"], &dry["status"]), (&json!("activated"), &json!("provisioning")));
    assert_eq!((&dry["id"], &dry["access_request_id"]), (&json!(uuid::Uuid::nil()), &Value::Null));
    let made = one(wanted("ReadOnly", 600, false)).await;
    assert_eq!(made["name"], "ReadOnly in Sandbox");
    assert_eq!((&made["change"], &made["approved"]), (&json!("activated"), &json!(true)));
    assert_eq!(made["validation"], json!({ "has_reason": true, "has_ticket_attachment": true }));
    assert_eq!((&made["provisioning_status"], &made["diagnostics"]), (&json!("pending"), &json!([])));
    let same = one(wanted(READ_ONLY, 600, false)).await;
    assert_eq!((&same["change"], &same["id"]), (&json!("none"), &made["id"]));
    let asked = one(wanted("ReadOnly", 7_200, false)).await;
    assert_eq!((&asked["change"], &asked["id"]), (&json!("requested"), &made["id"]));
    let status = async |id: &Value| {
        let uri = format!("/v1/access/requests/{}", id.as_str().unwrap());
        acme.edge.get(dana, &uri).await.is(200)
    };
    let given = status(&made["access_request_id"]).await;
    assert_eq!((&given["status"], &given["grants"][0]["id"]), (&json!("approved"), &made["id"]));
    let pending = status(&asked["access_request_id"]).await;
    assert_eq!((&pending["status"], &pending["grants"][0]["approved"]), (&json!("pending"), &json!(true)));
    let nowhere = one(wanted("Nothing", 600, false)).await;
    assert_eq!((&nowhere["status"], &nowhere["approved"]), (&json!("expired"), &json!(false)));
    assert_eq!(nowhere["diagnostics"][0]["level"], "error");
    assert_eq!(nowhere["diagnostics"][0]["code"], "invalid_request");

    ensure(Some(json!({ "entitlements": [] }))).await.wrong("entitlements");
    ensure(Some(json!({}))).await.wrong("entitlements");
    let many = vec![json!({ "target": target, "role": "ReadOnly" }); 51];
    ensure(Some(json!({ "entitlements": many }))).await.wrong("entitlements");
    for (field, wrong) in [
        ("target", json!("123456789012")),
        ("target", json!("AWS::Account::12")),
        ("role", json!("")),
        ("role", json!("arn:aws:iam::123456789012:role/Admin")),
        ("duration_seconds", json!(-1)),
    ] {
        let mut body = wanted("ReadOnly", 600, false).unwrap();
        body["entitlements"][0][field] = wrong;
        ensure(Some(body)).await.wrong(&format!("entitlements[0].{field}"));
    }
}
