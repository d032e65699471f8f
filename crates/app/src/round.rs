//! Rounds over all tenants, in which one that can't be served holds up no other.

use std::error::Error;

use curfew_domain::TenantId;
use curfew_store::StoreError;

use crate::AppError;
use crate::audit::heads::HeadsError;

/// What went wrong in a round, whose rest is done all the same.
#[derive(Debug)]
pub(crate) struct Round<E> {
    first: Option<E>,
}

/// Why a tenant was not served.
pub(crate) trait Fault: Error + Sized + 'static {
    /// Whether no other tenant could be served either.
    fn is_everybodys(&self) -> bool;
}

impl<E: Fault> Round<E> {
    /// Nothing has gone wrong yet.
    pub(crate) const fn new() -> Self {
        Self { first: None }
    }

    /// What serving a tenant gave; none where that went wrong, which the log then says. An error that is everybody's
    /// ends the round.
    pub(crate) fn of<T>(&mut self, tenant: TenantId, served: Result<T, E>) -> Result<Option<T>, E> {
        match served {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_everybodys() => Err(error),
            Err(error) => {
                let source: &(dyn Error + 'static) = &error;
                tracing::error!(tenant_id = %tenant, error = source, "this tenant was left out of a round");
                self.first.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// Whether something went wrong so far.
    pub(crate) const fn went_wrong(&self) -> bool {
        self.first.is_some()
    }

    /// The end of a round: what it did, or what went wrong first.
    pub(crate) fn end<T>(self, done: T) -> Result<T, E> {
        self.first.map_or(Ok(done), Err)
    }
}

impl Fault for StoreError {
    fn is_everybodys(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Full(_) => true,
            Self::Conflict(_)
            | Self::Fenced
            | Self::Stale { .. }
            | Self::Corrupt { .. }
            | Self::Database(_) => false,
        }
    }
}

impl Fault for HeadsError {
    fn is_everybodys(&self) -> bool {
        match self {
            Self::Store(error) => error.is_everybodys(),
            Self::Sink(_) => true,
        }
    }
}

impl Fault for AppError {
    fn is_everybodys(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
