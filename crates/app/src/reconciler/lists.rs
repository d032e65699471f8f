//! Lists of who has a permission set in an account. What several want at once AWS is asked for once.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_aws::{Assignee, AwsError, RoleAccess};
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn, Seconds, TenantId, Timestamp};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::lease::{Held, Leases};
use super::limiter::{Limiters, Urgency};
use crate::App;

/// Which list, how urgent, and with what rights it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub(super) role: RoleAccess,
    pub(super) instance: InstanceArn,
    pub(super) account: AccountId,
    pub(super) permission_set: PermissionSetArn,
    pub(super) urgency: Urgency,
}

impl Wanted {
    /// The list that shows an assignment.
    pub(super) fn of(key: &AssignmentKey, role: RoleAccess, urgency: Urgency) -> Self {
        Self {
            role,
            instance: key.instance.clone(),
            account: key.account.clone(),
            permission_set: key.permission_set.clone(),
            urgency,
        }
    }

    /// The same list, however urgent.
    fn for_anybody(&self) -> Self {
        Self { urgency: Urgency::Watch, ..self.clone() }
    }
}

/// What asking came to.
#[derive(Debug, Clone)]
pub(super) enum Listed {
    /// Who has it. Dated before it was asked for, so that it is never taken for newer than it is.
    At(Timestamp, Arc<Vec<Assignee>>),
    /// The lease has too little left to call AWS.
    NoLease,
    /// AWS gave none, when it was asked then.
    Failed(Timestamp, AwsError),
}

/// For how long a list is remembered for those who may do with one that was taken for somebody else.
const REMEMBERED: Seconds = Seconds::of(10);

/// Lists that are wanted and not asked for yet, and those that were given just now.
#[derive(Debug, Default)]
pub(super) struct Lists {
    wanted: Mutex<HashMap<Wanted, WeakShared<BoxFuture<'static, Listed>>>>,
    given: Mutex<HashMap<Wanted, Given>>,
}

/// When a list was asked for, and what it showed.
type Given = (Timestamp, Arc<Vec<Assignee>>);

/// What a list is asked for with.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) app: Arc<App>,
    pub(super) limiters: Arc<Limiters>,
    pub(super) lists: Arc<Lists>,
    pub(super) leases: Arc<Leases>,
}

impl Asking {
    /// The list, as it is at some moment after the call; or, where `since` is given, at some moment after that one.
    /// Whoever comes while it waits for its turn shares it; from when it is asked for it is of use only to the latter.
    pub(super) async fn list(&self, wanted: Wanted, held: Held, since: Option<Timestamp>) -> Listed {
        let now = self.app.clock.now();
        match since.and_then(|since| self.lists.given_since(&wanted, since, now)) {
            Some((asked_at, assignees)) => Listed::At(asked_at, assignees),
            None => self.share(wanted, held).await,
        }
    }

    fn share(&self, wanted: Wanted, held: Held) -> Shared<BoxFuture<'static, Listed>> {
        let mut lists = self.lists.wanted.lock();
        if let Some(shared) = lists.get(&wanted).and_then(WeakShared::upgrade) {
            return shared;
        }
        let (this, name) = (self.clone(), wanted.clone());
        let shared = async move { this.ask(&wanted, held).await }.boxed().shared();
        // None only of one that has ended, which this one can't have.
        if let Some(weak) = shared.downgrade() {
            lists.insert(name, weak);
        }
        shared
    }

    async fn ask(&self, wanted: &Wanted, held: Held) -> Listed {
        let tenant = wanted.role.tenant;
        self.limiters.take(tenant, wanted.urgency).await;
        let aws = self.app.aws.assignments(&wanted.role).await;
        self.lists.wanted.lock().remove(wanted);
        let asked_at = self.app.clock.now();
        let aws = match aws {
            Ok(aws) => aws,
            Err(error) => return Listed::Failed(asked_at, error),
        };
        let now = Instant::now();
        if !self.leases.still(tenant, held, now).is_some_and(|held| held.allows_a_call(now)) {
            return Listed::NoLease;
        }
        let listed = aws.list(&wanted.instance, &wanted.account, &wanted.permission_set).await;
        self.limiters.heard(tenant, aws.turned_away());
        match listed {
            Ok(assignees) => {
                let assignees = Arc::new(assignees);
                self.lists.remember(wanted, asked_at, &assignees);
                Listed::At(asked_at, assignees)
            }
            Err(error) => Listed::Failed(asked_at, error),
        }
    }
}

impl Lists {
    /// Forgets what is wanted of a tenant whose connection this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.wanted.lock().retain(|wanted, _| wanted.role.tenant != tenant);
        self.given.lock().retain(|wanted, _| wanted.role.tenant != tenant);
    }

    fn remember(&self, wanted: &Wanted, asked_at: Timestamp, assignees: &Arc<Vec<Assignee>>) {
        let mut given = self.given.lock();
        given.retain(|_, (before, _)| asked_at < *before + REMEMBERED);
        given.insert(wanted.for_anybody(), (asked_at, Arc::clone(assignees)));
    }

    fn given_since(&self, wanted: &Wanted, since: Timestamp, now: Timestamp) -> Option<Given> {
        let given = self.given.lock();
        let (asked_at, assignees) = given.get(&wanted.for_anybody())?;
        let is_fresh = *asked_at > since && now < *asked_at + REMEMBERED;
        is_fresh.then(|| (*asked_at, Arc::clone(assignees)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(account: &str, urgency: Urgency) -> Wanted {
        let role = RoleAccess {
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(9)),
            role: "arn:aws:iam::100000000001:role/Curfew".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            external_ids: Vec::new(),
        };
        Wanted {
            role,
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            account: account.parse().unwrap(),
            permission_set: "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
                .parse()
                .unwrap(),
            urgency,
        }
    }

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_micros(1_000_000_000) + Seconds::of(seconds)
    }

    #[test]
    fn a_list_serves_for_some_seconds_whoever_was_there_before_it_was_taken() {
        let lists = Lists::default();
        let here = wanted("100000000005", Urgency::Give);
        lists.remember(&here, at(10), &Arc::default());
        assert_eq!(lists.given_since(&here, at(9), at(11)), Some((at(10), Arc::default())));
        assert_eq!(
            lists.given_since(&wanted("100000000005", Urgency::Watch), at(9), at(19)).unwrap().0,
            at(10)
        );
        assert_eq!(lists.given_since(&here, at(10), at(11)), None, "it may have been given in between");
        assert_eq!(lists.given_since(&here, at(9), at(20)), None, "it is too old");
        assert_eq!(lists.given_since(&wanted("100000000004", Urgency::Give), at(9), at(11)), None);
        lists.forget(here.role.tenant);
        assert_eq!(lists.given_since(&here, at(9), at(11)), None);
    }
}
