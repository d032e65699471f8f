//! What a decision is asked about, with every fact that a policy may look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use curfew_domain::{
    AccountId, Action, AuthProvider, DisplayName, Email, GroupId, LocalMoment, OuId, PermissionSetArn,
    ResourceRef, RoleSlug, Seconds, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// An access request brought down to its (person, account, permission set) triples. Kept as JSON it can be asked again,
/// of the same policies to the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessQuestion {
    /// Who would get the access.
    pub person: PersonFacts,
    /// What they want to do.
    pub action: Action,
    /// Where, and as what. All must be permitted; without any, nothing is.
    pub targets: Vec<Target>,
    /// What was named, when it is not an account: must be permitted as well.
    pub named: Option<NamedResource>,
    /// Each organizational unit that matters, and the unit it lies in.
    pub units: BTreeMap<OuId, Option<OuId>>,
    /// How long; each policy has its own answer when nobody said.
    pub duration: Option<Seconds>,
    /// The longest that the tenant allows: bounds what policies give by default.
    pub longest: Seconds,
    /// Whether it is an emergency, asked by somebody who may ask so.
    pub break_glass: bool,
    /// Now.
    pub requested_at: Timestamp,
    /// Now, in the tenant's time zone.
    pub local: LocalMoment,
    /// Whether the caller showed a second factor.
    pub mfa: bool,
    /// Why.
    pub reason: Option<String>,
    /// From where.
    pub source_ip: Option<IpAddr>,
    /// A ticket that it belongs to.
    pub ticket: Option<String>,
    /// Whether what is known of AWS is young enough to approve by. If not, a person has to.
    pub facts_are_fresh: bool,
}

/// The links of a chain of units, the nearest first: each, and the one that it lies in.
pub fn unit_links(chain: &[OuId]) -> impl Iterator<Item = (OuId, Option<OuId>)> {
    let above = chain.iter().skip(1).cloned().map(Some).chain([None]);
    chain.iter().cloned().zip(above)
}

/// The person, as policies see them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonFacts {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// Their roles, also those that groups give them.
    pub roles: Vec<RoleSlug>,
    /// Every group that they are in, also through other groups.
    pub groups: Vec<GroupId>,
    /// Who vouches for them.
    pub auth_provider: AuthProvider,
    /// Whether a second factor is enrolled.
    pub mfa: bool,
}

/// One account and what would be assigned in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The account.
    pub account: AccountFacts,
    /// The permission set.
    pub permission_set: PermissionSetFacts,
}

/// An account, as AWS tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountFacts {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is the organization's management account.
    pub is_management: bool,
    /// The unit it lies in; none right below the root.
    pub unit: Option<OuId>,
}

/// A permission set, as policies see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionSetFacts {
    /// Its ARN.
    pub arn: PermissionSetArn,
    /// Its name.
    pub name: String,
    /// Its privilege rank, where somebody gave it one; low is weak.
    pub rank: Option<i64>,
    /// How long AWS's own sessions of it last.
    pub session: Seconds,
}

/// What was named instead of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedResource {
    /// It.
    pub resource: ResourceRef,
    /// The account that a bucket, database or machine is in.
    pub account: Option<AccountId>,
}
