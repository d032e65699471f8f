use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Change, Group, GroupId, GroupName, LongText, Scope};

use super::spoken_for::refuse_spoken_for;
use super::{hold, named_twice, refuse_provided};
use crate::{App, AppError, Caller};

/// What is to change of a group; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// Another name. Rules that name the group follow it.
    pub name: Change<GroupName>,
    /// Another description, or none.
    pub description: Change<Option<LongText>>,
}

/// Changes a group's name or description.
pub async fn change(app: &App, caller: &Caller, id: GroupId, change: GroupChange) -> Result<Group, AppError> {
    caller.require(Scope::GroupsUpdate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (before, _) = hold(&unit, caller, Scope::GroupsUpdate, id).await?;
    refuse_provided(before.source, "this group")?;
    let mut group = Group { updated_at: now, ..before.clone() };
    change.name.apply_to(&mut group.name);
    change.description.apply_to(&mut group.description);
    if group == (Group { updated_at: now, ..before.clone() }) {
        return Ok(before);
    }
    if group.name != before.name {
        refuse_spoken_for(&unit, caller, &group).await?;
    }
    unit.update_group(&before, &group).await.map_err(named_twice(&group.name))?;
    let entry = NewEntry::new(caller.actor, AuditAction::GroupUpdated, "group", id)
        .with("renamed", group.name != before.name)
        .with("described", group.description != before.description)
        .with_personal("name_before", before.name.as_str())
        .with_personal("name", group.name.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(group)
}
