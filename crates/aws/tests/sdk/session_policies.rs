//! The policies that end sessions: found, replaced, and what goes wrong with both.

use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{
    AwsError, AwsErrorKind, AwsGateway, Patience, Patiences, SESSION_POLICY_PREFIX, SessionPolicies,
    SessionPolicy,
};
use curfew_domain::SessionPolicyId;
use curfew_sim::world::{ACME_EXTERNAL_ID, ACME_MANAGEMENT_ROLE};
use curfew_sim::{
    Assignment, Fault, FaultKind, Limits, Organization, Patch, Permissions, PrincipalType,
    ServiceControlPolicy, SessionAnswer, SignIn, World,
};

use crate::support::{Aws, access, region};

const SECURITY: &str = "100000000002";
const PROD: &str = "100000000003";

/// Denies somebody who isn't there.
const PLACEHOLDER: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Nobody","Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"identitystore:UserId":"nobody"}}}]}"#;

fn named(number: u32) -> String {
    format!("{SESSION_POLICY_PREFIX}{number}")
}

/// Acme has opted in: four policies at the root, and its delegated administrator may change them.
async fn opted_in() -> Aws {
    let aws = Aws::demo().await;
    prepare(&aws);
    aws
}

fn prepare(aws: &Aws) {
    edit(aws, |acme| {
        // Not in their order.
        for number in [2, 10, 1, 3] {
            let root = acme.root_id.clone();
            acme.put_policy(ServiceControlPolicy::new(&named(number), PLACEHOLDER).attached_to(&root));
        }
        acme.policy_administrators.push(SECURITY.to_owned());
    });
}

fn edit(aws: &Aws, change: impl FnOnce(&mut Organization)) {
    aws.control().edit(|world| change(&mut world.organizations[0])).unwrap();
}

async fn port(aws: &Aws) -> Arc<dyn SessionPolicies> {
    aws.gateway.session_policies(&access()).await.unwrap()
}

async fn found(aws: &Aws) -> Vec<SessionPolicy> {
    port(aws).await.find().await.unwrap()
}

async fn first(aws: &Aws) -> SessionPolicyId {
    found(aws).await[0].id.clone()
}

async fn refused(aws: &Aws, document: &str) -> AwsError {
    let first = first(aws).await;
    port(aws).await.replace(&first, document).await.unwrap_err()
}

#[tokio::test]
async fn curfews_policies_are_found_by_their_number_with_what_they_say() {
    let aws = opted_in().await;
    let policies = found(&aws).await;
    let names: Vec<_> = policies.iter().map(|policy| policy.name.clone()).collect();
    assert_eq!(names, [1, 2, 3, 10].map(named));
    assert!(policies.iter().all(|policy| policy.document == PLACEHOLDER && policy.at_root));
}

#[tokio::test]
async fn others_are_left_alone() {
    let aws = Aws::demo().await;
    assert_eq!(found(&aws).await, []);
    edit(&aws, |acme| {
        for name in
            ["curfew-sessions-", "curfew-sessions-one", "curfew-sessions-1-old", "my-curfew-sessions-1"]
        {
            acme.put_policy(ServiceControlPolicy::new(name, PLACEHOLDER));
        }
    });
    assert_eq!(found(&aws).await, []);
    assert!(aws.control().calls_of("DescribePolicy").is_empty());
}

#[tokio::test]
async fn all_pages_are_read_and_an_empty_one_is_no_end() {
    let aws = opted_in().await;
    aws.control().behave(|behaviour| {
        behaviour.page_size = Some(1);
        behaviour.observed.organizations_empty_pages = true;
    });
    edit(&aws, |acme| {
        let dev = acme.unit_named("Dev").unwrap().id.clone();
        let (name, root) = (named(1), acme.root_id.clone());
        let policy = ServiceControlPolicy::new(&name, PLACEHOLDER).attached_to(PROD).attached_to(&dev);
        acme.put_policy(policy.attached_to(&root));
    });
    let policies = found(&aws).await;
    assert_eq!(policies.len(), 4);
    assert!(policies.iter().all(|policy| policy.at_root), "{policies:?}");
}

#[tokio::test]
async fn a_policy_that_is_not_at_the_root_says_so() {
    let aws = opted_in().await;
    edit(&aws, |acme| {
        acme.put_policy(ServiceControlPolicy::new(&named(1), PLACEHOLDER).attached_to(PROD));
        acme.put_policy(ServiceControlPolicy::new(&named(2), PLACEHOLDER));
    });
    let at_root: Vec<_> = found(&aws).await.iter().map(|policy| policy.at_root).collect();
    assert_eq!(at_root, [false, false, true, true]);
    edit(&aws, |acme| acme.enable_policies(false));
    assert!(found(&aws).await.iter().all(|policy| !policy.at_root));
}

#[tokio::test]
async fn what_replaces_a_policy_ends_a_session_and_spares_another() {
    let aws = opted_in().await;
    let world = aws.control().world();
    let instance = &world.organizations[0].instances[0];
    let user = |email: &str| instance.user_by_email(email).unwrap().id.clone();
    let set = instance.permission_set_named("Admin").unwrap().arn.clone();
    let session = |user: String| {
        let assignment = Assignment {
            account: PROD.to_owned(),
            permission_set: set.clone(),
            principal_type: PrincipalType::User,
            principal_id: user.clone(),
        };
        aws.control().assign(&instance.arn, &assignment);
        let who = SignIn { account: PROD.to_owned(), permission_set: set.clone(), user };
        aws.control().sign_in(&who).unwrap()
    };
    let (alice, bob) = (session(user("alice@acme.example")), session(user("bob@acme.example")));
    let denying = PLACEHOLDER.replace("nobody", &alice.of.user);
    let policies = found(&aws).await;
    port(&aws).await.replace(&policies[1].id, &denying).await.unwrap();
    let denied = SessionAnswer::Denied { policy: named(2), statement: "Nobody".to_owned() };
    assert_eq!(aws.control().session_may(&alice.id, "ec2:RunInstances").unwrap(), denied);
    assert!(aws.control().can_act(&bob).unwrap());
    assert_eq!(found(&aws).await[1].document, denying);
}

#[tokio::test]
async fn a_document_that_is_too_long_is_a_quota_used_up_and_names_it() {
    let aws = opted_in().await;
    let error = refused(&aws, &format!("{PLACEHOLDER}{}", " ".repeat(10_241 - PLACEHOLDER.len()))).await;
    assert_eq!(error.kind, AwsErrorKind::QuotaExceeded, "{error}");
    assert!(error.to_string().contains("POLICY_CONTENT_LIMIT_EXCEEDED"), "{error}");
    let fits = format!("{PLACEHOLDER}{}", " ".repeat(10_240 - PLACEHOLDER.len()));
    let first = first(&aws).await;
    port(&aws).await.replace(&first, &fits).await.unwrap();
}

#[tokio::test]
async fn what_is_no_policy_is_not_valid_and_what_is_gone_is_not_found() {
    let aws = opted_in().await;
    assert_eq!(refused(&aws, "{}").await.kind, AwsErrorKind::Validation);
    let id = first(&aws).await;
    edit(&aws, |acme| acme.policies.clear());
    let error = port(&aws).await.replace(&id, PLACEHOLDER).await.unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NotFound, "{error}");
    assert_eq!(error.operation, "organizations:UpdatePolicy");
}

#[tokio::test]
async fn a_member_to_which_policies_are_not_delegated_may_read_and_not_write() {
    let aws = opted_in().await;
    edit(&aws, |acme| acme.policy_administrators.clear());
    assert_eq!(refused(&aws, PLACEHOLDER).await.kind, AwsErrorKind::AccessDenied);
    let mut of_management = access();
    of_management.role = ACME_MANAGEMENT_ROLE.parse().unwrap();
    let port = aws.gateway.session_policies(&of_management).await.unwrap();
    port.replace(&first(&aws).await, PLACEHOLDER).await.unwrap();
}

#[tokio::test]
async fn a_role_without_the_option_is_denied() {
    let aws = opted_in().await;
    for lacking in ["ListPolicies", "DescribePolicy", "ListTargetsForPolicy"] {
        let action = format!("organizations:{lacking}");
        let permissions = Permissions::all_but(&[&action]);
        aws.control().apply(Patch::SetPermissions { role: access().role.to_string(), permissions }).unwrap();
        let error = port(&aws).await.find().await.unwrap_err();
        assert_eq!((error.kind, error.operation), (AwsErrorKind::AccessDenied, action.as_str()));
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_keeps_no_other_from_being_found() {
    let aws = opted_in().await;
    let denied = || FaultKind::AccessDenied { message: "not this one".to_owned() };
    let (code, message) = ("PolicyNotFoundException".to_owned(), "gone".to_owned());
    for fault in [
        Fault::on("DescribePolicy", denied()).once(),
        Fault::on("ListTargetsForPolicy", denied()).once(),
        Fault::on("DescribePolicy", FaultKind::Error { code, status: 400, message }).once(),
    ] {
        aws.control().inject(fault);
        let names: Vec<_> = found(&aws).await.into_iter().map(|policy| policy.name).collect();
        assert_eq!(names, [2, 3, 10].map(named));
    }
    assert_eq!(found(&aws).await.len(), 4);
}

#[tokio::test]
async fn errors_are_told_apart_by_what_can_be_done_about_them() {
    let aws = opted_in().await;
    let id = first(&aws).await;
    for (code, kind, again) in [
        ("PolicyTypeNotEnabledException", AwsErrorKind::PolicyTypeNotEnabled, false),
        ("PolicyTypeNotAvailableForOrganizationException", AwsErrorKind::PolicyTypeNotEnabled, false),
        ("ConcurrentModificationException", AwsErrorKind::Conflict, true),
        ("PolicyChangesInProgressException", AwsErrorKind::Conflict, true),
        ("ConstraintViolationException", AwsErrorKind::QuotaExceeded, false),
        ("AccessDeniedException", AwsErrorKind::AccessDenied, false),
    ] {
        let fault = FaultKind::Error { code: code.to_owned(), status: 400, message: "so".to_owned() };
        aws.control().inject(Fault::on("UpdatePolicy", fault));
        let error = port(&aws).await.replace(&id, PLACEHOLDER).await.unwrap_err();
        assert_eq!((error.kind, error.kind.may_pass_later()), (kind, again), "{code}");
        aws.control().clear_faults();
    }
}

#[tokio::test]
async fn a_lost_answer_and_a_throttle_are_tried_again_and_change_it_once() {
    let aws = opted_in().await;
    let id = first(&aws).await;
    let denying = PLACEHOLDER.replace("nobody", "somebody");
    for fault in [FaultKind::LoseReply, FaultKind::Throttle] {
        aws.control().clear_calls();
        aws.control().inject(Fault::on("UpdatePolicy", fault).once());
        port(&aws).await.replace(&id, &denying).await.unwrap();
        assert_eq!(aws.control().calls_of("UpdatePolicy").len(), 2);
    }
    assert_eq!(found(&aws).await[0].document, denying);
}

#[tokio::test]
async fn a_whole_search_ends_in_time() {
    let seconds = Duration::from_secs;
    let look = Patience { connect: seconds(1), attempt: seconds(2), call: seconds(2), tries: 1 };
    let aws = Aws::playing(World::demo(), Patiences { look, ..Patiences::default() }).await;
    prepare(&aws);
    // Each call alone is quick enough.
    aws.control().inject(Fault::on("ListTargetsForPolicy", FaultKind::DelayReply { ms: 700 }));
    let error = port(&aws).await.find().await.unwrap_err();
    assert_eq!((error.kind, error.operation), (AwsErrorKind::Timeout, "organizations:ListPolicies"));
}

#[tokio::test]
async fn what_is_more_than_awss_rate_may_pass_later() {
    let seconds = Duration::from_secs;
    let once = Patience { connect: seconds(1), attempt: seconds(5), call: seconds(5), tries: 1 };
    let aws = Aws::playing(World::demo(), Patiences { look: once, ..Patiences::default() }).await;
    prepare(&aws);
    let policies = found(&aws).await;
    aws.control().freeze_clock(None);
    aws.control().behave(|behaviour| behaviour.limits = Limits::published());
    let port = port(&aws).await;
    for policy in &policies[..3] {
        port.replace(&policy.id, PLACEHOLDER).await.unwrap();
    }
    let error = port.replace(&policies[3].id, PLACEHOLDER).await.unwrap_err();
    assert!(error.kind == AwsErrorKind::Throttled && error.kind.may_pass_later(), "{error}");
    aws.control().advance(jiff::SignedDuration::from_millis(500));
    port.replace(&policies[3].id, PLACEHOLDER).await.unwrap();
}

#[tokio::test]
async fn the_connection_test_finds_them_with_credentials_at_hand() {
    let aws = opted_in().await;
    let session = aws.assume(Some(ACME_EXTERNAL_ID)).await.unwrap();
    let policies = aws.gateway.session_policies_with(&region(), &session).find().await.unwrap();
    assert_eq!(policies.len(), 4);
    assert_eq!(aws.assumed(), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_is_fetched_anew() {
    let aws = opted_in().await;
    let port = port(&aws).await;
    aws.control().advance(jiff::SignedDuration::from_hours(2));
    assert_eq!(port.find().await.unwrap_err().kind, AwsErrorKind::CredentialsExpired);
    assert_eq!(found(&aws).await.len(), 4);
    assert_eq!(aws.assumed(), 2);
}
