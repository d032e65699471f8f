//! Reading AWS into the cache.

use std::sync::Arc;
use std::time::Duration;

use curfew_app::{AppError, discovery};
use curfew_domain::audit::AuditAction;
use curfew_domain::connection::{CheckName, Suspension};
use curfew_domain::{
    AccessLevel, CachedResource, Clock, DiscoveryCounts, DiscoveryState, NodeId, ResourceType, Seconds,
};
use curfew_sim::world::ACME_DELEGATED_ROLE;
use curfew_sim::{AccountState, Fault, FaultKind, Organization};
use curfew_store::testing::TestStore;
use jiff::SignedDuration;

use crate::stage::{Stage, check};

crate::on_both! {
    a_passed_test_is_followed_by_a_reading_of_everything,
    policies_see_where_an_account_lies_and_what_a_set_can_do,
    what_is_not_seen_any_more_is_marked_gone_and_comes_back,
    a_reading_that_fails_marks_nothing_gone_and_says_why,
    a_reading_is_done_every_quarter_of_an_hour_and_when_it_is_asked_for,
    a_role_that_lets_nobody_in_any_more_is_told_as_such,
    a_suspended_connection_is_not_read,
    a_reading_outlives_the_session_that_it_began_with,
    a_reading_stops_once_the_connection_is_suspended,
    what_is_wrong_with_one_tenants_rows_keeps_no_other_waiting,
    a_set_that_is_outdated_in_the_management_account_is_out_of_reach_too,
    what_vanishes_while_it_is_read_is_passed_over,
    a_unit_that_is_deleted_during_the_walk_is_passed_over,
    an_account_that_is_moved_during_the_walk_is_found_where_it_is,
    a_call_that_fails_for_a_while_is_made_again,
    what_fails_for_too_long_ends_the_reading,
    a_reading_that_broke_is_done_again_a_little_later,
}

async fn cached(stage: &Stage, kind: ResourceType) -> Vec<CachedResource> {
    let unit = stage.app().store.tenant(stage.acme.tenant).read().await.unwrap();
    unit.aws_resources_of(&stage.wanted().instance, kind).await.unwrap()
}

fn named<'a>(resources: &'a [CachedResource], name: &str) -> &'a CachedResource {
    resources.iter().find(|resource| resource.shown_name() == name).unwrap()
}

async fn latest(stage: &Stage) -> curfew_domain::DiscoveryRun {
    discovery::latest(stage.app(), &stage.acme).await.unwrap().unwrap()
}

async fn a_passed_test_is_followed_by_a_reading_of_everything(stage: &Stage) {
    stage.save(stage.wanted()).await;
    assert_eq!(discovery::latest(stage.app(), &stage.acme).await.unwrap(), None);
    stage.connect().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Waiting);
    stage.discover().await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Succeeded, "{run:?}");
    let counts =
        DiscoveryCounts { accounts: 5, organizational_units: 4, permission_sets: 4, users: 4, groups: 2 };
    assert_eq!(run.counts, counts);
}

async fn policies_see_where_an_account_lies_and_what_a_set_can_do(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let units = cached(stage, ResourceType::AwsOrganizationalUnit).await;
    let accounts = cached(stage, ResourceType::AwsAccount).await;
    let web = named(&accounts, "acme-prod-web").known().unwrap();
    let around: Vec<_> = web.units.iter().map(ToString::to_string).collect();
    let expected = ["Prod", "Workloads"].map(|name| named(&units, name).resource.id().to_owned());
    assert_eq!(around, expected, "the nearest first");
    assert_eq!(web.tags["env"], "prod");
    let management = named(&accounts, "acme-management").known().unwrap();
    assert!(management.attributes.is_management && management.attributes.out_of_reach.is_some());
    assert!(!web.attributes.is_management && web.attributes.out_of_reach.is_none());
    let sets = cached(stage, ResourceType::AwsPermissionSet).await;
    assert_eq!(named(&sets, "ReadOnly").access_level(), AccessLevel::Read);
    assert_eq!(named(&sets, "PowerUser").access_level(), AccessLevel::Write);
    assert_eq!(named(&sets, "Admin").access_level(), AccessLevel::Admin);
    assert_eq!(named(&sets, "PowerUser").known().unwrap().attributes.session, Some(Seconds::of(14_400)));
    assert!(named(&sets, "OrgAdmin").known().unwrap().attributes.out_of_reach.is_some());
}

async fn what_is_not_seen_any_more_is_marked_gone_and_comes_back(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let set_state = |state| {
        stage.aws().edit(|world| world.account_mut("100000000005").unwrap().state = state).unwrap();
    };
    set_state(AccountState::Suspended);
    discovery::start(stage.app(), &stage.acme).await.unwrap();
    stage.discover().await;
    let accounts = cached(stage, ResourceType::AwsAccount).await;
    assert_eq!(named(&accounts, "acme-dev").known(), None);
    assert!(named(&accounts, "acme-prod-web").known().is_some());
    set_state(AccountState::Active);
    discovery::start(stage.app(), &stage.acme).await.unwrap();
    stage.discover().await;
    assert!(named(&cached(stage, ResourceType::AwsAccount).await, "acme-dev").known().is_some());
}

async fn a_reading_that_fails_marks_nothing_gone_and_says_why(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let denied = FaultKind::AccessDenied { message: "no".to_owned() };
    stage.aws().inject(Fault::on("ListUsers", denied));
    stage
        .aws()
        .edit(|world| world.account_mut("100000000005").unwrap().state = AccountState::Closed)
        .unwrap();
    discovery::start(stage.app(), &stage.acme).await.unwrap();
    stage.discover().await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Failed);
    assert!(run.error.unwrap().contains("identitystore:ListUsers"));
    assert!(named(&cached(stage, ResourceType::AwsAccount).await, "acme-dev").known().is_some());
}

async fn a_reading_is_done_every_quarter_of_an_hour_and_when_it_is_asked_for(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
    let first = latest(stage).await;
    stage.discover().await;
    assert_eq!(latest(stage).await.id, first.id, "not due yet");
    stage.test.clock.advance(Seconds::of(15 * 60));
    stage.discover().await;
    let second = latest(stage).await;
    assert_ne!(second.id, first.id);
    let asked = discovery::start(stage.app(), &stage.acme).await.unwrap();
    let again = discovery::start(stage.app(), &stage.acme).await.unwrap();
    assert_eq!(asked.id, again.id, "one that waits is the answer");
    stage.discover().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
    assert_eq!(latest(stage).await.id, asked.id);
    assert_eq!(stage.logged(AuditAction::AwsSyncEnded).await, 1);
}

async fn a_role_that_lets_nobody_in_any_more_is_told_as_such(stage: &Stage) {
    stage.connect().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &["another".to_owned()]);
    stage.discover().await;
    let error = latest(stage).await.error.unwrap();
    assert!(error.contains("trust policy") && !error.contains("add the permission"), "{error}");
}

async fn a_suspended_connection_is_not_read(stage: &Stage) {
    stage.serve_many_tenants().await;
    stage.connect().await;
    stage.trust_with(ACME_DELEGATED_ROLE, &[]);
    stage.test().await.unwrap_err();
    stage.aws().clear_calls();
    stage.discover().await;
    assert!(stage.aws().calls().is_empty());
    let error = discovery::start(stage.app(), &stage.acme).await.unwrap_err();
    assert!(matches!(error, AppError::NotConfigured(_)), "{error:?}");
}

#[tokio::test]
async fn another_node_that_owns_the_connection_is_left_alone() {
    // On SQLite there is one process, which always owns.
    let Some(database) = TestStore::postgres().await else { return };
    let stage = &Stage::on(database).await;
    stage.connect().await;
    let other = NodeId::new(stage.test.clock.now(), stage.app().entropy.as_ref());
    let lease = Duration::from_mins(1);
    stage.app().store.take_lease(stage.acme.tenant, other, lease).await.unwrap().unwrap();
    stage.discover().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Waiting);
}

#[tokio::test]
async fn a_connection_that_another_node_owns_is_asked_for_again_only_after_a_while() {
    let Some(database) = TestStore::postgres().await else { return };
    let stage = &Stage::on(database).await;
    stage.connect().await;
    let other = NodeId::new(stage.test.clock.now(), stage.app().entropy.as_ref());
    let store = &stage.app().store;
    store.take_lease(stage.acme.tenant, other, Duration::from_mins(1)).await.unwrap().unwrap();
    let discoverer = stage.discoverer();
    discoverer.pass().await.unwrap();
    store.release_lease(stage.acme.tenant, other).await.unwrap();
    discoverer.pass().await.unwrap();
    assert_eq!(latest(stage).await.state, DiscoveryState::Waiting, "it rests");
    stage.test.clock.advance(Seconds::of(5));
    discoverer.pass().await.unwrap();
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
}

#[tokio::test]
async fn a_reading_that_can_not_be_written_down_is_not_begun_again_at_once() {
    let stage = &Stage::on(TestStore::sqlite().await).await;
    stage.connect().await;
    let full =
        "CREATE TRIGGER full BEFORE INSERT ON aws_resource BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    stage.tamper(full).await;
    let discoverer = stage.discoverer();
    stage.aws().clear_calls();
    discoverer.pass().await.unwrap_err();
    assert_eq!(stage.aws().calls_of("DescribeOrganization").len(), 1);
    discoverer.pass().await.unwrap();
    assert_eq!(stage.aws().calls_of("DescribeOrganization").len(), 1, "it rests");
    stage.tamper("DROP TRIGGER full").await;
    stage.test.clock.advance(Seconds::of(5));
    discoverer.pass().await.unwrap();
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
}

async fn a_reading_that_broke_is_done_again_a_little_later(stage: &Stage) {
    stage.connect().await;
    let discoverer = Arc::new(stage.discoverer());
    stage.break_reading(true);
    let breaking = Arc::clone(&discoverer);
    assert!(tokio::spawn(async move { breaking.pass().await }).await.unwrap_err().is_panic());
    stage.break_reading(false);
    discoverer.pass().await.unwrap();
    assert_eq!(latest(stage).await.state, DiscoveryState::Running, "it rests");
    stage.test.clock.advance(Seconds::of(5));
    discoverer.pass().await.unwrap();
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
}

/// Holds a reading at its list of permission sets until `meanwhile` has happened.
async fn held_while(stage: &Stage, meanwhile: impl Future<Output = ()>) {
    held_at(stage, "ListPermissionSets", 1, meanwhile).await;
}

/// Holds a reading at the answer to the `nth` call of an operation until `meanwhile` has happened.
async fn held_at(stage: &Stage, operation: &str, nth: u32, meanwhile: impl Future<Output = ()>) {
    stage.aws().clear_calls();
    let delay = FaultKind::DelayReply { ms: 500 };
    stage.aws().inject(Fault::on(operation, delay).after(nth - 1).once());
    let changing = async {
        assert!(stage.aws().handled(operation, nth as usize, Duration::from_secs(10)).await);
        meanwhile.await;
    };
    tokio::join!(stage.discover(), changing);
}

fn refused(code: &str) -> FaultKind {
    FaultKind::Error { code: code.to_owned(), status: 400, message: "there is no such thing".to_owned() }
}

async fn what_vanishes_while_it_is_read_is_passed_over(stage: &Stage) {
    stage.connect().await;
    let tags = "organizations:ListTagsForResource";
    stage.aws().inject(Fault::on("DescribePermissionSet", refused("ResourceNotFoundException")).once());
    stage.aws().inject(Fault::on(tags, refused("TargetNotFoundException")).once());
    stage.discover().await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Succeeded, "{run:?}");
    assert_eq!((run.counts.accounts, run.counts.permission_sets), (4, 3));
}

async fn a_unit_that_is_deleted_during_the_walk_is_passed_over(stage: &Stage) {
    let edit = |change: fn(&mut Organization)| {
        stage.aws().edit(|world| change(&mut world.organizations[0])).unwrap();
    };
    edit(|acme| *acme = acme.clone().with_unit("Empty", None));
    stage.connect().await;
    held_at(stage, "ListOrganizationalUnitsForParent", 1, async {
        edit(|acme| acme.units.retain(|unit| unit.name != "Empty"));
    })
    .await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Succeeded, "{run:?}");
    assert_eq!(run.counts.organizational_units, 4);
}

async fn an_account_that_is_moved_during_the_walk_is_found_where_it_is(stage: &Stage) {
    stage.connect().await;
    // The root's accounts are listed first, then those of Security.
    held_at(stage, "ListAccountsForParent", 2, async {
        stage
            .aws()
            .edit(|world| {
                let security = world.organizations[0].unit_named("Security").unwrap().id.clone();
                world.account_mut("100000000005").unwrap().parent = security;
            })
            .unwrap();
    })
    .await;
    let units = cached(stage, ResourceType::AwsOrganizationalUnit).await;
    let accounts = cached(stage, ResourceType::AwsAccount).await;
    let around = &named(&accounts, "acme-dev").known().unwrap().units;
    let around: Vec<_> = around.iter().map(ToString::to_string).collect();
    assert_eq!(around, [named(&units, "Security").resource.id()]);
}

async fn a_call_that_fails_for_a_while_is_made_again(stage: &Stage) {
    stage.connect().await;
    for operation in ["AssumeRole", "ListAccounts", "ListUsers", "DescribePermissionSet"] {
        stage.aws().inject(Fault::on(operation, FaultKind::Throttle).times(2));
    }
    stage.discover().await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Succeeded, "{run:?}");
    assert_eq!(run.counts.permission_sets, 4);
}

async fn what_fails_for_too_long_ends_the_reading(stage: &Stage) {
    stage.connect().await;
    stage.aws().clear_calls();
    stage.aws().inject(Fault::on("ListUsers", FaultKind::Throttle));
    stage.discover().await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Failed);
    assert!(run.error.unwrap().contains("throttles identitystore:ListUsers"));
    assert_eq!(stage.aws().calls_of("ListUsers").len(), 8);
}

async fn a_reading_outlives_the_session_that_it_began_with(stage: &Stage) {
    stage.connect().await;
    held_while(stage, async {
        stage.aws().advance(SignedDuration::from_hours(2));
        stage.test.clock.advance(Seconds::of(2 * 3_600));
    })
    .await;
    let run = latest(stage).await;
    assert_eq!(run.state, DiscoveryState::Succeeded, "{run:?}");
    assert_eq!(stage.aws().calls_of("AssumeRole").len(), 2);
}

async fn a_reading_stops_once_the_connection_is_suspended(stage: &Stage) {
    stage.connect().await;
    let suspend = async |suspended| {
        let unit = stage.app().store.tenant(stage.acme.tenant).write().await.unwrap();
        let mut connection = unit.lock_connection().await.unwrap().unwrap();
        connection.suspended = suspended;
        unit.update_connection(&connection, stage.app().now()).await.unwrap();
        unit.commit().await.unwrap();
    };
    Box::pin(held_while(stage, suspend(Some(Suspension::UnsafeTrustPolicy)))).await;
    for later in ["DescribePermissionSet", "ListManagedPoliciesInPermissionSet"] {
        assert!(stage.aws().calls_of(later).is_empty(), "{later}");
    }
    assert_eq!(latest(stage).await.state, DiscoveryState::Waiting);
    suspend(None).await;
    stage.discover().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
}

async fn what_is_wrong_with_one_tenants_rows_keeps_no_other_waiting(stage: &Stage) {
    stage.connect().await;
    let other = stage.another_tenant().await;
    let unit = stage.app().store.tenant(other.tenant).write().await.unwrap();
    let instance = "arn:aws:sso:::instance/ssoins-0000000000000000".parse().unwrap();
    assert!(unit.claim_instance(&instance, stage.app().now()).await.unwrap());
    unit.commit().await.unwrap();
    stage.tamper("UPDATE aws_connection SET suspended = 'nonsense' WHERE verified_at IS NULL").await;
    stage.discover().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Succeeded);
}

async fn a_set_that_is_outdated_in_the_management_account_is_out_of_reach_too(stage: &Stage) {
    stage
        .aws()
        .edit(|world| {
            let sets = &mut world.organizations[0].instances[0].permission_sets;
            let set = sets.iter_mut().find(|set| set.name == "ReadOnly").unwrap();
            set.outdated_in.push("100000000001".to_owned());
        })
        .unwrap();
    stage.save(stage.wanted()).await;
    let report = stage.test().await.unwrap();
    let reach = &check(&report.checks, CheckName::Reach).message;
    assert!(reach.contains("2 permission sets"), "{reach}");
    stage.discover().await;
    let sets = cached(stage, ResourceType::AwsPermissionSet).await;
    assert!(named(&sets, "ReadOnly").known().unwrap().attributes.out_of_reach.is_some());
    assert!(named(&sets, "PowerUser").known().unwrap().attributes.out_of_reach.is_none());
}
