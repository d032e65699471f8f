//! The story: from nothing to a grant that ended on time.

use curfew_sim::world::ACME_DELEGATED_ROLE;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TourError;
use crate::caller::{Caller, fields, text};
use crate::rules::{DEV, PAYMENTS, policies};
use crate::screen::{Screen, Tone};
use crate::stage::Stage;

const CONNECTION: &str = "/v1/integrations/aws-identity-center";
/// How long the grants of the tour last: long enough to be seen, short enough to be waited for.
const SECONDS: u32 = 8;

/// The people of the tour; the password is the same for all, and the reader is told.
pub(crate) struct People {
    pub(crate) tenant: String,
    pub(crate) admin: Caller,
    pub(crate) alice: Caller,
    pub(crate) bob: Caller,
}

/// The password of everybody in the tour.
pub(crate) const PASSWORD: &str = "every grant has a curfew";

/// Tells all of it.
pub(crate) async fn tell(stage: &Stage, screen: &Screen) -> Result<People, TourError> {
    let (admin, tenant) = first_run(stage, screen).await?;
    connect(stage, screen, &admin).await?;
    discover(screen, &admin).await?;
    let people = invite(screen, admin, tenant).await?;
    write_policies(screen, &people.admin).await?;
    let sets = permission_sets(&people.admin).await?;
    let read = approved_at_once(stage, screen, &people, &sets).await?;
    let write = approved_by_a_second_person(stage, screen, &people, &sets).await?;
    refused(stage, screen, &people, &sets).await?;
    curfew(stage, screen, &people, &[read, write]).await?;
    proof(screen, &people.admin).await?;
    Ok(people)
}

async fn first_run(stage: &Stage, screen: &Screen) -> Result<(Caller, String), TourError> {
    screen.chapter("1  The first run")?;
    screen.say(
        "A fresh Curfew on an embedded database. The first call makes the first tenant and its admin.",
    )?;
    let body = json!({
        "tenant_name": "Acme", "tenant_slug": "acme", "admin_email": "carol@acme.example",
        "admin_name": "Carol Chen", "admin_password": PASSWORD,
    });
    let nobody = Caller::nobody(&stage.url())?;
    let matters = |body: &Value| format!("tenant {}", fields(&body["tenant"], &["slug", "is_master"]));
    let made = nobody.shows(screen, Method::POST, "/v1/setup/complete", Some(body), matters).await?.ok()?;
    let tenant = text(&made["tenant"], "id")?;
    let admin = nobody.login("carol", "carol@acme.example", PASSWORD, &tenant).await?;
    Ok((admin, tenant))
}

async fn connect(stage: &Stage, screen: &Screen, admin: &Caller) -> Result<(), TourError> {
    screen.chapter("2  Connecting AWS")?;
    screen
        .say("Curfew assumes a role in your account. It says which, and keeps your tenant's ExternalId:")?;
    let config = json!({
        "sso_instance_arn": stage.instance(), "role_arn": ACME_DELEGATED_ROLE, "region": "eu-west-1",
    });
    let path = format!("{CONNECTION}/config");
    admin
        .shows(screen, Method::PUT, &path, Some(config), |body| fields(body, &["configured"]))
        .await?
        .ok()?;

    screen
        .say("A test before the role has learnt the ExternalId. It fails, and says what to do about it:")?;
    let path = format!("{CONNECTION}/test");
    let failed =
        admin.shows(screen, Method::POST, &path, None, |body| fields(body, &["code"])).await?.is(502)?;
    checks(screen, &failed["details"])?;
    screen.say_in(Tone::Warning, &text(&failed["details"], "hint")?)?;

    let ids = admin.quietly(Method::GET, &format!("{CONNECTION}/external-id"), None).await?.ok()?;
    stage.deploy_template(&text(&ids, "external_id")?)?;
    screen.say(
        "Acme's administrator deploys the template that Curfew renders (CloudFormation or Terraform).",
    )?;
    screen.say("The test again:")?;
    let passed =
        admin.shows(screen, Method::POST, &path, None, |body| fields(body, &["success"])).await?.ok()?;
    checks(screen, &passed)
}

fn checks(screen: &Screen, body: &Value) -> Result<(), TourError> {
    for check in body["checks"].as_array().into_iter().flatten() {
        let (name, status) = (text(check, "name")?, text(check, "status")?);
        let tone = match status.as_str() {
            "passed" => Tone::Good,
            "failed" => Tone::Bad,
            "warning" => Tone::Warning,
            _ => Tone::Quiet,
        };
        screen.line(&format!("           {name:<21} {}", screen.toned(tone, &status)))?;
    }
    Ok(())
}

async fn discover(screen: &Screen, admin: &Caller) -> Result<(), TourError> {
    screen.chapter("3  What there is")?;
    screen.say(
        "Curfew reads accounts, units, permission sets and people, at a pace that AWS's own limits allow:",
    )?;
    admin.shows(screen, Method::POST, "/v1/aws/sync", None, |body| fields(body, &["state"])).await?.ok()?;
    Stage::until("discovery to end", async || {
        let sync = admin.quietly(Method::GET, "/v1/aws/sync", None).await?.ok()?;
        Ok((sync["state"] == "succeeded").then_some(()))
    })
    .await?;
    for path in ["/v1/aws/accounts", "/v1/aws/permission-sets"] {
        admin.shows(screen, Method::GET, path, None, names).await?.ok()?;
    }
    Ok(())
}

fn names(page: &Value) -> String {
    let entries = page["data"].as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["name"].as_str()).collect::<Vec<_>>().join(", ")
}

async fn invite(screen: &Screen, admin: Caller, tenant: String) -> Result<People, TourError> {
    screen.chapter("4  People and rules")?;
    for (email, name, roles) in [
        ("alice@acme.example", "Alice Archer", json!(["user", "approver"])),
        ("bob@acme.example", "Bob Baker", json!(["user", "approver"])),
    ] {
        let body = json!({ "email": email, "name": name, "password": PASSWORD, "roles": roles });
        let matters = |body: &Value| fields(body, &["name", "roles"]);
        admin.shows(screen, Method::POST, "/v1/users", Some(body), matters).await?.is(201)?;
    }
    let alice = admin.login("alice", "alice@acme.example", PASSWORD, &tenant).await?;
    let bob = admin.login("bob", "bob@acme.example", PASSWORD, &tenant).await?;
    Ok(People { tenant, admin, alice, bob })
}

async fn write_policies(screen: &Screen, admin: &Caller) -> Result<(), TourError> {
    for policy in policies() {
        let matters = |body: &Value| fields(body, &["name", "approval_mode", "priority"]);
        admin.shows(screen, Method::POST, "/v1/policies", Some(policy), matters).await?.is(201)?;
    }
    Ok(())
}

/// Permission sets by name.
async fn permission_sets(admin: &Caller) -> Result<Value, TourError> {
    let page = admin.quietly(Method::GET, "/v1/aws/permission-sets", None).await?.ok()?;
    let entries = page["data"].as_array().into_iter().flatten();
    Ok(entries.filter_map(|one| Some((one["name"].as_str()?.to_owned(), one["id"].clone()))).collect())
}

fn ask(sets: &Value, account: &str, set: &str, action: &str, reason: &str) -> Value {
    json!({
        "resource": { "type": "aws_account", "id": account }, "action": action,
        "permission_set_arn": sets[set], "duration_seconds": SECONDS, "reason": reason,
    })
}

async fn approved_at_once(
    stage: &Stage,
    screen: &Screen,
    people: &People,
    sets: &Value,
) -> Result<String, TourError> {
    screen.chapter("5  Approved at once")?;
    screen.say(&format!("Alice wants to read in development for {SECONDS} seconds. A rule permits it."))?;
    let body = ask(sets, DEV, "ReadOnly", "read", "INC-1042: look at the queue");
    let matters = |body: &Value| fields(body, &["status", "decided_by"]);
    let request =
        people.alice.shows(screen, Method::POST, "/v1/requests", Some(body), matters).await?.is(201)?;
    screen.cloud(&stage.until_held(1).await?)?;
    text(&request, "grant_id")
}

async fn approved_by_a_second_person(
    stage: &Stage,
    screen: &Screen,
    people: &People,
    sets: &Value,
) -> Result<String, TourError> {
    screen.chapter("6  Approved by a second person")?;
    let body = ask(sets, DEV, "PowerUser", "write", "INC-1042: restart the worker");
    let matters = |body: &Value| fields(body, &["status", "approvals_required"]);
    let request =
        people.alice.shows(screen, Method::POST, "/v1/requests", Some(body), matters).await?.is(201)?;
    let approve = format!("/v1/requests/{}/approve", text(&request, "id")?);
    screen.say("Alice may approve, too, but nobody approves their own:")?;
    let refusal = |body: &Value| fields(body, &["code", "message"]);
    people.alice.shows(screen, Method::POST, &approve, None, refusal).await?.is(403)?;
    let reasoning = json!({ "reasoning": "I am on call with her" });
    let matters = |body: &Value| fields(body, &["status"]);
    let approved = people.bob.shows(screen, Method::POST, &approve, Some(reasoning), matters).await?.ok()?;
    let grant = text(&approved, "grant_id")?;
    provisioned(people, &grant).await?;
    screen.cloud(&stage.held())?;
    Ok(grant)
}

async fn provisioned(people: &People, grant: &str) -> Result<(), TourError> {
    let path = format!("/v1/grants/{grant}");
    Stage::until("the grant to be provisioned", async || {
        let grant = people.alice.quietly(Method::GET, &path, None).await?.ok()?;
        Ok(matches!(grant["provisioning_status"].as_str(), Some("successful")).then_some(()))
    })
    .await
}

async fn refused(stage: &Stage, screen: &Screen, people: &People, sets: &Value) -> Result<(), TourError> {
    screen.chapter("7  Refused, and told why")?;
    let body = ask(sets, PAYMENTS, "ReadOnly", "read", "curious");
    let matters = |body: &Value| fields(body, &["code", "notices"]);
    people.alice.shows(screen, Method::POST, "/v1/requests", Some(body), matters).await?.is(403)?;
    screen.cloud(&stage.held())?;
    Ok(())
}

async fn curfew(stage: &Stage, screen: &Screen, people: &People, grants: &[String]) -> Result<(), TourError> {
    screen.chapter("8  Curfew")?;
    screen.say("Time alone ends a grant. We wait:")?;
    screen.cloud(&stage.until_held(0).await?)?;
    for grant in grants {
        let path = format!("/v1/grants/{grant}");
        Stage::until("the proof that it is gone", async || {
            let grant = people.alice.quietly(Method::GET, &path, None).await?.ok()?;
            Ok((grant["provisioning_status"] == "revoked").then_some(()))
        })
        .await?;
        let matters = |body: &Value| fields(body, &["status", "provisioning_status", "expires_at"]);
        people.alice.shows(screen, Method::GET, &path, None, matters).await?.ok()?;
    }
    Ok(())
}

async fn proof(screen: &Screen, admin: &Caller) -> Result<(), TourError> {
    screen.chapter("9  The proof")?;
    screen.say("Every step is in the audit log, written with its change and sealed into a chain:")?;
    let path = "/v1/audit-log?limit=12";
    let page = admin.shows(screen, Method::GET, path, None, |_| "newest first".to_owned()).await?.ok()?;
    for entry in page["data"].as_array().into_iter().flatten() {
        let line = fields(entry, &["created_at", "actor_type", "action"]);
        screen.line(&format!("           {}", screen.toned(Tone::Quiet, &line)))?;
    }
    let matters = |body: &Value| fields(body, &["sound", "sealed", "unsealed", "last_hash"]);
    admin.shows(screen, Method::GET, "/v1/audit-log/verify", None, matters).await?.ok()?;
    Ok(())
}
