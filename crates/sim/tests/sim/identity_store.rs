//! People and groups.

use curfew_sim::{
    Patch, UserStatus,
    world::{GLOBEX_EXTERNAL_ID, GLOBEX_ROLE},
};
use serde_json::json;

use crate::support::{Acme, Caller, still};

#[tokio::test]
async fn a_user_is_found_by_e_mail_or_user_name_whatever_the_case_and_by_nothing_else() {
    let sim = still().await;
    sim.control()
        .edit(|world| {
            let user = &mut world.organizations[0].instances[0].users[0];
            *user = user.clone().with_names("alice", Some("alice@acme.example"));
        })
        .unwrap();
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let find = |path: &str, value: &str| {
        json!({
            "IdentityStoreId": acme.store,
            "AlternateIdentifier": { "UniqueAttribute": { "AttributePath": path, "AttributeValue": value } },
        })
    };
    for (path, value) in [("emails.value", "Alice@ACME.example"), ("userName", "ALICE")] {
        assert_eq!(caller.store("GetUserId", &find(path, value)).await.ok()["UserId"], acme.alice);
    }
    let unknown = caller.store("GetUserId", &find("emails.value", "nobody@acme.example")).await;
    assert_eq!(unknown.refusal(), (400, "ResourceNotFoundException".to_owned()));
    assert_eq!(unknown.json()["ResourceType"], "USER");
    let other_path = caller.store("GetUserId", &find("displayName", "Alice Archer")).await;
    assert_eq!(other_path.refusal(), (400, "ValidationException".to_owned()));
}

#[tokio::test]
async fn users_are_listed_in_pages_with_their_status() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let parameters = json!({ "IdentityStoreId": acme.store, "MaxResults": 3 });
    let (users, pages) = caller.all_pages("ListUsers", &parameters, "Users").await;
    assert_eq!((users.len(), pages), (4, 2));
    let disabled: Vec<_> = users.iter().filter(|user| user["UserStatus"] == "DISABLED").collect();
    assert_eq!(disabled.len(), 1);
    assert_eq!(disabled[0]["UserName"], "dave@acme.example");

    let change = Patch::SetUserStatus { user: acme.alice.clone(), status: UserStatus::Disabled };
    sim.control().apply(change).unwrap();
    let named = json!({ "IdentityStoreId": acme.store, "UserId": acme.alice });
    assert_eq!(caller.store("DescribeUser", &named).await.ok()["UserStatus"], "DISABLED");
}

#[tokio::test]
async fn users_are_filtered_by_user_name_alone() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let filtered = |path: &str| {
        json!({
            "IdentityStoreId": acme.store,
            "Filters": [{ "AttributePath": path, "AttributeValue": "bob@acme.example" }],
        })
    };
    let users = caller.store("ListUsers", &filtered("UserName")).await.ok();
    assert_eq!(users["Users"][0]["UserId"], acme.bob);
    assert_eq!(caller.store("ListUsers", &filtered("Emails.Value")).await.refusal().1, "ValidationException");
}

#[tokio::test]
async fn groups_have_their_members() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let caller = Caller::delegated(&sim).await;
    let groups = caller.store("ListGroups", &json!({ "IdentityStoreId": acme.store })).await.ok();
    assert_eq!(groups["Groups"].as_array().unwrap().len(), 2);
    let named = json!({ "IdentityStoreId": acme.store, "GroupId": acme.engineering });
    assert_eq!(caller.store("DescribeGroup", &named).await.ok()["DisplayName"], "Engineering");
    let (members, _) = caller.all_pages("ListGroupMemberships", &named, "GroupMemberships").await;
    let ids: Vec<_> = members.iter().map(|member| member["MemberId"]["UserId"].as_str().unwrap()).collect();
    assert!(ids.contains(&acme.alice.as_str()) && ids.contains(&acme.bob.as_str()) && ids.len() == 2);

    sim.control().apply(Patch::DeleteUser { user: acme.bob.clone() }).unwrap();
    let (members, _) = caller.all_pages("ListGroupMemberships", &named, "GroupMemberships").await;
    assert_eq!(members.len(), 1);
}

#[tokio::test]
async fn the_directory_is_read_in_all_regions_of_the_instance_and_by_its_own_organization_alone() {
    let sim = still().await;
    let acme = Acme::of(sim.control());
    let named = json!({ "IdentityStoreId": acme.store });
    let caller = Caller::delegated(&sim).await;
    assert_eq!(caller.in_region("eu-central-1").store("ListUsers", &named).await.status, 200);
    let elsewhere = caller.in_region("us-west-2").store("ListUsers", &named).await;
    assert_eq!(elsewhere.refusal().1, "ResourceNotFoundException");
    assert_eq!(elsewhere.json()["ResourceType"], "IDENTITY_STORE");
    let globex = Caller::curfew(&sim).assuming(GLOBEX_ROLE, GLOBEX_EXTERNAL_ID).await;
    assert_eq!(globex.store("ListUsers", &named).await.refusal().1, "AccessDeniedException");
}
