//! What there is in an organization, read page by page.

use std::sync::Arc;

use curfew_aws::{
    AwsError, AwsErrorKind, AwsGateway, Directory, InstanceState, Listed, PageToken, ParentId, PolicyNames,
};
use curfew_domain::{Email, IdentityStoreId, InstanceArn, Seconds};
use curfew_sim::{
    AccountState, Instance, InstanceStatus, PermissionSet, Permissions, User, UserStatus, World,
};

use crate::support::{Aws, access, role};

async fn acme() -> (Aws, Arc<dyn Directory>) {
    let aws = Aws::demo().await;
    aws.control().behave(|behaviour| {
        behaviour.page_size = Some(2);
        behaviour.observed.organizations_empty_pages = true;
    });
    let directory = aws.gateway.directory(&access()).await.unwrap();
    (aws, directory)
}

fn instance_of(world: &mut World) -> &mut Instance {
    &mut world.organizations[0].instances[0]
}

fn arn(aws: &Aws) -> InstanceArn {
    aws.control().world().organizations[0].instances[0].arn.parse().unwrap()
}

fn store(aws: &Aws) -> IdentityStoreId {
    aws.control().world().organizations[0].instances[0].identity_store_id.parse().unwrap()
}

/// Reads a list to its end.
async fn all<T, F>(mut page: impl FnMut(Option<PageToken>) -> F) -> Vec<T>
where
    F: Future<Output = Result<Listed<T>, AwsError>>,
{
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let listed = page(after).await.unwrap();
        items.extend(listed.items);
        after = listed.next;
        if after.is_none() {
            return items;
        }
    }
}

#[tokio::test]
async fn instances_tell_their_state_their_owner_and_their_regions() {
    let (aws, directory) = acme().await;
    let instances = directory.instances().await.unwrap();
    let found = &instances[0];
    assert_eq!((instances.len(), found.arn.as_str()), (1, arn(&aws).as_str()));
    assert_eq!(found.identity_store, Some(store(&aws)));
    assert_eq!(found.owner.as_ref().unwrap().as_str(), "100000000001");
    assert_eq!(found.primary_region.as_deref(), Some("eu-west-1"));
    assert_eq!(found.regions, ["eu-west-1", "eu-central-1"]);
    assert_eq!(found.state, InstanceState::Active);
    aws.control().edit(|world| instance_of(world).status = InstanceStatus::CreateFailed).unwrap();
    let failed = directory.instances().await.unwrap().remove(0);
    assert_eq!(failed.state, InstanceState::Not("CREATE_FAILED".to_owned()));
}

#[tokio::test]
async fn permission_sets_tell_name_session_and_policies() {
    let (aws, directory) = acme().await;
    let arn = arn(&aws);
    let add = |world: &mut World| {
        let own = PermissionSet::named("Own").with_inline_policy("{}").with_session_duration("PT90M");
        let mut own = own.with_managed_policy("ReadOnlyAccess");
        own.arn = instance_of(world).permission_set_arn("Own");
        instance_of(world).permission_sets.push(own);
    };
    aws.control().edit(add).unwrap();
    let sets = all(|after| directory.permission_sets(&arn, after)).await;
    assert_eq!(sets.len(), 5);
    let added = aws.control().world();
    let named = |name: &str| {
        let arn = &added.organizations[0].instances[0].permission_set_named(name).unwrap().arn;
        sets.iter().find(|set| set.as_str() == arn).unwrap()
    };
    let own = named("Own");
    let facts = directory.permission_set(&arn, own).await.unwrap();
    assert_eq!((facts.name.as_str(), facts.session), ("Own", Seconds::of(5_400)));
    let policies = directory.policies_of(&arn, own).await.unwrap();
    assert_eq!(policies, PolicyNames { managed: vec!["ReadOnlyAccess".to_owned()], others: true });
    let plain = directory.policies_of(&arn, named("ReadOnly")).await.unwrap();
    assert!(!plain.others && !plain.managed.is_empty());
}

#[tokio::test]
async fn accounts_are_read_past_empty_pages_and_tell_whether_they_are_in_use() {
    let (aws, directory) = acme().await;
    let accounts = all(|after| directory.accounts(after)).await;
    assert_eq!(accounts.len(), 6);
    let active = |id: &str| accounts.iter().find(|account| account.id.as_str() == id).unwrap().active;
    assert!(active("100000000003"));
    assert!(!active("100000000006"), "suspended");
    // Only the newer of the two tells this state.
    aws.control()
        .edit(|world| world.account_mut("100000000003").unwrap().state = AccountState::PendingActivation)
        .unwrap();
    let accounts = all(|after| directory.accounts(after)).await;
    assert!(!accounts.iter().find(|account| account.id.as_str() == "100000000003").unwrap().active);
    aws.control().behave(|behaviour| behaviour.observed.accounts_have_state = false);
    let accounts = all(|after| directory.accounts(after)).await;
    assert!(accounts.iter().any(|account| account.active) && accounts.iter().any(|account| !account.active));
}

#[tokio::test]
async fn the_tree_is_walked_from_its_root() {
    let (_aws, directory) = acme().await;
    let root = directory.root().await.unwrap();
    assert!(matches!(&root, ParentId::Root(id) if id.starts_with("r-")));
    let top = all(|after| directory.units_below(&root, after)).await;
    let workloads = top.iter().find(|unit| unit.name == "Workloads").unwrap();
    let below = ParentId::Unit(workloads.id.clone());
    let inner = all(|after| directory.units_below(&below, after)).await;
    assert_eq!(inner.len(), 2);
    let prod = inner.iter().find(|unit| unit.name == "Prod").unwrap();
    let prod = ParentId::Unit(prod.id.clone());
    let accounts = all(|after| directory.accounts_below(&prod, after)).await;
    assert_eq!(accounts.len(), 2);
    assert_eq!(directory.tags_of_account(&accounts[0]).await.unwrap()["env"], "prod");
}

#[tokio::test]
async fn it_is_known_who_manages_the_organization_and_what_is_out_of_reach() {
    let (aws, directory) = acme().await;
    let management = directory.organization().await.unwrap().management_account;
    assert_eq!(management.as_str(), "100000000001");
    let delegated = directory.delegated_administrators().await.unwrap();
    assert_eq!(delegated, ["100000000002".parse().unwrap()]);
    let arn = arn(&aws);
    let out_of_reach = all(|after| directory.sets_provisioned_in(&arn, &management, after)).await;
    assert_eq!(out_of_reach.len(), 1);
    let elsewhere = "100000000004".parse().unwrap();
    assert!(all(|after| directory.sets_provisioned_in(&arn, &elsewhere, after)).await.is_empty());
}

#[tokio::test]
async fn people_and_groups_are_read() {
    let (aws, directory) = acme().await;
    let store = store(&aws);
    let users = all(|after| directory.users(&store, after)).await;
    assert_eq!(users.len(), 4);
    let dave = users.iter().find(|user| user.emails == ["dave@acme.example"]).unwrap();
    assert!(!dave.enabled);
    assert!(users.iter().filter(|user| user.enabled).count() == 3);
    let groups = all(|after| directory.groups(&store, after)).await;
    assert!(groups.iter().any(|group| group.name == "Engineering"));
}

#[tokio::test]
async fn a_person_is_found_by_their_address_and_by_a_user_name_only_where_no_other_address_speaks_against_it()
{
    let (aws, directory) = acme().await;
    let store = store(&aws);
    let add = |world: &mut World| {
        let instance = instance_of(world);
        let id = instance.identity_store_id.clone();
        instance.users.push(User::new(&id, "x", "No Mail").with_names("erin@acme.example", None));
        let other = User::new(&id, "y", "Another").with_names("frank@acme.example", Some("f@else.example"));
        instance.users.push(other);
    };
    aws.control().edit(add).unwrap();
    let by_email = async |email: &str| {
        let email: Email = email.parse().unwrap();
        directory.user_by_email(&store, &email).await.unwrap()
    };
    assert!(by_email("alice@acme.example").await.is_some());
    assert!(by_email("erin@acme.example").await.is_some(), "named so, without an address");
    assert!(by_email("frank@acme.example").await.is_none(), "named so, but with another address");
    assert!(by_email("f@else.example").await.is_some());
    assert!(by_email("nobody@acme.example").await.is_none());
    let disabled = aws.control().world().organizations[0].instances[0].users[3].status;
    assert_eq!(disabled, UserStatus::Disabled);
}

#[tokio::test]
async fn a_missing_right_is_told_with_the_operation_that_lacked_it() {
    let (aws, directory) = acme().await;
    let (arn, store) = (arn(&aws), store(&aws));
    let deny = |actions: &[&str]| {
        let permissions = Permissions::all_but(actions);
        aws.control()
            .edit(|world| world.role_mut(role().as_str()).unwrap().permissions = permissions)
            .unwrap();
    };
    deny(&["sso:*", "organizations:*", "identitystore:*"]);
    let refusals = [
        directory.instances().await.err(),
        directory.permission_sets(&arn, None).await.err(),
        directory.accounts(None).await.err(),
        directory.organization().await.err(),
        directory.users(&store, None).await.err(),
    ];
    for (refusal, operation) in refusals.into_iter().zip([
        "sso:ListInstances",
        "sso:ListPermissionSets",
        "organizations:ListAccounts",
        "organizations:DescribeOrganization",
        "identitystore:ListUsers",
    ]) {
        let refusal = refusal.unwrap();
        assert_eq!((refusal.kind, refusal.operation), (AwsErrorKind::AccessDenied, operation));
    }
}
