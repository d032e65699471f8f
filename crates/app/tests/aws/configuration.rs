//! What may be saved when, and the templates.

use curfew_app::connection::{self, TemplateFor};
use curfew_app::testing::TestParts;
use curfew_app::{AppError, FieldProblem};
use curfew_domain::InstanceArn;
use curfew_domain::connection::{CheckName, CheckStatus, SavedConnection};
use curfew_sim::world::{ACME_MANAGEMENT_ROLE, ACME_UNSAFE_ROLE, CURFEW_PRINCIPAL};
use curfew_sim::{CredentialState, Fault, FaultKind};

use crate::stage::{Stage, check};

crate::on_both! {
    saving_asks_nothing_of_aws_and_changes_no_work,
    the_same_saved_again_changes_nothing,
    partitions_do_not_mix,
    while_assignments_are_left_only_the_role_may_change,
    what_is_connected_is_not_left_while_something_is_to_be_taken_back_through_it,
    without_a_connection_there_is_nothing_to_delete,
    the_masters_form_begins_with_the_instance_that_the_server_was_given,
    the_template_names_curfew_and_the_tenants_external_ids,
    without_sts_nobody_knows_whom_to_trust,
    own_credentials_that_expired_are_the_operators_matter,
}

async fn saving_asks_nothing_of_aws_and_changes_no_work(stage: &Stage) {
    stage.connect().await;
    let verified = stage.connection().await.verified;
    stage.aws().clear_calls();
    stage.save(SavedConnection { role: ACME_UNSAFE_ROLE.parse().unwrap(), ..stage.wanted() }).await;
    assert!(stage.aws().calls().is_empty());
    assert_eq!(stage.connection().await.verified, verified);
    let config = connection::config(stage.app(), &stage.acme).await.unwrap();
    assert_eq!(config.saved.unwrap().role.as_str(), ACME_UNSAFE_ROLE);
    assert_eq!(config.verified_at, None, "what is saved is not what was verified");
}

async fn the_same_saved_again_changes_nothing(stage: &Stage) {
    stage.connect().await;
    let before = stage.connection().await;
    stage.save(stage.wanted()).await;
    assert_eq!(stage.connection().await, before);
}

async fn partitions_do_not_mix(stage: &Stage) {
    let elsewhere = SavedConnection {
        instance: "arn:aws-cn:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        ..stage.wanted()
    };
    let error = connection::save(stage.app(), &stage.acme, elsewhere).await.unwrap_err();
    let AppError::Invalid(problems) = error else { panic!("{error:?}") };
    let paths: Vec<_> = problems.iter().map(|FieldProblem { path, .. }| path.as_str()).collect();
    assert_eq!(paths, ["role_arn", "region"]);
}

async fn while_assignments_are_left_only_the_role_may_change(stage: &Stage) {
    stage.connect().await;
    stage.leave_an_assignment().await;
    stage.save(SavedConnection { role: ACME_UNSAFE_ROLE.parse().unwrap(), ..stage.wanted() }).await;
    let other: InstanceArn = "arn:aws:sso:::instance/ssoins-0000000000000000".parse().unwrap();
    for elsewhere in [
        SavedConnection { instance: other, ..stage.wanted() },
        SavedConnection { role: ACME_MANAGEMENT_ROLE.parse().unwrap(), ..stage.wanted() },
    ] {
        let error = connection::save(stage.app(), &stage.acme, elsewhere).await.unwrap_err();
        assert!(matches!(error, AppError::Conflict { .. }), "{error:?}");
    }
    let error = connection::delete(stage.app(), &stage.acme).await.unwrap_err();
    assert!(matches!(error, AppError::Conflict { .. }), "{error:?}");
}

/// It was all gone when the other account was saved; then somebody got access through what was still verified.
async fn what_is_connected_is_not_left_while_something_is_to_be_taken_back_through_it(stage: &Stage) {
    stage.connect().await;
    let verified = stage.connection().await.verified;
    stage.save(stage.wanted_with_management_role()).await;
    stage.trust_with(ACME_MANAGEMENT_ROLE, &[stage.external_id(&stage.acme).await]);
    stage.leave_an_assignment().await;
    let report = stage.test().await.unwrap();
    let failed = check(&report.checks, CheckName::IdentityCenter);
    assert!(!report.success && failed.status == CheckStatus::Failed, "{report:?}");
    assert!(failed.message.contains("revoke the grants"), "{failed:?}");
    assert_eq!(check(&report.checks, CheckName::Reach).status, CheckStatus::Skipped);
    assert_eq!(stage.connection().await.verified, verified);
    // The way back is open, and so is another role of the same account.
    stage.save(stage.wanted()).await;
    assert!(stage.test().await.unwrap().success);
}

async fn without_a_connection_there_is_nothing_to_delete(stage: &Stage) {
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    stage.connect().await;
    let external_id = stage.external_id(&stage.acme).await;
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    let connection = stage.connection().await;
    assert_eq!((connection.saved, connection.verified), (None, None));
    assert_eq!(connection.external_ids.current.as_str(), external_id, "the ExternalId stays the tenant's");
}

async fn the_masters_form_begins_with_the_instance_that_the_server_was_given(stage: &Stage) {
    let other = stage.another_tenant().await;
    let given: InstanceArn = "arn:aws:sso:::instance/ssoins-0000000000000000".parse().unwrap();
    let parts = TestParts { offered_instance: Some(given.clone()), ..TestParts::default() };
    let app = stage.another_node(parts).app;
    let offered = async |caller| connection::config(&app, caller).await.unwrap().offered;
    assert_eq!(offered(&stage.acme).await, Some(given));
    assert_eq!(offered(&other).await, None);
    stage.save(stage.wanted()).await;
    assert_eq!(offered(&stage.acme).await, None, "what is saved is shown");
}

fn template_for(stage: &Stage) -> TemplateFor {
    let SavedConnection { instance, region, .. } = stage.wanted();
    TemplateFor { account: "100000000002".parse().unwrap(), instance, region }
}

async fn the_template_names_curfew_and_the_tenants_external_ids(stage: &Stage) {
    let wanted = || template_for(stage);
    let (templates, ids) = connection::bootstrap_template(stage.app(), &stage.acme, wanted()).await.unwrap();
    assert_eq!(ids, [stage.connection().await.external_ids.current]);
    for template in [&templates.cloudformation_yaml, &templates.terraform_hcl] {
        assert!(template.contains(CURFEW_PRINCIPAL) && template.contains(ids[0].as_str()), "{template}");
    }
    connection::rotate(stage.app(), &stage.acme).await.unwrap();
    let (_, ids) = connection::bootstrap_template(stage.app(), &stage.acme, wanted()).await.unwrap();
    assert_eq!(ids.len(), 2);
}

async fn without_sts_nobody_knows_whom_to_trust(stage: &Stage) {
    stage.aws().inject(Fault::on("GetCallerIdentity", FaultKind::ServerError { status: 500 }));
    let error =
        connection::bootstrap_template(stage.app(), &stage.acme, template_for(stage)).await.unwrap_err();
    assert!(matches!(error, AppError::AwsUnreachable { .. }), "{error:?}");
}

async fn own_credentials_that_expired_are_the_operators_matter(stage: &Stage) {
    stage.aws().edit(|world| world.own_credentials[0].state = CredentialState::Expired).unwrap();
    let error =
        connection::bootstrap_template(stage.app(), &stage.acme, template_for(stage)).await.unwrap_err();
    let AppError::AwsUnreachable { message, .. } = error else { panic!("{error:?}") };
    assert!(message.contains("Curfew's own AWS credentials have expired"), "{message}");
}
