//! From a person to who they are in Identity Center.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::{Email, IdentityStoreId, IdentityUser, Seconds, StorePrincipalId, TenantId, Timestamp};
use curfew_store::ReadUnit;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::{self, aws_unreachable};
use crate::pace::Turns;
use crate::settings::TenantSettings;
use crate::{App, AppError};

/// For how long it is believed whose an address is: it may move to somebody else, who must not be given what is the
/// first one's, nor the first one what is theirs.
const BELIEVED_FOR: Seconds = Seconds::of(3_600);

/// Somebody in a directory, to be frozen in an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The directory.
    pub identity_store: IdentityStoreId,
    /// Their id there.
    pub id: StorePrincipalId,
}

/// Who the person with this *verified* address is in the tenant's Identity Center; none where nobody is. The cache
/// is asked first, then AWS: at most once a second for a tenant, outside any transaction.
///
/// Two people with one address are nobody: an address that says two things says nothing.
pub async fn principal_of(app: &App, tenant: TenantId, email: &Email) -> Result<Option<Principal>, AppError> {
    let unit = app.store.tenant(tenant).read().await?;
    let connection = unit.connection().await?;
    let verified = connection::usable(connection.as_ref())?;
    let identity_store = verified.identity_store.clone();
    let oldest = oldest_believed(app.now(), &TenantSettings::load(&unit).await?);
    let cached = in_cache(&unit, &identity_store, email, oldest).await?;
    drop(unit);
    match cached {
        Cached::Known(id) => return Ok(Some(Principal { identity_store, id })),
        Cached::Unknown => {}
        Cached::Several => return Ok(None),
    }
    let Some(connection) = &connection else { return Ok(None) };
    let access = connection::access(tenant, verified, &connection.external_ids);
    app.lookups.turn(tenant).await?;
    let asked = async { app.aws.directory(&access).await?.user_by_email(&identity_store, email).await };
    let found = asked.await.map_err(|error| aws_unreachable(&error, &access.region))?;
    let Some(id) = found else { return Ok(None) };
    remember(app, tenant, &identity_store, &id, email).await?;
    Ok(Some(Principal { identity_store, id }))
}

/// What the cache knows of an address.
pub(crate) enum Cached {
    /// Whose it is.
    Known(StorePrincipalId),
    /// Several have it.
    Several,
    /// Nobody has it, as far as is known, or it was too long ago that somebody did.
    Unknown,
}

/// Whose address it is, by what AWS told after `oldest`.
pub(crate) async fn in_cache(
    unit: &ReadUnit,
    identity_store: &IdentityStoreId,
    email: &Email,
    oldest: Timestamp,
) -> Result<Cached, AppError> {
    let found = unit.identity_users_by_email(identity_store, email, oldest).await?;
    Ok(match found.as_slice() {
        [one] => Cached::Known(one.principal.clone()),
        [] => Cached::Unknown,
        _ => Cached::Several,
    })
}

/// What AWS told of people up to then is believed no more: no longer than anything else that AWS told, and an hour at
/// most.
pub(crate) fn oldest_believed(now: Timestamp, settings: &TenantSettings) -> Timestamp {
    now - BELIEVED_FOR.min(settings.aws_data_max_age)
}

/// The next full discovery tells the rest of them.
async fn remember(
    app: &App,
    tenant: TenantId,
    identity_store: &IdentityStoreId,
    id: &StorePrincipalId,
    email: &Email,
) -> Result<(), AppError> {
    let unit = app.store.tenant(tenant).write().await?;
    let user = IdentityUser {
        identity_store: identity_store.clone(),
        principal: id.clone(),
        user_name: email.to_string(),
        email: Some(email.to_string()),
        status: None,
        seen_at: app.now(),
        gone_at: None,
    };
    unit.save_identity_user(&user).await?;
    unit.commit().await?;
    Ok(())
}

/// Turns at asking AWS for a person: one a second for each tenant.
#[derive(Debug, Default)]
pub struct Lookups(Mutex<HashMap<TenantId, Turns>>);

const BETWEEN: Duration = Duration::from_secs(1);
/// Whoever would wait longer comes back later.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Lookups {
    async fn turn(&self, tenant: TenantId) -> Result<(), AppError> {
        let slot = self.slot(tenant, Instant::now())?;
        tokio::time::sleep_until(slot).await;
        Ok(())
    }

    fn slot(&self, tenant: TenantId, now: Instant) -> Result<Instant, AppError> {
        let mut tenants = self.0.lock();
        tenants.retain(|_, turns| turns.next(now) > now);
        let turns = tenants.entry(tenant).or_insert_with(|| Turns::begun(BETWEEN, now));
        if turns.next(now) > now + LONGEST_WAIT {
            return Err(AppError::RateLimited { retry_after_seconds: LONGEST_WAIT.as_secs() });
        }
        Ok(turns.take(1, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(last: u8) -> TenantId {
        format!("0192f0c1-7a3b-7c4d-8e5f-0123456789{last:02x}").parse().unwrap()
    }

    #[test]
    fn one_a_second_and_nobody_waits_long() {
        let (lookups, now) = (Lookups::default(), Instant::now());
        let waits: Vec<_> =
            (0..7).map(|_| lookups.slot(tenant(1), now).ok().map(|slot| slot - now)).collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(waits, [seconds(0), seconds(1), seconds(2), seconds(3), seconds(4), seconds(5), None]);
        assert_eq!(lookups.slot(tenant(2), now).unwrap(), now, "tenants don't wait for each other");
        let later = now + Duration::from_mins(1);
        assert_eq!(lookups.slot(tenant(1), later).unwrap(), later);
    }
}
