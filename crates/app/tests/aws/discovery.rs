//! Reading AWS into the cache.

use curfew_app::{AppError, discovery};
use curfew_domain::audit::AuditAction;
use curfew_domain::{
    AccessLevel, CachedResource, Clock, DiscoveryCounts, DiscoveryState, NodeId, ResourceType, Seconds,
};
use curfew_sim::world::ACME_DELEGATED_ROLE;
use curfew_sim::{AccountState, Fault, FaultKind};

use crate::stage::Stage;

crate::on_both! {
    a_passed_test_is_followed_by_a_reading_of_everything,
    policies_see_where_an_account_lies_and_what_a_set_can_do,
    what_is_not_seen_any_more_is_marked_gone_and_comes_back,
    a_reading_that_fails_marks_nothing_gone_and_says_why,
    a_reading_is_done_every_quarter_of_an_hour_and_when_it_is_asked_for,
    a_suspended_connection_is_not_read,
    another_node_that_owns_the_connection_is_left_alone,
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

async fn another_node_that_owns_the_connection_is_left_alone(stage: &Stage) {
    stage.connect().await;
    if stage.app().store.backend() == curfew_store::Backend::Sqlite {
        return; // has one process, which always owns
    }
    let other = NodeId::new(stage.test.clock.now(), stage.app().entropy.as_ref());
    let lease = std::time::Duration::from_mins(1);
    stage.app().store.take_lease(stage.acme.tenant, other, lease).await.unwrap().unwrap();
    stage.discover().await;
    assert_eq!(latest(stage).await.state, DiscoveryState::Waiting);
}
