//! Requests that nobody has made.

use std::net::IpAddr;

use curfew_domain::{AccountId, Action, PermissionSetArn, Reason, ResourceRef, Seconds, Timestamp};

use super::Asked;
use super::person_name::{GroupName, PersonName};

/// Somebody, and what they might ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposed {
    /// Who.
    pub person: PersonName,
    /// What.
    pub what_if: WhatIf,
}

/// What might be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// What would be named.
    pub resource: ResourceRef,
    /// What would be done with it.
    pub action: Action,
    /// How long; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
    /// Groups that the person would be in besides their own.
    pub groups: Vec<GroupName>,
    /// What would be said and so besides.
    pub circumstances: Circumstances,
}

/// Under which circumstances a request would be made. What is not said is as it is for a request that says nothing of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Circumstances {
    /// The permission set, where the resource is none.
    pub permission_set: Option<PermissionSetArn>,
    /// The account, where the resource is a permission set.
    pub account: Option<AccountId>,
    /// Why.
    pub reason: Option<Reason>,
    /// A ticket that it would belong to.
    pub ticket: Option<String>,
    /// From where.
    pub source_ip: Option<IpAddr>,
    /// When; now, if nobody says.
    pub requested_at: Option<Timestamp>,
    /// Whether a second factor would be shown, and is enrolled.
    pub mfa: Option<bool>,
    /// Whether it would be an emergency.
    pub break_glass: bool,
}

impl Asked {
    pub(super) fn supposed(wanted: &WhatIf) -> Self {
        let circumstances = wanted.circumstances.clone();
        Self {
            resource: wanted.resource.clone(),
            action: wanted.action,
            permission_set: circumstances.permission_set,
            account: circumstances.account,
            reason: circumstances.reason,
            duration: wanted.duration,
            break_glass: circumstances.break_glass,
            ticket: circumstances.ticket,
            source_ip: circumstances.source_ip,
        }
    }
}
