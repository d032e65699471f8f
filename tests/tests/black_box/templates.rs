//! The policies for common needs, as the documentation has them: together they decide as it says.

use curfew_sim::world::{ACME_INSTANCE, ACME_MANAGEMENT_ROLE};
use curfew_tests::{Acme, Client, Cloud, Json, Server, on_both_databases};
use serde_json::{Value, json};

const DOCUMENTED: &str = include_str!("../../../docs/templates.md");

const MANAGEMENT: &str = "100000000001";
const PROD: &str = "100000000004";
const MONDAY_MORNING: &str = "2026-03-02T10:00:00Z";
const MONDAY_EVENING: &str = "2026-03-02T19:00:00Z";
const SATURDAY: &str = "2026-03-07T10:00:00Z";

/// The terms and the Cedar of each policy.
fn documented() -> Vec<(&'static str, &'static str)> {
    let blocks = DOCUMENTED.split("```sh\npolicy '").skip(1);
    let read = |block: &'static str| {
        let (terms, rest) = block.split_once("' <<'CEDAR'\n").expect("terms, and then Cedar");
        (terms, rest.split_once("CEDAR\n").expect("the Cedar ends").0)
    };
    blocks.map(read).collect()
}

/// The groups of the loop at the head of the page.
fn groups() -> Vec<&'static str> {
    let (_, behind) = DOCUMENTED.split_once("for group in ").expect("the page makes groups");
    behind.split_once("; do").expect("a loop").0.split(' ').collect()
}

/// Makes the groups and the policies, with this organization's units in place of the page's.
async fn make_all(admin: &Client) -> String {
    let mut owners = String::new();
    for name in groups() {
        let group = admin.post("/v1/groups", json!({ "name": name })).await.is(201);
        if name == "production-owners" {
            owners = group.text("id");
        }
    }
    let units = admin.get("/v1/aws/organizational-units").await.ok().list("data");
    let unit =
        |name: &str| units.iter().find(|unit| unit["name"] == name).expect("a unit of the demo's").text("id");
    let policies = documented();
    assert_eq!(policies.len(), 5);
    for (terms, cedar) in policies {
        let terms = terms.replace("'$PRODUCTION_OWNERS'", &owners);
        let mut policy: Value = serde_json::from_str(&terms).expect("its terms are JSON");
        let cedar =
            cedar.replace("ou-8a48-a003eb92", &unit("Dev")).replace("ou-8a48-e8495022", &unit("Prod"));
        policy["cedar_policy_set"] = cedar.into();
        admin.post("/v1/policies", policy).await.is(201);
    }
    owners
}

/// What Alice would get, were she in these groups.
struct Asking<'a> {
    admin: &'a Client,
    acme: &'a Acme,
}

impl Asking<'_> {
    async fn asks(&self, groups: &[&str], account: &str, (set, action): (&str, &str), more: Value) -> Value {
        let mut context = json!({
            "permission_set_arn": self.acme.set(set), "requested_at": MONDAY_MORNING, "reason": "INC-7",
        });
        for (name, value) in more.as_object().expect("an object") {
            context[name] = value.clone();
        }
        if context["reason"].is_null() {
            context.as_object_mut().expect("an object").remove("reason");
        }
        self.asks_for(groups, account, (set, action), json!({ "context": context })).await
    }

    /// The same, with these fields of `evaluate`.
    async fn asks_for(
        &self,
        groups: &[&str],
        account: &str,
        (set, action): (&str, &str),
        more: Value,
    ) -> Value {
        let mut question = json!({
            "principal": "alice@acme.example", "groups": groups, "resource": format!("aws_account:{account}"),
            "action": action, "context": { "permission_set_arn": self.acme.set(set) },
        });
        for (name, value) in more.as_object().expect("an object") {
            question[name] = value.clone();
        }
        self.admin.post("/v1/policies/evaluate", question).await.ok()
    }
}

fn is_denied(answer: &Value, notice: Option<&str>) {
    assert_eq!(answer["permitted"], false, "{answer:#}");
    assert_eq!(answer["notices"], json!(notice.into_iter().collect::<Vec<_>>()), "{answer:#}");
}

fn is_permitted(answer: &Value, mode: &str) {
    assert_eq!((&answer["permitted"], &answer["approval_mode"]), (&json!(true), &json!(mode)), "{answer:#}");
}

const READS: (&str, &str) = ("ReadOnly", "read");
const WRITES: (&str, &str) = ("PowerUser", "write");

on_both_databases! {
    async fn the_policies_for_common_needs_decide_together_as_documented(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect_to(&admin, ACME_INSTANCE, ACME_MANAGEMENT_ROLE).await;
        admin.person("alice@acme.example", &["user"]).await;
        let owners = make_all(&admin).await;
        let alice = Asking { admin: &admin, acme: &acme };
        let engineer = ["engineering"];

        is_permitted(&alice.asks(&engineer, Acme::DEV, WRITES, json!({})).await, "auto");
        is_denied(&alice.asks(&engineer, Acme::DEV, ("Admin", "admin"), json!({})).await, None);
        is_denied(&alice.asks(&[], Acme::DEV, READS, json!({})).await, None);

        let two = alice.asks(&engineer, PROD, WRITES, json!({})).await;
        is_permitted(&two, "require");
        assert_eq!(two["approvals"][0]["approvals_required"], 2, "{two:#}");
        assert_eq!(two["approvals"][0]["approver_groups"], json!([owners]), "{two:#}");
        is_denied(&alice.asks(&engineer, PROD, WRITES, json!({ "reason": null })).await, None);

        let on_call = ["engineering", "on-call"];
        is_permitted(&alice.asks(&on_call, PROD, WRITES, json!({ "ticket": "INC-7" })).await, "auto");
        is_permitted(&alice.asks(&on_call, PROD, WRITES, json!({})).await, "require");

        let for_the_team = Some("The management account is for the platform team.");
        is_denied(&alice.asks(&on_call, MANAGEMENT, READS, json!({})).await, for_the_team);
        let of_the_team = alice.asks(&["platform"], MANAGEMENT, READS, json!({})).await;
        is_permitted(&of_the_team, "require");
        assert_eq!(of_the_team["approvals"][0]["approvals_required"], 2, "{of_the_team:#}");

        let everywhere = json!({
            "name": "Below", "approval_mode": "auto", "max_duration_seconds": 14_400,
            "cedar_policy_set": "permit (principal, action, resource is AwsAccount) when { resource.is_management };",
        });
        let below = admin.post("/v1/policies", everywhere).await.is(201);
        let longer = json!({ "duration_seconds": 3_601 });
        let too_long = alice.asks_for(&["platform"], MANAGEMENT, READS, longer).await;
        is_denied(&too_long, Some("The management account is for an hour at most."));
        admin.delete(&format!("/v1/policies/{}", below.text("id"))).await.is(204);

        let contractor = ["engineering", "contractors"];
        let hours = Some("Contractors get access on weekdays from 8 to 18.");
        is_permitted(&alice.asks(&contractor, Acme::DEV, READS, json!({})).await, "auto");
        for outside in [MONDAY_EVENING, SATURDAY] {
            let at = json!({ "requested_at": outside });
            is_denied(&alice.asks(&contractor, Acme::DEV, READS, at.clone()).await, hours);
            is_permitted(&alice.asks(&engineer, Acme::DEV, READS, at).await, "auto");
        }
    }
}
