//! What a tenant has chosen, and what holds until it does.

mod change;
mod key;

use curfew_domain::{Seconds, ZoneName};
use curfew_store::{ReadUnit, StoredSetting};

pub use change::{change, list};
pub use key::{Setting, SettingKey};

use crate::AppError;

/// All settings of a tenant, as use cases need them.
///
/// To add one: a field here, a [`SettingKey`] with its bounds, and an arm in each match that the compiler then names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSettings {
    /// The longest that access may be asked for.
    pub max_grant: Seconds,
    /// How long a login can be refreshed before one signs in again.
    pub session_chain: Seconds,
    /// Where the tenant's hours and days are told.
    pub time_zone: ZoneName,
    /// How old what is known of AWS may be for a request to be approved without a person.
    pub aws_data_max_age: Seconds,
    /// Whether access that somebody removed in AWS is put back while a grant needs it. Else the grant ends: whoever removed
    /// it may be fighting an intruder.
    pub put_back_removed: bool,
    /// Whether AWS's sessions of a grant that ends before its time end with it: by policies that the customer made for it.
    pub end_sessions: bool,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            max_grant: Seconds::of(12 * 3_600),
            session_chain: Seconds::of(12 * 3_600),
            time_zone: ZoneName::utc(),
            aws_data_max_age: Seconds::of(24 * 3_600),
            put_back_removed: false,
            end_sessions: false,
        }
    }
}

impl TenantSettings {
    /// The tenant's settings, in the unit that will use them.
    pub async fn load(unit: &ReadUnit) -> Result<Self, AppError> {
        let mut settings = Self::default();
        for StoredSetting { key, value, .. } in unit.settings().await? {
            // One that a newer version wrote means nothing to this one.
            if let Ok(key) = key.parse::<SettingKey>() {
                key.set(&mut settings, &value).map_err(AppError::internal)?;
            }
        }
        Ok(settings)
    }
}
