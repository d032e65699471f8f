//! Faults on demand: what goes wrong, for which calls, and how often.

use serde::{Deserialize, Serialize};

use crate::{glob, service::Service};

/// A fault that waits for calls to strike.
///
/// It strikes each call of `operation` (and of `account`, where given), but lets the first `skip` of them pass,
/// and is spent after `times`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// `CreateAccountAssignment`, `sso:ListTagsForResource` where two services have one name, `sso:List*`, or `*`.
    pub operation: String,
    /// Only calls by this account or about it (`TargetId`, `AccountId`, the role's account).
    #[serde(default)]
    pub account: Option<String>,
    /// How many calls it lets pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it strikes; absent: all, until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Not handled: the service's own throttling error.
    Throttle,
    /// Not handled: 500 with the service's own code, or another 5xx.
    ServerError {
        /// 500 to 599.
        status: u16,
    },
    /// Handled after so many milliseconds of real time.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Handled at once, answered after so many milliseconds of real time.
    DelayReply {
        /// Milliseconds.
        ms: u64,
    },
    /// Not handled: the connection ends.
    DropConnection,
    /// Handled, but the connection ends instead of the answer.
    LoseReply,
    /// Not handled: 200 with something that is no answer of AWS's.
    Garbage,
    /// Handled, but 200 with something that is no answer of AWS's.
    GarbleReply,
    /// Not handled: access denied.
    AccessDenied {
        /// What it says.
        message: String,
    },
    /// Not handled: this error.
    Error {
        /// The code on the wire.
        code: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// A creation or deletion is accepted and then fails.
    FailChange {
        /// The `FailureReason`.
        reason: String,
    },
    /// A creation or deletion is accepted and stays in progress until it is settled through the control.
    HangChange,
}

impl Fault {
    /// Strikes every call of an operation.
    #[must_use]
    pub fn on(operation: &str, kind: FaultKind) -> Self {
        Self { operation: operation.to_owned(), account: None, skip: 0, times: None, kind }
    }

    /// Only so many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Lets so many calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Only calls by or about this account.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }
}

/// Whom a call is by and about, as faults see it.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) service: Service,
    pub(crate) operation: &'a str,
    /// The caller's account.
    pub(crate) by: Option<&'a str>,
    /// The account that its parameters name.
    pub(crate) about: Option<&'a str>,
}

/// All faults that wait.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.0
    }

    /// The faults that strike this call, in the order in which they were added; their counts go down.
    pub(crate) fn strike(&mut self, target: Target<'_>) -> Vec<FaultKind> {
        let mut struck = Vec::new();
        for fault in self.0.iter_mut().filter(|fault| fault.concerns(target)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                if *times == 0 {
                    continue;
                }
                *times -= 1;
            }
            struck.push(fault.kind.clone());
        }
        self.0.retain(|fault| fault.times != Some(0));
        struck
    }
}

impl Fault {
    fn concerns(&self, target: Target<'_>) -> bool {
        let account = self
            .account
            .as_deref()
            .is_none_or(|account| target.by == Some(account) || target.about == Some(account));
        self.names(target.service, target.operation) && account
    }

    /// Whether it is meant for an operation.
    pub(crate) fn names(&self, service: Service, operation: &str) -> bool {
        glob::matches(&self.operation, operation)
            || glob::matches(&self.operation, &service.action(operation))
    }
}
