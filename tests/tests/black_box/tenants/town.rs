//! Two tenants side by side, each with one of everything.

use std::collections::BTreeMap;

use curfew_sim::world::{Assignment, GLOBEX_ROLE, PrincipalType};
use curfew_tests::{Acme, Backend, Client, Cloud, Json, Server, eventually};
use serde_json::{Value, json};

use super::expectations::Kind;

/// A port where nobody listens.
const NOBODY: &str = "127.0.0.1:9";

/// A master and its child, both connected to an AWS organization of their own.
pub(super) struct Town {
    pub(super) acme: Estate,
    pub(super) globex: Estate,
    _cloud: Cloud,
    _server: Server,
}

/// What one tenant has.
pub(super) struct Estate {
    pub(super) is_master: bool,
    pub(super) admin: Client,
    pub(super) user: Client,
    pub(super) raw_key: String,
    ids: BTreeMap<Kind, String>,
    /// Texts that only this tenant has.
    words: Vec<String>,
}

impl Town {
    pub(super) async fn build(backend: Backend) -> Self {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).env("CURFEW_OUTBOUND_ALLOW", NOBODY);
        let server = server.env("RECONCILIATION_INTERVAL", "1s").start().await;
        let admin = server.set_up_as("multi").await;
        cloud.connect(&admin).await;
        let globex_admin = found_globex(&server, &admin).await;
        cloud.connect_to(&globex_admin, "globex", GLOBEX_ROLE).await;
        let acme = Estate::settle(&cloud, &cloud.acme(), admin, "alice@acme.example", Acme::DEV, true).await;
        let globex = Estate::settle(
            &cloud,
            &cloud.organization("globex"),
            globex_admin,
            "gina@globex.example",
            "200000000003",
            false,
        )
        .await;
        Self { acme, globex, _cloud: cloud, _server: server }
    }
}

/// Where access will be given, a group has it by somebody's hand.
fn somebody_has_access_already(cloud: &Cloud, org: &Acme, account: &str) {
    let by_hand = Assignment {
        account: account.to_owned(),
        permission_set: org.set("ReadOnly").to_owned(),
        principal_type: PrincipalType::Group,
        principal_id: "00000000-1111-2222-3333-444444444444".to_owned(),
    };
    cloud.control().assign(&org.instance, &by_hand);
}

/// The master makes the child, whose owner follows the link.
async fn found_globex(server: &Server, master: &Client) -> Client {
    let body = json!({
        "name": "Globex", "slug": "globex", "owner_email": "hank@globex.example", "owner_name": "Hank Hill",
    });
    let made = master.post("/v1/tenants", body).await.is(201);
    let link = made.text("owner_setup_url");
    let (_, token) = link.split_once("token=").expect("a token in the link");
    master.keep_out_of_the_log(token);
    let password = "hanks-own-long-passphrase";
    let stranger = server.stranger();
    let first = json!({ "token": token, "password": password });
    stranger.post("/v1/auth/set-initial-password", first.clone()).await.ok();
    stranger.post("/v1/auth/set-initial-password", first).await.refused(400, "invalid_request");
    stranger.login("hank@globex.example", password, "globex").await
}

impl Estate {
    async fn settle(
        cloud: &Cloud,
        org: &Acme,
        admin: Client,
        email: &str,
        account: &str,
        is_master: bool,
    ) -> Self {
        somebody_has_access_already(cloud, org, account);
        let word = email.split_once('@').expect("an address").1.replace('.', "-");
        let user = admin.person(email, &["user"]).await;
        let reading = admin.post("/v1/policies", policy(&word, "read", "auto")).await.is(201);
        admin.post("/v1/policies", policy(&word, "assume", "require")).await.is(201);
        let group = admin.post("/v1/groups", json!({ "name": format!("{word} people") })).await.is(201);
        let of_group = format!("/v1/groups/{}", group.text("id"));
        admin.post(&format!("{of_group}/members"), json!({ "user_id": user.id().await })).await.is(201);
        admin.post(&format!("{of_group}/roles"), json!({ "role": "user" })).await.is(201);
        let role = json!({ "slug": format!("{word}-role"), "name": word, "scopes": ["audit:read"] });
        let role = admin.post("/v1/roles", role).await.is(201);
        let key = admin.post("/v1/api-keys", json!({ "name": word, "scopes": ["users:read"] })).await.is(201);
        let ask = |action: &str| org.ask(account, "ReadOnly", action, 3_600);
        let pending = user.post("/v1/requests", ask("assume")).await.is(201);
        assert_eq!(pending["status"], "pending", "{pending:#}");
        let granted = user.post("/v1/requests", ask("read")).await.is(201);
        // Of an account that nobody else asks for.
        let elsewhere = json!({ "scope": "account", "id": format!("9{}", &account[1..]), "reason": word });
        let lockdown = admin.post("/v1/lockdowns", elsewhere).await.is(201);
        let webhook = json!({
            "name": word, "url": format!("http://{NOBODY}/{word}"), "event_filters": ["lockdown.started"],
        });
        let channel = admin.post("/v1/notification-channels/generic-webhook", webhook).await.is(201);
        admin.keep_out_of_the_log(&channel.text("signing_secret"));
        let told = eventually("the admin to be told of the request", async || {
            let told = admin.get("/v1/users/me/notifications").await.ok().list("items");
            told.first().map(|one| one.text("id"))
        })
        .await;
        let drift = eventually("access that is not Curfew's to be found", async || {
            let found = admin.get("/v1/drift").await.ok().list("data");
            found.first().map(|one| one.text("id"))
        })
        .await;
        let entry = admin.get("/v1/audit-log").await.ok().list("data")[0].text("id");
        let ids = BTreeMap::from([
            (Kind::User, user.id().await),
            (Kind::Policy, reading.text("id")),
            (Kind::PolicyVersion, "1".to_owned()),
            (Kind::Rule, reading.list("rules")[0].text("id")),
            (Kind::ApiKey, key.text("id")),
            (Kind::Role, role.text("id")),
            (Kind::Group, group.text("id")),
            (Kind::Lockdown, lockdown.text("id")),
            (Kind::GroupRole, "user".to_owned()),
            (Kind::Request, pending.text("id")),
            (Kind::Grant, granted.text("grant_id")),
            (Kind::AuditEntry, entry),
            (Kind::Channel, channel.text("id")),
            (Kind::Drift, drift),
            (Kind::Notification, told),
            (Kind::Tenant, admin.tenant().to_owned()),
        ]);
        let words = vec![email.to_owned(), word, org.instance.clone(), account.to_owned()];
        Self { is_master, admin, user, raw_key: key.text("raw_key"), ids, words }
    }

    pub(super) fn id(&self, kind: Kind) -> String {
        self.ids[&kind].clone()
    }

    /// Whatever must not be seen by others.
    pub(super) fn traces(&self) -> Vec<String> {
        let named_alike = [Kind::PolicyVersion, Kind::GroupRole];
        let ids = self.ids.iter().filter(|(kind, _)| !named_alike.contains(kind)).map(|(_, id)| id);
        ids.chain(&self.words).cloned().collect()
    }

    /// Nothing that a stranger tried has changed anything.
    pub(super) async fn is_as_it_was(&self) {
        let request = self.admin.get(&format!("/v1/requests/{}", self.id(Kind::Request))).await.ok();
        assert_eq!(request["status"], "pending", "{request:#}");
        let grant = self.admin.get(&format!("/v1/grants/{}", self.id(Kind::Grant))).await.ok();
        assert_eq!(grant["status"], "active", "{grant:#}");
        self.admin.get(&format!("/v1/policies/{}", self.id(Kind::Policy))).await.ok();
        let user = self.admin.get(&format!("/v1/users/{}", self.id(Kind::User))).await.ok();
        assert_eq!(user["active"], true, "{user:#}");
        let role = self.admin.get(&format!("/v1/roles/{}", self.id(Kind::Role))).await.ok();
        assert_eq!(role["scopes"], json!(["audit:read"]), "{role:#}");
        let group = self.admin.get(&format!("/v1/groups/{}", self.id(Kind::Group))).await.ok();
        assert_eq!(
            (&group["member_count"], &group["role_mappings"]),
            (&json!(1), &json!(["user"])),
            "{group:#}"
        );
        let channel =
            self.admin.get(&format!("/v1/notification-channels/{}", self.id(Kind::Channel))).await.ok();
        assert_eq!(channel["enabled"], true, "{channel:#}");
        let told = self.admin.get("/v1/users/me/notifications").await.ok();
        assert_eq!(told["unread_count"], 1, "{told:#}");
        self.admin.holding(&self.raw_key).get("/v1/users").await.ok();
    }
}

/// A rule for one action, on any account.
fn policy(name: &str, action: &str, approval_mode: &str) -> Value {
    let cedar = format!(r#"permit (principal, action == Action::"{action}", resource is AwsAccount);"#);
    json!({
        "name": format!("{name} {action}"), "max_duration_seconds": 14_400, "approval_mode": approval_mode,
        "cedar_policy_set": cedar,
    })
}
