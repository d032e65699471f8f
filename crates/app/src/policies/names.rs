//! Names in rules, looked up when the rule is saved: no right may follow a name to its next bearer.

use std::collections::{HashMap, HashSet};

use curfew_domain::{Email, GroupId, GroupName, UserId};
use curfew_policy::{NameKind, NameProblem, PrincipalId, PrincipalName};
use curfew_store::ReadUnit;

use crate::AppError;

/// What the names in some statements stand for.
#[derive(Default)]
pub(super) struct KnownNames(HashMap<PrincipalName, PrincipalId>);

impl KnownNames {
    /// Looks them up.
    pub(super) async fn of(unit: &ReadUnit, names: HashSet<PrincipalName>) -> Result<Self, AppError> {
        let mut known = HashMap::new();
        for name in names {
            if let Some(id) = look_up(unit, &name).await? {
                known.insert(name, id);
            }
        }
        Ok(Self(known))
    }

    /// And these.
    pub(super) fn and(mut self, known: HashMap<PrincipalName, PrincipalId>) -> Self {
        self.0.extend(known);
        self
    }

    /// What `name` stands for. E-mails, groups' names and ids are unique in a tenant, and no name can be an id, so
    /// nothing is ambiguous.
    pub(super) fn resolve(&self, name: &PrincipalName) -> Result<PrincipalId, NameProblem> {
        self.0.get(name).copied().ok_or(NameProblem::Unknown)
    }
}

async fn look_up(unit: &ReadUnit, name: &PrincipalName) -> Result<Option<PrincipalId>, AppError> {
    Ok(match name.kind {
        NameKind::User => user(unit, &name.name).await?.map(PrincipalId::User),
        NameKind::Group => group(unit, &name.name).await?.map(PrincipalId::Group),
    })
}

async fn user(unit: &ReadUnit, name: &str) -> Result<Option<UserId>, AppError> {
    let found = match (name.parse::<UserId>(), name.parse::<Email>()) {
        (Ok(id), _) => unit.user(id).await?,
        (_, Ok(email)) => unit.user_by_email(&email).await?,
        _ => None,
    };
    Ok(found.map(|user| user.id))
}

async fn group(unit: &ReadUnit, name: &str) -> Result<Option<GroupId>, AppError> {
    Ok(match (name.parse::<GroupId>(), name.parse::<GroupName>()) {
        (Ok(id), _) => unit.groups_among(&[id]).await?.pop(),
        (_, Ok(name)) => unit.group_named(&name).await?,
        _ => None,
    })
}
