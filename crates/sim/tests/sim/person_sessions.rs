//! Sessions of people: how they begin and end, and which service control policies stop them.

use curfew_sim::{
    Assignment, Patch, PersonSession, PortalError, PrincipalType, SessionAnswer, SignIn, SimHandle,
    UserStatus,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::policies::{NOBODY, put, put_at};
use crate::support::{Acme, Caller, DEV, MANAGEMENT, PROD, SECURITY, SUSPENDED, WEB, assignment, still};

fn who(acme: &Acme, account: &str, user: &str) -> SignIn {
    SignIn { account: account.to_owned(), permission_set: acme.power_user.clone(), user: user.to_owned() }
}

/// Alice's session in an account, of an assignment that is gone already.
fn session(sim: &SimHandle, account: &str) -> PersonSession {
    let acme = Acme::of(sim.control());
    let given = assignment(account, &acme.power_user, &acme.alice);
    sim.control().assign(&acme.instance, &given);
    let session = sim.control().sign_in(&who(&acme, account, &acme.alice)).unwrap();
    sim.control().unassign(&acme.instance, &given);
    session
}

fn deny(conditions: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{{conditions}}}}}]}}"#
    )
}

fn deny_user(user: &str) -> String {
    deny(&format!(r#""StringEquals":{{"identitystore:UserId":"{user}"}}"#))
}

async fn at_a_whole_second() -> SimHandle {
    let sim = still().await;
    sim.control().freeze_clock(Some("2030-01-01T00:00:00Z".parse().unwrap()));
    sim
}

fn can_act(sim: &SimHandle, session: &PersonSession) -> bool {
    sim.control().can_act(session).unwrap()
}

#[tokio::test]
async fn a_session_outlives_its_assignment_until_the_permission_sets_duration_is_over() {
    let sim = at_a_whole_second().await;
    let session = session(&sim, PROD);
    assert!(session.role_arn.starts_with(
        "arn:aws:iam::100000000003:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_PowerUser_"
    ));
    sim.control().advance(SignedDuration::from_secs(4 * 3_600 - 1));
    assert!(can_act(&sim, &session));
    sim.control().advance(SignedDuration::from_secs(1));
    let answer = sim.control().session_may(&session.id, "s3:GetObject").unwrap();
    assert_eq!(answer, SessionAnswer::Ended);
}

#[tokio::test]
async fn nobody_is_signed_in_without_an_assignment_of_their_own_or_their_groups() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let try_alice = |account: &str| sim.control().sign_in(&who(&acme, account, &acme.alice));
    assert!(matches!(try_alice(PROD), Err(PortalError::NotAssigned { .. })));
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.power_user, &acme.bob));
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.read_only, &acme.alice));
    sim.control().assign(&acme.instance, &assignment(WEB, &acme.power_user, &acme.alice));
    assert!(matches!(try_alice(PROD), Err(PortalError::NotAssigned { .. })));
    let group = Assignment {
        principal_type: PrincipalType::Group,
        ..assignment(DEV, &acme.power_user, &acme.engineering)
    };
    sim.control().assign(&acme.instance, &group);
    try_alice(DEV).unwrap();
    sim.control().assign(&acme.instance, &assignment(SUSPENDED, &acme.power_user, &acme.alice));
    assert!(matches!(try_alice(SUSPENDED), Err(PortalError::NotActive(_))));
    let disable = Patch::SetUserStatus { user: acme.alice.clone(), status: UserStatus::Disabled };
    sim.control().apply(disable).unwrap();
    assert!(matches!(try_alice(DEV), Err(PortalError::NotActive(_))));
    let nobody = sim.control().sign_in(&who(&acme, PROD, "nobody"));
    assert!(matches!(nobody, Err(PortalError::NotThere { what: "user", .. })));
}

#[tokio::test]
async fn a_policy_at_any_level_above_an_account_reaches_it_and_none_the_management_account() {
    let sim = still().await;
    let acme = sim.control().world().organizations[0].clone();
    let unit = |name: &str| acme.unit_named(name).unwrap().id.clone();
    let (prod, dev, management) = (session(&sim, PROD), session(&sim, DEV), session(&sim, MANAGEMENT));
    let denying = deny_user(&prod.of.user);
    for (target, expected) in [
        (acme.root_id.clone(), [false, false, true]),
        (unit("Workloads"), [false, false, true]),
        (unit("Prod"), [false, true, true]),
        (unit("Security"), [true, true, true]),
        (DEV.to_owned(), [true, false, true]),
        (MANAGEMENT.to_owned(), [true, true, true]),
    ] {
        put_at(sim.control(), "one", &denying, &[&target]);
        let act = [&prod, &dev, &management].map(|session| can_act(&sim, session));
        assert_eq!(act, expected, "{target}");
    }
    put_at(sim.control(), "one", &denying, &[]);
    assert!(can_act(&sim, &prod));
}

#[tokio::test]
async fn another_persons_set_or_account_is_spared() {
    let sim = still().await;
    let prod = session(&sim, PROD);
    let user = prod.of.user.as_str();
    let role = |account: &str, set: &str| {
        deny(&format!(
            r#""StringEquals":{{"identitystore:UserId":"{user}"}},"ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{set}_*"}}"#
        ))
    };
    for (document, expected) in [
        (deny_user("another"), true),
        (role(DEV, "PowerUser"), true),
        (role(PROD, "Power"), true),
        (role(PROD, "PowerUser"), false),
        (NOBODY.to_owned(), true),
    ] {
        put(sim.control(), "one", &document);
        assert_eq!(can_act(&sim, &prod), expected, "{document}");
    }
}

#[tokio::test]
async fn a_deny_without_a_time_stops_new_sessions_too_and_one_with_a_time_spares_them() {
    let sim = at_a_whole_second().await;
    let before = session(&sim, PROD);
    put(sim.control(), "one", &deny_user(&before.of.user));
    sim.control().advance(SignedDuration::from_secs(60));
    let meanwhile = session(&sim, PROD);
    assert!(!can_act(&sim, &before) && !can_act(&sim, &meanwhile));
    sim.control().advance(SignedDuration::from_secs(60));
    let cut = sim.control().now();
    put(sim.control(), "one", &deny(&format!(r#""DateLessThan":{{"aws:TokenIssueTime":"{cut}"}}"#)));
    let after = session(&sim, PROD);
    assert_eq!([&before, &meanwhile, &after].map(|session| can_act(&sim, session)), [false, false, true]);
}

#[tokio::test]
async fn a_session_is_issued_at_the_whole_second_before_unless_told_otherwise() {
    let sim = still().await;
    sim.control().freeze_clock(Some("2030-01-01T00:00:00.75Z".parse().unwrap()));
    assert_eq!(session(&sim, PROD).issued_at, "2030-01-01T00:00:00Z".parse().unwrap());
    sim.control().behave(|behaviour| behaviour.observed.sessions_begin_at_whole_seconds = false);
    assert_eq!(session(&sim, PROD).issued_at, sim.control().now());
}

#[tokio::test]
async fn a_policy_that_is_not_understood_is_an_error_and_never_a_silent_yes() {
    let sim = still().await;
    let prod = session(&sim, PROD);
    put(sim.control(), "denies", &deny_user(&prod.of.user));
    put(sim.control(), "strange", &deny(r#""StringNotLike":{"aws:PrincipalArn":"*"}"#));
    let answer = sim.control().can_act(&prod);
    assert!(matches!(answer, Err(PortalError::NotUnderstood { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_changed_policy_counts_after_the_lag() {
    let sim = still().await;
    let prod = session(&sim, PROD);
    let id = put(sim.control(), "one", NOBODY);
    sim.control().behave(|behaviour| behaviour.policy_lag_ms = 60_000);
    let caller = Caller::management(&sim).await;
    let update = async |content: String| {
        caller.organizations("UpdatePolicy", &json!({ "PolicyId": id, "Content": content })).await.ok();
    };
    update(deny_user(&prod.of.user)).await;
    sim.control().advance(SignedDuration::from_secs(30));
    update(NOBODY.to_owned()).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(can_act(&sim, &prod));
        sim.control().advance(SignedDuration::from_secs(20));
    }
    // Denied from 60 s to 90 s after the first change.
    assert_eq!(seen, [true, true, false, true]);
}

#[tokio::test]
async fn people_sign_in_and_act_over_http() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let client = reqwest::Client::new();
    let at = |path: &str| format!("{}/_sim/sessions{path}", sim.url());
    let ask = async |request: reqwest::RequestBuilder| -> (u16, Value) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    let alice = json!({ "account": SECURITY, "permission_set": acme.power_user, "user": acme.alice });
    let (status, refused) = ask(client.post(at("")).json(&alice)).await;
    assert!(status == 400 && refused["message"].as_str().unwrap().contains("is not assigned"), "{refused}");
    sim.control().assign(&acme.instance, &assignment(SECURITY, &acme.power_user, &acme.alice));
    let (status, session) = ask(client.post(at("")).json(&alice)).await;
    assert_eq!((status, &session["user"]), (200, &json!(acme.alice)));
    let named = format!("/{}?action=s3:GetObject", session["id"].as_str().unwrap());
    assert_eq!(ask(client.get(at(&named))).await.1, json!({ "answer": "allowed" }));
    put(sim.control(), "one", &deny_user(&acme.alice));
    let denied = json!({ "answer": "denied", "policy": "one", "statement": "1" });
    assert_eq!(ask(client.get(at(&named))).await.1, denied);
    assert_eq!(ask(client.get(at(""))).await.1.as_array().unwrap().len(), 1);
    assert_eq!(ask(client.get(at("/none"))).await.0, 400);
}
