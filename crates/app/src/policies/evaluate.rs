//! What the policies would say, and why.

use std::str::FromStr;
use std::sync::Arc;

use curfew_domain::{Email, GroupId, Invalid, Scope, UserId};
use curfew_policy::{Decision, EntityRef, Explanation, decide};

use super::explainers::Kept;
use super::snapshot::Moved;
use crate::requests::{self, Supposed, WhatIf};
use crate::{App, AppError, Caller};

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Who would ask for access.
    pub principal: PersonName,
    /// What they would ask for.
    pub what_if: WhatIf,
}

/// A person by id or address: `0192f0c1-…`, `alice@acme.com`, or `User::"…"` of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonName {
    /// By id.
    Id(UserId),
    /// By address.
    Email(Email),
}

/// A group by id: `0192f0c1-…` or `Group::"0192f0c1-…"`. Names stand for nothing before identity providers bring groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupName(pub GroupId);

/// What the policies say.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// It.
    pub decision: Decision,
    /// And why.
    pub explanation: Explanation,
}

/// Asks the policies what they would say to a request, and why. Nothing is written, and nobody is told.
pub async fn evaluate(app: &App, caller: &Caller, wanted: Evaluation) -> Result<Evaluated, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let person = find(app, caller, &wanted.principal).await?;
    let supposed = requests::suppose(app, caller.tenant, person, &wanted.what_if).await;
    let Supposed { question, snapshot, unit } = supposed.map_err(|problem| match problem {
        // Gone in between.
        AppError::NotFound("user") => unknown_person(),
        problem => problem,
    })?;
    let kept = app.policies.explainers.latest(caller.tenant);
    let moved = match &kept {
        Some(kept) if kept.version == snapshot.version => None,
        kept => Some(Moved::since(kept.as_ref().map(|kept| kept.heads.as_ref()), &unit).await?),
    };
    drop(unit);
    let working = app.policies.labour.of(caller.tenant, move || {
        let kept = explaining(kept, moved, snapshot.version);
        let decision = decide(&snapshot.policies, &question);
        let explanation = kept.explainer.explain(&question, &decision);
        (kept, Evaluated { decision, explanation })
    });
    let (kept, evaluated) = working.await?;
    app.policies.explainers.keep(caller.tenant, kept);
    Ok(evaluated)
}

/// What explains the policies of this version: the last one, with what has moved since.
fn explaining(last: Option<Kept>, moved: Option<Moved>, version: u64) -> Kept {
    let last = last.unwrap_or_else(|| Kept { version, heads: Arc::default(), explainer: Arc::default() });
    match moved {
        None => last,
        Some(Moved { heads, changed, gone }) => {
            let explainer = Arc::new(last.explainer.with(&changed, gone));
            Kept { version, heads: Arc::new(heads), explainer }
        }
    }
}

async fn find(app: &App, caller: &Caller, name: &PersonName) -> Result<UserId, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let found = match name {
        PersonName::Id(id) => unit.user(*id).await?,
        PersonName::Email(email) => unit.user_by_email(email).await?,
    };
    found.map(|user| user.id).ok_or_else(unknown_person)
}

fn unknown_person() -> AppError {
    AppError::field("principal", "there is nobody by that id or e-mail address")
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
        let unknown =
            |_| Invalid::new("there is no group of that name; a group is named by id, also as Group::\"…\"");
        id_of("Group", text)?.parse().map(Self).map_err(unknown)
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
    fn groups_are_named_by_id() {
        assert_eq!(ID.parse(), Ok(GroupName(ID.parse().unwrap())));
        assert_eq!(format!("Group::\"{ID}\"").parse(), Ok(GroupName(ID.parse().unwrap())));
        let by_user = format!("User::\"{ID}\"");
        for wrong in ["engineering", "Group::\"engineering\"", by_user.as_str(), ""] {
            assert!(wrong.parse::<GroupName>().is_err(), "{wrong}");
        }
    }
}
