use curfew_domain::{AccessRequest, AccountId};
use curfew_store::ReadUnit;

use super::record;
use crate::{AppError, lockdowns};

/// Refuses to approve a request while a lockdown covers what it asks for: what of a unit's accounts was known when it was
/// asked for. It goes on waiting.
pub(super) async fn check_not_locked_down(unit: &ReadUnit, request: &AccessRequest) -> Result<(), AppError> {
    let in_force = unit.lockdowns_in_force().await?;
    if in_force.is_empty() {
        return Ok(());
    }
    let decisions = unit.decisions(request.id).await?;
    let named = decisions.iter().flat_map(record::accounts);
    let accounts: Vec<AccountId> = named.filter_map(|id| id.parse().ok()).collect();
    lockdowns::refuse(&in_force, request.requester, &accounts)
}
