//! What happens when nothing goes wrong.

use curfew_domain::Seconds;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const PAYMENTS: &str = "100000000003";
const WEB: &str = "100000000004";

on_both! {
    a_grant_is_created_and_taken_back_on_time,
    a_revoked_grant_is_taken_back_at_once,
    two_grants_of_the_same_access_end_with_the_last,
    standing_access_is_left_alone,
    a_grant_over_several_accounts_succeeds_when_all_have_it,
    what_comes_back_after_gone_is_deleted_again,
    what_is_gone_is_not_looked_for_where_nothing_leads_any_more,
}

async fn a_grant_is_created_and_taken_back_on_time(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")]);
    let times = stage.view(grant).await.grant.times;
    assert_eq!(times.expires_at, times.succeeded_at.map(|at| at + Seconds::of(600)));
    stage.pass(500);
    stage
        .until("a minute and a half is left", async || {
            stage.clock_reads() >= times.expires_at.unwrap() - Seconds::of(90)
        })
        .await;
    assert_eq!(stage.held().len(), 1, "taken back before its time");
    stage.pass(90);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn a_revoked_grant_is_taken_back_at_once(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    stage.until_it_is(grant, Successful).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
    let expires_at = stage.view(grant).await.grant.times.expires_at.unwrap();
    assert!(stage.clock_reads() < expires_at);
}

async fn two_grants_of_the_same_access_end_with_the_last(stage: &mut Stage) {
    let short = stage.grant(&[DEV], "ReadOnly", 300).await;
    let long = stage.grant(&[DEV], "ReadOnly", 3_600).await;
    stage.until_it_is(short, Successful).await;
    stage.until_it_is(long, Successful).await;
    stage.pass(600);
    stage.until_it_is(short, Revoked).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")]);
    assert_eq!(stage.aws().calls_of("DeleteAccountAssignment").len(), 0);
    stage.pass(3_000);
    stage.until_it_is(long, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn standing_access_is_left_alone(stage: &mut Stage) {
    stage.put_in_aws(DEV, "ReadOnly");
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    assert!(stage.view(grant).await.standing);
    stage.pass(600);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), [stage.in_aws(DEV, "ReadOnly")]);
    assert_eq!(stage.aws().calls_of("CreateAccountAssignment").len(), 0);
    assert_eq!(stage.aws().calls_of("DeleteAccountAssignment").len(), 0);
}

async fn a_grant_over_several_accounts_succeeds_when_all_have_it(stage: &mut Stage) {
    let grant = stage.grant(&[DEV, PAYMENTS, WEB], "PowerUser", 600).await;
    stage.until_it_is(grant, Successful).await;
    assert_eq!(stage.held().len(), 3);
    stage.pass(600);
    stage.until_it_is(grant, Revoked).await;
    assert_eq!(stage.held(), []);
}

async fn what_comes_back_after_gone_is_deleted_again(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    stage.pass(600);
    stage.until_it_is(grant, Revoked).await;
    stage.put_in_aws(DEV, "ReadOnly");
    stage.pass(60);
    stage.until("deleted again", async || stage.held().is_empty()).await;
    stage.until_it_is(grant, Revoked).await;
}

async fn what_is_gone_is_not_looked_for_where_nothing_leads_any_more(stage: &mut Stage) {
    let grant = stage.grant(&[DEV], "ReadOnly", 600).await;
    stage.until_it_is(grant, Successful).await;
    stage.revoke(grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert!(stage.is_anything_due().await, "it is looked for again for a day");
    stage.disconnect().await;
    stage.pass(3_600);
    stage.until("nothing is due any more", async || !stage.is_anything_due().await).await;
    assert_eq!(stage.provisioning(grant).await, Revoked);
}
