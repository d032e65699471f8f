//! Groups of people, within one tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{check_text, check_visible, text_type};
use crate::{
    DisplayName, Email, GroupId, Invalid, LongText, RoleSlug, ScopeSet, Timestamp, UserId, scopes_of,
};

text_type!(
    /// A group's name: 1 to 200 characters on one line, without spaces around it, and none that can't be
    /// seen. It is no id, for a rule names groups
    /// by either. Compare with [`GroupName::folded`].
    GroupName,
    check_group_name
);

impl GroupName {
    /// The lower-case form: the one that is unique in a tenant, and that rules are looked up by.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

fn check_group_name(text: &str) -> Result<(), Invalid> {
    check_text(text, "a group's name", 1, 200, false)?;
    check_visible(text, "a group's name")?;
    if text.trim() != text {
        return Err(Invalid::new("a group's name has no spaces around it"));
    }
    if text.parse::<GroupId>().is_ok() {
        return Err(Invalid::new("a group's name can't look like an id"));
    }
    Ok(())
}

/// Where a group, or somebody's being in it, comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupSource {
    /// Made here, and changed here.
    Local,
    /// An identity provider tells it, and alone changes it.
    Scim,
}

impl GroupSource {
    /// All of them.
    pub const ALL: [GroupSource; 2] = [GroupSource::Local, GroupSource::Scim];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            GroupSource::Local => "local",
            GroupSource::Scim => "scim",
        }
    }
}

impl FromStr for GroupSource {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| Invalid::new("a group's source is local or scim"))
    }
}

/// People under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name; unique in the tenant, without regard to case.
    pub name: GroupName,
    /// Where it comes from.
    pub source: GroupSource,
    /// What it is for.
    pub description: Option<LongText>,
    /// How many people are in it, suspended ones too.
    pub member_count: u64,
    /// The roles that its members have by it, each with the time since when.
    pub roles: BTreeMap<RoleSlug, Timestamp>,
    /// What those of its roles allow that the tenant has made.
    pub custom_scopes: ScopeSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or description was last changed.
    pub updated_at: Timestamp,
}

impl Group {
    /// What its roles allow.
    pub fn scopes(&self) -> ScopeSet {
        scopes_of(self.roles.keys()).union(&self.custom_scopes)
    }
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Who.
    pub user: UserId,
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// Whether they may come in; not while suspended.
    pub active: bool,
    /// Who says that they are in it.
    pub source: GroupSource,
    /// Since when.
    pub joined_at: Timestamp,
}

/// The groups that somebody is in, and what roles they have by them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The groups.
    pub groups: BTreeSet<GroupId>,
    /// The roles that any of them gives.
    pub roles: BTreeSet<RoleSlug>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_s_name_is_no_id_and_has_no_spaces_around_it() {
        assert_eq!("Engineering".parse::<GroupName>().unwrap().folded(), "engineering");
        for bad in ["", " ops", "ops ", "a\nb", "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"] {
            assert!(bad.parse::<GroupName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_group_s_name_looks_like_no_other() {
        for hidden in ['\u{200b}', '\u{202e}', '\u{2066}', '\u{ad}', '\u{feff}', '\u{e0041}', '\u{2028}'] {
            let problem = format!("o{hidden}ps").parse::<GroupName>().unwrap_err().to_string();
            assert!(problem.contains(&format!("U+{:04X}", hidden as u32)), "{problem}");
        }
        assert!("Ärzte – 東京 (نوبت)".parse::<GroupName>().is_ok());
    }

    #[test]
    fn a_source_is_read_back_from_its_name() {
        for source in GroupSource::ALL {
            assert_eq!(source.as_str().parse(), Ok(source));
        }
        assert!("okta".parse::<GroupSource>().is_err());
    }
}
