//! One submission of a person at a time on this node.

use std::time::Duration;

use curfew_domain::UserId;
use tokio::sync::{Mutex, MutexGuard};

use crate::AppError;

/// How many doors there are. Two people who share one wait for each other, for nothing and not for long.
const DOORS: usize = 1_024;

/// How long somebody waits for those before them: a database that does not answer keeps each of those for as long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A person's submissions come one after the other ([`curfew_store::WriteUnit::hold_active`]). They queue here and not in
/// the database, where whoever waits keeps a connection that others need.
#[derive(Debug)]
pub struct Doors(Vec<Mutex<()>>);

impl Default for Doors {
    fn default() -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(DOORS).collect())
    }
}

impl Doors {
    /// Waits for the person's earlier submissions.
    pub(super) async fn enter(&self, person: UserId) -> Result<MutexGuard<'_, ()>, AppError> {
        // The end of an id is random (RFC 9562, section 5.7).
        let number = usize::try_from(person.uuid().as_u128() % DOORS as u128).unwrap_or_default();
        tokio::time::timeout(PATIENCE, self.0[number].lock()).await.map_err(|_| AppError::Unavailable {
            message: "your earlier requests are not kept yet; try again",
            source: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_person_waits_for_their_own_and_not_for_ever() {
        let (doors, person) = (Doors::default(), |n| UserId::from_uuid(Uuid::from_u128(n)));
        let first = doors.enter(person(1)).await.unwrap();
        drop(doors.enter(person(2)).await.unwrap());
        assert!(doors.enter(person(1)).await.is_err());
        drop(first);
        drop(doors.enter(person(1)).await.unwrap());
    }
}
