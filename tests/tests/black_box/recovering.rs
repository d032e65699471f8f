//! A database that was restored from a backup, and what AWS has of what it forgot.

use std::path::PathBuf;

use curfew_tests::{Acme, Backend, Cloud, Json, Server, eventually, holds};
use serde_json::{Value, json};

use crate::access::{HELD, Office};

const PASSWORD: &str = "adas-own-long-passphrase";
const ALL: [&str; 8] = [
    "drift:read",
    "drift:resolve",
    "grants:create",
    "grants:delete",
    "grants:read",
    "audit:read",
    "users:read",
    "api_keys:read",
];

/// An embedded database that can be copied and put back.
struct Restorable {
    office: Office,
    key: curfew_tests::Client,
}

impl Restorable {
    async fn open() -> Self {
        let cloud = Cloud::start().await;
        let server = Server::on(Backend::Sqlite).aws(&cloud.url()).start().await;
        let body = json!({
            "tenant_name": "Acme", "tenant_slug": Server::SLUG, "admin_email": "admin@acme.example",
            "admin_name": "Ada Admin", "admin_password": PASSWORD, "mfa_required": false,
        });
        server.stranger().post("/v1/setup/complete", body).await.is(201);
        let admin = server.stranger().login("admin@acme.example", PASSWORD, Server::SLUG).await;
        let key =
            admin.post("/v1/api-keys", json!({ "name": "after a restore", "scopes": ALL })).await.is(201);
        let key = admin.holding(&key.text("raw_key"));
        Self { office: Office::furnish(cloud, server, admin).await, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.office.server.database().folder().join(name)
    }

    /// Stops the server, copies its database, and starts it again.
    async fn back_up(&mut self) {
        assert!(self.office.server.terminate().success());
        std::fs::copy(self.file("curfew.db"), self.file("copy.db")).expect("copied");
        self.office.server.start_again().await;
    }

    /// Puts the copy in the database's place. No server runs then.
    fn restore(&mut self) {
        self.office.server.kill();
        for left in ["curfew.db-wal", "curfew.db-shm"] {
            let _ = std::fs::remove_file(self.file(left));
        }
        std::fs::copy(self.file("copy.db"), self.file("curfew.db")).expect("restored");
        std::fs::rename(self.file("curfew.db.heads"), self.file("heads.before")).expect("put aside");
    }

    async fn give(&self, email: &str, set: &str) {
        let users = self.office.admin.get("/v1/users").await.ok().list("data");
        let user = users.iter().find(|user| user["email"] == email).expect("a person").text("id");
        let gift = json!({
            "grantee_id": user, "resource": { "type": "aws_account", "id": Acme::DEV },
            "permission_set_arn": self.office.acme.set(set), "duration_seconds": 3_600, "reason": "INC-7",
        });
        self.office.admin.post("/v1/grants", gift).await.is(201);
    }

    /// The finding about what somebody has.
    fn unknown<'a>(told: &'a Value, email: &str) -> &'a Value {
        let unknown = told["tenants"][0]["unknown"].as_array().expect("a list");
        unknown.iter().find(|one| one["email"] == email).unwrap_or_else(|| panic!("{email}: {told:#}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_backup_forgot_is_found_and_adopted_or_removed() {
    let mut place = Restorable::open().await;
    for email in ["bob@acme.example", "carol@acme.example"] {
        place.office.admin.person(email, &["user"]).await;
    }
    let set = json!({ "resources": [{ "id": place.office.acme.set("PowerUser"), "name": "PowerUser", "exclusive": true }] });
    place.office.admin.put("/v1/aws/permission-sets", set).await.ok();
    let of_alice = place.office.granted(3_600).await;
    place.office.is_held(&of_alice).await;
    place.back_up().await;

    place.office.admin.delete(&format!("/v1/grants/{of_alice}")).await.ok();
    place.office.is_gone(&of_alice, "revoked").await;
    place.give("bob@acme.example", "ReadOnly").await;
    place.give("carol@acme.example", "ReadOnly").await;
    place.give("carol@acme.example", "PowerUser").await;
    let (of_bob, of_carol) =
        ("bob@acme.example ReadOnly 100000000005", "carol@acme.example ReadOnly 100000000005");
    let power_of_carol = "carol@acme.example PowerUser 100000000005";
    place.office.cloud.holds_in_the_end(&[of_bob, power_of_carol, of_carol]).await;
    assert!(place.office.server.terminate().success());
    place.restore();
    // It was marked long ago.
    place
        .office
        .server
        .database()
        .tamper("UPDATE aws_resource SET exclusive_since = 0 WHERE exclusive")
        .await;

    let asked = ["recover", "--json", "--heads", "heads.before"];
    let ended = place.office.server.run(&asked);
    assert_eq!(ended.status.code(), Some(3), "{}", ended.output);
    let told: Value = serde_json::from_str(ended.output.trim()).expect("JSON");
    assert_eq!(told["tenants"][0]["grants_ended"], json!([of_alice]), "{told:#}");
    assert_eq!(told["tenants"][0]["not_compared"], json!([]), "{told:#}");
    assert_eq!(told["tenants"][0]["unknown"].as_array().map(Vec::len), Some(3), "{told:#}");
    let (bobs, carols) = (
        Restorable::unknown(&told, "bob@acme.example").text("drift_id"),
        told["tenants"][0]["unknown"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|one| one["email"] == "carol@acme.example" && one["outcome"] == "left_alone")
            .expect("what Carol reads with")
            .text("drift_id"),
    );
    let again: Value = serde_json::from_str(place.office.server.run(&asked).output.trim()).expect("JSON");
    assert_eq!(again["tenants"][0]["unknown"], told["tenants"][0]["unknown"], "once");
    assert_eq!(again["tenants"][0]["grants_ended"], json!([]));
    assert_eq!(place.office.server.run(&["recover", "--tenant", "globex"]).status.code(), Some(2));

    place.office.server.start_again().await;
    place.office.admin.get("/v1/users/me").await.refused(401, "unauthenticated");
    // Of the exclusive set it is removed without anybody's doing.
    place.office.cloud.holds_in_the_end(&[of_bob, of_carol]).await;
    place.office.admin =
        place.office.server.stranger().login("admin@acme.example", PASSWORD, Server::SLUG).await;
    let resolve = |id: &str| format!("/v1/drift/{id}/resolve");
    let adopt = json!({ "action": "adopt", "reason": "INC-7", "duration_seconds": 3_600 });
    place.office.admin.post(&resolve(&bobs), adopt).await.ok();
    let remove = json!({ "action": "remove", "reason": "nobody knows why" });
    place.key.post(&resolve(&carols), remove).await.ok();
    place.office.cloud.holds_in_the_end(&[of_bob]).await;
    let live = eventually("the adopted grant to be there", async || {
        let live = place.office.admin.get("/v1/grants?status=active").await.ok().list("data");
        holds(live.len() == 1 && live[0]["provisioning_status"] == "successful")?;
        Some(live[0].clone())
    })
    .await;
    assert_eq!(live["standing"], false, "{live:#}");
    place.office.admin.delete(&format!("/v1/grants/{}", live.text("id"))).await.ok();
    place.office.cloud.holds_in_the_end(&[]).await;
    assert_eq!(place.office.grant(&of_alice).await["status"], "revoked");
    assert_ne!(place.office.cloud.held(), [HELD]);

    let recovered = place.office.admin.get("/v1/audit-log?action=tenant.recovered").await.ok().list("data");
    assert_eq!(recovered.len(), 2);
    assert_eq!(recovered[1]["metadata"]["unknown"], 3, "{:#}", recovered[1]);
    assert!(recovered[1]["metadata"]["last_entry_before_restore"].as_u64().is_some(), "{:#}", recovered[1]);
    assert!(place.office.server.terminate().success());
    let verified = place.office.server.run(&["audit", "verify", "--heads", "curfew.db.heads"]);
    assert_eq!(verified.status.code(), Some(0), "{}", verified.output);
    let verified = place.office.server.run(&["audit", "verify", "--heads", "heads.before"]);
    assert_eq!(verified.status.code(), Some(1), "the old heads prove that entries are missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_aws_does_not_answer_is_told_and_nothing_is_made_of_a_database_that_is_not_there() {
    let mut place = Restorable::open().await;
    assert!(place.office.server.terminate().success());
    let down = curfew_sim::FaultKind::ServerError { status: 503 };
    place
        .office
        .cloud
        .control()
        .inject(curfew_sim::Fault::on("ListPermissionSetsProvisionedToAccount", down.clone()));
    place.office.cloud.control().inject(curfew_sim::Fault::on("ListAccountAssignments", down));
    let ended = place.office.server.run(&["recover"]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.output);
    assert!(ended.output.contains("not compared all further accounts"), "{}", ended.output);
    std::fs::remove_file(place.file("curfew.db")).expect("removed");
    let ended = place.office.server.run(&["recover"]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.output);
    assert!(!place.file("curfew.db").exists());
}
