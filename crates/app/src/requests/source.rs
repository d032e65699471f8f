//! Where the facts of a decision are read.

use curfew_domain::connection::Connection;
use curfew_domain::{
    CachedResource, Email, IdentityStoreId, IdentityUser, InstanceArn, ResourceRef, ResourceType, Timestamp,
    User, UserId,
};
use curfew_store::ReadUnit;

use super::memory::Memory;
use crate::AppError;

/// The database in one unit, with a memory to put into what is found; or that memory alone.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// What is so now.
    Unit(&'a ReadUnit, &'a Memory),
    /// What was so when it was last read. What is not remembered is as good as not there.
    Memory(&'a Memory),
}

impl Source<'_> {
    pub(super) fn memory(&self) -> &Memory {
        match self {
            Self::Unit(_, memory) | Self::Memory(memory) => memory,
        }
    }

    pub(super) async fn connection(&self) -> Result<Option<Connection>, AppError> {
        let Self::Unit(unit, memory) = self else { return Ok(self.memory().connection.lock().clone()) };
        let connection = unit.connection().await?;
        memory.connection.lock().clone_from(&connection);
        Ok(connection)
    }

    pub(super) async fn user(&self, id: UserId) -> Result<Option<User>, AppError> {
        let Self::Unit(unit, memory) = self else { return Ok(self.memory().users.get(&id)) };
        let user = unit.user(id).await?;
        if let Some(user) = &user {
            memory.users.put(id, user.clone());
        }
        Ok(user)
    }

    /// Those of the resources that are known.
    pub(super) async fn resources(
        &self,
        instance: &InstanceArn,
        names: &[ResourceRef],
    ) -> Result<Vec<CachedResource>, AppError> {
        let Self::Unit(unit, memory) = self else {
            return Ok(names.iter().filter_map(|name| self.memory().resources.get(name)).collect());
        };
        let found = unit.aws_resources(instance, names).await?;
        for resource in &found {
            memory.resources.put(resource.resource.clone(), without_what_is_only_shown(resource.clone()));
        }
        Ok(found)
    }

    /// All of a kind, which nobody remembers.
    pub(super) async fn resources_of(
        &self,
        instance: &InstanceArn,
        kind: ResourceType,
    ) -> Result<Vec<CachedResource>, AppError> {
        match self {
            Self::Unit(unit, _) => Ok(unit.aws_resources_of(instance, kind).await?),
            Self::Memory(_) => Ok(Vec::new()),
        }
    }

    /// The one person with that address, by what AWS told after `oldest`.
    pub(super) async fn person(
        &self,
        store: &IdentityStoreId,
        email: &Email,
        oldest: Timestamp,
    ) -> Result<Option<IdentityUser>, AppError> {
        let Self::Unit(unit, memory) = self else {
            return Ok(self.memory().people.get(email).filter(|person| person.seen_at > oldest));
        };
        let mut found = unit.identity_users_by_email(store, email, oldest).await?;
        let person = found.pop().filter(|_| found.is_empty());
        if let Some(person) = &person {
            memory.people.put(email.clone(), person.clone());
        }
        Ok(person)
    }
}

/// Nothing is decided by it, and it may be large.
fn without_what_is_only_shown(mut resource: CachedResource) -> CachedResource {
    if let Some(pushed) = &mut resource.pushed {
        pushed.metadata.clear();
    }
    resource
}
