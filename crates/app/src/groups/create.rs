use std::collections::BTreeMap;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Group, GroupId, GroupName, GroupSource, LongText, Scope, ScopeSet, Timestamp};
use curfew_store::ReadUnit;

use super::spoken_for::refuse_spoken_for;
use super::{MOST_GROUPS, named_twice};
use crate::roles::Giver;
use crate::{App, AppError, Caller, Made, Once};

/// A group that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<LongText>,
}

/// Makes a group with nobody in it.
pub async fn create(app: &App, caller: &Caller, ask: NewGroup, once: &Once) -> Result<Made<Group>, AppError> {
    caller.require(Scope::GroupsCreate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    Giver::alone(caller, &unit, Scope::GroupsCreate).await?;
    if let Some(group) = made_before(&unit, once, now).await? {
        return Ok(Made::Before(group));
    }
    if unit.count_groups().await? >= MOST_GROUPS {
        return Err(AppError::conflict(format!("a tenant has at most {MOST_GROUPS} groups")));
    }
    let group = Group {
        id: GroupId::new(now, app.entropy.as_ref()),
        name: ask.name,
        source: GroupSource::Local,
        description: ask.description,
        member_count: 0,
        roles: BTreeMap::new(),
        custom_scopes: ScopeSet::default(),
        created_at: now,
        updated_at: now,
    };
    refuse_spoken_for(&unit, caller, &group).await?;
    unit.insert_group(&group).await.map_err(named_twice(&group.name))?;
    let entry = NewEntry::new(caller.actor, AuditAction::GroupCreated, "group", group.id)
        .with("source", group.source.as_str())
        .with_personal("name", group.name.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    once.remember(&unit, group.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(group))
}

/// What the same request made before.
async fn made_before(unit: &ReadUnit, once: &Once, now: Timestamp) -> Result<Option<Group>, AppError> {
    let Some(id) = once.earlier::<GroupId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.group(id).await?.ok_or(AppError::NotFound("group"))?))
}
