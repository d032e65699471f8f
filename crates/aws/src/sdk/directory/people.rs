//! People and groups, from Identity Store.

use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::types::{
    AlternateIdentifier, Email as StoreEmail, Group, UniqueAttribute, User, UserStatus,
};
use aws_smithy_types::Document;
use curfew_domain::{Email, IdentityStoreId, StorePrincipalId};

use crate::directory::{GroupFacts, Listed, PageToken, UserFacts};
use crate::sdk::answer::{listed, parsed, required};
use crate::sdk::classify::classify;
use crate::sdk::clients::NowSource;
use crate::{AwsError, AwsErrorKind};

const LIST_USERS: &str = "identitystore:ListUsers";
const LIST_GROUPS: &str = "identitystore:ListGroups";
const GET_USER_ID: &str = "identitystore:GetUserId";
const DESCRIBE_USER: &str = "identitystore:DescribeUser";

/// The most that AWS gives in one page (Identity Store API, `MaxResults`).
const PAGE: i32 = 100;

pub(super) struct IdentityStore {
    pub(super) client: Client,
    pub(super) now: NowSource,
}

impl IdentityStore {
    pub(super) async fn users(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<UserFacts>, AwsError> {
        let listing = self.client.list_users().identity_store_id(store.as_str()).max_results(PAGE);
        let answer = listing.set_next_token(after.map(|token| token.0)).send().await;
        let answer = answer.map_err(|error| classify(LIST_USERS, &error, self.now.now()))?;
        let users = answer.users.into_iter().map(user).collect::<Result<Vec<_>, _>>()?;
        Ok(listed(users, answer.next_token))
    }

    pub(super) async fn groups(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<GroupFacts>, AwsError> {
        let listing = self.client.list_groups().identity_store_id(store.as_str()).max_results(PAGE);
        let answer = listing.set_next_token(after.map(|token| token.0)).send().await;
        let answer = answer.map_err(|error| classify(LIST_GROUPS, &error, self.now.now()))?;
        let groups = answer.groups.into_iter().map(group).collect::<Result<Vec<_>, _>>()?;
        Ok(listed(groups, answer.next_token))
    }

    pub(super) async fn user_by_email(
        &self,
        store: &IdentityStoreId,
        email: &Email,
    ) -> Result<Option<StorePrincipalId>, AwsError> {
        if let Some(id) = self.user_with(store, "emails.value", email).await? {
            return Ok(Some(id));
        }
        let Some(id) = self.user_with(store, "userName", email).await? else { return Ok(None) };
        let emails = self.emails_of(store, &id).await?;
        let same = |other: &StoreEmail| {
            other.value.as_deref().is_some_and(|other| other.to_lowercase() == email.folded())
        };
        Ok((emails.is_empty() || emails.iter().any(same)).then_some(id))
    }

    /// `userName` and `emails.value` are the two attributes that `GetUserId` knows.
    async fn user_with(
        &self,
        store: &IdentityStoreId,
        attribute: &str,
        email: &Email,
    ) -> Result<Option<StorePrincipalId>, AwsError> {
        let attribute = UniqueAttribute::builder()
            .attribute_path(attribute)
            .attribute_value(Document::String(email.as_str().to_owned()))
            .build()
            .map_err(|problem| AwsError::unanswered(AwsErrorKind::Other, GET_USER_ID, problem.to_string()))?;
        let answer = self
            .client
            .get_user_id()
            .identity_store_id(store.as_str())
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await
            .map_err(|error| classify(GET_USER_ID, &error, self.now.now()));
        match answer {
            Ok(answer) => parsed(GET_USER_ID, "UserId", answer.user_id()).map(Some),
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn emails_of(
        &self,
        store: &IdentityStoreId,
        id: &StorePrincipalId,
    ) -> Result<Vec<StoreEmail>, AwsError> {
        let asking = self.client.describe_user().identity_store_id(store.as_str()).user_id(id.as_str());
        let answer = asking.send().await;
        let answer = answer.map_err(|error| classify(DESCRIBE_USER, &error, self.now.now()))?;
        Ok(answer.emails.unwrap_or_default())
    }
}

fn user(user: User) -> Result<UserFacts, AwsError> {
    let mut emails = user.emails.unwrap_or_default();
    emails.sort_by_key(|email| !email.primary);
    Ok(UserFacts {
        id: parsed(LIST_USERS, "UserId", &user.user_id)?,
        user_name: user.user_name,
        display_name: user.display_name,
        emails: emails.into_iter().filter_map(|email| email.value).collect(),
        enabled: user.user_status != Some(UserStatus::Disabled),
    })
}

fn group(group: Group) -> Result<GroupFacts, AwsError> {
    Ok(GroupFacts {
        id: parsed(LIST_GROUPS, "GroupId", &group.group_id)?,
        name: required(LIST_GROUPS, "DisplayName", group.display_name)?,
    })
}
