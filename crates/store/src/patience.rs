//! How long the database is waited for.

use std::time::Duration;

use crate::StoreError;

/// Waits for at most `patience` for what is asked of the database, and else says that it is unavailable.
///
/// Whoever goes round and round needs this: a server whose host is gone, or whose packets are dropped, refuses
/// nothing and answers nothing, and a statement that was sent to it waits for ever. What is waited for is dropped: its
/// unit is undone, unless its commit was under way.
pub fn in_time<T, E: From<StoreError>>(
    patience: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    // Boxed, or whoever waits would carry it twice.
    let asked = Box::pin(asked);
    async move {
        match tokio::time::timeout(patience, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(StoreError::silent(patience).into()),
        }
    }
}
