use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Group, GroupId, GroupMember, GroupSource, Scope, Timestamp, UserId};
use curfew_store::{ReadUnit, WriteUnit};

use super::{MOST_GROUPS_OF_A_PERSON, MOST_MEMBERS, hold, refuse_provided};
use crate::{App, AppError, Caller, Made, Once};

/// Everybody in a group, by address.
pub async fn members(app: &App, caller: &Caller, group: GroupId) -> Result<Vec<GroupMember>, AppError> {
    caller.require(Scope::GroupsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.group(group).await?.ok_or(AppError::NotFound("group"))?;
    Ok(unit.group_members(group).await?)
}

/// Puts somebody into a group: policies that name it speak of them, and they have its roles, from the next call on.
///
/// Nobody gains by giving: it takes what giving each of the group's roles takes.
pub async fn add_member(
    app: &App,
    caller: &Caller,
    group: GroupId,
    user: UserId,
    once: &Once,
) -> Result<Made<GroupMember>, AppError> {
    caller.require(Scope::GroupsUpdate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (held, giver) = hold(&unit, caller, Scope::GroupsUpdate, group).await?;
    if let Some(member) = made_before(&unit, group, once, now).await? {
        return Ok(Made::Before(member));
    }
    refuse_provided(held.source, "who is in this group")?;
    giver.check_roles(held.roles.keys(), &held.scopes(), "being in the group")?;
    check_room(&unit, &held, user).await?;
    unit.insert_group_member(group, user, GroupSource::Local, now).await?;
    let member = unit.group_member(group, user).await?.ok_or(AppError::NotFound("member"))?;
    record(app, caller, &unit, AuditAction::GroupMemberAdded, (&held, user)).await?;
    once.remember(&unit, user, now).await?;
    unit.commit().await?;
    Ok(Made::Now(member))
}

/// Takes somebody out of a group: from the next call on they have nothing by it. What they were granted by then goes on
/// to its end.
pub async fn remove_member(app: &App, caller: &Caller, group: GroupId, user: UserId) -> Result<(), AppError> {
    caller.require(Scope::GroupsUpdate)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (held, _) = hold(&unit, caller, Scope::GroupsUpdate, group).await?;
    let member = unit.group_member(group, user).await?.ok_or(AppError::NotFound("member"))?;
    refuse_provided(member.source, "that they are in this group")?;
    unit.delete_group_member(group, user).await?;
    record(app, caller, &unit, AuditAction::GroupMemberRemoved, (&held, user)).await?;
    Ok(unit.commit().await?)
}

/// Whom the same request put in before.
async fn made_before(
    unit: &ReadUnit,
    group: GroupId,
    once: &Once,
    now: Timestamp,
) -> Result<Option<GroupMember>, AppError> {
    let Some(user) = once.earlier::<UserId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.group_member(group, user).await?.ok_or(AppError::NotFound("member"))?))
}

async fn check_room(unit: &ReadUnit, group: &Group, user: UserId) -> Result<(), AppError> {
    if unit.user(user).await?.is_none() {
        return Err(AppError::field("user_id", "there is no such user"));
    }
    if unit.group_member(group.id, user).await?.is_some() {
        return Err(AppError::conflict("this user is in the group already"));
    }
    if group.member_count >= MOST_MEMBERS {
        return Err(AppError::conflict(format!("a group has at most {MOST_MEMBERS} members")));
    }
    if unit.count_groups_of(user).await? >= MOST_GROUPS_OF_A_PERSON {
        let message = format!("a person is in at most {MOST_GROUPS_OF_A_PERSON} groups");
        return Err(AppError::conflict(message));
    }
    Ok(())
}

async fn record(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    action: AuditAction,
    (group, user): (&Group, UserId),
) -> Result<(), AppError> {
    let roles: Vec<&str> = group.roles.keys().map(curfew_domain::RoleSlug::as_str).collect();
    let entry = NewEntry::new(caller.actor, action, "group", group.id)
        .with("user_id", user.to_string())
        .with("roles", roles);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(())
}
