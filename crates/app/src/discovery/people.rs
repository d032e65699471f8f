//! People and groups.

use std::sync::Arc;

use curfew_aws::{Directory, UserFacts};
use curfew_domain::{IdentityUser, Timestamp};

use super::organization::count;
use super::read::{BATCH, Reading, Stopped};

impl Reading<'_> {
    /// How many people and groups there are. People are kept; groups are counted.
    pub(super) async fn read_people(&self) -> Result<(u32, u32), Stopped> {
        let store = &self.verified.identity_store;
        let users = |directory: Arc<dyn Directory>, after| async move { directory.users(store, after).await };
        let users = self.all_pages(&self.identity_store, users).await?;
        let users: Vec<IdentityUser> =
            users.into_iter().map(|user| self.person(user, self.app.now())).collect();
        for batch in users.chunks(BATCH) {
            let unit = self.app.store.tenant(self.tenant).write().await?;
            for user in batch {
                unit.save_identity_user(user).await?;
            }
            unit.commit().await?;
        }
        let groups =
            |directory: Arc<dyn Directory>, after| async move { directory.groups(store, after).await };
        let groups = self.all_pages(&self.identity_store, groups).await?;
        Ok((count(users.len()), count(groups.len())))
    }

    fn person(&self, user: UserFacts, seen_at: Timestamp) -> IdentityUser {
        let status = if user.enabled { "ENABLED" } else { "DISABLED" };
        // Whoever has no address is known by a user name that is one.
        let named = user.user_name.clone().filter(|name| name.contains('@'));
        IdentityUser {
            identity_store: self.verified.identity_store.clone(),
            user_name: user.user_name.unwrap_or_else(|| user.id.to_string()),
            principal: user.id,
            email: user.emails.into_iter().next().or(named),
            status: Some(status.to_owned()),
            seen_at,
            gone_at: None,
        }
    }
}
