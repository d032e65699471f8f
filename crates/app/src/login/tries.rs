//! The counters of [`super::backoff`], kept in the database: keyed hashes of who tries, never their names.

use std::net::IpAddr;

use curfew_domain::{Email, TenantId, Timestamp};
use curfew_store::keyring::{KeyedHash, Keyring, Purpose};
use curfew_store::{LoginTries, TriesOf, WriteUnit};

use super::backoff::{Admitted, Counters, TooEarly, Tries};
use crate::{App, AppError, with_causes};

/// Under what one try to sign in is counted.
pub(super) struct TryKeys([(TriesOf, KeyedHash); 3]);

impl TryKeys {
    /// An e-mail is counted within the tenant it leads to; one that leads nowhere by itself.
    pub(super) fn new(
        keyring: &Keyring,
        tenant: Option<TenantId>,
        email: &Email,
        source: Option<IpAddr>,
    ) -> Self {
        let tenant = tenant.map_or([0; 16], |tenant| *tenant.uuid().as_bytes());
        let email = email.folded();
        let source = neighbourhood(source);
        let hash = |parts: &[&[u8]]| keyring.hash(Purpose::LoginAttempt, parts);
        Self([
            (TriesOf::Pair, hash(&[b"pair", &tenant, email.as_bytes(), &source])),
            (TriesOf::Address, hash(&[b"address", &source])),
            (TriesOf::Account, hash(&[b"account", &tenant, email.as_bytes()])),
        ])
    }

    /// Lets a try through and counts it, in one transaction of its own: of a hundred at once, each sees those before.
    pub(super) async fn admit(&self, app: &App, now: Timestamp) -> Result<Admitted, AppError> {
        let unit = app.store.unwalled().write().await?;
        let kept = unit.lock_login_tries(&self.0, now).await?;
        let counters = counters(&kept);
        let admitted = counters.admit(now).map_err(|too_early| rate_limited(too_early, now))?;
        unit.save_login_tries(&changed(&kept, counters.after_try(now), now)).await?;
        unit.commit().await?;
        Ok(admitted)
    }

    /// Takes the try back: it was right.
    pub(super) async fn succeeded(
        &self,
        unit: &WriteUnit,
        admitted: &Admitted,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let kept = unit.lock_login_tries(&self.0, now).await?;
        let counters = counters(&kept).after_success(admitted, now);
        Ok(unit.save_login_tries(&changed(&kept, counters, now)).await?)
    }

    /// Takes the try back: its password was not looked at. When that fails too, it counts as wrong.
    pub(super) async fn not_looked_at(&self, app: &App, admitted: &Admitted) {
        let taken_back = async {
            let unit = app.store.unwalled().write().await?;
            let kept = unit.lock_login_tries(&self.0, admitted.at).await?;
            let counters = counters(&kept).taken_back(admitted);
            unit.save_login_tries(&changed(&kept, counters, admitted.at)).await?;
            unit.commit().await
        };
        if let Err(error) = taken_back.await {
            tracing::warn!(
                error = with_causes(&error),
                "a try to sign in that was not looked at stays counted"
            );
        }
    }
}

fn rate_limited(too_early: TooEarly, now: Timestamp) -> AppError {
    metrics::counter!("curfew_login_delayed_total").increment(1);
    let seconds = too_early.until.seconds_since(now).get();
    AppError::RateLimited { retry_after_seconds: seconds.unsigned_abs().max(1) }
}

/// One home or office of IPv6 has a /64 to itself (RFC 6177), so that is what counts as one address.
fn neighbourhood(source: Option<IpAddr>) -> Vec<u8> {
    match source {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
    }
}

/// In the order of [`TryKeys`].
fn counters(kept: &[LoginTries]) -> Counters {
    let of = |which: TriesOf| {
        let one = kept.iter().find(|one| one.of == which);
        one.map_or_else(Tries::default, |one| Tries {
            failures: one.failures,
            last_failure: one.last_failure_at,
            last_success: one.last_success_at,
        })
    };
    Counters { pair: of(TriesOf::Pair), address: of(TriesOf::Address), account: of(TriesOf::Account) }
}

fn changed(kept: &[LoginTries], counters: Counters, now: Timestamp) -> Vec<LoginTries> {
    kept.iter()
        .map(|one| {
            let tries = match one.of {
                TriesOf::Pair => counters.pair,
                TriesOf::Address => counters.address,
                TriesOf::Account => counters.account,
            };
            LoginTries {
                failures: tries.failures,
                last_failure_at: tries.last_failure,
                last_success_at: tries.last_success,
                forget_at: tries.forget_at().unwrap_or(now),
                ..*one
            }
        })
        .collect()
}
