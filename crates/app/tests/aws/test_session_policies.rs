//! The check that says whether sessions can be ended.

use std::time::Duration;

use curfew_app::settings::{self, SettingKey};
use curfew_domain::connection::{Check, CheckName, CheckStatus};
use curfew_sim::world::ACME_MANAGEMENT_ROLE;
use curfew_sim::{Fault, FaultKind, Organization, ServiceControlPolicy};
use serde_json::json;

use crate::stage::{Stage, check};

crate::on_both! {
    who_has_not_chosen_it_is_not_told_of_policies,
    policies_that_are_attached_at_the_root_pass,
    what_is_missing_is_a_warning_that_says_what_to_do,
    a_check_of_policies_that_takes_too_long_fails_nothing,
}

const DENIES_NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"identitystore:UserId":"nobody"}}}]}"#;

async fn choose(stage: &Stage) {
    settings::change(stage.app(), &stage.acme, SettingKey::EndSessions, json!(true)).await.unwrap();
}

fn edit(stage: &Stage, change: impl FnOnce(&mut Organization)) {
    stage.aws().edit(|world| change(&mut world.organizations[0])).unwrap();
}

/// What the template's option makes.
fn deploy(stage: &Stage) {
    edit(stage, |acme| {
        for number in 1..=4 {
            let policy = ServiceControlPolicy::new(&format!("curfew-sessions-{number}"), DENIES_NOBODY);
            let root = acme.root_id.clone();
            acme.put_policy(policy.attached_to(&root));
        }
    });
}

/// The check, in a test that nothing else fails.
async fn checked(stage: &Stage) -> Check {
    let report = stage.test().await.unwrap();
    assert!(report.success, "{report:?}");
    check(&report.checks, CheckName::SessionPolicies).clone()
}

async fn warned(stage: &Stage) -> String {
    let check = checked(stage).await;
    assert_eq!(check.status, CheckStatus::Warning, "{check:?}");
    check.message
}

async fn who_has_not_chosen_it_is_not_told_of_policies(stage: &Stage) {
    stage.save(stage.wanted()).await;
    deploy(stage);
    let check = checked(stage).await;
    assert_eq!(check.status, CheckStatus::Skipped);
    assert!(check.message.contains("end_sessions"), "{check:?}");
    assert!(stage.aws().calls_of("ListPolicies").is_empty());
}

async fn policies_that_are_attached_at_the_root_pass(stage: &Stage) {
    choose(stage).await;
    deploy(stage);
    stage.save(stage.wanted()).await;
    let delegated = checked(stage).await;
    assert_eq!(delegated.status, CheckStatus::Passed, "{delegated:?}");
    assert!(delegated.message.starts_with("4 session policies are attached"), "{delegated:?}");
    assert!(delegated.message.contains("100000000002 may write them"), "{delegated:?}");
    stage.trust_with(ACME_MANAGEMENT_ROLE, &[stage.external_id(&stage.acme).await]);
    stage.save(stage.wanted_with_management_role()).await;
    let message = checked(stage).await.message;
    assert!(message.ends_with("root"), "{message}");
    assert!(stage.aws().calls_of("UpdatePolicy").is_empty());
}

async fn what_is_missing_is_a_warning_that_says_what_to_do(stage: &Stage) {
    choose(stage).await;
    stage.save(stage.wanted()).await;
    let none = warned(stage).await;
    assert!(none.contains("curfew-sessions-1") && none.contains("option for session policies"), "{none}");

    deploy(stage);
    edit(stage, |acme| {
        acme.put_policy(
            ServiceControlPolicy::new("curfew-sessions-3", DENIES_NOBODY).attached_to("100000000003"),
        );
    });
    let elsewhere = warned(stage).await;
    assert!(elsewhere.starts_with("3 of 4") && elsewhere.contains("attach curfew-sessions-3"), "{elsewhere}");
    edit(stage, |acme| acme.enable_policies(false));
    let disabled = warned(stage).await;
    assert!(disabled.starts_with("0 of 4") && disabled.contains("enable them"), "{disabled}");

    stage.forbid(&["organizations:DescribePolicy"]);
    let denied = warned(stage).await;
    assert!(denied.contains("may not call organizations:DescribePolicy"), "{denied}");
    stage.forbid(&[]);
    let code = "PolicyTypeNotEnabledException".to_owned();
    let not_enabled = FaultKind::Error { code, status: 400, message: "no".to_owned() };
    stage.aws().inject(Fault::on("ListPolicies", not_enabled));
    let not_enabled = warned(stage).await;
    assert!(not_enabled.contains("has not enabled service control policies"), "{not_enabled}");
    stage.aws().clear_faults();
    stage.aws().inject(Fault::on("ListPolicies", FaultKind::ServerError { status: 500 }));
    assert!(warned(stage).await.contains("AWS does not tell"));
}

async fn a_check_of_policies_that_takes_too_long_fails_nothing(stage: &Stage) {
    choose(stage).await;
    stage.save(stage.wanted()).await;
    stage.aws().inject(Fault::on("ListPolicies", FaultKind::DelayReply { ms: 10_000 }));
    let report = stage.test_within(Duration::from_millis(3_600)).await.unwrap();
    assert!(report.success, "{report:?}");
    assert_eq!(check(&report.checks, CheckName::SessionPolicies).status, CheckStatus::Warning);
}
