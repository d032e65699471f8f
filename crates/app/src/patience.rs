//! How long what goes round and round waits for the database.

use std::time::Duration;

use curfew_store::StoreError;

/// Longer than the database takes to refuse by itself (5 s for a connection, 5 s for a lock), and shorter than a lease
/// lasts.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the database's answer, but not for ever: a loop that did would never go round again.
pub(crate) fn in_time<T, E: From<StoreError>>(
    asked: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    curfew_store::in_time(PATIENCE, asked)
}
