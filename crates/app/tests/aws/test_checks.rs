//! The checks that follow STS's: instance, lists, reach.

use curfew_app::connection;
use curfew_domain::connection::{CheckName, CheckStatus, SavedConnection};
use curfew_sim::world::ACME_MANAGEMENT_ROLE;
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
    an_instance_that_is_given_up_can_be_connected_by_another,
    a_test_whose_checks_take_too_long_says_so,
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

async fn an_instance_that_is_given_up_can_be_connected_by_another(stage: &Stage) {
    let other = on_the_same_instance(stage).await;
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    assert!(connection::test(stage.app(), &other).await.unwrap().success);
    stage.save(stage.wanted()).await;
    let report = stage.test().await.unwrap();
    assert_eq!(check(&report.checks, CheckName::IdentityCenter).status, CheckStatus::Failed);
}

async fn a_test_whose_checks_take_too_long_says_so(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().inject(Fault::on("ListPermissionSets", FaultKind::DelayReply { ms: 10_000 }));
    let message = failed_at(stage, CheckName::PermissionSets).await;
    assert!(message.contains("did not answer sso:ListPermissionSets"), "{message}");
}
