//! Accounts and the tree they sit in.

use curfew_sim::{AccountState, Patch};
use serde_json::{Value, json};

use crate::support::{Caller, DEV, MANAGEMENT, PROD, SECURITY, SUSPENDED, still};

#[tokio::test]
async fn the_organization_names_its_management_account() {
    let sim = still().await;
    let answer = Caller::delegated(&sim).await.organizations("DescribeOrganization", &json!({})).await.ok();
    assert_eq!(answer["Organization"]["MasterAccountId"], MANAGEMENT);
}

#[tokio::test]
async fn accounts_are_listed_in_pages_with_state_and_status() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let (accounts, pages) = caller.all_pages("ListAccounts", &json!({ "MaxResults": 4 }), "Accounts").await;
    assert_eq!((accounts.len(), pages), (6, 2));
    let suspended = accounts.iter().find(|account| account["Id"] == SUSPENDED).unwrap();
    assert_eq!((&suspended["State"], &suspended["Status"]), (&json!("SUSPENDED"), &json!("SUSPENDED")));
    assert!(suspended["Paths"][0].as_str().unwrap().ends_with(&format!("/{SUSPENDED}/")));

    sim.control().behave(|behaviour| behaviour.observed.accounts_have_status = false);
    let change = Patch::SetAccountState { account: DEV.to_owned(), state: AccountState::Closed };
    sim.control().apply(change).unwrap();
    let account = caller.organizations("DescribeAccount", &json!({ "AccountId": DEV })).await.ok();
    assert_eq!(account["Account"]["State"], "CLOSED");
    assert!(account["Account"].get("Status").is_none());

    sim.control().behave(|behaviour| {
        behaviour.observed.accounts_have_status = true;
        behaviour.observed.accounts_have_state = false;
    });
    let account = caller.organizations("DescribeAccount", &json!({ "AccountId": DEV })).await.ok();
    assert_eq!(account["Account"]["Status"], "SUSPENDED");
    assert!(account["Account"].get("State").is_none());
}

#[tokio::test]
async fn the_tree_is_walked_down_and_up() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let root = caller.organizations("ListRoots", &json!({})).await.ok()["Roots"][0]["Id"].clone();
    let units = |parent: Value| {
        let caller = caller.clone();
        async move {
            let reply = caller
                .organizations("ListOrganizationalUnitsForParent", &json!({ "ParentId": parent }))
                .await;
            reply.ok()["OrganizationalUnits"].as_array().unwrap().clone()
        }
    };
    let named =
        |units: &[Value], name: &str| units.iter().find(|unit| unit["Name"] == name).unwrap()["Id"].clone();
    let workloads = named(&units(root.clone()).await, "Workloads");
    let prod = named(&units(workloads.clone()).await, "Prod");
    let accounts = caller.organizations("ListAccountsForParent", &json!({ "ParentId": prod })).await.ok();
    assert_eq!(accounts["Accounts"].as_array().unwrap().len(), 2);

    let mut above = Vec::new();
    let mut child = json!(PROD);
    while child != root {
        let parents = caller.organizations("ListParents", &json!({ "ChildId": child })).await.ok();
        child = parents["Parents"][0]["Id"].clone();
        above.push(child.clone());
    }
    assert_eq!(above, [prod, workloads, root]);
}

#[tokio::test]
async fn a_moved_account_is_listed_in_its_new_place() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let security = sim.control().world().organizations[0].unit_named("Security").unwrap().id.clone();
    sim.control().apply(Patch::MoveAccount { account: DEV.to_owned(), parent: security.clone() }).unwrap();
    let listed = caller.organizations("ListAccountsForParent", &json!({ "ParentId": security })).await.ok();
    let ids: Vec<_> =
        listed["Accounts"].as_array().unwrap().iter().map(|account| account["Id"].clone()).collect();
    assert_eq!(ids, [json!(SECURITY), json!(DEV)]);
}

#[tokio::test]
async fn tags_and_delegated_administrators_are_listed() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let tags = caller.organizations("ListTagsForResource", &json!({ "ResourceId": PROD })).await.ok();
    assert_eq!(tags["Tags"], json!([{ "Key": "env", "Value": "prod" }]));
    let of = |service: &str| json!({ "ServicePrincipal": service });
    let listed = caller.organizations("ListDelegatedAdministrators", &of("sso.amazonaws.com")).await.ok();
    assert_eq!(listed["DelegatedAdministrators"][0]["Id"], SECURITY);
    let listed =
        caller.organizations("ListDelegatedAdministrators", &of("guardduty.amazonaws.com")).await.ok();
    assert_eq!(listed["DelegatedAdministrators"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_has_its_own_error_each() {
    let sim = still().await;
    let caller = Caller::delegated(&sim).await;
    let missing = [
        ("DescribeAccount", json!({ "AccountId": "999999999999" }), "AccountNotFoundException"),
        ("ListAccountsForParent", json!({ "ParentId": "r-none" }), "ParentNotFoundException"),
        ("ListParents", json!({ "ChildId": "999999999999" }), "ChildNotFoundException"),
        ("ListTagsForResource", json!({ "ResourceId": "999999999999" }), "TargetNotFoundException"),
        ("DescribeAccount", json!({ "AccountId": "12" }), "InvalidInputException"),
        ("DescribeAccount", json!({}), "InvalidInputException"),
        ("ListAccounts", json!({ "MaxResults": 21 }), "InvalidInputException"),
        ("ListAccounts", json!({ "NextToken": "made up" }), "InvalidInputException"),
    ];
    for (operation, parameters, code) in missing {
        let reply = caller.organizations(operation, &parameters).await;
        assert_eq!(reply.refusal(), (400, code.to_owned()), "{operation} {parameters}");
    }
    let outside = Caller::curfew(&sim).organizations("DescribeOrganization", &json!({})).await;
    assert_eq!(outside.refusal(), (400, "AWSOrganizationsNotInUseException".to_owned()));
}

#[tokio::test]
async fn lists_may_begin_with_an_empty_page() {
    let sim = still().await;
    sim.control().behave(|behaviour| behaviour.observed.organizations_empty_pages = true);
    let caller = Caller::delegated(&sim).await;
    let first = caller.organizations("ListAccounts", &json!({})).await.ok();
    assert_eq!(first["Accounts"], json!([]));
    assert!(first.contains_key("NextToken"));
    let (accounts, pages) = caller.all_pages("ListAccounts", &json!({}), "Accounts").await;
    assert_eq!((accounts.len(), pages), (6, 2));
}
