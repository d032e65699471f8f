//! Two people who edit one policy at once: the second is told, where they said which version they had read.

use curfew_domain::policy::ChangeReason;
use serde_json::{Map, Value};

use crate::AppError;

/// What is said of a change besides what is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Which versions of the policy it is meant for.
    pub expected: Expected,
    /// Why it is made.
    pub why: Option<ChangeReason>,
}

/// Which versions of a policy a change is meant for: the use case's half of `If-Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whichever there is.
    #[default]
    Any,
    /// One of these.
    OneOf(Vec<u32>),
}

impl Expected {
    /// Refuses a change that was meant for another version. To be asked of a policy that is held.
    pub(super) fn check(&self, version: u32) -> Result<(), AppError> {
        match self {
            Expected::OneOf(versions) if !versions.contains(&version) => {
                let message = format!("the policy is at version {version} by now: read it again");
                let details = Map::from_iter([("version".to_owned(), Value::from(version))]);
                Err(AppError::Conflict { message, details })
            }
            Expected::Any | Expected::OneOf(_) => Ok(()),
        }
    }
}
