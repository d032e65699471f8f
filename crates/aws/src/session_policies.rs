//! Ending sessions: the service control policies that deny them.

use async_trait::async_trait;
use curfew_domain::SessionPolicyId;

use crate::AwsError;

/// How the policies are named that are Curfew's to write: this, then a number. The template makes them, attaches them and
/// lets the role change these and no other.
pub const SESSION_POLICY_PREFIX: &str = "curfew-sessions-";

/// The service control policies that a customer made for Curfew to write into, with one tenant's credentials.
///
/// They are made and attached by the customer (the template's option), never here: all that Curfew may do is to
/// replace their content. A call ends within 8 s.
#[async_trait]
pub trait SessionPolicies: Send + Sync {
    /// Curfew's policies, by their number, as they are now; all pages. None where the customer has not opted in. Without
    /// those that the role may not read, as long as there are others.
    ///
    /// Where an organization has not enabled service control policies, none is attached to anything: AWS takes them off.
    async fn find(&self) -> Result<Vec<SessionPolicy>, AwsError>;

    /// Replaces a policy's whole content (`UpdatePolicy`). The same content again changes nothing, so it is sent again
    /// where the answer was lost.
    ///
    /// Of what went wrong, [`QuotaExceeded`](crate::AwsErrorKind::QuotaExceeded) means that it is too long (10,240
    /// characters), [`Validation`](crate::AwsErrorKind::Validation) that AWS does not take it for a policy,
    /// [`AccessDenied`](crate::AwsErrorKind::AccessDenied) that the role may not, or its account (a member to which
    /// policies were not delegated), and [`NotFound`](crate::AwsErrorKind::NotFound) that the policy is gone.
    /// [What may pass later](crate::AwsErrorKind::may_pass_later) is worth another try, and
    /// [may have been done](crate::AwsErrorKind::may_have_been_done) all the same: find, before deciding anew.
    async fn replace(&self, policy: &SessionPolicyId, document: &str) -> Result<(), AwsError>;
}

/// One of Curfew's policies, as AWS holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy {
    /// AWS's id of it.
    pub id: SessionPolicyId,
    /// Its name, which begins with [`SESSION_POLICY_PREFIX`].
    pub name: String,
    /// What it says now.
    pub document: String,
    /// Whether it is attached to an organization's root, so that it reaches every account but the management account.
    pub at_root: bool,
}
