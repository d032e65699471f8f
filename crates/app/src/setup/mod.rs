//! The first run: the installation gets its master tenant and that tenant's admin, once.

mod complete;
mod found;

pub use complete::{CompleteSetup, OidcSetup, SetupCompleted, complete};

pub(crate) use found::OIDC_SECRET;

use curfew_domain::PlatformMode;

use crate::{App, AppError};

/// Whether the first run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupStatus {
    /// Whether it is.
    pub completed: bool,
    /// What was chosen; `single` until then.
    pub platform_mode: PlatformMode,
}

/// Whether the first run is over.
pub async fn status(app: &App) -> Result<SetupStatus, AppError> {
    let unit = app.store.unwalled().read().await?;
    let installation = unit.installation().await?;
    Ok(SetupStatus {
        completed: installation.setup_completed_at.is_some(),
        platform_mode: installation.platform_mode,
    })
}
