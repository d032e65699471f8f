//! What may be saved when, and the templates.

use curfew_app::connection::{self, TemplateFor};
use curfew_app::{AppError, FieldProblem};
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::connection::SavedConnection;
use curfew_domain::{AssignmentId, InstanceArn};
use curfew_sim::world::{ACME_MANAGEMENT_ROLE, ACME_UNSAFE_ROLE, CURFEW_PRINCIPAL};
use curfew_sim::{Fault, FaultKind};

use crate::stage::Stage;

crate::on_both! {
    saving_asks_nothing_of_aws_and_changes_no_work,
    the_same_saved_again_changes_nothing,
    partitions_do_not_mix,
    while_assignments_are_left_only_the_role_may_change,
    without_a_connection_there_is_nothing_to_delete,
    the_template_names_curfew_and_the_tenants_external_ids,
    without_sts_nobody_knows_whom_to_trust,
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
    let instance = stage.instance();
    let key = AssignmentKey {
        instance: instance.arn.parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        identity_store: instance.identity_store_id.parse().unwrap(),
        account: "100000000003".parse().unwrap(),
        permission_set: instance.permission_sets[0].arn.parse().unwrap(),
        principal: instance.users[0].id.parse().unwrap(),
    };
    let now = stage.app().now();
    let unit = stage.app().store.tenant(stage.acme.tenant).write().await.unwrap();
    let id = AssignmentId::new(now, stage.app().entropy.as_ref());
    let id = unit.upsert_assignment(id, &key, now).await.unwrap();
    unit.touch_due(id, now).await.unwrap();
    unit.commit().await.unwrap();
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

async fn without_a_connection_there_is_nothing_to_delete(stage: &Stage) {
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    stage.connect().await;
    let external_id = stage.external_id(&stage.acme).await;
    connection::delete(stage.app(), &stage.acme).await.unwrap();
    let connection = stage.connection().await;
    assert_eq!((connection.saved, connection.verified), (None, None));
    assert_eq!(connection.external_ids.current.as_str(), external_id, "the ExternalId stays the tenant's");
}

async fn the_template_names_curfew_and_the_tenants_external_ids(stage: &Stage) {
    let wanted = || TemplateFor {
        account: "100000000002".parse().unwrap(),
        instance: stage.wanted().instance,
        region: stage.wanted().region,
    };
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
    let wanted = TemplateFor {
        account: "100000000002".parse().unwrap(),
        instance: stage.wanted().instance,
        region: stage.wanted().region,
    };
    let error = connection::bootstrap_template(stage.app(), &stage.acme, wanted).await.unwrap_err();
    assert!(matches!(error, AppError::AwsUnreachable { .. }), "{error:?}");
}
