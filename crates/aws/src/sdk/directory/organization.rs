//! Accounts and units, from Organizations.
//!
//! It answers in `us-east-1` (or its partition's one region), wherever the client stands: the SDK knows.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};
use curfew_domain::AccountId;

use crate::AwsError;
use crate::directory::{AccountFacts, Listed, OrganizationFacts, PageToken, ParentId, Tags, UnitFacts};
use crate::sdk::answer::{listed, parsed, required};
use crate::sdk::classify::classify;
use crate::sdk::clients::NowSource;

const DESCRIBE: &str = "organizations:DescribeOrganization";
const LIST_ADMINISTRATORS: &str = "organizations:ListDelegatedAdministrators";
const LIST_ACCOUNTS: &str = "organizations:ListAccounts";
const LIST_ROOTS: &str = "organizations:ListRoots";
const LIST_UNITS: &str = "organizations:ListOrganizationalUnitsForParent";
const LIST_CHILDREN: &str = "organizations:ListAccountsForParent";
const LIST_TAGS: &str = "organizations:ListTagsForResource";

/// Under which Identity Center is delegated.
const IDENTITY_CENTER: &str = "sso.amazonaws.com";

/// The most that AWS gives in one page (Organizations API, `MaxResults`).
const PAGE: i32 = 20;

pub(super) struct Organizations {
    pub(super) client: Client,
    pub(super) now: NowSource,
}

impl Organizations {
    pub(super) async fn describe(&self) -> Result<OrganizationFacts, AwsError> {
        let answer = self.client.describe_organization().send().await;
        let answer = answer.map_err(|error| classify(DESCRIBE, &error, self.now.now()))?;
        let organization = required(DESCRIBE, "Organization", answer.organization)?;
        let account = required(DESCRIBE, "MasterAccountId", organization.master_account_id)?;
        Ok(OrganizationFacts { management_account: parsed(DESCRIBE, "MasterAccountId", &account)? })
    }

    pub(super) async fn delegated_administrators(&self) -> Result<Vec<AccountId>, AwsError> {
        let mut found = Vec::new();
        let listing = self.client.list_delegated_administrators().service_principal(IDENTITY_CENTER);
        let mut administrators = listing.into_paginator().items().send();
        while let Some(administrator) = administrators.next().await {
            let administrator =
                administrator.map_err(|error| classify(LIST_ADMINISTRATORS, &error, self.now.now()))?;
            let id = required(LIST_ADMINISTRATORS, "Id", administrator.id)?;
            found.push(parsed(LIST_ADMINISTRATORS, "Id", &id)?);
        }
        Ok(found)
    }

    pub(super) async fn accounts(&self, after: Option<PageToken>) -> Result<Listed<AccountFacts>, AwsError> {
        let listing = self.client.list_accounts().max_results(PAGE);
        let answer = listing.set_next_token(after.map(|token| token.0)).send().await;
        let answer = answer.map_err(|error| classify(LIST_ACCOUNTS, &error, self.now.now()))?;
        let accounts = required(LIST_ACCOUNTS, "Accounts", answer.accounts)?;
        let accounts = accounts.into_iter().map(account).collect::<Result<Vec<_>, _>>()?;
        Ok(listed(accounts, answer.next_token))
    }

    pub(super) async fn root(&self) -> Result<ParentId, AwsError> {
        let mut pages = self.client.list_roots().into_paginator().send();
        // The first page may be empty and the root on the next.
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(LIST_ROOTS, &error, self.now.now()))?;
            if let Some(root) = page.roots.unwrap_or_default().into_iter().next() {
                return Ok(ParentId::Root(required(LIST_ROOTS, "Id", root.id)?));
            }
        }
        Err(AwsError::garbage(LIST_ROOTS, "there is no root"))
    }

    pub(super) async fn units_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<UnitFacts>, AwsError> {
        let listing = self.client.list_organizational_units_for_parent().parent_id(parent.as_str());
        let answer = listing.max_results(PAGE).set_next_token(after.map(|token| token.0)).send().await;
        let answer = answer.map_err(|error| classify(LIST_UNITS, &error, self.now.now()))?;
        let mut units = Vec::new();
        for unit in required(LIST_UNITS, "OrganizationalUnits", answer.organizational_units)? {
            let id = required(LIST_UNITS, "Id", unit.id)?;
            let name = required(LIST_UNITS, "Name", unit.name)?;
            units.push(UnitFacts { id: parsed(LIST_UNITS, "Id", &id)?, name });
        }
        Ok(listed(units, answer.next_token))
    }

    pub(super) async fn accounts_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<AccountId>, AwsError> {
        let listing = self.client.list_accounts_for_parent().parent_id(parent.as_str());
        let answer = listing.max_results(PAGE).set_next_token(after.map(|token| token.0)).send().await;
        let answer = answer.map_err(|error| classify(LIST_CHILDREN, &error, self.now.now()))?;
        let mut accounts = Vec::new();
        for account in required(LIST_CHILDREN, "Accounts", answer.accounts)? {
            let id = required(LIST_CHILDREN, "Id", account.id)?;
            accounts.push(parsed(LIST_CHILDREN, "Id", &id)?);
        }
        Ok(listed(accounts, answer.next_token))
    }

    pub(super) async fn tags_of(&self, account: &AccountId) -> Result<Tags, AwsError> {
        let mut found = Tags::new();
        let listing = self.client.list_tags_for_resource().resource_id(account.as_str());
        let mut tags = listing.into_paginator().items().send();
        while let Some(tag) = tags.next().await {
            let tag = tag.map_err(|error| classify(LIST_TAGS, &error, self.now.now()))?;
            found.insert(tag.key, tag.value);
        }
        Ok(found)
    }
}

fn account(account: Account) -> Result<AccountFacts, AwsError> {
    let id = required(LIST_ACCOUNTS, "Id", account.id)?;
    // `State` took the place of `Status`; an answer may carry either.
    let (active, state) = match (account.state, account.status) {
        (Some(state), _) => (state == AccountState::Active, state.as_str().to_owned()),
        (None, Some(status)) => (status == AccountStatus::Active, status.as_str().to_owned()),
        (None, None) => return Err(AwsError::garbage(LIST_ACCOUNTS, "State and Status are missing")),
    };
    Ok(AccountFacts {
        name: account.name.unwrap_or_else(|| id.clone()),
        id: parsed(LIST_ACCOUNTS, "Id", &id)?,
        active,
        state,
    })
}
