use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Group, GroupId, PolicyId, RoleSlug, Scope};
use curfew_store::WriteUnit;
use serde_json::{Map, Value};

use super::{hold, refuse_provided};
use crate::{App, AppError, Caller};

/// Deletes a group. Not one that a policy names: its rules would match nobody from then on, and a `forbid` would forbid
/// nothing, without a word.
pub async fn delete(app: &App, caller: &Caller, id: GroupId) -> Result<(), AppError> {
    caller.require(Scope::GroupsDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    // Who saves a policy looks for its groups after moving the version too: of the two, one waits and sees the other.
    let (group, _) = hold(&unit, caller, Scope::GroupsDelete, id).await?;
    refuse_provided(group.source, "this group")?;
    refuse_named(&unit, &group).await?;
    unit.delete_group(id).await?;
    let roles: Vec<&str> = group.roles.keys().map(RoleSlug::as_str).collect();
    let entry = NewEntry::new(caller.actor, AuditAction::GroupDeleted, "group", id)
        .with("members", group.member_count)
        .with("roles", roles)
        .with_personal("name", group.name.as_str());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}

async fn refuse_named(unit: &WriteUnit, group: &Group) -> Result<(), AppError> {
    let naming = unit.policies_naming_group(group.id).await?;
    if naming.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} policies name the group {}, as details.policies lists: change or delete them first",
        naming.len(),
        group.name
    );
    let ids: Vec<String> = naming.iter().map(PolicyId::to_string).collect();
    Err(AppError::Conflict { message, details: Map::from_iter([("policies".to_owned(), Value::from(ids))]) })
}
