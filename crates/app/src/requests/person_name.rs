//! People and groups as callers name them.

use std::str::FromStr;

use curfew_domain::{Email, GroupId, Invalid, User, UserId};
use curfew_policy::EntityRef;
use curfew_store::ReadUnit;

use crate::AppError;

/// A person by id or address: `0192f0c1-…`, `alice@acme.com`, or `User::"…"` of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonName {
    /// By id.
    Id(UserId),
    /// By address.
    Email(Email),
}

/// A group by id or name: `0192f0c1-…`, `engineering`, or `Group::"…"` of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupName {
    /// By id.
    Id(GroupId),
    /// By name.
    Name(curfew_domain::GroupName),
}

impl PersonName {
    /// Whom of the tenant's people it names.
    pub(super) async fn find(&self, unit: &ReadUnit) -> Result<Option<User>, AppError> {
        Ok(match self {
            PersonName::Id(id) => unit.user(*id).await?,
            PersonName::Email(email) => unit.user_by_email(email).await?,
        })
    }
}

impl GroupName {
    /// Which of the tenant's groups it names.
    pub(super) async fn find(&self, unit: &ReadUnit) -> Result<Option<GroupId>, AppError> {
        Ok(match self {
            GroupName::Id(id) => unit.groups_among(&[*id]).await?.pop(),
            GroupName::Name(name) => unit.group_named(name).await?,
        })
    }
}

impl FromStr for PersonName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = id_of("User", text)?;
        match (name.parse(), name.parse()) {
            (Ok(id), _) => Ok(Self::Id(id)),
            (_, Ok(email)) => Ok(Self::Email(email)),
            _ => Err(Invalid::new("a person is named by id or e-mail address, also as User::\"…\"")),
        }
    }
}

impl FromStr for GroupName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = id_of("Group", text)?;
        match (name.parse(), name.parse()) {
            (Ok(id), _) => Ok(Self::Id(id)),
            (_, Ok(name)) => Ok(Self::Name(name)),
            _ => Err(Invalid::new("a group is named by id or name, also as Group::\"…\"")),
        }
    }
}

/// What stands in `Type::"…"`, or all of a text that is no entity.
fn id_of(kind: &str, text: &str) -> Result<String, Invalid> {
    if !text.contains("::") {
        return Ok(text.to_owned());
    }
    let entity: EntityRef = text.parse()?;
    if entity.kind == kind { Ok(entity.id) } else { Err(Invalid::new(format!("is no {kind}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab";

    #[test]
    fn people_are_named_by_id_or_address() {
        let by_id = PersonName::Id(ID.parse().unwrap());
        let by_email = PersonName::Email("alice@acme.example".parse().unwrap());
        assert_eq!(ID.parse(), Ok(by_id.clone()));
        assert_eq!(format!("User::\"{ID}\"").parse(), Ok(by_id));
        assert_eq!("alice@acme.example".parse(), Ok(by_email.clone()));
        assert_eq!("User::\"alice@acme.example\"".parse(), Ok(by_email));
        for wrong in [
            "",
            "alice",
            "User::\"alice\"",
            "User::",
            "Role::\"admin\"",
            "Group::\"a@b.example\"",
            "User::\"\n",
        ] {
            assert!(wrong.parse::<PersonName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_are_named_by_id_or_name() {
        let (by_id, by_name) =
            (GroupName::Id(ID.parse().unwrap()), GroupName::Name("engineering".parse().unwrap()));
        assert_eq!(ID.parse(), Ok(by_id.clone()));
        assert_eq!(format!("Group::\"{ID}\"").parse(), Ok(by_id));
        assert_eq!("engineering".parse(), Ok(by_name.clone()));
        assert_eq!("Group::\"engineering\"".parse(), Ok(by_name));
        let by_user = format!("User::\"{ID}\"");
        for wrong in [by_user.as_str(), "", " ", "Group::\"\""] {
            assert!(wrong.parse::<GroupName>().is_err(), "{wrong}");
        }
    }
}
