//! Access requests: asked for, decided by policy and people, and turned into grants.

mod by_hand;
mod cancel;
mod deadlines;
mod decisions;
mod doors;
mod emergency;
mod emergency_review;
mod ensure;
mod extend;
mod facts;
mod known_account;
mod last_word;
mod locked_down;
mod memory;
mod messages;
mod metadata;
mod normalise;
mod person;
mod person_name;
mod places;
mod read;
mod record;
mod review;
mod room;
mod shortage;
mod source;
mod submit;
mod suppose;
mod survey;
mod what_if;

use std::net::IpAddr;

use curfew_domain::{AccountId, Action, PermissionSetArn, Reason, ResourceRef, Seconds};
use serde_json::{Map, Value};

use crate::AppError;

pub use by_hand::{NewGrant, give};
pub use cancel::cancel;
pub use deadlines::{Deadlines, keep_deadlines};
pub use decisions::{KeptDecision, Logged, decisions};
pub use doors::Doors;
pub use emergency_review::review;
pub use ensure::{
    AccessStatus, Changed, Diagnostic, Ensured, Entitlement, Justification, Standing, Wish, access_of, ensure,
};
pub use extend::{Extended, Extension, extend};
pub use memory::Memories;
pub use messages::{NewMessage, add_message, messages};
pub use person_name::{GroupName, PersonName};
pub use read::{ListedFor, get, list};
pub use record::question_of;
pub use review::{approve, deny};
pub use submit::submit;
pub use survey::WhatIfAnywhere;
pub use what_if::{Circumstances, Supposed, WhatIf};

pub(crate) use by_hand::give_what_is_there;
pub(crate) use known_account::{KnownAccount, known_account};
pub(crate) use places::{accounts, permission_sets};
pub(crate) use read::check_sees_all;
pub(crate) use record::question_told;
pub(crate) use review::reviewer;
pub(crate) use shortage::possible_approvers;
pub(crate) use suppose::{Told, questions, suppose};
pub(crate) use survey::{SetAsked, Survey, of_everybody, of_everything};

pub use curfew_store::RequestFilter;

/// How often a decision is taken up anew because policies, roles or another's word came between. What moves more often
/// than that within a request is told to try again.
const TRIES: usize = 5;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRequest {
    /// What is named.
    pub resource: ResourceRef,
    /// What they want to do with it.
    pub action: Action,
    /// The permission set, where `resource` is none and `metadata` doesn't name it.
    pub permission_set: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set and `metadata` doesn't name it.
    pub account: Option<AccountId>,
    /// Why.
    pub reason: Option<Reason>,
    /// How long; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
    /// Whether it is an emergency.
    pub break_glass: bool,
    /// Whatever is to be kept with it. `permission_set_arn`, `account_id` and `ticket` are read.
    pub metadata: Map<String, Value>,
}

fn moved() -> AppError {
    AppError::Unavailable {
        message: "what decides this request is changing at the same moment; try again",
        source: None,
    }
}

/// What of a request its decision needs, whether it is new or asked again.
#[derive(Debug, Clone)]
struct Asked {
    resource: ResourceRef,
    action: Action,
    permission_set: Option<PermissionSetArn>,
    account: Option<AccountId>,
    reason: Option<Reason>,
    duration: Option<Seconds>,
    break_glass: bool,
    ticket: Option<String>,
    source_ip: Option<IpAddr>,
}
