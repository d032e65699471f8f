//! What happened can be read from a grant's timeline.

use curfew_app::Caller;
use curfew_app::grants::{self, Happening};
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::{Actor, CredentialId, GrantId, PageLimit, PageRequest, Scope, UserId};
use curfew_sim::{Fault, FaultKind};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";

on_both! {
    the_story_of_a_grant_under_a_killed_node_is_told,
}

async fn told(stage: &Stage, grant: GrantId) -> Vec<Happening> {
    let reader = UserId::new(stage.clock_reads(), stage.app.entropy.as_ref());
    let caller = Caller {
        tenant: stage.tenant,
        actor: Actor::Local(reader),
        user: reader,
        scopes: [Scope::GrantsRead].into_iter().collect(),
        credential: CredentialId::from_uuid(uuid::Uuid::nil()),
        session: None,
        source: None,
    };
    let page = PageRequest { limit: PageLimit::MAX, after: None };
    grants::timeline(&stage.app, &caller, grant, page).await.unwrap().items
}

/// As the documentation shows it.
async fn the_story_of_a_grant_under_a_killed_node_is_told(stage: &mut Stage) {
    // The answer is on its way for as long as the node lives.
    stage.aws().inject(Fault::on("CreateAccountAssignment", FaultKind::DelayReply { ms: 60_000 }).once());
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until("AWS has it", async || !stage.held().is_empty()).await;
    stage.kill().await;
    stage.start();
    stage.until_it_is(grant, Successful).await;
    stage.pass(485);
    stage
        .until("it is told", async || {
            stage.told(curfew_domain::audit::AuditAction::GrantExpiringSoon, grant).await == 1
        })
        .await;
    // Past its end, and not so long that it is overdue.
    stage.pass(180);
    stage.until_it_is(grant, Revoked).await;
    let story = told(stage, grant).await;
    let actions: Vec<&str> = story.iter().map(|one| one.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "assignment.called",
            "grant.active",
            "grant.expiring_soon",
            "grant.expired",
            "assignment.called",
            "assignment.confirmed",
            "assignment.gone",
        ]
    );
    let (created, deleted, confirmed) = (&story[0], &story[4], &story[5]);
    assert_eq!(created.details["answered"], false);
    assert!(created.what.contains("no answer has come"), "{}", created.what);
    assert_eq!((&deleted.details["call"], &deleted.details["answered"]), (&"delete".into(), &true.into()));
    assert!(deleted.details["lease"].as_u64() > created.details["lease"].as_u64(), "another owner");
    assert!(confirmed.details["aws_request_id"].is_string(), "{confirmed:?}");
    assert_eq!(confirmed.what, format!("AWS has deleted it in {DEV}."));
}
