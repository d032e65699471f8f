//! One full reading.

use std::sync::Arc;

use curfew_aws::{AwsError, AwsErrorKind, Directory, Listed, PageToken};
use curfew_domain::connection::{Connection, VerifiedConnection};
use curfew_domain::{
    AccountId, CachedResourceId, Discovered, DiscoveryCounts, ResourceRef, ResourceType, TenantId, Timestamp,
};
use curfew_store::StoreError;

use super::pace::{Pace, Rates, rests};
use crate::connection;
use crate::{App, AppError};

/// How many rows are written in one unit: others write too.
pub(super) const BATCH: usize = 100;

/// A reading under way.
pub(super) struct Reading<'a> {
    pub(super) app: &'a App,
    pub(super) tenant: TenantId,
    pub(super) verified: VerifiedConnection,
    /// What was last seen before this is not seen by this reading.
    began: Timestamp,
    pub(super) sso_admin: Pace,
    pub(super) identity_store: Pace,
    pub(super) organizations: Pace,
}

/// Why a reading did not come to its end. What it had read is kept; nothing is marked gone.
#[derive(Debug)]
pub(super) enum Stopped {
    /// AWS refused, or could not be reached for minutes.
    ByAws(AwsError),
    /// The database could not be written.
    ByStore(StoreError),
    /// The connection may not be read through any more: it was suspended, deleted, or leads elsewhere.
    Superseded,
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::ByStore(error)
    }
}

/// None of what AWS does not know (any more): it has vanished since it was listed, and will be marked gone.
pub(super) fn unless_gone<T>(answer: Result<T, Stopped>) -> Result<Option<T>, Stopped> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Stopped::ByAws(error)) if error.kind == AwsErrorKind::NotFound => Ok(None),
        Err(stopped) => Err(stopped),
    }
}

/// A resource as AWS tells of it, to be kept.
pub(super) struct Seen {
    pub(super) resource: ResourceRef,
    pub(super) account: Option<AccountId>,
    pub(super) discovered: Discovered,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        app: &'a App,
        tenant: TenantId,
        connection: &Connection,
        rates: Rates,
    ) -> Result<Self, AppError> {
        let verified = connection::usable(Some(connection))?.clone();
        Ok(Self {
            app,
            tenant,
            verified,
            began: app.now(),
            sso_admin: Pace::new(rates.sso_admin),
            identity_store: Pace::new(rates.identity_store),
            organizations: Pace::new(rates.organizations),
        })
    }

    /// Reads everything, keeps it, and marks what was not seen.
    pub(super) async fn read_all(&self) -> Result<DiscoveryCounts, Stopped> {
        let organization = self.read_organization().await?;
        // Before the sets, which may take an hour: an address must not be taken for long for whose it was.
        let (users, groups) = self.read_people().await?;
        let permission_sets = self.read_permission_sets(&organization.management_account).await?;
        self.mark_gone().await?;
        Ok(DiscoveryCounts {
            accounts: organization.accounts,
            organizational_units: organization.units,
            permission_sets,
            users,
            groups,
        })
    }

    /// Waits until as many calls may be made, and gives what to make them with.
    ///
    /// Looked up anew each time: a reading may outlive several sessions of the role, and may not outlive the trust
    /// in it.
    async fn turns(&self, pace: &Pace, calls: u32) -> Result<Arc<dyn Directory>, Stopped> {
        pace.turns(calls).await;
        let unit = self.app.store.tenant(self.tenant).read().await?;
        let connection = unit.connection().await?.ok_or(Stopped::Superseded)?;
        drop(unit);
        let verified = connection::usable(Some(&connection)).map_err(|_| Stopped::Superseded)?;
        if connection.leads_elsewhere(&self.verified.saved) {
            return Err(Stopped::Superseded);
        }
        let access = connection::access(self.tenant, verified, &connection.external_ids);
        self.app.aws.directory(&access).await.map_err(Stopped::ByAws)
    }

    /// What AWS answers to so many calls. What failed and may pass by itself is asked again, after a rest.
    pub(super) async fn ask<T, F>(
        &self,
        pace: &Pace,
        calls: u32,
        mut question: impl FnMut(Arc<dyn Directory>) -> F,
    ) -> Result<T, Stopped>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let mut rests = rests();
        loop {
            let answer = match self.turns(pace, calls).await {
                Ok(directory) => question(directory).await.map_err(Stopped::ByAws),
                Err(stopped) => Err(stopped),
            };
            match answer {
                Err(Stopped::ByAws(error)) if error.kind.may_pass_later() => match rests.next() {
                    Some(turns) => {
                        tracing::debug!(tenant_id = %self.tenant, %error, turns, "discovery was told to wait");
                        pace.rest(turns);
                    }
                    None => return Err(Stopped::ByAws(error)),
                },
                answer => return answer,
            }
        }
    }

    /// Reads a list to its end, a page a turn.
    pub(super) async fn all_pages<T, F>(
        &self,
        pace: &Pace,
        mut ask: impl FnMut(Arc<dyn Directory>, Option<PageToken>) -> F,
    ) -> Result<Vec<T>, Stopped>
    where
        F: Future<Output = Result<Listed<T>, AwsError>>,
    {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let listed = self.ask(pace, 1, |directory| ask(directory, after.clone())).await?;
            items.extend(listed.items);
            after = listed.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    pub(super) async fn keep(&self, seen: &[Seen]) -> Result<(), Stopped> {
        for batch in seen.chunks(BATCH) {
            let unit = self.app.store.tenant(self.tenant).write().await?;
            for one in batch {
                let id = CachedResourceId::new(one.discovered.seen_at, self.app.entropy.as_ref());
                let instance = &self.verified.saved.instance;
                unit.save_discovered(id, instance, &one.resource, one.account.as_ref(), &one.discovered)
                    .await?;
            }
            unit.commit().await?;
        }
        Ok(())
    }

    async fn mark_gone(&self) -> Result<(), Stopped> {
        let kinds =
            [ResourceType::AwsAccount, ResourceType::AwsOrganizationalUnit, ResourceType::AwsPermissionSet];
        let unit = self.app.store.tenant(self.tenant).write().await?;
        let now = self.app.now();
        for kind in kinds {
            unit.mark_resources_gone(&self.verified.saved.instance, kind, self.began, now).await?;
        }
        unit.mark_identity_users_gone(&self.verified.identity_store, self.began, now).await?;
        unit.commit().await?;
        Ok(())
    }
}
