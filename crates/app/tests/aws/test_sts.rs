//! The checks that ask STS: what STS does, and what the administrator is told.

use std::time::Duration;

use curfew_app::{AppError, connection};
use curfew_aws::RoleAccess;
use curfew_domain::connection::{CheckName, CheckStatus, SavedConnection, Suspension};
use curfew_sim::world::{ACME_DELEGATED_ROLE, CURFEW_PRINCIPAL};
use curfew_sim::{CredentialState, Fault, FaultKind};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::stage::{Stage, check, statuses};

crate::on_both! {
    a_sound_connection_passes_every_check_and_is_put_to_use,
    what_sts_does_is_explained,
    a_role_that_refuses_is_explained_with_the_principal_it_must_trust,
    own_credentials_that_expired_are_the_operators_matter,
    a_clock_that_is_off_is_named,
    credentials_of_another_account_suspend_what_was_verified,
    a_role_that_ignores_the_external_id_is_a_warning_for_one_tenant_alone,
    what_fails_after_that_warning_is_told_as_what_it_is,
    a_role_that_ignores_the_external_id_is_refused_among_many_tenants,
    a_role_that_was_let_in_once_is_open_whatever_the_other_try_comes_to,
    what_is_not_proved_of_the_external_id_is_not_good_enough_among_many_tenants,
    a_failed_test_changes_nothing_but_its_own_record,
    a_failed_test_leaves_the_session_that_deletions_live_on,
    a_success_is_not_kept_for_the_next_test,
    nothing_is_asked_before_something_is_saved,
}

fn sts_details(error: AppError) -> (String, Map<String, Value>) {
    match error {
        AppError::StsCheckFailed { message, details } => (message, details),
        other => panic!("{other:?}"),
    }
}

async fn a_sound_connection_passes_every_check_and_is_put_to_use(stage: &Stage) {
    stage.save(stage.wanted()).await;
    assert_eq!(stage.connection().await.verified, None);
    let report = stage.test().await.unwrap();
    assert!(report.success, "{report:?}");
    let mut statuses = statuses(&report.checks);
    // Nobody has chosen that sessions end.
    assert_eq!(statuses.pop(), Some(CheckStatus::Skipped), "{report:?}");
    assert_eq!(statuses, [CheckStatus::Passed; 8], "{report:?}");
    let connection = stage.connection().await;
    let verified = connection.verified.unwrap();
    assert_eq!(verified.saved, stage.wanted());
    assert_eq!(verified.identity_store.as_str(), stage.instance().identity_store_id);
    assert_eq!(verified.external_id, connection.external_ids.current);
    let config = connection::config(stage.app(), &stage.acme).await.unwrap();
    assert_eq!(config.verified_at, Some(verified.at));
    let reach = &check(&report.checks, CheckName::Reach).message;
    assert!(reach.contains("100000000001") && reach.contains("1 permission sets"), "{reach}");
}

async fn what_sts_does_is_explained(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let error = |code: &str, status| FaultKind::Error { code: code.into(), status, message: "no".into() };
    for (fault, code, words) in [
        (FaultKind::Throttle, Some("Throttling"), "throttles"),
        (FaultKind::DelayReply { ms: 5_000 }, None, "did not answer"),
        (FaultKind::DropConnection, None, "ended before the answer"),
        (FaultKind::Garbage, None, "is not AWS"),
        (FaultKind::ServerError { status: 503 }, None, "AWS failed"),
        (
            error("RegionDisabledException", 403),
            Some("RegionDisabledException"),
            "not activated in region eu-west-1",
        ),
        (error("SomethingNew", 400), Some("SomethingNew"), "AWS refused"),
    ] {
        stage.aws().clear_faults();
        stage.aws().clear_calls();
        stage.aws().inject(Fault::on("AssumeRole", fault.clone()));
        let (message, details) = sts_details(stage.test().await.unwrap_err());
        assert!(message.starts_with("assume_role: ") && message.contains(words), "{fault:?}: {message}");
        assert_eq!(details["stage"], "assume_role");
        assert_eq!(details["role_arn"], ACME_DELEGATED_ROLE);
        if code.is_some() {
            assert_eq!(details["aws_error_code"].as_str(), code, "{fault:?}");
        }
        assert!(details["hint"].as_str().is_some_and(|hint| message.contains(hint)));
        assert_eq!(details["checks"][0]["status"], "failed");
        assert_eq!(details["checks"][7]["status"], "skipped");
        let tries = stage.aws().calls_of("AssumeRole").len();
        assert!(tries <= 2, "{fault:?}: {tries} tries");
    }
    assert_eq!(stage.connection().await.verified, None);
}

async fn a_role_that_refuses_is_explained_with_the_principal_it_must_trust(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.trust_with(ACME_DELEGATED_ROLE, &["somebody-elses".to_owned()]);
    let (message, details) = sts_details(stage.test().await.unwrap_err());
    assert_eq!(details["aws_error_code"], "AccessDenied");
    for word in [ACME_DELEGATED_ROLE, CURFEW_PRINCIPAL, "trust policy", "ExternalId", "request id"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

async fn own_credentials_that_expired_are_the_operators_matter(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().edit(|world| world.own_credentials[0].state = CredentialState::Expired).unwrap();
    let (message, details) = sts_details(stage.test().await.unwrap_err());
    assert_eq!(details["aws_error_code"], "ExpiredToken");
    assert!(message.contains("Curfew's own AWS credentials have expired"), "{message}");
}

async fn a_clock_that_is_off_is_named(stage: &Stage) {
    stage.save(stage.wanted()).await;
    stage.aws().run_clock_at_offset(SignedDuration::from_mins(30));
    let (message, _) = sts_details(stage.test().await.unwrap_err());
    assert!(message.contains("the clock of the machine that runs Curfew"), "{message}");
}

async fn credentials_of_another_account_suspend_what_was_verified(stage: &Stage) {
    stage.connect().await;
    *stage.lie.lock() = Some("999999999999".parse().unwrap());
    let (message, details) = sts_details(stage.test().await.unwrap_err());
    assert_eq!(details["stage"], "caller_identity");
    assert!(message.contains(ACME_DELEGATED_ROLE), "{message}");
    let connection = stage.connection().await;
    assert_eq!(connection.suspended, Some(Suspension::WrongAccount));
    assert!(connection.verified.is_some(), "deletions go on");
    *stage.lie.lock() = None;
    assert!(stage.test().await.unwrap().success);
    assert_eq!(stage.connection().await.suspended, None);
}

async fn a_role_that_ignores_the_external_id_is_a_warning_for_one_tenant_alone(stage: &Stage) {
    stage.trust_with(ACME_DELEGATED_ROLE, &[]);
    stage.save(stage.wanted()).await;
    let report = stage.test().await.unwrap();
    assert!(report.success);
    let enforced = check(&report.checks, CheckName::ExternalIdEnforced);
    assert_eq!(enforced.status, CheckStatus::Warning);
    assert!(enforced.message.contains("sts:ExternalId"), "{}", enforced.message);
    assert!(stage.connection().await.verified.is_some());
}

async fn what_fails_after_that_warning_is_told_as_what_it_is(stage: &Stage) {
    stage.trust_with(ACME_DELEGATED_ROLE, &[]);
    stage.save(SavedConnection { region: "us-east-1".parse().unwrap(), ..stage.wanted() }).await;
    let report = stage.test().await.unwrap();
    assert!(!report.success);
    assert_eq!(check(&report.checks, CheckName::ExternalIdEnforced).status, CheckStatus::Warning);
    assert_eq!(check(&report.checks, CheckName::IdentityCenter).status, CheckStatus::Failed);
}

async fn a_role_that_was_let_in_once_is_open_whatever_the_other_try_comes_to(stage: &Stage) {
    stage.connect().await;
    stage.serve_many_tenants().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &[]);
    // The right ExternalId is let in, and one of the two that must not be; the other hangs.
    stage.aws().inject(Fault::on("AssumeRole", FaultKind::DelayReply { ms: 10_000 }).after(2));
    let error = stage.test_within(Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, AppError::UnsafeTrustPolicy { .. }), "{error:?}");
    assert_eq!(stage.connection().await.suspended, Some(Suspension::UnsafeTrustPolicy));
}

async fn a_role_that_ignores_the_external_id_is_refused_among_many_tenants(stage: &Stage) {
    stage.connect().await;
    stage.serve_many_tenants().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &[]);
    let error = stage.test().await.unwrap_err();
    let AppError::UnsafeTrustPolicy { message, details } = error else { panic!("{error:?}") };
    assert!(message.contains("ExternalId"), "{message}");
    assert_eq!(details["stage"], "external_id_enforced");
    let connection = stage.connection().await;
    assert_eq!(connection.suspended, Some(Suspension::UnsafeTrustPolicy));
    assert!(connection.verified.is_some(), "deletions go on");
}

async fn what_is_not_proved_of_the_external_id_is_not_good_enough_among_many_tenants(stage: &Stage) {
    stage.save(stage.wanted()).await;
    // The first AssumeRole is let through; the two that must be refused meet a fault instead.
    let unproved = || Fault::on("AssumeRole", FaultKind::ServerError { status: 500 }).after(1);
    stage.aws().inject(unproved());
    let report = stage.test().await.unwrap();
    assert!(report.success);
    assert_eq!(check(&report.checks, CheckName::ExternalIdEnforced).status, CheckStatus::Warning);
    stage.serve_many_tenants().await;
    stage.aws().clear_faults();
    stage.aws().inject(unproved());
    let report = stage.test().await.unwrap();
    assert!(!report.success, "a later check than the first two: 200, without success");
    assert_eq!(check(&report.checks, CheckName::ExternalIdEnforced).status, CheckStatus::Failed);
    assert_eq!(check(&report.checks, CheckName::IdentityCenter).status, CheckStatus::Skipped);
    assert_eq!(stage.connection().await.suspended, None, "nothing was shown");
}

async fn a_failed_test_changes_nothing_but_its_own_record(stage: &Stage) {
    stage.connect().await;
    let before = stage.connection().await;
    stage.aws().inject(Fault::on("AssumeRole", FaultKind::ServerError { status: 500 }));
    stage.test().await.unwrap_err();
    assert_eq!(stage.connection().await, before);
}

async fn a_failed_test_leaves_the_session_that_deletions_live_on(stage: &Stage) {
    stage.connect().await;
    let access = RoleAccess {
        tenant: stage.acme.tenant,
        role: stage.wanted().role,
        region: stage.wanted().region,
        external_ids: vec![stage.connection().await.external_ids.current],
    };
    stage.app().aws.assignments(&access).await.unwrap();
    stage.aws().inject(Fault::on("AssumeRole", FaultKind::ServerError { status: 500 }));
    stage.test().await.unwrap_err();
    let session = stage.app().aws.assignments(&access).await;
    assert!(session.is_ok(), "{:?}", session.err());
}

async fn a_success_is_not_kept_for_the_next_test(stage: &Stage) {
    stage.connect().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &["another".to_owned()]);
    let (_, details) = sts_details(stage.test().await.unwrap_err());
    assert_eq!(details["aws_error_code"], "AccessDenied");
}

async fn nothing_is_asked_before_something_is_saved(stage: &Stage) {
    let error = stage.test().await.unwrap_err();
    assert!(matches!(error, AppError::NotConfigured(_)), "{error:?}");
    assert!(stage.aws().calls().is_empty());
}
