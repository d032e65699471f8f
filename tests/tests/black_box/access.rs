//! One access, from asking for it to its being gone: the thin path.

use curfew_sim::PrincipalType;
use curfew_tests::{
    Acme, Backend, Client, Cloud, Json, Server, ServerBuilder, eventually, holds, on_both_databases,
};
use serde_json::{Value, json};

/// Long enough for a busy machine to see it held, short enough to see it end.
const SHORT: u32 = 4;
/// Longer than any test.
const LONG: u32 = 3_600;

/// A tenant that is connected to Acme, with rules and people.
pub(crate) struct Office {
    pub(crate) cloud: Cloud,
    pub(crate) server: Server,
    pub(crate) admin: Client,
    pub(crate) alice: Client,
    pub(crate) acme: Acme,
}

impl Office {
    pub(crate) async fn open(backend: Backend) -> Self {
        Self::open_with(Server::on(backend)).await
    }

    pub(crate) async fn open_with(server: ServerBuilder) -> Self {
        let cloud = Cloud::start().await;
        let server = server.aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        Self::furnish(cloud, server, admin).await
    }

    /// Connects a tenant that is set up, and gives it rules and people.
    pub(crate) async fn furnish(cloud: Cloud, server: Server, admin: Client) -> Self {
        let acme = cloud.connect(&admin).await;
        let alice = admin.person("alice@acme.example", &["user"]).await;
        for policy in policies() {
            admin.post("/v1/policies", policy).await.is(201);
        }
        Self { cloud, server, admin, alice, acme }
    }

    /// Asks, as Alice, for `ReadOnly` in the development account, which is granted at once.
    pub(crate) async fn granted(&self, seconds: u32) -> String {
        let request = self.ask(Acme::DEV, "ReadOnly", "read", seconds).await.is(201);
        assert_eq!(request["status"], "approved", "{request:#}");
        request.text("grant_id")
    }

    async fn ask(&self, account: &str, set: &str, action: &str, seconds: u32) -> curfew_tests::Reply {
        self.alice.post("/v1/requests", self.acme.ask(account, set, action, seconds)).await
    }

    pub(crate) async fn grant(&self, id: &str) -> Value {
        self.admin.get(&format!("/v1/grants/{id}")).await.ok()
    }

    pub(crate) async fn becomes(&self, grant: &str, status: &str, provisioning: &str) -> Value {
        eventually(&format!("the grant to be {status}, {provisioning}"), async || {
            let grant = self.grant(grant).await;
            holds(grant["status"] == status && grant["provisioning_status"] == provisioning)?;
            Some(grant)
        })
        .await
    }

    /// Waits until somebody holds the grant's access in AWS and Curfew knows.
    pub(crate) async fn is_held(&self, grant: &str) {
        self.cloud.holds_in_the_end(&[HELD]).await;
        self.becomes(grant, "active", "successful").await;
    }

    /// Waits until a grant has ended, and its access is gone from AWS.
    pub(crate) async fn is_gone(&self, grant: &str, how: &str) {
        self.cloud.holds_in_the_end(&[]).await;
        self.becomes(grant, how, "revoked").await;
    }
}

/// What AWS holds while Alice has what [`Office::granted`] asks for.
pub(crate) const HELD: &str = "alice@acme.example ReadOnly 100000000005";

/// Reading is granted at once in development; writing there wants a second person; payments are closed.
pub(crate) fn policies() -> [Value; 3] {
    [
        json!({
            "name": "Read in development", "max_duration_seconds": 14_400, "approval_mode": "auto",
            "cedar_policy_set": format!(
                r#"permit (principal, action == Action::"read", resource == AwsAccount::"{}");"#, Acme::DEV),
        }),
        json!({
            "name": "Write in development", "max_duration_seconds": 14_400, "approval_mode": "require",
            "cedar_policy_set": format!(
                r#"permit (principal, action == Action::"write", resource == AwsAccount::"{}");"#, Acme::DEV),
        }),
        json!({
            "name": "Payments are closed", "max_duration_seconds": 14_400, "priority": 100,
            "cedar_policy_set": format!(
                r#"@notice("Payments are closed this week: ask #payments.")
                forbid (principal, action, resource == AwsAccount::"{}");"#, Acme::PAYMENTS),
        }),
    ]
}

on_both_databases! {
    async fn an_approved_request_is_held_in_aws_and_gone_on_time(backend: Backend) {
        let office = Office::open(backend).await;
        let grant = office.granted(SHORT).await;
        office.cloud.holds_in_the_end(&[HELD]).await;
        office.is_gone(&grant, "expired").await;
        let ended = office.grant(&grant).await;
        assert!(ended["expires_at"].is_string(), "{ended:#}");
        assert_eq!(office.cloud.control().calls_of("DeleteAccountAssignment").len(), 1);
    }

    async fn a_grant_that_is_revoked_ends_at_once(backend: Backend) {
        let office = Office::open(backend).await;
        let grant = office.granted(LONG).await;
        office.is_held(&grant).await;
        let revoked = office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        assert_eq!(revoked["status"], "revoked", "{revoked:#}");
        office.is_gone(&grant, "revoked").await;
        office.admin.delete(&format!("/v1/grants/{grant}")).await.refused(409, "invalid_state");
    }

    async fn a_second_person_approves_and_nobody_their_own(backend: Backend) {
        let office = Office::open(backend).await;
        let bob = office.admin.person("bob@acme.example", &["approver"]).await;
        let request = office.ask(Acme::DEV, "PowerUser", "write", LONG).await.is(201);
        assert_eq!(request["status"], "pending", "{request:#}");
        let approve = format!("/v1/requests/{}/approve", request.text("id"));
        office.alice.post(&approve, json!({})).await.refused(403, "forbidden");
        assert_eq!(office.cloud.held(), Vec::<String>::new());

        let approved = bob.post(&approve, json!({ "reasoning": "on call" })).await.ok();
        assert_eq!(approved["status"], "approved", "{approved:#}");
        assert_eq!(approved["decided_by"], json!(bob.id().await), "{approved:#}");
        office.cloud.holds_in_the_end(&["alice@acme.example PowerUser 100000000005"]).await;
        bob.post(&approve, json!({})).await.refused(409, "invalid_state");
    }

    async fn an_approver_does_not_approve_what_they_asked_for(backend: Backend) {
        let office = Office::open(backend).await;
        let bob = office.admin.person("bob@acme.example", &["user", "approver"]).await;
        let ask = office.acme.ask(Acme::DEV, "PowerUser", "write", LONG);
        let request = bob.post("/v1/requests", ask).await.is(201);
        let path = format!("/v1/requests/{}", request.text("id"));
        bob.post(&format!("{path}/approve"), json!({})).await.refused(403, "forbidden");
        bob.post(&format!("{path}/deny"), json!({})).await.refused(403, "forbidden");
        assert_eq!(bob.get(&path).await.ok()["status"], "pending");
    }

    async fn a_second_person_denies(backend: Backend) {
        let office = Office::open(backend).await;
        let bob = office.admin.person("bob@acme.example", &["approver"]).await;
        let request = office.ask(Acme::DEV, "PowerUser", "write", LONG).await.is(201);
        let deny = format!("/v1/requests/{}/deny", request.text("id"));
        let denied = bob.post(&deny, json!({ "reasoning": "not today" })).await.ok();
        assert_eq!(denied["status"], "denied", "{denied:#}");
        assert_eq!(office.admin.get("/v1/grants").await.ok().list("data"), Vec::<Value>::new());
    }

    async fn a_refusal_tells_the_notices_of_the_rules(backend: Backend) {
        let office = Office::open(backend).await;
        let refusal = office.ask(Acme::PAYMENTS, "ReadOnly", "read", LONG).await.refused(403, "forbidden");
        assert_eq!(refusal["notices"], json!(["Payments are closed this week: ask #payments."]), "{refusal:#}");
        let recorded = office.alice.get("/v1/requests?status=denied").await.ok().list("data");
        assert_eq!(recorded.len(), 1, "{recorded:#?}");
        assert_eq!(recorded[0]["notices"], refusal["notices"]);
    }

    async fn what_no_rule_permits_is_refused(backend: Backend) {
        let office = Office::open(backend).await;
        office.ask(Acme::DEV, "Admin", "admin", LONG).await.refused(403, "forbidden");
        assert_eq!(office.cloud.control().calls_of("CreateAccountAssignment").len(), 0);
    }

    async fn a_person_unknown_to_identity_center_is_told_so(backend: Backend) {
        let office = Office::open(backend).await;
        let erin = office.admin.person("erin@acme.example", &["user"]).await;
        let ask = office.acme.ask(Acme::DEV, "ReadOnly", "read", LONG);
        let reply = erin.post("/v1/requests", ask).await;
        assert!((400..500).contains(&reply.status), "{}: {}", reply.status, reply.text);
        assert!(reply.text.contains("Identity Center"), "{}", reply.text);
    }

    async fn access_that_was_there_before_is_left_alone(backend: Backend) {
        let office = Office::open(backend).await;
        let world = office.cloud.control().world();
        let (_, instance) = world.instance(&office.acme.instance).expect("Acme's");
        let alice = instance.users.iter().find(|user| user.user_name == "alice@acme.example").expect("Alice");
        office.cloud.control().assign(&office.acme.instance, &curfew_sim::Assignment {
            account: Acme::DEV.to_owned(),
            permission_set: office.acme.set("ReadOnly").to_owned(),
            principal_type: PrincipalType::User,
            principal_id: alice.id.clone(),
        });
        let grant = office.granted(LONG).await;
        let held = office.becomes(&grant, "active", "successful").await;
        assert_eq!(held["standing"], true, "{held:#}");
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.becomes(&grant, "revoked", "revoked").await;
        assert_eq!(office.cloud.held(), [HELD]);
        assert_eq!(office.cloud.control().calls_of("CreateAccountAssignment").len(), 0);
        assert_eq!(office.cloud.control().calls_of("DeleteAccountAssignment").len(), 0);
    }

    async fn an_assignment_that_two_grants_need_stays_until_the_last_ends(backend: Backend) {
        let office = Office::open(backend).await;
        let long = office.granted(LONG).await;
        office.is_held(&long).await;
        let short = office.granted(SHORT).await;
        office.becomes(&short, "expired", "revoked").await;
        assert_eq!(office.cloud.held(), [HELD]);
        office.admin.delete(&format!("/v1/grants/{long}")).await.ok();
        office.is_gone(&long, "revoked").await;
    }
}
