use std::collections::BTreeSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    AccountSet, AuthProvider, DisplayName, Email, Memberships, RoleSlug, Scope, ScopeSet, Timestamp, User,
    UserId,
};
use curfew_store::{Constraint, ReadUnit, StoreError};
use secrecy::SecretString;

use super::check_roles;
use crate::credentials::password::{NewPassword, PasswordHash};
use crate::roles::Giver;
use crate::{App, AppError, Caller, Made, Once};

/// Someone who is to be made.
#[derive(Debug)]
pub struct NewUser {
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// Their password, until they choose another; none for one who can't sign in with one (yet).
    pub password: Option<SecretString>,
    /// Their roles.
    pub roles: BTreeSet<RoleSlug>,
    /// Who vouches for them.
    pub auth_provider: AuthProvider,
}

/// Makes a user.
///
/// Whoever makes an account could use it, so for a while its decisions don't count as another person's: the user
/// carries who made it.
pub async fn create(app: &App, caller: &Caller, ask: NewUser, once: &Once) -> Result<Made<User>, AppError> {
    caller.require(Scope::UsersCreate)?;
    if ask.roles.is_empty() {
        return Err(AppError::field("roles", "a user has at least one role"));
    }
    let reading = app.store.tenant(caller.tenant).read().await?;
    check_roles(&reading, &ask.roles, &Giver::seen(caller, &reading, Scope::UsersCreate).await?).await?;
    // Before a password is hashed for nothing, or refused because others are being hashed.
    if let Some(user) = made_before(&reading, once, app.now()).await? {
        return Ok(Made::Before(user));
    }
    drop(reading);
    let password = hashed(app, &ask).await?;

    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // Whoever deletes one of the roles waits, or came before; so does whoever takes them from the caller.
    check_roles(&unit, &ask.roles, &Giver::alone(caller, &unit, Scope::UsersCreate).await?).await?;
    if let Some(user) = made_before(&unit, once, now).await? {
        return Ok(Made::Before(user));
    }
    let custom = unit.scopes_of_custom(&ask.roles).await?;
    let user = User {
        id: UserId::new(now, app.entropy.as_ref()),
        email: ask.email,
        name: ask.name,
        roles: ask.roles,
        memberships: Memberships::default(),
        custom_scopes: ScopeSet::of_all(custom.values()),
        auth_provider: ask.auth_provider,
        active: true,
        // An admin vouches for whom they make here; a provider does for its own, when they first come.
        email_verified: ask.auth_provider == AuthProvider::Local,
        is_owner: false,
        account_set: Some(AccountSet { by: caller.user, at: now }),
        created_at: now,
        updated_at: now,
    };
    unit.insert_user(&user, password.map(|hash| hash.to_string()).as_deref()).await.map_err(taken)?;
    let entry = NewEntry::new(caller.actor, AuditAction::UserCreated, "user", user.id)
        .with("roles", user.roles.iter().map(RoleSlug::as_str).collect::<Vec<_>>())
        .with("auth_provider", user.auth_provider.as_str())
        .with_personal("email", user.email.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    once.remember(&unit, user.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(user))
}

/// Whom the same request made before.
async fn made_before(unit: &ReadUnit, once: &Once, now: Timestamp) -> Result<Option<User>, AppError> {
    let Some(id) = once.earlier::<UserId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.user(id).await?.ok_or(AppError::NotFound("user"))?))
}

async fn hashed(app: &App, ask: &NewUser) -> Result<Option<PasswordHash>, AppError> {
    let Some(password) = &ask.password else { return Ok(None) };
    if ask.auth_provider != AuthProvider::Local {
        return Err(AppError::field("password", "only a local user has a password here"));
    }
    let about = [ask.email.as_str(), ask.name.as_str()];
    let password =
        NewPassword::accept(password, &about).map_err(|problem| AppError::invalid("password", &problem))?;
    Ok(Some(app.gate.passwords.hash(&password, app.entropy.as_ref()).await?))
}

fn taken(error: StoreError) -> AppError {
    match error {
        StoreError::Conflict(Constraint::UserEmail) => {
            AppError::conflict("a user of this tenant has that e-mail address")
        }
        other => other.into(),
    }
}
