use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Cursor, Page, PageRequest, Scope};
use curfew_store::StoredSetting;
use serde_json::Value;

use super::{Setting, SettingKey, TenantSettings};
use crate::{App, AppError, Caller};

/// The settings that are in force, by name.
pub async fn list(app: &App, caller: &Caller, page: &PageRequest) -> Result<Page<Setting>, AppError> {
    caller.require(Scope::SettingsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    let stored = unit.settings().await?;
    let settings = TenantSettings::load(&unit).await?;
    let setting = |key: SettingKey| {
        let kept = stored.iter().find(|one| one.key == key.as_str());
        let updated_at = kept.map_or(tenant.created_at, |kept| kept.updated_at);
        Setting { key, value: key.value(&settings), updated_at }
    };
    let after = page.after.as_ref().map_or(&[][..], Cursor::bytes);
    let rest = SettingKey::ALL.into_iter().filter(|key| key.as_str().as_bytes() > after);
    let rows = rest.take(page.limit.rows() + 1).map(setting).collect();
    Ok(Page::cut(rows, page.limit, |last| Cursor::from_bytes(last.key.as_str().into())))
}

/// Sets one.
pub async fn change(app: &App, caller: &Caller, key: SettingKey, value: Value) -> Result<Setting, AppError> {
    caller.require(Scope::SettingsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut settings = TenantSettings::load(&unit).await?;
    let before = key.value(&settings);
    key.set(&mut settings, &value).map_err(|problem| AppError::invalid("value", &problem))?;
    let value = key.value(&settings);
    let stored = StoredSetting { key: key.as_str().to_owned(), value: value.clone(), updated_at: now };
    unit.save_setting(&stored).await?;
    unit.bump_version().await?;
    if key == SettingKey::EndSessions {
        // Whoever opts in hears at once what is missing for it; of whoever opts out nothing stays denied.
        unit.touch_sessions(now).await?;
    }
    let entry = NewEntry::new(caller.actor, AuditAction::SettingChanged, "setting", key.as_str())
        .with("before", before)
        .with("after", value.clone());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    Ok(Setting { key, value, updated_at: now })
}
