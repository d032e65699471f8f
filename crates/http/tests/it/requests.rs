//! Emergencies, reviews, messages and decisions of requests.

use curfew_app::testing::PASSWORD;
use curfew_domain::Seconds;
use curfew_domain::audit::content_hash;
use serde_json::{Value, json};

use crate::known_aws::{ACCOUNT, READ_ONLY, aws_is_known};
use crate::support::{Acme, Caller, Edge};

/// Root asks for access, Dana approves, Eve has nothing to do with it.
struct Stage {
    edge: Edge,
    root: Caller,
    dana: Caller,
    eve: Caller,
}

impl Stage {
    async fn set() -> Self {
        let acme = Acme::start().await;
        for (name, role) in [("dana", "approver"), ("eve", "user")] {
            let body = json!({ "email": format!("{name}@acme.example"), "name": name, "password": PASSWORD, "roles": [role] });
            acme.post("/v1/users", body).await.is(201);
        }
        // Whose account somebody made is tied to them for a month.
        acme.edge.test.clock.advance(Seconds::of(31 * 86_400));
        let root = acme.signed_in("root@acme.example").await;
        let dana = acme.signed_in("dana@acme.example").await;
        let eve = acme.signed_in("eve@acme.example").await;
        aws_is_known(&acme).await;
        Self { edge: acme.edge, root, dana, eve }
    }

    async fn policy(&self, terms: Value) {
        let mut body = json!({
            "name": "all", "max_duration_seconds": 3600,
            "cedar_policy_set": "@notice(\"be kind\") permit (principal, action, resource);",
        });
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        self.edge.post(&self.root, "/v1/policies", body).await.is(201);
    }

    /// Root's emergency, approved at once.
    async fn emergency(&self) -> (Value, String) {
        self.policy(json!({ "allow_break_glass": true, "break_glass_max_duration_seconds": 600 })).await;
        let request = self.edge.post(&self.root, "/v1/requests", asking(true)).await.is(201);
        let uri = format!("/v1/requests/{}", request["id"].as_str().unwrap());
        (request, uri)
    }
}

fn asking(break_glass: bool) -> Value {
    json!({
        "resource": { "type": "aws_account", "id": ACCOUNT }, "action": "read", "permission_set_arn": READ_ONLY,
        "reason": "INC-7", "break_glass": break_glass,
    })
}

fn nowhere() -> String {
    format!("/v1/requests/{}", uuid::Uuid::from_u128(7))
}

#[tokio::test]
async fn an_emergency_is_given_at_once_reviewed_by_another_and_listed_until_then() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    assert_eq!((&request["status"], &request["approval_mode"]), (&json!("approved"), &json!("break_glass")));
    assert_eq!((&request["break_glass"], &request["duration_seconds"]), (&json!(true), &json!(600)));
    let owed = &request["review"];
    assert_eq!(
        (&owed["status"], &owed["outcome"], &owed["reviewed_by"]),
        (&json!("owed"), &Value::Null, &Value::Null)
    );
    assert!(owed["due_at"].as_str() > request["created_at"].as_str());
    let longer = json!({ "duration_seconds": 601 });
    let mut body = asking(true);
    body.as_object_mut().unwrap().extend(longer.as_object().unwrap().clone());
    let refused = stage.edge.post(&stage.root, "/v1/requests", body).await;
    refused.refused(403, "forbidden");
    assert_eq!(refused.body["details"]["max_duration_seconds"], 600);

    let listed = async |review: &str| {
        let page = stage.edge.get(&stage.dana, &format!("/v1/requests?review={review}")).await.is(200);
        page["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("owed").await, listed("done").await), (1, 0));
    let word = json!({ "outcome": "not_justified", "reasoning": "Nothing was on fire." });
    let review = format!("{uri}/review");
    stage.edge.post(&stage.root, &review, word.clone()).await.refused(403, "forbidden");
    stage.edge.post(&stage.eve, &review, word.clone()).await.refused(403, "forbidden");
    let done = stage.edge.post(&stage.dana, &review, word.clone()).await.is(200);
    assert_eq!(
        (&done["review"]["status"], &done["review"]["outcome"]),
        (&json!("done"), &json!("not_justified"))
    );
    assert_eq!(done["review"]["reasoning"], "Nothing was on fire.");
    assert!(done["review"]["reviewed_at"].is_string() && done["review"]["reviewed_by"].is_string());
    let again = stage.edge.post(&stage.dana, &review, word).await;
    again.refused(409, "invalid_state");
    assert_eq!(again.body["details"]["state"], "done");
    assert_eq!((listed("owed").await, listed("done").await), (0, 1));
    assert_eq!(stage.edge.get(&stage.root, &uri).await.is(200)["review"], done["review"]);
}

#[tokio::test]
async fn reviews_messages_and_decisions_that_are_not_sound_are_refused() {
    let stage = Stage::set().await;
    let (_, uri) = stage.emergency().await;
    let (review, messages) = (format!("{uri}/review"), format!("{uri}/messages"));
    for (uri, body, field) in [
        (&review, json!({ "outcome": "justified" }), "reasoning"),
        (&review, json!({ "outcome": "maybe", "reasoning": "x" }), "outcome"),
        (&review, json!({ "outcome": "justified", "reasoning": "" }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "x".repeat(2_001) }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "a\u{0}b" }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "x", "by": "me" }), "by"),
        (&messages, json!({}), "content"),
        (&messages, json!({ "content": "" }), "content"),
        (&messages, json!({ "content": "x".repeat(4_001) }), "content"),
        (&messages, json!({ "content": "a\u{0}b" }), "content"),
        (&messages, json!({ "content": "x", "metadata": 1 }), "metadata"),
        (&messages, json!({ "content": "x", "metadata": { "k": "x".repeat(16 * 1_024) } }), "metadata"),
        (&messages, json!({ "content": "x", "author_type": "system" }), "author_type"),
    ] {
        stage.edge.post(&stage.dana, uri, body).await.wrong(field);
    }
    for wrong in ["review=none", "review=", "reviews=owed"] {
        stage.edge.get(&stage.dana, &format!("/v1/requests?{wrong}")).await.refused(400, "invalid_request");
    }
    for list in ["messages", "decisions"] {
        stage.edge.get(&stage.dana, &format!("{uri}/{list}?limit=0")).await.wrong("limit");
        stage.edge.get(&stage.dana, &format!("{uri}/{list}?cursor=x")).await.wrong("cursor");
        stage
            .edge
            .get(&stage.dana, &format!("{uri}/{list}?nonsense=1"))
            .await
            .refused(400, "invalid_request");
    }
    let nobody = Caller::nobody();
    for list in ["messages", "decisions"] {
        stage.edge.get(&nobody, &format!("{uri}/{list}")).await.refused(401, "unauthenticated");
        stage.edge.get(&stage.eve, &format!("{uri}/{list}")).await.refused(404, "not_found");
        stage.edge.get(&stage.dana, &format!("{}/{list}", nowhere())).await.refused(404, "not_found");
        stage.edge.get(&stage.dana, &format!("/v1/requests/nonsense/{list}")).await.refused(404, "not_found");
    }
    let said = json!({ "content": "hello" });
    stage.edge.post(&stage.eve, &messages, said.clone()).await.refused(404, "not_found");
    stage.edge.post(&stage.dana, &format!("{}/messages", nowhere()), said).await.refused(404, "not_found");
    let word = json!({ "outcome": "justified", "reasoning": "x" });
    stage.edge.post(&stage.dana, &format!("{}/review", nowhere()), word).await.refused(404, "not_found");
}

#[tokio::test]
async fn messages_are_said_once_and_read_newest_first() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    let messages = format!("{uri}/messages");
    let once = stage.dana.with("idempotency-key", "k-1");
    let asked = json!({ "content": "What was on fire?", "metadata": { "thread": "7" } });
    let first = stage.edge.post(&once, &messages, asked.clone()).await.is(201);
    let replayed = stage.edge.post(&once, &messages, asked).await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.is(201), first);
    stage.edge.post(&once, &messages, json!({ "content": "Well?" })).await.refused(409, "conflict");
    let second = stage.edge.post(&stage.root, &messages, json!({ "content": "The database." })).await.is(201);
    assert_eq!((&first["author_type"], &second["author_type"]), (&json!("approver"), &json!("user")));
    assert_eq!((&first["request_id"], &first["metadata"]["thread"]), (&request["id"], &json!("7")));
    let page = stage.edge.get(&stage.root, &format!("{messages}?limit=1")).await.is(200);
    assert_eq!((&page["data"], &page["has_more"]), (&json!([second]), &json!(true)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = stage.edge.get(&stage.root, &format!("{messages}?limit=1&cursor={cursor}")).await.is(200);
    assert_eq!((&rest["data"], &rest["next_cursor"]), (&json!([first]), &Value::Null));
    // A cursor belongs to the list of its request.
    let other = stage.edge.post(&stage.root, "/v1/requests", asking(false)).await.is(201);
    let other = format!("/v1/requests/{}/messages?limit=1&cursor={cursor}", other["id"].as_str().unwrap());
    stage.edge.get(&stage.root, &other).await.wrong("cursor");
}

#[tokio::test]
async fn a_decision_is_told_with_a_hash_that_anybody_can_compute() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    let decisions = format!("{uri}/decisions");
    let page = stage.edge.get(&stage.dana, &decisions).await.is(200);
    let decision = &page["data"][0];
    assert_eq!((&decision["request_id"], &decision["outcome"]), (&request["id"], &json!("approved")));
    assert_eq!(decision["notices"], json!(["be kind"]));
    assert_eq!(
        (&decision["policies"][0]["version"], &decision["policies"][0]["effect"]),
        (&json!(1), &json!("permit"))
    );
    let computed = content_hash(&decision["record"]).unwrap();
    assert_eq!(decision["content_hash"], computed);
    assert_eq!(decision["audit"]["content_hash"], computed);
    let personal = content_hash(&decision["personal"]).unwrap();
    assert_eq!(decision["record"]["context"]["personal"], personal);
    assert_eq!(decision["personal"]["reason"], "INC-7");
    assert_eq!(decision["record"]["trace"]["outcome"]["mode"], "break_glass");
    let entry = format!("/v1/audit-log/{}", decision["audit"]["entry_id"].as_str().unwrap());
    let entry = stage.edge.get(&stage.root, &entry).await.is(200);
    assert_eq!(
        (&entry["action"], &entry["metadata"]["content"]),
        (&json!("request.evaluated"), &json!(computed))
    );
}

#[tokio::test]
async fn nobody_approves_their_own_request_by_whatever_they_sign_in_with() {
    let stage = Stage::set().await;
    stage.policy(json!({ "approvals_required": 1 })).await;
    let request = stage.edge.post(&stage.root, "/v1/requests", asking(false)).await.is(201);
    let uri = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let sign_in = async |name: &str| stage.edge.login(&format!("{name}@acme.example"), "acme").await;
    let key_of = async |caller: &Caller| {
        let body = json!({ "name": "key", "scopes": ["requests:approve", "requests:read"] });
        let made = stage.edge.post(caller, "/v1/api-keys", body).await.is(201);
        caller.by_key(made["raw_key"].as_str().unwrap())
    };
    let fay = json!({ "email": "fay@acme.example", "name": "fay", "password": PASSWORD, "roles": ["admin"] });
    stage.edge.post(&stage.root, "/v1/users", fay).await.is(201);
    let puppet = sign_in("fay").await;
    let (second, own_key, puppets_key) =
        (sign_in("root").await, key_of(&stage.root).await, key_of(&puppet).await);
    for by in [&stage.root, &second, &own_key, &puppet, &puppets_key] {
        for word in ["approve", "deny"] {
            stage.edge.post(by, &format!("{uri}/{word}"), json!({})).await.refused(403, "forbidden");
        }
        let waiting = stage.edge.get(by, "/v1/requests?role=to_review").await.is(200);
        assert_eq!(waiting["data"], json!([]));
    }
    let approved = stage.edge.post(&stage.dana, &format!("{uri}/approve"), json!({})).await.is(200);
    assert_eq!(approved["status"], "approved");
    let late = stage.edge.post(&stage.dana, &format!("{uri}/deny"), json!({})).await;
    late.refused(409, "invalid_state");
    assert_eq!(late.body["details"]["state"], "approved");
}
