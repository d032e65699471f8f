use std::net::IpAddr;

use curfew_domain::{Actor, CredentialId, Scope, ScopeSet, SessionId, TenantId, UserId};
use curfew_store::WriteUnit;

use crate::AppError;

/// Who is asking: found once, at the edge, and trusted from then on. Bound to one tenant for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the credential belongs to, and the request named.
    pub tenant: TenantId,
    /// How they act, for the audit log.
    pub actor: Actor,
    /// The person whose rights are used: a key acts as its maker.
    pub user: UserId,
    /// What they may do now: the person's roles, cut to the key's scopes.
    pub scopes: ScopeSet,
    /// The credential they showed.
    pub credential: CredentialId,
    /// The login it belongs to; none for keys.
    pub session: Option<SessionId>,
    /// Where they call from.
    pub source: Option<IpAddr>,
}

impl Caller {
    /// Whether they may do what `scope` names.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Refuses unless they may.
    pub fn require(&self, scope: Scope) -> Result<(), AppError> {
        if self.may(scope) { Ok(()) } else { Err(AppError::missing_scope(scope)) }
    }

    /// Whoever writes words stays until the unit ends that keeps them: or what erases a person could miss some of theirs.
    /// To be called before anything else of the unit is locked, but for the tenant's version.
    pub(crate) async fn stays(&self, unit: &WriteUnit) -> Result<(), AppError> {
        if unit.hold_author(self.user).await? {
            return Ok(());
        }
        Err(AppError::let_in_no_more())
    }
}
