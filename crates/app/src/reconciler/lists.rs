//! Lists of who has a permission set in an account. What several want at once AWS is asked for once.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_aws::{Assignee, AwsError, RoleAccess};
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn, TenantId, Timestamp};
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

/// Lists that are wanted and not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<HashMap<Wanted, WeakShared<BoxFuture<'static, Listed>>>>);

/// What a list is asked for with.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) app: Arc<App>,
    pub(super) limiters: Arc<Limiters>,
    pub(super) lists: Arc<Lists>,
    pub(super) leases: Arc<Leases>,
}

impl Asking {
    /// The list, as it is at some moment after the call. Whoever comes while it waits for its turn shares it; from when
    /// it is asked for it is nobody's any more.
    pub(super) async fn list(&self, wanted: Wanted, held: Held) -> Listed {
        self.share(wanted, held).await
    }

    fn share(&self, wanted: Wanted, held: Held) -> Shared<BoxFuture<'static, Listed>> {
        let mut lists = self.lists.0.lock();
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
        self.lists.0.lock().remove(wanted);
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
            Ok(assignees) => Listed::At(asked_at, Arc::new(assignees)),
            Err(error) => Listed::Failed(asked_at, error),
        }
    }
}

impl Lists {
    /// Forgets what is wanted of a tenant whose connection this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|wanted, _| wanted.role.tenant != tenant);
    }
}
