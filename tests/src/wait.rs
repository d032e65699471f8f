//! Waiting for something to become so, with an end.

use std::time::Duration;

/// How long a test waits for what should take moments: long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Asks until there is an answer.
///
/// # Panics
/// When none has come within [`PATIENCE`]; `what` says what was waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = look().await {
                return answer;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for: {what}"))
}

/// A condition as an answer for [`eventually`].
pub fn holds(condition: bool) -> Option<()> {
    condition.then_some(())
}
