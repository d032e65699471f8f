//! Work for the processor that a tenant's policies make: parsing, compiling, deciding by many rules.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, Semaphore};

use crate::AppError;

/// Does it aside, one piece at a time for each tenant and no more at once than there are cores: a tenant that writes
/// large policies keeps itself waiting, and nobody else.
///
/// Whoever has work done must hold no unit meanwhile: connections to the database are few, and logins and the reconciler
/// wait for the same ones.
#[derive(Debug)]
pub(crate) struct Labour {
    cores: Arc<Semaphore>,
    turns: Mutex<HashMap<TenantId, Arc<Turn<()>>>>,
}

impl Default for Labour {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)), turns: Mutex::default() }
    }
}

impl Labour {
    /// Does `work` for a tenant. It goes on when nobody waits for it any more, and keeps its turn as long.
    pub(crate) async fn of<T: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let turn = Arc::clone(self.turns.lock().entry(tenant).or_default());
        let turn = turn.lock_owned().await;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(AppError::internal)?;
        let working = tokio::task::spawn_blocking(move || {
            let _held = (turn, core);
            work()
        });
        working.await.map_err(AppError::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn one_tenants_work_waits_for_its_own_and_not_for_another_tenants() {
        let labour = Arc::new(Labour { cores: Arc::new(Semaphore::new(2)), turns: Mutex::default() });
        let (go_on, wait) = mpsc::channel::<()>();
        let long = {
            let labour = Arc::clone(&labour);
            tokio::spawn(async move { labour.of(tenant(1), move || wait.recv().is_ok()).await })
        };
        let next = {
            let labour = Arc::clone(&labour);
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                labour.of(tenant(1), || ()).await
            })
        };
        for number in 2..20 {
            labour.of(tenant(number), || ()).await.unwrap();
        }
        assert!(!next.is_finished(), "its own tenant's work is not done");
        go_on.send(()).unwrap();
        assert!(long.await.unwrap().unwrap());
        next.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn_until_it_ends() {
        let labour = Labour { cores: Arc::new(Semaphore::new(1)), turns: Mutex::default() };
        let (go_on, wait) = mpsc::channel::<()>();
        let left = tokio::time::timeout(
            std::time::Duration::from_millis(20),
            labour.of(tenant(1), move || wait.recv().is_ok()),
        );
        assert!(left.await.is_err());
        assert_eq!(labour.cores.available_permits(), 0);
        go_on.send(()).unwrap();
        labour.of(tenant(2), || ()).await.unwrap();
    }
}
