use curfew_domain::audit::AuditAction;
use curfew_domain::{ChannelId, Seconds};
use secrecy::SecretString;

use super::{entry, hold, secret_place};
use crate::notify::webhook::new_secret;
use crate::{App, AppError, Caller};

/// For how long the secret before still signs beside the new one.
const FORMER_SIGNS: Seconds = Seconds::of(24 * 3_600);

/// Makes a new signing secret, told this once. For a day the one before signs too, so that receivers can change over
/// without losing a message; one before that is forgotten at once.
pub async fn rotate_secret(app: &App, caller: &Caller, id: ChannelId) -> Result<SecretString, AppError> {
    let (now, entropy) = (app.now(), app.entropy.as_ref());
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut stored = hold(&unit, caller, id).await?;
    let secret = new_secret(entropy);
    let sealed = app.keyring.seal(secret_place(caller.tenant), &secret, entropy);
    stored.former_secret = stored.secret.replace(sealed).map(|former| (former, now + FORMER_SIGNS));
    stored.channel.updated_at = now;
    unit.update_channel(&stored).await?;
    let entry =
        entry(caller, AuditAction::NotificationChannelUpdated, &stored.channel).with("secret_rotated", true);
    unit.record(entry, now, entropy).await?;
    unit.commit().await?;
    Ok(secret)
}
