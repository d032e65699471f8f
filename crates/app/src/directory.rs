//! From a person to who they are in Identity Center.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::{Email, IdentityStoreId, IdentityUser, StorePrincipalId, TenantId};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::{self, aws_unreachable};
use crate::{App, AppError};

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
    let cached = unit.identity_users_by_email(&identity_store, email).await?;
    drop(unit);
    match cached.as_slice() {
        [one] => return Ok(Some(Principal { identity_store, id: one.principal.clone() })),
        [] => {}
        _ => return Ok(None),
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
pub struct Lookups(Mutex<HashMap<TenantId, Instant>>);

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
        let mut next = self.0.lock();
        next.retain(|_, slot| *slot > now);
        let slot = next.get(&tenant).copied().unwrap_or(now);
        if slot > now + LONGEST_WAIT {
            return Err(AppError::RateLimited { retry_after_seconds: LONGEST_WAIT.as_secs() });
        }
        next.insert(tenant, slot + BETWEEN);
        Ok(slot)
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
