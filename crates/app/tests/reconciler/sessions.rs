//! AWS's sessions end with the access that they came from, and no others do.

use curfew_app::{grants, settings};
use curfew_domain::audit::AuditAction;
use curfew_domain::grant::ProvisioningStatus::{Revoked, Successful};
use curfew_domain::session_end::{
    LONGEST_SESSION, PLACEHOLDER, SessionsReason, SessionsState, ShownSessions,
};
use curfew_domain::{CachedResourceId, Discovered, DiscoveredAttributes, GrantId, ResourceRef, Seconds};
use curfew_sim::{Fault, FaultKind, PersonSession, ServiceControlPolicy, SignIn};

use crate::on_both;
use crate::stage::Stage;

const DEV: &str = "100000000005";
const WEB: &str = "100000000004";
const ROLES_ACCOUNT: &str = "100000000002";
const DELETE: &str = "DeleteAccountAssignment";
const UPDATE: &str = "UpdatePolicy";

on_both! {
    the_sessions_of_a_revoked_grant_end_and_no_others_of_the_same_person,
    a_session_minted_between_revocation_and_deletion_cannot_act,
    access_that_is_given_anew_has_sessions_that_act,
    access_that_is_given_anew_before_it_was_deleted_is_spared,
    an_ordinary_end_leaves_sessions_alone_and_says_until_when,
    an_emergency_leaves_no_session_also_when_its_time_is_up,
    what_another_grant_needs_keeps_its_sessions,
    a_grant_that_was_over_before_it_began_says_what_became_of_them_too,
    what_another_grant_needed_ends_with_that_by_time_too,
    of_two_grants_that_are_revoked_at_once_one_sees_the_others_end,
    a_deny_whose_answer_was_lost_is_found_and_gets_its_cut_off,
    policies_that_cannot_be_written_hold_no_deletion_back,
    an_owner_that_is_killed_while_it_writes_changes_nothing,
    where_the_policies_are_full_the_oldest_goes_and_that_is_told,
    whoever_opts_out_has_nothing_denied_any_more,
    what_somebody_writes_into_a_policy_is_put_right,
    what_nobody_remembers_to_deny_is_taken_out,
    where_there_is_no_policy_the_grant_says_so,
    where_the_policies_are_taken_away_the_grant_says_that_its_sessions_live,
    whoever_has_not_chosen_it_is_asked_nothing,
    access_that_somebody_removed_has_no_sessions_left,
    access_that_curfew_never_gave_and_removes_has_no_sessions_left,
}

/// The tenant ends sessions, and has so many policies for it.
async fn opted_in(stage: &Stage, policies: u32) {
    prepared(stage, policies).await;
    set(stage, true).await;
}

/// It could end sessions.
async fn prepared(stage: &Stage, policies: u32) {
    same_time(stage);
    let made = stage.aws().edit(|world| {
        let acme = &mut world.organizations[0];
        for n in 1..=policies {
            let root = acme.root_id.clone();
            let policy = ServiceControlPolicy::new(&format!("curfew-sessions-{n}"), PLACEHOLDER);
            acme.put_policy(policy.attached_to(&root));
        }
        acme.policy_administrators.push(ROLES_ACCOUNT.to_owned());
    });
    made.unwrap();
    know_permission_sets(stage).await;
}

async fn know_permission_sets(stage: &Stage) {
    let now = stage.clock_reads();
    let unit = stage.app.store.tenant(stage.tenant).write().await.unwrap();
    for set in &stage.instance().permission_sets {
        let discovered = Discovered {
            name: set.name.clone(),
            units: vec![],
            tags: [].into(),
            state: None,
            attributes: DiscoveredAttributes {
                session: Some(Seconds::of(3_600)),
                ..DiscoveredAttributes::default()
            },
            seen_at: now,
            gone_at: None,
        };
        let arn: curfew_domain::PermissionSetArn = set.arn.parse().unwrap();
        let id = CachedResourceId::new(now, stage.app.entropy.as_ref());
        let instance = stage.instance().arn.parse().unwrap();
        unit.save_discovered(id, &instance, &ResourceRef::from(arn), None, &discovered).await.unwrap();
    }
    unit.commit().await.unwrap();
}

async fn set(stage: &Stage, on: bool) {
    let key = "end_sessions".parse().unwrap();
    settings::change(&stage.app, &stage.admin().await, key, on.into()).await.unwrap();
}

async fn revoke(stage: &Stage, grant: GrantId) {
    grants::revoke(&stage.app, &stage.admin().await, grant, None).await.unwrap();
}

/// AWS's clock stands where the tenant's does.
fn same_time(stage: &Stage) {
    let ours = jiff::Timestamp::from_microsecond(stage.clock_reads().micros()).unwrap();
    stage.aws().advance(ours.duration_since(stage.aws().now()));
}

fn who(stage: &Stage, account: &str, set: &str) -> SignIn {
    SignIn {
        account: account.to_owned(),
        permission_set: stage.instance().permission_set_arn(set),
        user: stage.alice().to_string(),
    }
}

fn sign_in(stage: &Stage, account: &str, set: &str) -> PersonSession {
    same_time(stage);
    stage.aws().sign_in(&who(stage, account, set)).unwrap()
}

fn can_act(stage: &Stage, session: &PersonSession) -> bool {
    stage.aws().can_act(session).unwrap()
}

async fn given(stage: &Stage, account: &str, set: &str, seconds: u32) -> GrantId {
    let grant = stage.grant(&[account], set, seconds).await;
    stage.until_it_is(grant, Successful).await;
    grant
}

async fn shown(stage: &Stage, grant: GrantId) -> ShownSessions {
    stage.view(grant).await.sessions(stage.clock_reads())
}

async fn until_shown_ended(stage: &Stage, grant: GrantId) {
    stage.until("it says so", async || shown(stage, grant).await.state == SessionsState::Ended).await;
}

async fn until_cannot_act(stage: &Stage, session: &PersonSession) {
    stage.until("the session ends", async || !can_act(stage, session)).await;
}

/// What all policies say together.
fn policies_say(stage: &Stage) -> String {
    let world = stage.aws().world();
    world.organizations[0].policies.iter().map(|policy| policy.content.clone()).collect()
}

async fn until_spared(stage: &Stage) {
    stage.until("later sessions are spared", async || policies_say(stage).contains("TokenIssueTime")).await;
}

async fn the_sessions_of_a_revoked_grant_end_and_no_others_of_the_same_person(stage: &mut Stage) {
    opted_in(stage, 2).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    given(stage, DEV, "PowerUser", 36_000).await;
    given(stage, WEB, "ReadOnly", 36_000).await;
    let ended = sign_in(stage, DEV, "ReadOnly");
    let others = [sign_in(stage, DEV, "PowerUser"), sign_in(stage, WEB, "ReadOnly")];
    let live = shown(stage, grant).await;
    assert_eq!(live.state, SessionsState::MayLive);
    assert_eq!(
        live.may_live_until,
        stage.view(grant).await.grant.times.expires_at.map(|end| end + Seconds::of(3_600))
    );
    revoke(stage, grant).await;
    until_cannot_act(stage, &ended).await;
    stage.until_it_is(grant, Revoked).await;
    until_spared(stage).await;
    assert!(others.iter().all(|session| can_act(stage, session)));
    assert!(!can_act(stage, &ended));
    until_shown_ended(stage, grant).await;
    assert_eq!(shown(stage, grant).await.may_live_until, None);
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionsCutOff).await == 1).await;
    for action in [AuditAction::SessionsEndAsked, AuditAction::SessionsDenied] {
        assert_eq!(stage.told_in_all(action).await, 1, "{action}");
    }
    assert!(stage.told_in_all(AuditAction::SessionPolicyWritten).await >= 2);
    stage.clock.advance(LONGEST_SESSION);
    stage.pass(60);
    stage.until("all is taken out", async || !policies_say(stage).contains("AWSReserved")).await;
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionsTakenOut).await == 1).await;
    assert_eq!(shown(stage, grant).await.state, SessionsState::Ended);
}

async fn a_session_minted_between_revocation_and_deletion_cannot_act(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    stage.aws().inject(Fault::on(DELETE, FaultKind::Throttle));
    revoke(stage, grant).await;
    let between = sign_in(stage, DEV, "ReadOnly");
    until_cannot_act(stage, &between).await;
    stage.clock.advance_millis(2_000);
    let later = sign_in(stage, DEV, "ReadOnly");
    assert!(!can_act(stage, &later), "it is denied from its first moment on");
    stage.aws().clear_faults();
    stage.until_it_is(grant, Revoked).await;
    until_spared(stage).await;
    assert!(!can_act(stage, &between) && !can_act(stage, &later));
}

async fn access_that_is_given_anew_has_sessions_that_act(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let before = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, grant).await;
    stage.until_it_is(grant, Revoked).await;
    until_spared(stage).await;
    stage.pass(31);
    given(stage, DEV, "ReadOnly", 36_000).await;
    let after = sign_in(stage, DEV, "ReadOnly");
    assert!(can_act(stage, &after));
    assert!(!can_act(stage, &before));
}

async fn access_that_is_given_anew_before_it_was_deleted_is_spared(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let before = sign_in(stage, DEV, "ReadOnly");
    stage.aws().inject(Fault::on(DELETE, FaultKind::Throttle));
    revoke(stage, grant).await;
    until_cannot_act(stage, &before).await;
    given(stage, DEV, "ReadOnly", 36_000).await;
    stage.aws().clear_faults();
    until_spared(stage).await;
    stage.pass(31);
    let after = sign_in(stage, DEV, "ReadOnly");
    assert!(can_act(stage, &after));
    assert!(!can_act(stage, &before));
}

async fn an_ordinary_end_leaves_sessions_alone_and_says_until_when(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 60).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    stage.pass(60);
    stage.until_it_is(grant, Revoked).await;
    assert!(can_act(stage, &session));
    let told = shown(stage, grant).await;
    assert_eq!((told.state, told.reason), (SessionsState::MayLive, Some(SessionsReason::EndedByTime)));
    assert!(told.may_live_until.is_some_and(|until| until > stage.clock_reads()));
    assert_eq!(stage.aws().calls_of(UPDATE).len(), 0);
    stage.pass(3_700);
    assert_eq!(shown(stage, grant).await.state, SessionsState::Ended);
}

async fn an_emergency_leaves_no_session_also_when_its_time_is_up(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 60).await;
    stage.all_are_emergencies().await;
    let session = sign_in(stage, DEV, "ReadOnly");
    stage.pass(60);
    until_cannot_act(stage, &session).await;
    stage.until_it_is(grant, Revoked).await;
    until_shown_ended(stage, grant).await;
}

async fn what_another_grant_needs_keeps_its_sessions(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let first = given(stage, DEV, "ReadOnly", 36_000).await;
    let second = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, first).await;
    let told = shown(stage, first).await;
    assert_eq!((told.state, told.reason), (SessionsState::MayLive, Some(SessionsReason::NeededByAnother)));
    assert!(can_act(stage, &session));
    revoke(stage, second).await;
    until_cannot_act(stage, &session).await;
    for grant in [first, second] {
        until_shown_ended(stage, grant).await;
    }
}

async fn a_grant_that_was_over_before_it_began_says_what_became_of_them_too(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let first = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    let second = stage.grant(&[DEV], "ReadOnly", 36_000).await;
    revoke(stage, first).await;
    revoke(stage, second).await;
    until_cannot_act(stage, &session).await;
    for grant in [first, second] {
        until_shown_ended(stage, grant).await;
    }
}

async fn what_another_grant_needed_ends_with_that_by_time_too(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let first = given(stage, DEV, "ReadOnly", 36_000).await;
    let second = given(stage, DEV, "ReadOnly", 60).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, first).await;
    assert!(can_act(stage, &session));
    stage.pass(60);
    until_cannot_act(stage, &session).await;
    for grant in [first, second] {
        stage.until_it_is(grant, Revoked).await;
        until_shown_ended(stage, grant).await;
    }
}

async fn of_two_grants_that_are_revoked_at_once_one_sees_the_others_end(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let first = given(stage, DEV, "ReadOnly", 36_000).await;
    let second = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    futures::join!(revoke(stage, first), revoke(stage, second));
    until_cannot_act(stage, &session).await;
    for grant in [first, second] {
        until_shown_ended(stage, grant).await;
    }
    until_spared(stage).await;
    assert_eq!(stage.told_in_all(AuditAction::SessionsEndAsked).await, 1);
}

async fn a_deny_whose_answer_was_lost_is_found_and_gets_its_cut_off(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    stage.aws().inject(Fault::on(UPDATE, FaultKind::LoseReply).once());
    revoke(stage, grant).await;
    until_cannot_act(stage, &session).await;
    stage.until_it_is(grant, Revoked).await;
    until_spared(stage).await;
    until_shown_ended(stage, grant).await;
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionsCutOff).await == 1).await;
    assert_eq!(stage.told_in_all(AuditAction::SessionsDenied).await, 1);
    assert!(!can_act(stage, &session));
}

async fn policies_that_cannot_be_written_hold_no_deletion_back(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    let message = "not now".to_owned();
    stage.aws().inject(Fault::on(UPDATE, FaultKind::AccessDenied { message }));
    revoke(stage, grant).await;
    stage.until_it_is(grant, Revoked).await;
    stage
        .until("it says why", async || {
            let told = shown(stage, grant).await;
            (told.state, told.reason) == (SessionsState::NotEnded, Some(SessionsReason::NotPermitted))
        })
        .await;
    assert!(can_act(stage, &session));
    assert_eq!(stage.told_in_all(AuditAction::SessionPolicyProblem).await, 1);
    stage.aws().clear_faults();
    until_cannot_act(stage, &session).await;
    until_shown_ended(stage, grant).await;
}

async fn an_owner_that_is_killed_while_it_writes_changes_nothing(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, grant).await;
    // Once before anything is denied, once while the answer is on its way, and once with the deletion done.
    stage.kill().await;
    stage.leases_run_out().await;
    stage.aws().inject(Fault::on(UPDATE, FaultKind::DelayReply { ms: 60_000 }).once());
    stage.start();
    until_cannot_act(stage, &session).await;
    stage.kill().await;
    stage.leases_run_out().await;
    stage.start();
    stage.until_it_is(grant, Revoked).await;
    stage.kill().await;
    stage.leases_run_out().await;
    stage.start();
    until_spared(stage).await;
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionsCutOff).await == 1).await;
    assert_eq!(stage.told_in_all(AuditAction::SessionsDenied).await, 1);
    assert!(!can_act(stage, &session));
    assert_eq!(shown(stage, grant).await.state, SessionsState::Ended);
}

async fn where_the_policies_are_full_the_oldest_goes_and_that_is_told(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let oldest = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, oldest).await;
    until_cannot_act(stage, &session).await;
    stage.until_it_is(oldest, Revoked).await;
    for n in 0..40 {
        let other = stage.held_by_another(n, DEV, "PowerUser").await;
        revoke(stage, other).await;
    }
    stage.until("it is left out", async || shown(stage, oldest).await.state == SessionsState::NotEnded).await;
    let told = shown(stage, oldest).await;
    assert_eq!(told.reason, Some(SessionsReason::NoRoom));
    assert!(told.may_live_until.is_some());
    assert!(stage.told_in_all(AuditAction::SessionsLeftOut).await >= 1);
    assert!(can_act(stage, &session), "there was no place for it");
}

async fn whoever_opts_out_has_nothing_denied_any_more(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, grant).await;
    until_cannot_act(stage, &session).await;
    stage.until_it_is(grant, Revoked).await;
    set(stage, false).await;
    stage.until("nothing is denied", async || can_act(stage, &session)).await;
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionsTakenOut).await == 1).await;
    assert_eq!(policies_say(stage), PLACEHOLDER);
    let told = shown(stage, grant).await;
    assert_eq!((told.state, told.reason), (SessionsState::MayLive, Some(SessionsReason::NotChosen)));
}

async fn what_somebody_writes_into_a_policy_is_put_right(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, grant).await;
    until_cannot_act(stage, &session).await;
    stage.until_it_is(grant, Revoked).await;
    stage.until("it is cut off", async || stage.told_in_all(AuditAction::SessionsCutOff).await == 1).await;
    let edited = stage.aws().edit(|world| {
        PLACEHOLDER.clone_into(&mut world.organizations[0].policies[0].content);
    });
    edited.unwrap();
    assert!(can_act(stage, &session));
    stage.pass(900);
    until_cannot_act(stage, &session).await;
}

async fn what_nobody_remembers_to_deny_is_taken_out(stage: &mut Stage) {
    prepared(stage, 1).await;
    let edited = stage.aws().edit(|world| {
        let policy = &mut world.organizations[0].policies[0];
        policy.content = policy.content.replace("nobody", "somebody");
    });
    edited.unwrap();
    set(stage, true).await;
    stage.until("it is taken out", async || policies_say(stage) == PLACEHOLDER).await;
    stage.until("it is told", async || stage.told_in_all(AuditAction::SessionPolicyWritten).await == 1).await;
}

async fn where_there_is_no_policy_the_grant_says_so(stage: &mut Stage) {
    opted_in(stage, 0).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    revoke(stage, grant).await;
    stage
        .until("it says why", async || {
            let told = shown(stage, grant).await;
            (told.state, told.reason) == (SessionsState::NotEnded, Some(SessionsReason::NoPolicy))
        })
        .await;
    stage.until_it_is(grant, Revoked).await;
}

async fn where_the_policies_are_taken_away_the_grant_says_that_its_sessions_live(stage: &mut Stage) {
    opted_in(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    revoke(stage, grant).await;
    until_cannot_act(stage, &session).await;
    stage.until_it_is(grant, Revoked).await;
    stage.until("it is cut off", async || stage.told_in_all(AuditAction::SessionsCutOff).await == 1).await;
    assert_eq!(shown(stage, grant).await.state, SessionsState::Ended);
    stage.aws().edit(|world| world.organizations[0].policies.clear()).unwrap();
    assert!(can_act(stage, &session));
    stage.pass(900);
    stage
        .until("it says why", async || {
            let told = shown(stage, grant).await;
            (told.state, told.reason) == (SessionsState::NotEnded, Some(SessionsReason::NoPolicy))
        })
        .await;
    assert!(shown(stage, grant).await.may_live_until.is_some());
}

async fn whoever_has_not_chosen_it_is_asked_nothing(stage: &mut Stage) {
    prepared(stage, 1).await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    revoke(stage, grant).await;
    stage.until_it_is(grant, Revoked).await;
    let told = shown(stage, grant).await;
    assert_eq!((told.state, told.reason), (SessionsState::MayLive, Some(SessionsReason::NotChosen)));
    assert_eq!(stage.aws().calls_of("ListPolicies").len(), 0);
    assert_eq!(stage.told_in_all(AuditAction::SessionsEndAsked).await, 0);
}

async fn access_that_somebody_removed_has_no_sessions_left(stage: &mut Stage) {
    opted_in(stage, 1).await;
    stage.watch().await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    stage.take_from_aws(DEV, "ReadOnly");
    stage.until_it_is(grant, Revoked).await;
    until_cannot_act(stage, &session).await;
    until_shown_ended(stage, grant).await;
}

async fn access_that_curfew_never_gave_and_removes_has_no_sessions_left(stage: &mut Stage) {
    opted_in(stage, 1).await;
    stage.put_in_aws(DEV, "ReadOnly");
    stage.watch().await;
    let grant = given(stage, DEV, "ReadOnly", 36_000).await;
    let session = sign_in(stage, DEV, "ReadOnly");
    let found = stage.finds(1).await;
    revoke(stage, grant).await;
    stage.until_it_is(grant, Revoked).await;
    assert!(can_act(stage, &session), "it was there before");
    stage.remove(found[0].id).await.unwrap();
    until_cannot_act(stage, &session).await;
    until_spared(stage).await;
    assert!(!can_act(stage, &session));
    assert_eq!(stage.told_in_all(AuditAction::SessionsEndAsked).await, 1);
}
