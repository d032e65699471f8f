//! What keeps tables small, and credentials under the current master key.

use curfew_domain::{ChannelId, Seconds, TenantId, Timestamp};
use curfew_store::keyring::{KeyedHash, SealedColumn, SealedText};
use curfew_store::{OidcConfig, ReadUnit, StoredChannel};

use crate::login::LoginName;
use crate::notify::channels::{config_place, secret_place};
use crate::round::Round;
use crate::setup::OIDC_SECRET;
use crate::{App, AppError};

/// For how long after its end a login is kept.
const KEEP_ENDED_LOGINS: Seconds = Seconds::of(30 * 86_400);

/// For how long after its end a reading of a tenant's AWS is kept; the newest is kept in any case.
const KEEP_ENDED_DISCOVERIES: Seconds = Seconds::of(30 * 86_400);

/// For how long notifications are kept, and how many of a person at most.
const KEEP_NOTIFICATIONS: Seconds = Seconds::of(90 * 86_400);
const MOST_NOTIFICATIONS: u16 = 1_000;

/// For how long messages to channels are kept, once they are over.
const KEEP_DELIVERIES: Seconds = Seconds::of(30 * 86_400);

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// Tenants whose secrets or names were renewed under the current master key.
    pub tenants_renewed: usize,
    /// Credentials and names that are still kept under an older master key: live ones, which it must go on opening.
    pub under_older_keys: u64,
    /// Counts of tries to sign in that nobody needs any more.
    pub tries_forgotten: u64,
}

/// One round over all tenants; safe to repeat, and to run on several nodes. A tenant that can't be served holds up no
/// other.
///
/// After a rotation of the master key the first round renews all that the server can renew by itself: sealed
/// secrets, and the names that lead logins to tenants. Tokens and keys are renewed when they are next shown, and setup
/// links are used up then: until then each round tells how many are left, and at last that the older keys can go.
pub async fn upkeep(app: &App) -> Result<Upkeep, AppError> {
    let now = app.now();
    let unit = app.store.unwalled().read().await?;
    let tenants = unit.all_tenants().await?;
    let stale_names = unit.tenants_with_stale_login_names(app.keyring.current_key()).await?;
    drop(unit);
    let (mut done, mut round) = (Upkeep::default(), Round::new());
    for tenant in tenants {
        let renewed = renew(app, tenant, stale_names.contains(&tenant)).await;
        done.tenants_renewed += usize::from(round.of(tenant, renewed)?.unwrap_or_default());
        round.of(tenant, forget_what_is_over(app, tenant, now).await)?;
        round.of(tenant, look_for_the_forgotten(app, tenant, now).await)?;
    }
    let unit = app.store.unwalled().write().await?;
    done.tries_forgotten = unit.forget_login_tries(now).await?;
    let current = app.keyring.current_key();
    done.under_older_keys =
        unit.stale_credentials(current, now).await? + unit.stale_login_names(current).await?;
    unit.commit().await?;
    // What could not be renewed may need an older key yet.
    if !round.went_wrong() {
        tell_of_older_keys(app, done.under_older_keys);
    }
    if done.tenants_renewed > 0 {
        tracing::info!(
            tenants = done.tenants_renewed,
            key_id = %app.keyring.current_key(),
            "secrets renewed under the current master key"
        );
    }
    round.end(done)
}

async fn forget_what_is_over(app: &App, tenant: TenantId, now: Timestamp) -> Result<(), AppError> {
    let unit = app.store.tenant(tenant).write().await?;
    unit.forget_sessions(now - KEEP_ENDED_LOGINS).await?;
    unit.forget_discoveries(now - KEEP_ENDED_DISCOVERIES).await?;
    unit.forget_notifications(now - KEEP_NOTIFICATIONS, MOST_NOTIFICATIONS).await?;
    unit.forget_deliveries(now - KEEP_DELIVERIES).await?;
    Ok(unit.commit().await?)
}

/// What AWS may hold, and nobody would look at again. Nothing should ever lead there.
async fn look_for_the_forgotten(app: &App, tenant: TenantId, now: Timestamp) -> Result<(), AppError> {
    let unit = app.store.tenant(tenant).write().await?;
    let forgotten = unit.touch_forgotten(now).await?;
    unit.commit().await?;
    if forgotten > 0 {
        metrics::counter!("curfew_assignments_forgotten_total").increment(forgotten);
        tracing::error!(tenant_id = %tenant, forgotten, "assignments were not due any more, and are looked at again");
        app.nudge.about(tenant);
    }
    Ok(())
}

/// Whoever rotates the master key waits for this line.
fn tell_of_older_keys(app: &App, left: u64) {
    metrics::gauge!("curfew_under_older_master_keys").set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
    let older: Vec<String> = app.keyring.key_ids().skip(1).map(|id| id.to_string()).collect();
    if older.is_empty() {
        return;
    }
    let older = older.join(",");
    if left > 0 {
        tracing::info!(left, older, "credentials are still kept under an older master key");
    } else {
        tracing::info!(older, "nothing needs the older master keys any more");
    }
}

/// Whether there was something to renew.
async fn renew(app: &App, tenant: TenantId, names_are_stale: bool) -> Result<bool, AppError> {
    let unit = app.store.tenant(tenant).read().await?;
    let secret_is_stale = renewed_oidc(app, &unit).await?.is_some();
    let stale_channels = stale_channels(app, &unit).await?;
    drop(unit);
    if !secret_is_stale && !names_are_stale && stale_channels.is_empty() {
        return Ok(false);
    }
    let unit = app.store.tenant(tenant).write().await?;
    // Read again in the transaction that writes: what was saved meanwhile must not be overwritten.
    if let Some(config) = renewed_oidc(app, &unit).await? {
        unit.save_oidc_config(&config).await?;
    }
    for id in stale_channels {
        if let Some(channel) = unit.lock_channel(id).await?
            && let Some(channel) = renewed_channel(app, tenant, &channel)?
        {
            unit.update_channel(&channel).await?;
        }
    }
    if names_are_stale {
        unit.replace_login_names(&login_names(app, &unit).await?).await?;
    }
    unit.commit().await?;
    Ok(true)
}

/// The tenant's OpenID provider with its secret under the current master key; none where that is nothing new.
async fn renewed_oidc(app: &App, unit: &ReadUnit) -> Result<Option<OidcConfig>, AppError> {
    let Some(config) = unit.oidc_config().await? else { return Ok(None) };
    let secret =
        resealed(app, SealedColumn { tenant: unit.tenant(), column: OIDC_SECRET }, &config.client_secret)?;
    Ok(secret.map(|client_secret| OidcConfig { client_secret, ..config }))
}

/// The channels that have a secret under an older master key.
async fn stale_channels(app: &App, unit: &ReadUnit) -> Result<Vec<ChannelId>, AppError> {
    let mut stale = Vec::new();
    for channel in unit.all_channels().await? {
        if renewed_channel(app, unit.tenant(), &channel)?.is_some() {
            stale.push(channel.channel.id);
        }
    }
    Ok(stale)
}

/// A channel with its secrets under the current master key; none where that is nothing new.
fn renewed_channel(
    app: &App,
    tenant: TenantId,
    channel: &StoredChannel,
) -> Result<Option<StoredChannel>, AppError> {
    let secret = |sealed: &SealedText| resealed(app, secret_place(tenant), sealed);
    let config = resealed(app, config_place(tenant), &channel.config)?;
    let current = channel.secret.as_ref().map(secret).transpose()?.flatten();
    let former = channel.former_secret.as_ref().map(|(former, _)| secret(former)).transpose()?.flatten();
    if config.is_none() && current.is_none() && former.is_none() {
        return Ok(None);
    }
    let mut renewed = channel.clone();
    renewed.config = config.unwrap_or(renewed.config);
    renewed.secret = current.or(renewed.secret);
    if let (Some((kept, _)), Some(former)) = (&mut renewed.former_secret, former) {
        *kept = former;
    }
    Ok(Some(renewed))
}

fn resealed(app: &App, place: SealedColumn, secret: &SealedText) -> Result<Option<SealedText>, AppError> {
    app.keyring.reseal(place, secret, app.entropy.as_ref()).map_err(AppError::internal)
}

/// All names that lead to the unit's tenant: its slug, and its verified domains.
async fn login_names(app: &App, unit: &ReadUnit) -> Result<Vec<KeyedHash>, AppError> {
    let tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    let domains = unit.domains().await?;
    let verified = domains.iter().filter(|domain| domain.verified_at.is_some());
    let names = std::iter::once(LoginName::Slug(&tenant.slug))
        .chain(verified.map(|domain| LoginName::Domain(&domain.name)));
    Ok(names.map(|name| name.hash(&app.keyring)).collect())
}
