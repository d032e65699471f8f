//! What is known of a tenant's AWS: a cache with two halves.
//!
//! What AWS told (*discovered*) and what somebody told (*pushed*). Policies, age and whether a resource is known at
//! all go by the discovered half alone, or a push could move production under the Dev unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AccessLevel, AccountId, CachedResourceId, DisplayName, IdentityStoreId, InstanceArn, OuId, ResourceRef,
    Seconds, StorePrincipalId, Timestamp,
};

/// A resource as the cache knows it, unique by (tenant, instance, type, AWS id).
#[derive(Debug, Clone, PartialEq)]
pub struct CachedResource {
    /// Its id in the cache.
    pub id: CachedResourceId,
    /// The Identity Center instance that it was seen through.
    pub instance: InstanceArn,
    /// What it is.
    pub resource: ResourceRef,
    /// The account that it is in, where it is in one.
    pub account: Option<AccountId>,
    /// What AWS told; none where it was only pushed.
    pub discovered: Option<Discovered>,
    /// What somebody told.
    pub pushed: Option<Pushed>,
    /// When it was first kept.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What AWS told of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovered {
    /// Its name.
    pub name: String,
    /// The organizational units that it lies in, the nearest first, up to below the root.
    pub units: Vec<OuId>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// AWS's word for its state.
    pub state: Option<String>,
    /// What only its kind has.
    pub attributes: DiscoveredAttributes,
    /// When AWS last told.
    pub seen_at: Timestamp,
    /// Since when full discoveries no longer see it.
    pub gone_at: Option<Timestamp>,
}

/// What only some kinds of resources have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscoveredAttributes {
    /// Of an account: whether it is the organization's management account.
    pub is_management: bool,
    /// Of a permission set: how long AWS's own sessions of it last.
    pub session: Option<Seconds>,
    /// Of a permission set: how much it can do, guessed from the policies that it carries.
    pub guessed_level: Option<AccessLevel>,
    /// Why it can't be managed from the account that Curfew's role is in, where it can't.
    pub out_of_reach: Option<String>,
}

/// What somebody told of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// A name to show instead of AWS's.
    pub name: Option<DisplayName>,
    /// Of a permission set: its privilege rank, low is weak.
    pub rank: Option<i32>,
    /// Whatever is to be shown with it.
    pub metadata: Map<String, Value>,
    /// Of a permission set: how much it can do.
    pub access_level: Option<AccessLevel>,
    /// Of a permission set: whether only Curfew may assign it.
    pub exclusive: bool,
    /// When it was told.
    pub at: Timestamp,
}

impl CachedResource {
    /// The name to show: what somebody told, else AWS's, else its id.
    pub fn shown_name(&self) -> &str {
        let pushed = self.pushed.as_ref().and_then(|pushed| pushed.name.as_ref()).map(DisplayName::as_str);
        let discovered = self.discovered.as_ref().map(|discovered| discovered.name.as_str());
        pushed.or(discovered).unwrap_or(self.resource.id())
    }

    /// What AWS tells of it, unless it is gone: what can be asked for.
    pub fn known(&self) -> Option<&Discovered> {
        self.discovered.as_ref().filter(|discovered| discovered.gone_at.is_none())
    }

    /// How much a permission set can do: what an admin said, else the guess, else everything.
    pub fn access_level(&self) -> AccessLevel {
        let said = self.pushed.as_ref().and_then(|pushed| pushed.access_level);
        let guessed = self.discovered.as_ref().and_then(|discovered| discovered.attributes.guessed_level);
        said.or(guessed).unwrap_or(AccessLevel::Admin)
    }
}

/// A person as Identity Center's directory has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUser {
    /// The directory.
    pub identity_store: IdentityStoreId,
    /// Their id there.
    pub principal: StorePrincipalId,
    /// Their user name there.
    pub user_name: String,
    /// Their address there.
    pub email: Option<String>,
    /// AWS's word for whether they may sign in.
    pub status: Option<String>,
    /// When AWS last told.
    pub seen_at: Timestamp,
    /// Since when full discoveries no longer see them.
    pub gone_at: Option<Timestamp>,
}
