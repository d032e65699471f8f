//! What people want to be told of, and where.

use std::collections::BTreeMap;

use curfew_domain::{Event, NotificationPreference, PersonalChannel};

use crate::{App, AppError, Caller};

/// The caller's preferences: one for each event and place. What they never said is wanted.
pub async fn get(app: &App, caller: &Caller) -> Result<Vec<NotificationPreference>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(all(&unit.notification_preferences(caller.user).await?))
}

/// Takes these in place of all that the caller said before; what they leave out is wanted again.
pub async fn replace(
    app: &App,
    caller: &Caller,
    said: Vec<NotificationPreference>,
) -> Result<Vec<NotificationPreference>, AppError> {
    refuse_twice(&said)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    // Held, so that of two who replace them at once one comes after the other.
    if !unit.hold_active(caller.user).await? {
        return Err(AppError::NotFound("user"));
    }
    unit.replace_notification_preferences(caller.user, &said).await?;
    unit.commit().await?;
    Ok(all(&said))
}

fn all(said: &[NotificationPreference]) -> Vec<NotificationPreference> {
    let said: BTreeMap<(Event, PersonalChannel), bool> =
        said.iter().map(|one| ((one.event, one.channel), one.enabled)).collect();
    let places = |event: Event| PersonalChannel::ALL.iter().map(move |channel| (event, *channel));
    Event::ALL
        .iter()
        .copied()
        .flat_map(places)
        .map(|(event, channel)| {
            let enabled = said.get(&(event, channel)).copied().unwrap_or(true);
            NotificationPreference { event, channel, enabled }
        })
        .collect()
}

fn refuse_twice(said: &[NotificationPreference]) -> Result<(), AppError> {
    let mut first = BTreeMap::new();
    for (at, one) in said.iter().enumerate() {
        if let Some(before) = first.insert((one.event, one.channel), at) {
            let problem = format!("says again what preferences[{before}] says");
            return Err(AppError::field(format!("preferences[{at}]"), problem));
        }
    }
    Ok(())
}
