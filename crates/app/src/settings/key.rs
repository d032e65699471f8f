use std::str::FromStr;

use curfew_domain::{Invalid, Seconds, Timestamp};
use serde_json::Value;

use super::TenantSettings;

/// The names of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingKey {
    /// [`TenantSettings::aws_data_max_age`]
    AwsDataMaxAge,
    /// [`TenantSettings::end_sessions`]
    EndSessions,
    /// [`TenantSettings::max_grant`]
    MaxGrant,
    /// [`TenantSettings::put_back_removed`]
    PutBackRemoved,
    /// [`TenantSettings::session_chain`]
    SessionChain,
    /// [`TenantSettings::time_zone`]
    TimeZone,
}

/// A setting and what it is set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Which.
    pub key: SettingKey,
    /// In force.
    pub value: Value,
    /// When it was set; when the tenant was made, for one that never was.
    pub updated_at: Timestamp,
}

impl SettingKey {
    /// All of them, in the order of their names.
    pub const ALL: [SettingKey; 6] = [
        SettingKey::AwsDataMaxAge,
        SettingKey::EndSessions,
        SettingKey::MaxGrant,
        SettingKey::PutBackRemoved,
        SettingKey::SessionChain,
        SettingKey::TimeZone,
    ];

    /// The name on the wire; never changed.
    pub const fn as_str(self) -> &'static str {
        match self {
            SettingKey::AwsDataMaxAge => "aws_data_max_age_seconds",
            SettingKey::EndSessions => "end_sessions",
            SettingKey::MaxGrant => "max_grant_seconds",
            SettingKey::PutBackRemoved => "put_back_removed_access",
            SettingKey::SessionChain => "session_chain_seconds",
            SettingKey::TimeZone => "time_zone",
        }
    }

    /// Sets it, if `value` is within its bounds.
    pub(super) fn set(self, settings: &mut TenantSettings, value: &Value) -> Result<(), Invalid> {
        match self {
            SettingKey::AwsDataMaxAge => settings.aws_data_max_age = seconds(value, 60, 30 * 86_400)?,
            SettingKey::EndSessions => settings.end_sessions = truth(value)?,
            // AWS ends a role session after 12 h at most; access can outlast sessions, but not by months.
            SettingKey::MaxGrant => settings.max_grant = seconds(value, 1, 30 * 86_400)?,
            SettingKey::PutBackRemoved => settings.put_back_removed = truth(value)?,
            SettingKey::SessionChain => settings.session_chain = seconds(value, 300, 7 * 86_400)?,
            SettingKey::TimeZone => {
                let name = value.as_str().ok_or_else(|| Invalid::new("a time zone is a text"))?;
                settings.time_zone = name.parse()?;
            }
        }
        Ok(())
    }

    /// What it is set to.
    pub(super) fn value(self, settings: &TenantSettings) -> Value {
        match self {
            SettingKey::AwsDataMaxAge => settings.aws_data_max_age.get().into(),
            SettingKey::EndSessions => settings.end_sessions.into(),
            SettingKey::MaxGrant => settings.max_grant.get().into(),
            SettingKey::PutBackRemoved => settings.put_back_removed.into(),
            SettingKey::SessionChain => settings.session_chain.get().into(),
            SettingKey::TimeZone => settings.time_zone.as_str().into(),
        }
    }
}

impl FromStr for SettingKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|key| key.as_str() == text)
            .ok_or_else(|| Invalid::new("no such setting; GET /v1/settings lists them"))
    }
}

fn truth(value: &Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::new("is true or false"))
}

fn seconds(value: &Value, min: i64, max: i64) -> Result<Seconds, Invalid> {
    let wrong = || Invalid::new(format!("is a whole number of seconds from {min} to {max}"));
    let number = value.as_i64().filter(|number| (min..=max).contains(number)).ok_or_else(wrong)?;
    Seconds::new(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_back_as_it_was_set() {
        for key in SettingKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(key));
            let mut settings = TenantSettings::default();
            let value = key.value(&settings);
            key.set(&mut settings, &value).unwrap();
            assert_eq!(settings, TenantSettings::default(), "{}", key.as_str());
        }
    }

    #[test]
    fn what_is_out_of_bounds_or_of_another_type_is_refused() {
        let mut settings = TenantSettings::default();
        for value in
            [Value::from(0), Value::from(1.5), Value::from("3600"), Value::Null, Value::from(i64::MAX)]
        {
            assert!(SettingKey::MaxGrant.set(&mut settings, &value).is_err(), "{value}");
        }
        assert!(SettingKey::TimeZone.set(&mut settings, &Value::from("Europe/Atlantis")).is_err());
        assert_eq!(settings, TenantSettings::default());
    }

    #[test]
    fn names_are_listed_in_order() {
        assert!(SettingKey::ALL.map(SettingKey::as_str).is_sorted());
    }
}
