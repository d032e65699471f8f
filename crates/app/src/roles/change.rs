use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Change, CustomRole, LongText, RoleId, RoleName, Scope, ScopeSet};

use super::{RoleView, hold};
use crate::{App, AppError, Caller};

/// What is to change of a role; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// Another name for people.
    pub name: Change<RoleName>,
    /// Another description, or none.
    pub description: Change<Option<LongText>>,
    /// Other scopes, in place of all that it has.
    pub scopes: Change<ScopeSet>,
}

/// Changes a role: for all who have it, from the next call on. It gets no scope that the caller lacks; others can be taken
/// from it.
pub async fn change(
    app: &App,
    caller: &Caller,
    id: RoleId,
    change: RoleChange,
) -> Result<RoleView, AppError> {
    caller.require(Scope::RolesUpdate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (before, giver) = hold(&unit, caller, Scope::RolesUpdate, id).await?;
    let mut role = CustomRole { updated_by: caller.user, updated_at: now, ..before.clone() };
    change.name.apply_to(&mut role.name);
    change.description.apply_to(&mut role.description);
    change.scopes.apply_to(&mut role.scopes);
    if role == (CustomRole { updated_by: role.updated_by, updated_at: now, ..before.clone() }) {
        return RoleView::of(&unit, before).await;
    }
    let added: ScopeSet = role.scopes.missing_from(&before.scopes).into_iter().collect();
    giver.check_scopes(&added, "the role")?;
    unit.update_custom_role(&role).await?;
    let names = |scopes: &ScopeSet| scopes.iter().map(Scope::as_str).collect::<Vec<_>>();
    let entry = NewEntry::new(caller.actor, AuditAction::RoleUpdated, "role", id)
        .with("slug", role.slug.as_str())
        .with("scopes_before", names(&before.scopes))
        .with("scopes", names(&role.scopes))
        .with("renamed", role.name != before.name)
        .with("described", role.description != before.description)
        .with_personal("name_before", before.name.as_str())
        .with_personal("name", role.name.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    let view = RoleView::of(&unit, role).await?;
    unit.commit().await?;
    Ok(view)
}
