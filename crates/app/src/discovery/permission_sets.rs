//! Permission sets.

use std::collections::HashSet;
use std::sync::Arc;

use curfew_aws::{AwsErrorKind, Directory};
use curfew_domain::{AccessLevel, AccountId, Discovered, DiscoveredAttributes, PermissionSetArn};

use super::organization::count;
use super::read::{BATCH, Reading, Seen, Stopped, unless_gone};

/// Calls that reading one set takes: its fields, and three kinds of policies. Its tags are of no use: no policy sees
/// them.
const CALLS: u32 = 4;

impl Reading<'_> {
    pub(super) async fn read_permission_sets(&self, management: &AccountId) -> Result<u32, Stopped> {
        let instance = &self.verified.saved.instance;
        let out_of_reach = self.out_of_reach(management).await?;
        let sets = |directory: Arc<dyn Directory>, after| async move {
            directory.permission_sets(instance, after).await
        };
        let sets = self.all_pages(&self.sso_admin, sets).await?;
        let mut kept = 0;
        // Kept as they are read: as many as AWS allows take an hour.
        for batch in sets.chunks(BATCH) {
            let mut seen = Vec::with_capacity(batch.len());
            for set in batch {
                seen.extend(unless_gone(self.read_set(set.clone(), &out_of_reach).await)?);
            }
            self.keep(&seen).await?;
            kept += seen.len();
        }
        Ok(count(kept))
    }

    async fn read_set(
        &self,
        set: PermissionSetArn,
        out_of_reach: &HashSet<PermissionSetArn>,
    ) -> Result<Seen, Stopped> {
        let (instance, arn) = (&self.verified.saved.instance, &set);
        let question = |directory: Arc<dyn Directory>| async move {
            let facts = directory.permission_set(instance, arn).await?;
            Ok((facts, directory.policies_of(instance, arn).await?))
        };
        let (facts, policies) = self.ask(&self.sso_admin, CALLS, question).await?;
        let level = AccessLevel::guess(policies.managed.iter().map(String::as_str), policies.others);
        let out_of_reach = out_of_reach.contains(&set).then(|| {
            "it is provisioned in the management account, so a delegated administrator can't assign it"
                .to_owned()
        });
        let discovered = Discovered {
            name: facts.name,
            units: Vec::new(),
            tags: curfew_aws::Tags::new(),
            state: None,
            attributes: DiscoveredAttributes {
                session: Some(facts.session),
                guessed_level: Some(level),
                out_of_reach,
                ..DiscoveredAttributes::default()
            },
            seen_at: self.app.now(),
            gone_at: None,
        };
        Ok(Seen { account: None, resource: set.into(), discovered })
    }

    /// Sets that can't be managed from the role's account; what AWS refuses to tell is taken as manageable.
    async fn out_of_reach(&self, management: &AccountId) -> Result<HashSet<PermissionSetArn>, Stopped> {
        let mut found = HashSet::new();
        if self.verified.saved.role.account() == *management {
            return Ok(found);
        }
        let instance = &self.verified.saved.instance;
        let mut after = None;
        loop {
            let page = self.ask(&self.sso_admin, 1, |directory: Arc<dyn Directory>| {
                let after = after.clone();
                async move { directory.sets_provisioned_in(instance, management, after).await }
            });
            match page.await {
                Ok(page) => {
                    found.extend(page.items);
                    after = page.next;
                }
                Err(Stopped::ByAws(error)) if error.kind == AwsErrorKind::AccessDenied => return Ok(found),
                Err(stopped) => return Err(stopped),
            }
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}
