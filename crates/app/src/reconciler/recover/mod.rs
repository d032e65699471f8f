//! A database that was restored from a backup has forgotten what came after it: what AWS holds is compared with what it
//! knows, place by place, before a server works with it.
//!
//! Nothing is guessed. What AWS holds and the database does not know is a finding of drift, for somebody to adopt or to
//! remove; of permission sets that are exclusive to Curfew it is removed. A live grant whose access AWS does not show, or
//! that waited for its access when the backup was made, is ended: it may have been revoked since.

mod places;
mod settle;

use std::sync::Arc;

use curfew_aws::AwsErrorKind;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, Drift, GrantId, TenantId, Timestamp};
use curfew_store::Listable;
use tokio::time::Instant;

use super::access::Access;
use super::drift::Look;
use super::lists::Listed;
use super::{Node, Reconciler};
use crate::{App, AppError, with_causes};

/// After so many lists in a row that AWS did not give, a tenant is left for another try.
const PATIENCE: u32 = 3;

/// What is said of the rest then.
const GIVEN_UP: &str = "AWS failed several times in a row";

/// What is said of what would be compared after somebody else has taken the lease.
const TAKEN_OVER: &str = "a server has begun to work with this tenant's AWS";

/// What is said where nothing leads into AWS: what was given there since the backup, nobody has looked for.
const NOT_VERIFIED: &str = "the database knows of no connection that was verified";

/// How a tenant is recovered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recovery {
    /// Only permission sets that are exclusive to Curfew are looked at.
    pub exclusive_only: bool,
    /// Logins go on: what was ended since the backup is good again.
    pub keeps_sessions: bool,
    /// The last entry of the audit log that a head tells of, where heads were given.
    pub last_entry: Option<u64>,
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub struct Recovered {
    /// How many places were listed: permission sets in accounts.
    pub places: usize,
    /// People's access that AWS holds and the database does not know, and that nobody has accepted.
    pub unknown: Vec<Unknown>,
    /// Grants that were ended: AWS does not show their access, or nobody can tell whether it is theirs.
    pub ended: Vec<GrantId>,
    /// What could not be compared, and why.
    pub not_compared: Vec<(String, String)>,
    /// How many logins were ended.
    pub sessions_ended: u64,
    /// Whether AWS is connected at all.
    pub is_connected: bool,
}

/// Access that the database does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// The finding that tells of it.
    pub finding: Drift,
    /// The address of whoever has it, as far as it is known.
    pub email: Option<String>,
}

/// Why a tenant was not recovered.
#[derive(Debug, thiserror::Error)]
pub enum NotRecovered {
    /// A node works with it.
    #[error("a server works with this tenant's AWS: stop every server first")]
    Served,
    /// Something else.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<curfew_store::StoreError> for NotRecovered {
    fn from(error: curfew_store::StoreError) -> Self {
        NotRecovered::App(error.into())
    }
}

/// Compares a tenant's AWS with a database that was restored. It may be done again at any time: what is written is written
/// place by place, and once.
pub async fn recover(
    app: &Arc<App>,
    node: &Node,
    tenant: TenantId,
    how: &Recovery,
) -> Result<Recovered, NotRecovered> {
    let this = Reconciler::new(Arc::clone(app), node.clone(), 1);
    // Micros since 1970: more than any number that was counted up, and more than at any earlier recovery.
    let fence = app.now().micros().unsigned_abs();
    app.store.move_fence(tenant, node.id, fence).await?;
    if !this.hold_on(tenant).await {
        return Err(NotRecovered::Served);
    }
    let recovered = this.recover(tenant, how).await;
    app.store.release_lease(tenant, node.id).await?;
    Ok(recovered?)
}

impl Reconciler {
    /// Takes or renews the lease. Says whether it is held.
    async fn hold_on(&self, tenant: TenantId) -> bool {
        self.take_connection(tenant).await && self.leases.held(tenant, Instant::now()).is_some()
    }

    async fn recover(&self, tenant: TenantId, how: &Recovery) -> Result<Recovered, AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        let access = Access::of_verified(tenant, unit.connection().await?);
        drop(unit);
        let mut recovered = Recovered { is_connected: access.is_some(), ..Recovered::default() };
        if let Some(access) = access {
            self.compare_all(&access, how, &mut recovered).await?;
            if !how.exclusive_only {
                self.end_what_waits(&access, &mut recovered).await?;
            }
        } else {
            recovered.not_compared.push(("AWS".to_owned(), NOT_VERIFIED.to_owned()));
        }
        self.conclude(tenant, how, &mut recovered).await?;
        Ok(recovered)
    }

    async fn compare_all(
        &self,
        access: &Access,
        how: &Recovery,
        recovered: &mut Recovered,
    ) -> Result<(), AppError> {
        let (tenant, instance) = (access.role.tenant, &access.verified.saved.instance);
        let unit = self.app.store.tenant(tenant).read().await?;
        let exclusive = unit.exclusive_sets(instance).await?;
        drop(unit);
        let mut in_vain = 0;
        let (accounts, problem) = self.accounts(access).await?;
        if let Some(problem) = problem {
            recovered.not_compared.push(("the list of accounts".to_owned(), problem));
        }
        for account in accounts {
            if in_vain >= PATIENCE {
                recovered.not_compared.push(("all further accounts".to_owned(), GIVEN_UP.to_owned()));
                return Ok(());
            }
            self.hold_on(tenant).await;
            let only = how.exclusive_only.then_some(&exclusive);
            let (sets, problem) = self.sets_in(access, &account, only).await?;
            if let Some(problem) = problem {
                in_vain += 1;
                recovered.not_compared.push((account.to_string(), problem));
            }
            for permission_set in sets {
                if in_vain >= PATIENCE {
                    break;
                }
                let since = exclusive.get(&permission_set).copied();
                let place = Listable { account: account.clone(), permission_set };
                match self.recover_place(access, &place, since, recovered).await? {
                    Ok(()) => in_vain = 0,
                    Err(problem) => {
                        in_vain += 1;
                        recovered.not_compared.push((named(&place), problem));
                    }
                }
            }
        }
        Ok(())
    }

    /// Says why AWS did not list the place, where it did not.
    async fn recover_place(
        &self,
        access: &Access,
        place: &Listable,
        exclusive_since: Option<Timestamp>,
        recovered: &mut Recovered,
    ) -> Result<Result<(), String>, AppError> {
        let (tenant, saved) = (access.role.tenant, &access.verified.saved);
        self.hold_on(tenant).await;
        let Some(held) = self.leases.held(tenant, Instant::now()) else {
            return Ok(Err(TAKEN_OVER.to_owned()));
        };
        let (at, assignees) = match self.list_place(held, access, &saved.instance, place).await {
            Listed::At(at, assignees) => (at, assignees),
            Listed::Failed(at, error) if error.kind == AwsErrorKind::NotFound => (at, Arc::default()),
            Listed::Failed(_, error) => return Ok(Err(with_causes(&error))),
            Listed::NoLease => return Ok(Err("the lease on the connection ran out".to_owned())),
        };
        let look = Look {
            tenant,
            held,
            instance: &saved.instance,
            region: &saved.region,
            identity_store: &access.verified.identity_store,
            place,
            exclusive_since,
            at,
            assignees: &assignees,
        };
        self.settle_place(&look, recovered).await?;
        recovered.places += 1;
        Ok(Ok(()))
    }

    async fn conclude(
        &self,
        tenant: TenantId,
        how: &Recovery,
        recovered: &mut Recovered,
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(tenant).write().await?;
        let now = self.app.clock.now();
        unit.make_all_due(now).await?;
        if !how.keeps_sessions {
            recovered.sessions_ended = unit.end_all_sessions(now).await?;
        }
        // Who may come in has changed.
        unit.bump_version().await?;
        let entry = NewEntry::new(Actor::System, AuditAction::TenantRecovered, "tenant", tenant)
            .with("places", recovered.places)
            .with("not_compared", recovered.not_compared.len())
            .with("unknown", recovered.unknown.len())
            .with("grants_ended", recovered.ended.len())
            .with("sessions_ended", recovered.sessions_ended)
            .with("last_entry_before_restore", how.last_entry);
        self.record(&unit, entry, now).await?;
        Ok(unit.commit().await?)
    }
}

fn named(place: &Listable) -> String {
    format!("{} in {}", place.permission_set, place.account)
}
