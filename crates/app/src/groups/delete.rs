use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Group, GroupId, PolicyId, RoleSlug, Scope};
use curfew_store::WriteUnit;
use serde_json::{Map, Value};

use super::{hold, refuse_provided};
use crate::policies::policies_naming;
use crate::{App, AppError, Caller};

/// Deletes a group. Not one that a policy names: its rules would match nobody from then on, and a `forbid` would forbid
/// nothing, without a word.
pub async fn delete(app: &App, caller: &Caller, id: GroupId) -> Result<(), AppError> {
    caller.require(Scope::GroupsDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    // Who saves a policy looks for its groups after moving the version too: of the two, one waits and sees the other.
    let (group, _) = hold(&unit, caller, Scope::GroupsDelete, id).await?;
    refuse_provided(group.source, "this group")?;
    refuse_named(caller, &unit, &group).await?;
    unit.delete_group(id).await?;
    let roles: Vec<&str> = group.roles.keys().map(RoleSlug::as_str).collect();
    let entry = NewEntry::new(caller.actor, AuditAction::GroupDeleted, "group", id)
        .with("members", group.member_count)
        .with("roles", roles)
        .with_personal("name", group.name.as_str());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}

async fn refuse_named(caller: &Caller, unit: &WriteUnit, group: &Group) -> Result<(), AppError> {
    let naming = policies_naming(unit, group.id).await?;
    let (policies, them) = match naming.len() {
        0 => return Ok(()),
        1 => ("a policy names".to_owned(), "it"),
        more => (format!("{more} policies name"), "them"),
    };
    let name = &group.name;
    if !caller.may(Scope::PoliciesRead) {
        let message =
            format!("{policies} the group {name}: have who may read policies change or delete {them} first");
        return Err(AppError::conflict(message));
    }
    let message =
        format!("{policies} the group {name}, as details.policies lists: change or delete {them} first");
    let ids: Vec<String> = naming.iter().map(PolicyId::to_string).collect();
    Err(AppError::Conflict { message, details: Map::from_iter([("policies".to_owned(), Value::from(ids))]) })
}
