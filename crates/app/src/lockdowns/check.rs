use curfew_domain::{AccountId, LockdownOf, UserId};
use curfew_store::{LockdownInForce, ReadUnit, covering};
use serde_json::{Map, Value};

use crate::AppError;

/// Refuses access of `person` to these accounts while a lockdown covers it, as the unit sees it.
///
/// Whoever gives access asks this in the unit that writes it, once that unit holds the tenant's connection
/// ([`curfew_store::WriteUnit::hold_connection`]): then no lockdown that it does not see lets the access through.
pub(crate) async fn check<'a>(
    unit: &ReadUnit,
    person: UserId,
    accounts: impl IntoIterator<Item = &'a AccountId> + Clone,
) -> Result<(), AppError> {
    refuse(&unit.lockdowns_in_force().await?, person, accounts)
}

/// The same, of lockdowns that were read before. What is decided by them must not be written once the tenant's version
/// has moved.
pub(crate) fn refuse<'a>(
    in_force: &[LockdownInForce],
    person: UserId,
    accounts: impl IntoIterator<Item = &'a AccountId> + Clone,
) -> Result<(), AppError> {
    covering(in_force, person, accounts).map_or(Ok(()), |lockdown| Err(locked_down(lockdown)))
}

/// Why it was started is for those who may see lockdowns, and read under its id.
fn locked_down(lockdown: &LockdownInForce) -> AppError {
    let what = match &lockdown.of {
        LockdownOf::User(_) => "this person".to_owned(),
        LockdownOf::Account(account) => format!("account {account}"),
        LockdownOf::Tenant => "the whole tenant".to_owned(),
    };
    AppError::LockedDown {
        message: format!(
            "{what} is locked down: no access is given until lockdown {} is lifted",
            lockdown.id
        ),
        details: Map::from_iter([
            ("lockdown_id".to_owned(), Value::from(lockdown.id.to_string())),
            ("scope".to_owned(), Value::from(lockdown.of.scope().as_str())),
        ]),
    }
}
