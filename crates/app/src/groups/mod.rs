//! Groups of people: made, read, changed, deleted; who is in them, and which roles they give.
//!
//! Whoever changes one moves the tenant's version first. So changes wait for each other, each sees what the one before
//! did, and all of it counts from the next call on, on every node.

mod change;
mod create;
mod delete;
mod members;
mod read;
mod roles;
mod spoken_for;

pub use change::{GroupChange, change};
pub use create::{NewGroup, create};
pub use delete::delete;
pub use members::{add_member, members, remove_member};
pub use read::{get, list};
pub use roles::{GivenRole, NO_SUCH_ROLE, add_role, remove_role};

use curfew_domain::{Group, GroupId, GroupName, GroupSource, Scope};
use curfew_store::{Constraint, StoreError, WriteUnit};

use crate::roles::Giver;
use crate::{AppError, Caller};

/// The most groups of a tenant.
const MOST_GROUPS: u64 = 1_000;

/// The most people in a group: all of them are listed at once.
const MOST_MEMBERS: u64 = 5_000;

/// The most groups that somebody is in: each is a fact of every decision on what they ask for.
const MOST_GROUPS_OF_A_PERSON: u64 = 100;

/// The most roles that a group gives.
const MOST_ROLES: usize = 20;

/// A group that is to be changed, and who does it: nobody else changes groups before the unit ends.
async fn hold(
    unit: &WriteUnit,
    caller: &Caller,
    needs: Scope,
    id: GroupId,
) -> Result<(Group, Giver), AppError> {
    let giver = Giver::alone(caller, unit, needs).await?;
    let group = unit.group(id).await?.ok_or(AppError::NotFound("group"))?;
    Ok((group, giver))
}

/// What an identity provider tells of is changed there: here it would be as before after the next time it tells.
fn refuse_provided(source: GroupSource, what: &str) -> Result<(), AppError> {
    match source {
        GroupSource::Local => Ok(()),
        GroupSource::Scim => {
            Err(AppError::conflict(format!("{what} comes from an identity provider: change it there")))
        }
    }
}

fn named_twice(name: &GroupName) -> impl Fn(StoreError) -> AppError + '_ {
    move |error| match error {
        StoreError::Conflict(Constraint::GroupName) => {
            AppError::conflict(format!("there is a group {name} already, in this or another case"))
        }
        other => other.into(),
    }
}
