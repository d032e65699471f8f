//! The cache as people see it, and what automation adds to it.

use curfew_app::AppError;
use curfew_app::aws_resources::{self, PushedResource, ResourceQuery};
use curfew_domain::audit::AuditAction;
use curfew_domain::{
    AccessLevel, CachedResource, Page, PageLimit, PageRequest, PermissionSetArn, ResourceRef, ResourceType,
    Scope,
};
use serde_json::{Map, json};

use crate::stage::Stage;

crate::on_both! {
    what_is_pushed_is_shown_over_what_aws_tells_and_decides_nothing,
    what_is_left_out_of_a_push_stays_as_it_was,
    what_decisions_go_by_wants_a_right_of_its_own_and_is_in_the_log,
    what_was_only_pushed_is_listed_and_not_known,
    lists_go_by_rank_and_name_and_hold_still_across_pages,
    lists_are_narrowed_by_text_and_account,
    another_tenant_sees_nothing_of_it,
    before_a_connection_is_saved_nothing_can_be_pushed,
    a_push_that_contradicts_itself_is_refused,
}

fn told(resource: &str, name: &str) -> PushedResource {
    PushedResource {
        resource: resource.parse().unwrap(),
        name: name.parse().unwrap(),
        account: None,
        metadata: Map::new(),
        rank: None,
        access_level: None,
        exclusive: None,
    }
}

async fn push(stage: &Stage, resources: &[PushedResource]) {
    let count = aws_resources::push(stage.app(), &stage.acme, resources).await.unwrap();
    assert_eq!(count, resources.len());
}

async fn list(stage: &Stage, query: ResourceQuery) -> Vec<CachedResource> {
    let page = PageRequest::default();
    aws_resources::list(stage.app(), &stage.acme, &query, &page).await.unwrap().items
}

fn kind(kind: ResourceType) -> ResourceQuery {
    ResourceQuery { kind: Some(kind), ..ResourceQuery::default() }
}

fn names(resources: &[CachedResource]) -> Vec<&str> {
    resources.iter().map(CachedResource::shown_name).collect()
}

async fn read(stage: &Stage) {
    stage.connect().await;
    stage.discover().await;
}

async fn what_is_pushed_is_shown_over_what_aws_tells_and_decides_nothing(stage: &Stage) {
    read(stage).await;
    let metadata = json!({ "team": "payments" }).as_object().unwrap().clone();
    let account = told("aws_account:100000000003", "Payments");
    push(stage, &[PushedResource { metadata: metadata.clone(), rank: Some(3), ..account }]).await;
    let shown = list(stage, kind(ResourceType::AwsAccount)).await;
    let payments = shown.iter().find(|one| one.resource.id() == "100000000003").unwrap();
    assert_eq!(payments.shown_name(), "Payments");
    let pushed = payments.pushed.as_ref().unwrap();
    assert_eq!((pushed.rank, &pushed.metadata), (Some(3), &metadata));
    let discovered = payments.known().unwrap();
    assert_eq!(discovered.name, "acme-prod-payments");
    assert_eq!(discovered.units.len(), 2, "a push moves nothing");
    stage.test.clock.advance(curfew_domain::Seconds::of(900));
    stage.discover().await;
    let shown = list(stage, kind(ResourceType::AwsAccount)).await;
    assert!(names(&shown).contains(&"Payments"), "a reading does not undo a push");
}

fn admin_set(stage: &Stage) -> ResourceRef {
    let arn = stage.instance().permission_set_named("Admin").unwrap().arn.clone();
    arn.parse::<PermissionSetArn>().unwrap().into()
}

async fn what_decisions_go_by_wants_a_right_of_its_own_and_is_in_the_log(stage: &Stage) {
    read(stage).await;
    let set = admin_set(stage);
    let harmless =
        PushedResource { access_level: Some(AccessLevel::Read), ..told(&set.to_string(), "Admin") };
    let exclusive = PushedResource { exclusive: Some(true), ..told(&set.to_string(), "Admin") };
    let mut automation = stage.acme.clone();
    automation.scopes = [Scope::AwsWrite].into_iter().collect();
    for governing in [&harmless, &exclusive] {
        let pushed = aws_resources::push(stage.app(), &automation, std::slice::from_ref(governing)).await;
        assert!(matches!(pushed, Err(AppError::Forbidden { .. })), "{pushed:?}");
    }
    let named = [told(&set.to_string(), "Admin")];
    aws_resources::push(stage.app(), &automation, &named).await.unwrap();
    assert_eq!(stage.logged(AuditAction::AwsPermissionSetChanged).await, 0);

    push(stage, std::slice::from_ref(&harmless)).await;
    push(stage, std::slice::from_ref(&harmless)).await;
    let entries = stage.entries(AuditAction::AwsPermissionSetChanged).await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let entry = entry.to_string();
    for fact in [set.id(), r#""access_level":"read""#, r#""access_level_before":null"#] {
        assert!(entry.contains(fact), "{fact}: {entry}");
    }
}

async fn what_is_left_out_of_a_push_stays_as_it_was(stage: &Stage) {
    read(stage).await;
    let set = admin_set(stage);
    let named = || told(&set.to_string(), "Administrators");
    push(
        stage,
        &[PushedResource { access_level: Some(AccessLevel::Write), exclusive: Some(true), ..named() }],
    )
    .await;
    push(stage, &[named()]).await;
    let sets = list(stage, kind(ResourceType::AwsPermissionSet)).await;
    let admin = sets.iter().find(|one| one.resource == set).unwrap();
    assert_eq!(admin.access_level(), AccessLevel::Write);
    assert!(admin.pushed.as_ref().unwrap().exclusive);
}

async fn what_was_only_pushed_is_listed_and_not_known(stage: &Stage) {
    stage.save(stage.wanted()).await;
    push(stage, &[told("aws_s3_bucket:invoices", "Invoices")]).await;
    let buckets = list(stage, kind(ResourceType::AwsS3Bucket)).await;
    assert_eq!(names(&buckets), ["Invoices"]);
    assert_eq!(buckets[0].known(), None);
}

async fn lists_go_by_rank_and_name_and_hold_still_across_pages(stage: &Stage) {
    read(stage).await;
    let set = |name: &str| {
        let arn = stage.instance().permission_set_named(name).unwrap().arn.clone();
        format!("aws_permission_set:{arn}")
    };
    push(
        stage,
        &[
            PushedResource { rank: Some(9), ..told(&set("Admin"), "Admin") },
            PushedResource { rank: Some(1), ..told(&set("ReadOnly"), "ReadOnly") },
        ],
    )
    .await;
    let mut seen = Vec::new();
    let mut page = PageRequest { limit: PageLimit::new(1).unwrap(), after: None };
    loop {
        let query = kind(ResourceType::AwsPermissionSet);
        let Page { items, next } =
            aws_resources::list(stage.app(), &stage.acme, &query, &page).await.unwrap();
        seen.extend(items.iter().map(|one| one.shown_name().to_owned()));
        let Some(next) = next else { break };
        page.after = Some(next);
    }
    assert_eq!(seen, ["ReadOnly", "Admin", "OrgAdmin", "PowerUser"]);
}

async fn lists_are_narrowed_by_text_and_account(stage: &Stage) {
    read(stage).await;
    let text = |text: &str| ResourceQuery { text: Some(text.to_owned()), ..kind(ResourceType::AwsAccount) };
    let found = list(stage, text("PROD")).await;
    assert_eq!(names(&found), ["acme-prod-payments", "acme-prod-web"]);
    assert_eq!(list(stage, text("100000000004")).await.len(), 1);
    assert!(list(stage, text("%")).await.is_empty(), "no wildcard");
    assert!(list(stage, text("_cme")).await.is_empty(), "no wildcard");
    push(stage, &[told("aws_account:100000000003", "Ärzte_1")]).await;
    for spelling in ["Ärzte", "ÄRZTE_1", "rzte_"] {
        assert_eq!(names(&list(stage, text(spelling)).await), ["Ärzte_1"], "{spelling}");
    }
    let account = Some("100000000005".parse().unwrap());
    let found = list(stage, ResourceQuery { account, ..ResourceQuery::default() }).await;
    assert_eq!(names(&found), ["acme-dev"]);
}

async fn another_tenant_sees_nothing_of_it(stage: &Stage) {
    read(stage).await;
    let other = stage.another_tenant().await;
    let query = ResourceQuery::default();
    let page = aws_resources::list(stage.app(), &other, &query, &PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty());
    // Even when it saves the same instance: the cache is each tenant's own.
    curfew_app::connection::save(stage.app(), &other, stage.wanted()).await.unwrap();
    let page = aws_resources::list(stage.app(), &other, &query, &PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty());
}

async fn before_a_connection_is_saved_nothing_can_be_pushed(stage: &Stage) {
    let resources = [told("aws_account:100000000003", "x")];
    let error = aws_resources::push(stage.app(), &stage.acme, &resources).await.unwrap_err();
    assert!(matches!(error, AppError::NotConfigured(_)), "{error:?}");
}

async fn a_push_that_contradicts_itself_is_refused(stage: &Stage) {
    stage.save(stage.wanted()).await;
    let account = || told("aws_account:100000000003", "x");
    let levelled = PushedResource { access_level: Some(AccessLevel::Read), ..account() };
    for resources in [vec![account(), account()], vec![levelled]] {
        let error = aws_resources::push(stage.app(), &stage.acme, &resources).await.unwrap_err();
        assert!(matches!(error, AppError::Invalid(_)), "{error:?}");
    }
}
