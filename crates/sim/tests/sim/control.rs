//! The control, in process and over HTTP.

use std::time::Duration;

use curfew_sim::{AccountState, Assignment, PrincipalType, Sim, World, WorldError};
use serde_json::{Value, json};

use crate::support::{Acme, Caller, PROD, assignment, still};

async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_world_goes_out_as_json_and_comes_back_the_same() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.read_only, &acme.alice));
    let client = reqwest::Client::new();
    let url = format!("{}/_sim/world", sim.url());
    let (_, shown) = send(client.get(&url)).await;
    let other = Sim::start(World::empty()).await.unwrap();
    let (status, _) = send(client.put(format!("{}/_sim/world", other.url())).json(&shown)).await;
    assert_eq!(status, 204);
    assert_eq!(other.control().world(), sim.control().world());
    assert_eq!(other.control().assignments().len(), 1);
}

#[tokio::test]
async fn a_world_that_does_not_fit_together_is_refused_and_the_old_one_stays() {
    let sim = still().await;
    let mut world = World::demo();
    world.organizations[0].management_account = "999999999999".to_owned();
    let refused = sim.control().set_world(world.clone());
    assert!(matches!(refused, Err(WorldError::Dangling { .. })));
    let (status, body) =
        send(reqwest::Client::new().put(format!("{}/_sim/world", sim.url())).json(&world)).await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("999999999999"));
    assert_eq!(sim.control().world().organizations.len(), 2);

    let twice = World::demo().with_organization(World::demo().organizations[0].clone());
    assert!(matches!(sim.control().set_world(twice), Err(WorldError::Twice { .. })));
    let broken = sim.control().edit(|world| world.organizations[0].roles[0].arn = "nonsense".to_owned());
    assert!(matches!(broken, Err(WorldError::Malformed { .. })));
}

#[tokio::test]
async fn patches_change_the_world_over_http() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let client = reqwest::Client::new();
    let url = format!("{}/_sim/world", sim.url());
    let assignment = json!({
        "account": PROD, "permission_set": acme.read_only, "principal_type": "USER", "principal_id": acme.alice,
    });
    let assign = json!({ "change": "assign", "instance": acme.instance, "assignment": assignment });
    let suspend = json!({ "change": "set_account_state", "account": PROD, "state": "SUSPENDED" });
    assert_eq!(send(client.patch(&url).json(&json!([assign, suspend]))).await.0, 204);
    let (_, assignments) = send(client.get(format!("{}/_sim/assignments", sim.url()))).await;
    assert_eq!(assignments[0]["principal_name"], "alice@acme.example");
    assert_eq!(assignments[0]["permission_set_name"], "ReadOnly");

    let reopen = json!({ "change": "set_account_state", "account": PROD, "state": "ACTIVE" });
    let missing = json!({ "change": "remove_role", "role": "arn:aws:iam::100000000002:role/Missing" });
    assert_eq!(send(client.patch(&url).json(&json!([reopen, missing]))).await.0, 400);
    let state = sim.control().world().account_mut(PROD).unwrap().state;
    assert_eq!(state, AccountState::Suspended, "all changes or none");
}

#[tokio::test]
async fn behaviour_limits_and_clock_are_set_over_http() {
    let sim = still().await;
    let client = reqwest::Client::new();
    let at = |path: &str| format!("{}/_sim/{path}", sim.url());
    let change = json!({ "assignment_ms": 5, "observed": { "duplicates_succeed": false } });
    assert_eq!(send(client.patch(at("behaviour")).json(&change)).await.0, 204);
    let behaviour = sim.control().world().behaviour;
    assert!(behaviour.assignment_ms == 5 && !behaviour.observed.duplicates_succeed);
    assert!(behaviour.observed.one_change_per_account);
    assert_eq!(send(client.patch(at("behaviour")).json(&json!({ "no_such": 1 }))).await.0, 400);

    assert_eq!(send(client.post(at("limits/real"))).await.0, 204);
    assert_eq!(sim.control().world().behaviour.limits, curfew_sim::Limits::published());
    assert_eq!(send(client.post(at("limits/none"))).await.0, 400);

    let freeze = json!({ "freeze_at": "2030-01-01T00:00:00Z", "advance_ms": 1500 });
    let (_, clock) = send(client.put(at("clock")).json(&freeze)).await;
    assert_eq!(clock, json!({ "now": "2030-01-01T00:00:01.5Z", "frozen": true }));
    assert_eq!(send(client.put(at("clock")).json(&json!({ "frozen": false }))).await.1["frozen"], false);
}

#[tokio::test]
async fn faults_calls_and_counts_are_there_over_http() {
    let sim = still().await;
    let client = reqwest::Client::new();
    let at = |path: &str| format!("{}/_sim/{path}", sim.url());
    let fault = json!({ "operation": "GetCallerIdentity", "kind": "throttle", "times": 1 });
    assert_eq!(send(client.post(at("faults")).json(&fault)).await.0, 204);
    let unknown = json!({ "operation": "GetCallerIdentities", "kind": "throttle" });
    assert_eq!(send(client.post(at("faults")).json(&unknown)).await.0, 400);
    assert_eq!(send(client.get(at("faults"))).await.1.as_array().unwrap().len(), 1);

    let curfew = Caller::curfew(&sim);
    curfew.sts("GetCallerIdentity", &[]).await;
    curfew.sts("GetCallerIdentity", &[]).await;
    let (_, counts) = send(client.get(at("counts"))).await;
    assert_eq!(counts, json!({ "sts:GetCallerIdentity": { "Answered": 1, "Throttling": 1 } }));
    let (_, calls) = send(client.get(at("calls?operation=GetCallerIdentity"))).await;
    assert_eq!(calls[0]["outcome"], json!({ "refused": "Throttling" }));
    assert_eq!(calls[1]["caller"], "arn:aws:iam::555500000001:user/curfew");
    assert_eq!(calls[1]["region"], "eu-west-1");
    assert_eq!(send(client.get(at("nowhere"))).await.0, 404);
}

#[tokio::test]
async fn reset_begins_again() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let session = Caller::delegated(&sim).await;
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.read_only, &acme.alice));
    sim.control().edit(|world| world.organizations.truncate(1)).unwrap();
    let (status, _) = send(reqwest::Client::new().post(format!("{}/_sim/reset", sim.url()))).await;
    assert_eq!(status, 204);
    assert!(sim.control().assignments().is_empty() && sim.control().calls().is_empty());
    assert!(!sim.control().clock().frozen);
    assert_eq!(sim.control().world().organizations.len(), 2);
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.refusal().1, "InvalidClientTokenId");
}

#[tokio::test]
async fn what_was_assigned_by_hand_is_taken_away_by_hand() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let assignment = Assignment {
        principal_type: PrincipalType::Group,
        ..assignment(PROD, &acme.read_only, &acme.engineering)
    };
    sim.control().assign(&acme.instance, &assignment);
    assert_eq!(sim.control().assignments_of(&acme.instance), std::slice::from_ref(&assignment));
    assert!(sim.control().unassign(&acme.instance, &assignment));
    assert!(!sim.control().unassign(&acme.instance, &assignment));
}

#[tokio::test]
async fn a_stopped_stand_in_answers_nobody() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim);
    assert!(curfew.try_sts("GetCallerIdentity", &[]).await.is_ok());
    sim.stop().await;
    assert!(curfew.try_sts("GetCallerIdentity", &[]).await.is_err());
}

#[tokio::test]
async fn waiting_ends_with_what_was_waited_for_or_at_the_deadline() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let control = sim.control().clone();
    let waiting =
        tokio::spawn(async move { control.assigned(Duration::from_secs(30), |held| held.len() == 1).await });
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.read_only, &acme.alice));
    assert!(waiting.await.unwrap());
    assert!(!sim.control().called("GetCallerIdentity", 1, Duration::from_millis(20)).await);
    Caller::curfew(&sim).sts("GetCallerIdentity", &[]).await;
    assert!(sim.control().called("GetCallerIdentity", 1, Duration::from_secs(30)).await);
}
