//! Watching for drift: a pass of low priority lists what Curfew manages, place by place, and acts on what differs.
//!
//! What is live is compared every `RECONCILIATION_INTERVAL`, the whole every quarter of an hour. One list tells of
//! everybody with a permission set in an account, so the calls grow with places and never with grants. A pass takes a
//! fifth of the connection's rate at most, and takes longer rather than exceed it.

mod differing;
mod places;
mod removing;
mod unmanaged;

pub(super) use places::{Exclusive, manageable_accounts};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{Assignee, AwsErrorKind};
use curfew_domain::assignment::{Baseline, Phase};
use curfew_domain::{IdentityStoreId, InstanceArn, Region, Seconds, StorePrincipalId, TenantId, Timestamp};
use curfew_store::Listable;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::lease::Held;
use super::limiter::Urgency;
use super::lists::{Listed, Wanted};
use super::{Reconciler, Target};
use crate::{AppError, with_causes};

/// How often the whole is compared.
const WHOLE_EVERY: Duration = Duration::from_mins(15);

/// How often it is looked whose pass is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many tenants' passes go on at once.
const PASSES_AT_ONCE: usize = 16;

/// After so many lists in a row that AWS did not give, a pass is given up: the next one tries again.
const PATIENCE: u32 = 3;

/// When a tenant's passes are due.
#[derive(Debug, Clone, Copy)]
struct Passes {
    live: Instant,
    whole: Instant,
}

/// One list of a place, and whose assignments it is compared with.
pub(super) struct Look<'a> {
    pub(super) tenant: TenantId,
    pub(super) held: Held,
    pub(super) instance: &'a InstanceArn,
    pub(super) region: &'a Region,
    pub(super) identity_store: &'a IdentityStoreId,
    pub(super) place: &'a Listable,
    /// Since when nobody but Curfew may assign the permission set, where that was so when the pass began.
    pub(super) exclusive_since: Option<Timestamp>,
    pub(super) at: Timestamp,
    pub(super) assignees: &'a [Assignee],
}

impl Reconciler {
    /// Compares until `shutdown`, of the connections that this node owns.
    pub(super) async fn watch_for_drift(self: &Arc<Self>, every: Seconds, shutdown: &CancellationToken) {
        let every = Duration::from_secs(u64::try_from(every.get()).unwrap_or(u64::MAX));
        let (mut passes, mut running) = (HashMap::new(), JoinSet::new());
        let mut busy = HashSet::new();
        while !shutdown.is_cancelled() {
            let owned = self.leases.held_at(Instant::now());
            passes.retain(|tenant, _| owned.contains(tenant));
            for tenant in owned {
                if busy.len() >= PASSES_AT_ONCE {
                    break;
                }
                if let Some(whole) = take_turn(&mut passes, tenant, every, Instant::now())
                    && busy.insert(tenant)
                {
                    let (this, shutdown) = (Arc::clone(self), shutdown.clone());
                    running.spawn(async move {
                        this.pass_until(tenant, whole, &shutdown).await;
                        tenant
                    });
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY.min(every)) => {}
                Some(ended) = running.join_next() => note_end(&mut busy, ended),
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn pass_until(&self, tenant: TenantId, whole: bool, shutdown: &CancellationToken) {
        let passed = tokio::select! {
            () = shutdown.cancelled() => return,
            passed = self.pass(tenant, whole) => passed,
        };
        if let Err(error) = passed {
            tracing::warn!(tenant_id = %tenant, error = with_causes(&error), "AWS could not be compared");
        }
    }

    /// Compares every place once.
    async fn pass(&self, tenant: TenantId, whole: bool) -> Result<(), AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        let Some(access) = Access::of_verified(tenant, unit.connection().await?) else { return Ok(()) };
        let instance = access.verified.saved.instance.clone();
        let exclusive = unit.exclusive_sets(&instance).await?;
        let mut places: BTreeSet<_> = unit.listable(&instance, whole).await?.into_iter().collect();
        let accounts = if whole && !exclusive.is_empty() {
            places::manageable_accounts(&unit, &instance).await?
        } else {
            Vec::new()
        };
        drop(unit);
        places.extend(self.exclusive_places(&access, accounts, &exclusive).await);
        let mut places: Vec<_> = places.into_iter().collect();
        // Where passes end early, each place comes first now and then.
        let now = usize::try_from(self.app.clock.now().micros() / 1_000).unwrap_or_default();
        let first = now % places.len().max(1);
        places.rotate_left(first);
        let (began, mut in_vain) = (Instant::now(), 0);
        for place in &places {
            let Some(held) = self.leases.held(tenant, Instant::now()) else { return Ok(()) };
            let listed = self.list_place(held, &access, &instance, place).await;
            let (at, assignees) = match listed {
                Listed::At(at, assignees) => (at, assignees),
                // The permission set or the account was deleted, and what was assigned of it.
                Listed::Failed(at, error) if error.kind == AwsErrorKind::NotFound => (at, Arc::default()),
                Listed::Failed(_, error) => {
                    in_vain += 1;
                    tracing::warn!(tenant_id = %tenant, account_id = %place.account, error = with_causes(&error),
                        "a place could not be listed");
                    if in_vain >= PATIENCE {
                        return Ok(());
                    }
                    continue;
                }
                // If it is lost, the next turn of this loop sees it.
                Listed::NoLease => continue,
            };
            in_vain = 0;
            let look = Look {
                tenant,
                held,
                instance: &instance,
                region: &access.verified.saved.region,
                identity_store: &access.verified.identity_store,
                place,
                exclusive_since: exclusive.get(&place.permission_set).copied(),
                at,
                assignees: &assignees,
            };
            self.compare(&look).await?;
        }
        let scope = if whole { "whole" } else { "live" };
        metrics::histogram!("curfew_drift_pass_seconds", "scope" => scope)
            .record(began.elapsed().as_secs_f64());
        Ok(())
    }

    pub(super) async fn list_place(
        &self,
        held: Held,
        access: &Access,
        instance: &InstanceArn,
        place: &Listable,
    ) -> Listed {
        let wanted = Wanted {
            role: access.role.clone(),
            instance: instance.clone(),
            account: place.account.clone(),
            permission_set: place.permission_set.clone(),
            urgency: Urgency::Watch,
        };
        self.asking().list(wanted, held, None).await
    }

    async fn compare(&self, look: &Look<'_>) -> Result<(), AppError> {
        let unit = self.app.store.tenant(look.tenant).read().await?;
        let known = unit.observed_at(look.instance, look.place, &look.users()).await?;
        let lasting = unit.lasting_drift_at(look.instance, look.place).await?;
        let was_listed = unit.was_listed(look.instance, look.place).await?;
        drop(unit);
        let mut managed = HashSet::new();
        for (assignment, principal, observed) in &known {
            let seen = Baseline { at: look.at, present: look.shows(principal) };
            if observed.is_curfews() {
                managed.insert(principal.clone());
            }
            let expected = matches!(observed.phase(), Phase::Present | Phase::Standing);
            if seen.present != expected || observed.missing_since.is_some() {
                let target = Target { tenant: look.tenant, assignment: *assignment };
                self.settle_difference(target, look, seen).await?;
            }
        }
        self.note_unmanaged(look, &managed, &lasting, was_listed).await
    }
}

impl Look<'_> {
    fn users(&self) -> Vec<&StorePrincipalId> {
        let users = self.assignees.iter().filter_map(|assignee| match assignee {
            Assignee::User(user) => Some(user),
            Assignee::Group(_) => None,
        });
        users.collect()
    }

    pub(super) fn shows(&self, principal: &StorePrincipalId) -> bool {
        self.assignees.iter().any(|assignee| matches!(assignee, Assignee::User(user) if user == principal))
    }
}

fn note_end(busy: &mut HashSet<TenantId>, ended: Result<TenantId, JoinError>) {
    if let Ok(tenant) = ended {
        busy.remove(&tenant);
        return;
    }
    // Whose it was is not known any more: those that still run have their places in AWS's pace.
    metrics::counter!("curfew_background_faults_total", "loop" => "drift").increment(1);
    busy.clear();
}

/// Whether a tenant's pass is due, and if so whether over the whole.
fn take_turn(
    passes: &mut HashMap<TenantId, Passes>,
    tenant: TenantId,
    every: Duration,
    now: Instant,
) -> Option<bool> {
    let due = passes.entry(tenant).or_insert(Passes { live: now, whole: now });
    if now >= due.whole {
        *due = Passes { live: now + every, whole: now + WHOLE_EVERY };
        return Some(true);
    }
    if now >= due.live {
        due.live = now + every;
        return Some(false);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_compared_often_and_the_whole_now_and_then() {
        let (mut passes, now) = (HashMap::new(), Instant::now());
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(9));
        let mut turn = |seconds| {
            take_turn(&mut passes, tenant, Duration::from_secs(30), now + Duration::from_secs(seconds))
        };
        assert_eq!(turn(0), Some(true));
        assert_eq!(turn(29), None);
        assert_eq!(turn(30), Some(false));
        assert_eq!(turn(31), None);
        assert_eq!(turn(900), Some(true));
        assert_eq!(turn(901), None);
        assert_eq!(turn(930), Some(false));
    }
}
