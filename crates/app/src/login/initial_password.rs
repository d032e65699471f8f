use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, Timestamp, User};
use curfew_store::{Credential, CredentialSubject};
use secrecy::{ExposeSecret, SecretString};

use crate::credentials::password::NewPassword;
use crate::credentials::{SecretToken, TokenKind};
use crate::{App, AppError};

/// The first password of someone who was sent a setup link.
#[derive(Debug)]
pub struct SetInitialPassword {
    /// What the link carries.
    pub token: SecretString,
    /// What they want.
    pub password: SecretString,
}

/// Sets it, and uses the link up. Of two calls with one link, one succeeds.
pub async fn set_initial_password(app: &App, ask: SetInitialPassword) -> Result<(), AppError> {
    let link = link_of(app, &ask.token, app.now()).await?;
    let CredentialSubject::SetupLink(user) = link.subject else { return Err(no_such_link()) };
    let unit = app.store.tenant(link.tenant).read().await?;
    let user = unit.user(user).await?.filter(|user| user.active).ok_or_else(no_such_link)?;
    drop(unit);
    let about = [user.email.as_str(), user.name.as_str()];
    let password = NewPassword::accept(&ask.password, &about)
        .map_err(|problem| AppError::invalid("password", &problem))?;
    let hash = app.gate.passwords.hash(&password, app.entropy.as_ref()).await?;

    let now = app.now();
    let unit = app.store.tenant(link.tenant).write().await?;
    // First: hashing took its time, and whoever suspends or changes the user meanwhile must not be overwritten.
    unit.bump_version().await?;
    let before = unit.user(user.id).await?.filter(|user| user.active).ok_or_else(no_such_link)?;
    if unit.revoke_credentials(link.subject, now).await? == 0 {
        return Err(no_such_link());
    }
    unit.set_password_hash(before.id, &hash.to_string()).await?;
    // The link was handed to the owner by the master's admin, who is trusted with it: who opened it counts as the owner, and
    // as the only one who knows the password.
    let user = User { email_verified: true, account_set: None, updated_at: now, ..before.clone() };
    unit.update_user(&before, &user).await?;
    let entry =
        NewEntry::new(Actor::Local(user.id), AuditAction::PasswordSet, "user", user.id).with("initial", true);
    unit.record(entry, now, app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}

async fn link_of(app: &App, token: &SecretString, now: Timestamp) -> Result<Credential, AppError> {
    let token = SecretToken::parse(token.expose_secret())
        .filter(|token| token.kind() == TokenKind::SetupLink)
        .ok_or_else(no_such_link)?;
    let unit = app.store.unwalled().read().await?;
    let found = unit.find_credential(&token.candidates(&app.keyring)).await?;
    found
        .filter(|link| link.revoked_at.is_none() && link.expires_at.is_none_or(|end| now < end))
        .ok_or_else(no_such_link)
}

fn no_such_link() -> AppError {
    AppError::field("token", "this link is not valid: it was used, or it has expired; ask for another")
}
