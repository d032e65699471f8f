//! The checks that follow STS's: instance, lists, reach.

use std::time::Duration;

use curfew_app::connection;
use curfew_domain::connection::{CheckName, CheckStatus, SavedConnection};
use curfew_sim::world::{ACME_MANAGEMENT_ROLE, CURFEW_PRINCIPAL, Role};
use curfew_sim::{Fault, FaultKind, InstanceStatus};

use crate::stage::{Stage, check};

crate::on_both! {
    an_instance_that_is_not_there_is_told_with_those_that_are,
    a_region_without_the_instance_is_told_with_the_one_that_has_it,
    an_additional_region_is_told_from_the_primary_one,
    an_instance_that_is_not_active_is_told_with_its_state,
    each_missing_permission_fails_its_own_check_and_skips_the_rest,
    what_can_not_be_reached_is_never_a_failure,
    a_second_tenant_fails_on_the_first_ones_role_with_its_own_external_id,
    an_instance_is_connected_once_in_the_installation,
    of_two_whose_tests_pass_at_the_same_moment_one_gets_the_instance,
    an_instance_that_is_given_up_can_be_connected_by_another,
    a_call_that_takes_too_long_is_named,
    a_test_ends_when_its_time_is_over,
    what_can_not_be_reached_in_the_time_that_is_left_is_no_failure_either,
    a_role_of_an_account_that_has_no_say_is_told_that_it_may_be_that,
    an_accounts_own_instance_is_told_from_the_organizations,
    an_instance_that_names_no_primary_region_is_taken,
    a_customer_managed_key_wants_a_permission_of_its_own,
    a_session_that_aws_forgot_is_the_roles_matter,
}

async fn failed_at(stage: &Stage, name: CheckName) -> String {
    let report = stage.test().await.unwrap();
    assert!(!report.success, "{report:?}");
    let failed = check(&report.checks, name);
    assert_eq!(failed.status, CheckStatus::Failed, "{report:?}");
    for later in report.checks.iter().filter(|check| check.name > name) {
        assert_eq!(later.status, CheckStatus::Skipped, "{report:?}");
    }
    assert!(report.message.ends_with(&failed.message));
    failed.message.clone()
}

async fn an_instance_that_is_not_there_is_told_with_those_that_are(stage: &Stage) {
    let instance = "arn:aws:sso:::instance/ssoins-0000000000000000".parse().unwrap();
    stage.save(SavedConnection { instance, ..stage.wanted() }).await;
    let message = failed_at(stage, CheckName::IdentityCenter).await;
    assert!(
        message.contains("ssoins-0000000000000000") && message.contains(&stage.instance().arn),
        "{message}"
    );
}

async fn a_region_without_the_instance_is_told_with_the_one_that_has_it(stage: &Stage) {
    stage.save(SavedConnection { region: "us-east-1".parse().unwrap(), ..stage.wanted() }).await;
    let message = failed_at(stage, CheckName::IdentityCenter).await;
    assert!(message.contains("region us-east-1 has no Identity Center instance"), "{message}");
    assert!(message.contains("it is in eu-west-1"), "{message}");
}

async fn an_additional_region_is_told_from_the_primary_one(stage: &Stage) {
    stage.save(SavedConnection { region: "eu-central-1".parse().unwrap(), ..stage.wanted() }).await;
    let message = failed_at(stage, CheckName::IdentityCenter).await;
    assert!(message.contains("additional region") && message.contains("eu-west-1"), "{message}");
}

async fn an_instance_that_is_not_active_is_told_with_its_state(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let being_deleted = InstanceStatus::DeleteInProgress;
    stage.aws().edit(|world| world.organizations[0].instances[0].status = being_deleted).unwrap();
    let message = failed_at(stage, CheckName::IdentityCenter).await;
    assert!(message.contains("DELETE_IN_PROGRESS"), "{message}");
}

async fn each_missing_permission_fails_its_own_check_and_skips_the_rest(stage: &Stage) {
    stage.save(stage.wanted()).await;
    for (action, name) in [
        ("sso:ListInstances", CheckName::IdentityCenter),
        ("sso:ListPermissionSets", CheckName::PermissionSets),
        ("organizations:ListAccounts", CheckName::Accounts),
        ("identitystore:ListUsers", CheckName::Directory),
    ] {
        stage.forbid(&[action]);
        let message = failed_at(stage, name).await;
        assert!(message.contains(action) && message.contains("add the permission"), "{message}");
    }
    assert_eq!(stage.connection().await.verified, None);
}

async fn what_can_not_be_reached_is_never_a_failure(stage: &Stage) {
    stage.save(stage.wanted()).await;
    for action in [
        "organizations:DescribeOrganization",
        "organizations:ListDelegatedAdministrators",
        "sso:ListPermissionSetsProvisionedToAccount",
    ] {
        stage.forbid(&[action]);
        let report = stage.test().await.unwrap();
        assert!(report.success, "{action}: {report:?}");
        assert_eq!(check(&report.checks, CheckName::Reach).status, CheckStatus::Warning, "{action}");
    }
    stage.forbid(&[]);
    stage.trust_with(ACME_MANAGEMENT_ROLE, &[stage.external_id(&stage.acme).await]);
    stage.save(stage.wanted_with_management_role()).await;
    let report = stage.test().await.unwrap();
    let reach = check(&report.checks, CheckName::Reach);
    assert!(reach.message.contains("is the management account"), "{reach:?}");
}

async fn a_second_tenant_fails_on_the_first_ones_role_with_its_own_external_id(stage: &Stage) {
    stage.serve_many_tenants().await;
    stage.connect().await;
    let other = stage.another_tenant().await;
    connection::save(stage.app(), &other, stage.wanted()).await.unwrap();
    let error = connection::test(stage.app(), &other).await.unwrap_err();
    assert!(error.to_string().starts_with("assume_role: "), "{error}");
    assert_eq!(stage.connection_of(&other).await.verified, None);
    assert!(stage.test().await.unwrap().success, "the first tenant is not touched");
}

/// Another tenant with a role of its own in the same organization.
async fn on_the_same_instance(stage: &Stage) -> curfew_app::Caller {
    stage.serve_many_tenants().await;
    stage.connect().await;
    let other = stage.another_tenant().await;
    stage.trust_with(ACME_MANAGEMENT_ROLE, &[stage.external_id(&other).await]);
    connection::save(stage.app(), &other, stage.wanted_with_management_role()).await.unwrap();
    other
}

async fn an_instance_is_connected_once_in_the_installation(stage: &Stage) {
    let other = on_the_same_instance(stage).await;
    let report = connection::test(stage.app(), &other).await.unwrap();
    let failed = check(&report.checks, CheckName::IdentityCenter);
    assert_eq!(failed.status, CheckStatus::Failed);
    assert!(failed.message.contains("connected elsewhere in this installation"), "{failed:?}");
    assert!(!failed.message.contains("acme"), "whose it is, is nobody's business");
    assert_eq!(stage.connection_of(&other).await.verified, None);
}

async fn of_two_whose_tests_pass_at_the_same_moment_one_gets_the_instance(stage: &Stage) {
    stage.serve_many_tenants().await;
    let other = stage.another_tenant().await;
    stage.trust_with(ACME_MANAGEMENT_ROLE, &[stage.external_id(&other).await]);
    connection::save(stage.app(), &other, stage.wanted_with_management_role()).await.unwrap();
    stage.save(stage.wanted()).await;
    // Both have seen that nobody has it, and then wait for the last list.
    stage.aws().inject(Fault::on("ListUsers", FaultKind::DelayReply { ms: 400 }));
    let (ours, theirs) = tokio::join!(stage.test(), connection::test(stage.app(), &other));
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert!(ours.success != theirs.success, "{ours:?} {theirs:?}");
    let loser = if ours.success { &theirs } else { &ours };
    let failed = check(&loser.checks, CheckName::IdentityCenter);
    assert_eq!(failed.status, CheckStatus::Failed);
    assert!(failed.message.contains("connected elsewhere in this installation"), "{failed:?}");
    assert_eq!(check(&loser.checks, CheckName::Directory).status, CheckStatus::Skipped);
    let verified = [stage.connection().await.verified, stage.connection_of(&other).await.verified];
    assert_eq!(verified.map(|verified| verified.is_some()), [ours.success, theirs.success]);
}

async fn an_instance_that_is_given_up_can_be_connected_by_another(stage: &Stage) {
    let other = on_the_same_instance(stage).await;
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    assert!(connection::test(stage.app(), &other).await.unwrap().success);
    stage.save(stage.wanted()).await;
    let report = stage.test().await.unwrap();
    assert_eq!(check(&report.checks, CheckName::IdentityCenter).status, CheckStatus::Failed);
}

async fn a_call_that_takes_too_long_is_named(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(Fault::on("ListPermissionSets", FaultKind::DelayReply { ms: 10_000 }));
    let message = failed_at(stage, CheckName::PermissionSets).await;
    assert!(message.contains("did not answer sso:ListPermissionSets"), "{message}");
}

async fn a_test_ends_when_its_time_is_over(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(Fault::on("ListPermissionSets", FaultKind::DelayReply { ms: 10_000 }));
    let report = stage.test_within(Duration::from_secs(1)).await.unwrap();
    let failed = check(&report.checks, CheckName::PermissionSets);
    assert_eq!(failed.status, CheckStatus::Failed, "{report:?}");
    assert!(failed.message.contains("the time that a test may take was over"), "{failed:?}");
    let patience = curfew_aws::Patiences::default().test;
    assert_eq!((patience.connect, patience.tries), (Duration::from_secs(3), 2));
}

async fn what_can_not_be_reached_in_the_time_that_is_left_is_no_failure_either(stage: &Stage) {
    stage.save(stage.wanted()).await;
    for operation in ["ListPermissionSets", "ListUsers"] {
        stage.aws().inject(Fault::on(operation, FaultKind::DelayReply { ms: 1_300 }));
    }
    stage.aws().inject(Fault::on("ListDelegatedAdministrators", FaultKind::DelayReply { ms: 10_000 }));
    let report = stage.test_within(Duration::from_millis(3_600)).await.unwrap();
    assert!(report.success, "{report:?}");
    assert_eq!(check(&report.checks, CheckName::Reach).status, CheckStatus::Warning);
    assert!(stage.connection().await.verified.is_some());
}

async fn a_role_of_an_account_that_has_no_say_is_told_that_it_may_be_that(stage: &Stage) {
    let role = Role::new("100000000003", "Member").trusting(CURFEW_PRINCIPAL);
    let role = role.requiring_external_id(&stage.external_id(&stage.acme).await);
    stage.save(SavedConnection { role: role.arn.parse().unwrap(), ..stage.wanted() }).await;
    stage.aws().put_role(role).unwrap();
    let message = failed_at(stage, CheckName::PermissionSets).await;
    assert!(message.contains("not delegated to account 100000000003"), "{message}");
    assert!(message.contains("management account 100000000001"), "{message}");
}

async fn an_accounts_own_instance_is_told_from_the_organizations(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage
        .aws()
        .edit(|world| "100000000002".clone_into(&mut world.organizations[0].instances[0].owner_account))
        .unwrap();
    let message = failed_at(stage, CheckName::IdentityCenter).await;
    assert!(message.contains("account 100000000002's own instance"), "{message}");
}

async fn an_instance_that_names_no_primary_region_is_taken(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().edit(|world| world.organizations[0].instances[0].tells_primary_region = false).unwrap();
    assert!(stage.test().await.unwrap().success);
}

async fn a_customer_managed_key_wants_a_permission_of_its_own(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let key = "arn:aws:kms:eu-west-1:100000000001:key/0192f0c1-7a3b-7c4d-8e5f-0123456789ab".to_owned();
    stage.aws().edit(|world| world.organizations[0].instances[0].customer_managed_key = Some(key)).unwrap();
    stage.forbid(&["kms:Decrypt"]);
    let message = failed_at(stage, CheckName::PermissionSets).await;
    assert!(message.contains("kms:Decrypt"), "{message}");
    stage.forbid(&[]);
    assert!(stage.test().await.unwrap().success);
}

async fn a_session_that_aws_forgot_is_the_roles_matter(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let forgotten = FaultKind::Error {
        code: "UnrecognizedClientException".into(),
        status: 400,
        message: "The security token included in the request is invalid.".into(),
    };
    stage.aws().inject(Fault::on("ListUsers", forgotten));
    let message = failed_at(stage, CheckName::Directory).await;
    assert!(message.contains("the role's session") && !message.contains("Curfew's credentials"), "{message}");
}
