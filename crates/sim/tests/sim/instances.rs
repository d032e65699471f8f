//! Instances, their regions and their permission sets.

use curfew_sim::{Instance, InstanceStatus, Patch, PermissionSet, Permissions, world::ACME_DELEGATED_ROLE};
use serde_json::{Value, json};

use crate::support::{Acme, Caller, DEV, MANAGEMENT, PROD, assignment, still};

async fn instances(caller: &Caller, parameters: Value) -> Vec<Value> {
    caller.sso("ListInstances", &parameters).await.ok()["Instances"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_instance_is_listed_in_its_regions_and_tells_its_primary_one() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    for region in ["eu-west-1", "eu-central-1"] {
        let listed = instances(&caller.in_region(region), json!({})).await;
        assert_eq!(listed.len(), 1, "{region}");
        assert_eq!(listed[0]["PrimaryRegion"], "eu-west-1");
        assert_eq!(listed[0]["OwnerAccountId"], MANAGEMENT);
        assert_eq!(listed[0]["Status"], "ACTIVE");
    }
    let elsewhere = caller.in_region("us-east-2");
    assert!(instances(&elsewhere, json!({})).await.is_empty());
    assert_eq!(instances(&elsewhere, json!({ "RegionScope": "ALL_REGIONS" })).await.len(), 1);
}

#[tokio::test]
async fn an_instance_may_keep_its_primary_region_to_itself() {
    let sim = still().await;
    sim.control().edit(|world| world.organizations[0].instances[0].tells_primary_region = false).unwrap();
    let listed = instances(&Caller::delegated(&sim).await, json!({})).await;
    assert!(listed[0].get("PrimaryRegion").is_none() && listed[0].get("Regions").is_none());
}

#[tokio::test]
async fn in_an_additional_region_neither_permission_sets_nor_assignments_can_be_managed() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await.in_region("eu-central-1");
    let named = json!({ "InstanceArn": acme.instance });
    assert_eq!(caller.sso("ListPermissionSets", &named).await.refusal().1, "ValidationException");
    let change = acme.change(PROD, &acme.read_only, &acme.alice);
    assert_eq!(caller.sso("CreateAccountAssignment", &change).await.refusal().1, "ValidationException");
    let described = caller.sso("DescribeInstance", &named).await.ok();
    assert_eq!(described["PermissionSetsEnabled"], false);
}

#[tokio::test]
async fn an_instance_that_is_gone_or_anothers_is_access_denied() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let globex = sim.control().world().organizations[1].instances[0].arn.clone();
    let acme = Acme::of(sim.control()).instance;
    sim.control().apply(Patch::RemoveInstance { instance: acme.clone() }).unwrap();
    for arn in [globex, acme] {
        for operation in ["DescribeInstance", "ListPermissionSets"] {
            let reply = caller.sso(operation, &json!({ "InstanceArn": arn })).await;
            assert_eq!(reply.refusal(), (400, "AccessDeniedException".to_owned()), "{operation} {arn}");
        }
    }
}

#[tokio::test]
async fn an_instance_in_the_making_can_only_be_described() {
    let sim = still().await;
    let acme = Acme::of(sim.control()).instance;
    let caller = Caller::delegated(&sim).await;
    let status = InstanceStatus::CreateInProgress;
    sim.control().apply(Patch::SetInstanceStatus { instance: acme.clone(), status }).unwrap();
    let named = json!({ "InstanceArn": acme });
    assert_eq!(caller.sso("DescribeInstance", &named).await.ok()["Status"], "CREATE_IN_PROGRESS");
    assert_eq!(caller.sso("ListPermissionSets", &named).await.refusal().1, "ValidationException");
}

#[tokio::test]
async fn an_account_instance_is_seen_by_its_owner_alone() {
    let sim = still().await;
    let mut own = Instance::new("dev-own", "eu-west-1");
    own.owner_account = DEV.to_owned();
    sim.control().edit(|world| world.organizations[0].instances.push(own)).unwrap();
    let listed = instances(&Caller::delegated(&sim).await, json!({})).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["OwnerAccountId"], MANAGEMENT);
}

#[tokio::test]
async fn a_customer_managed_key_wants_kms_decrypt() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let key = "arn:aws:kms:eu-west-1:100000000001:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    sim.control()
        .edit(|world| world.organizations[0].instances[0].customer_managed_key = Some(key.to_owned()))
        .unwrap();
    let caller = Caller::delegated(&sim).await;
    let named = json!({ "InstanceArn": acme.instance });
    assert_eq!(caller.sso("ListPermissionSets", &named).await.status, 200);

    let permissions = Permissions::all_but(&["kms:Decrypt"]);
    let change = Patch::SetPermissions { role: ACME_DELEGATED_ROLE.to_owned(), permissions };
    sim.control().apply(change).unwrap();
    let reply = caller.sso("ListPermissionSets", &named).await;
    assert_eq!(reply.refusal().1, "AccessDeniedException");
    assert_eq!(reply.json()["Reason"], "KMS_AccessDeniedException");
    let reply = caller.store("ListUsers", &json!({ "IdentityStoreId": acme.store })).await;
    assert_eq!(reply.json()["Reason"], "KMS_ACCESS_DENIED");
}

#[tokio::test]
async fn permission_sets_are_listed_in_pages_and_described() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let parameters = json!({ "InstanceArn": acme.instance, "MaxResults": 3 });
    let (sets, pages) = caller.all_pages("ListPermissionSets", &parameters, "PermissionSets").await;
    assert_eq!((sets.len(), pages), (4, 2));
    assert!(sets.contains(&json!(acme.read_only)));

    let named = json!({ "InstanceArn": acme.instance, "PermissionSetArn": acme.power_user });
    let described = caller.sso("DescribePermissionSet", &named).await.ok();
    assert_eq!(described["PermissionSet"]["Name"], "PowerUser");
    assert_eq!(described["PermissionSet"]["SessionDuration"], "PT4H");
    let policies = caller.sso("ListManagedPoliciesInPermissionSet", &named).await.ok();
    assert_eq!(policies["AttachedManagedPolicies"][0]["Name"], "PowerUserAccess");
    let missing = json!({
        "InstanceArn": acme.instance,
        "PermissionSetArn": acme.power_user[..acme.power_user.len() - 1].to_owned() + "-",
    });
    let refusal = caller.sso("DescribePermissionSet", &missing).await.refusal();
    assert_eq!(refusal, (400, "ResourceNotFoundException".to_owned()));
}

#[tokio::test]
async fn tags_of_a_permission_set_are_listed() {
    let sim = still().await;
    let mut tagged = PermissionSet::named("Tagged");
    tagged.tags.insert("team".to_owned(), "platform".to_owned());
    sim.control()
        .edit(|world| {
            let instance = world.organizations[0].instances[0].clone().with_permission_set(tagged);
            world.organizations[0].instances[0] = instance;
        })
        .unwrap();
    let acme = Acme::of(sim.control());
    let arn = sim.control().world().organizations[0].instances[0].permission_set_arn("Tagged");
    let parameters = json!({ "InstanceArn": acme.instance, "ResourceArn": arn });
    let listed = Caller::delegated(&sim).await.sso("ListTagsForResource", &parameters).await.ok();
    assert_eq!(listed["Tags"], json!([{ "Key": "team", "Value": "platform" }]));
}

#[tokio::test]
async fn a_permission_set_is_provisioned_where_it_is_assigned_or_was_put() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    sim.control().assign(&acme.instance, &assignment(PROD, &acme.read_only, &acme.alice));
    let in_account = json!({ "InstanceArn": acme.instance, "AccountId": PROD });
    let listed = caller.sso("ListPermissionSetsProvisionedToAccount", &in_account).await.ok();
    assert_eq!(listed["PermissionSets"], json!([acme.read_only]));
    let of_set = json!({ "InstanceArn": acme.instance, "PermissionSetArn": acme.org_admin });
    let listed = caller.sso("ListAccountsForProvisionedPermissionSet", &of_set).await.ok();
    assert_eq!(listed["AccountIds"], json!([MANAGEMENT]));
}

#[tokio::test]
async fn an_outdated_permission_set_is_provisioned_in_another_version_than_the_latest() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    sim.control()
        .edit(|world| {
            let sets = &mut world.organizations[0].instances[0].permission_sets;
            let set = sets.iter_mut().find(|set| set.arn == acme.read_only).unwrap();
            set.outdated_in.push(MANAGEMENT.to_owned());
        })
        .unwrap();
    for (status, expected) in [
        (json!(null), json!([acme.org_admin, acme.read_only])),
        (json!("LATEST_PERMISSION_SET_PROVISIONED"), json!([acme.org_admin])),
        (json!("LATEST_PERMISSION_SET_NOT_PROVISIONED"), json!([acme.read_only])),
    ] {
        let asked = json!({
            "InstanceArn": acme.instance, "AccountId": MANAGEMENT, "ProvisioningStatus": status,
        });
        let listed = caller.sso("ListPermissionSetsProvisionedToAccount", &asked).await.ok();
        assert_eq!(listed["PermissionSets"], expected, "{status}");
    }
}

#[tokio::test]
async fn parameters_and_tokens_are_validated() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let bad = [
        json!({}),
        json!({ "InstanceArn": "nonsense" }),
        json!({ "InstanceArn": acme.instance, "MaxResults": 0 }),
        json!({ "InstanceArn": acme.instance, "MaxResults": 101 }),
        json!({ "InstanceArn": acme.instance, "NextToken": "%" }),
        json!({ "InstanceArn": acme.instance, "NextToken": crate::support::made_up_token() }),
    ];
    for parameters in bad {
        let reply = caller.sso("ListPermissionSets", &parameters).await;
        assert_eq!(reply.refusal(), (400, "ValidationException".to_owned()), "{parameters}");
    }
    let wrong_type = caller.sso("ListPermissionSets", &json!({ "InstanceArn": 7 })).await;
    assert_eq!(wrong_type.refusal(), (400, "SerializationException".to_owned()));
    let unknown = caller.sso("DeleteEverything", &json!({})).await;
    assert_eq!(unknown.refusal(), (400, "UnknownOperationException".to_owned()));
    let target = Some("SWBExternalService.ListInstances".to_owned());
    let broken = caller.send("sso", target, "{".to_owned()).await.unwrap();
    assert_eq!(broken.refusal(), (400, "SerializationException".to_owned()));
}
