//! The language of Curfew: ids, value types, requests, grants, assignments and events, and the state machines
//! between them as pure functions.
//!
//! Nothing here does I/O, reads a clock, or draws randomness: time comes in as a [`Timestamp`], ids through
//! [`Entropy`]. Every value that enters the system is parsed once into one of these types and is trusted from
//! then on, so a function that takes an [`AccountId`] never checks it again.
//!
//! To add a value type: a newtype with a private field, `FromStr` that says what is wrong, `Display`, and serde
//! through both (the `text_type!` macro does it); a line in `tests/domain/texts.rs`, which
//! proves that `parse(display(x)) == x`.

mod access_grant;
mod access_request;
mod action;
mod actor;
mod api_key;
pub mod assignment;
pub mod audit;
mod aws;
mod aws_resource;
mod change;
pub mod connection;
mod discovery;
mod domain_name;
mod drift;
pub mod emergency;
mod entropy;
mod error_code;
mod event;
pub mod grant;
mod group;
mod id;
mod kms;
mod lockdown;
mod notification;
mod page;
pub mod policy;
pub mod request;
mod request_message;
mod resource;
mod role;
mod scope;
mod session;
pub mod session_end;
mod set_name;
mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod time;
mod user;
mod zone;

pub use access_grant::Grant;
pub use access_request::{AccessRequest, Approval, DoneBy};
pub use action::{AccessLevel, Action};
pub use actor::{Actor, ActorType};
pub use api_key::{ApiKey, Revoked};
pub use aws::{
    AccountId, AwsPartition, ExternalId, IdentityStoreId, InstanceArn, OuId, PermissionSetArn, Region,
    RoleArn, SessionPolicyId, StorePrincipalId,
};
pub use aws_resource::{CachedResource, Discovered, DiscoveredAttributes, IdentityUser, Pushed};
pub use change::Change;
pub use discovery::{DiscoveryCounts, DiscoveryRun, DiscoveryState};
pub use domain_name::{DomainName, TenantDomain};
pub use drift::{Drift, DriftKind, DriftOutcome, DriftPlace, DriftResolution};
pub use entropy::Entropy;
pub use error_code::ErrorCode;
pub use event::Event;
pub use group::{Group, GroupMember, GroupName, GroupSource, Memberships};
pub use id::*;
pub use kms::KmsKeyName;
pub use lockdown::{Lifted, Lockdown, LockdownOf, LockdownScope};
pub use notification::{
    ChannelType, Delivery, DeliveryFailure, DeliveryState, Notification, NotificationChannel,
    NotificationPreference, PersonalChannel,
};
pub use page::{Cursor, Page, PageLimit, PageRequest};
pub use request_message::{AuthorType, MessageText, RequestMessage};
pub use resource::{ResourceRef, ResourceType};
pub use role::{BuiltInRole, CustomRole, RoleName, RoleSlug};
pub use scope::{Scope, ScopeSet};
pub use session::{Session, SessionKind};
pub use set_name::PermissionSetName;
pub use tenant::{
    DeletionWaitsFor, Locale, PlatformMode, Slug, SsoStartUrl, Tenant, TenantDeletion, TenantState,
};
pub use text::{DisplayName, Email, Invalid, LongText, Reason};
pub use time::{Clock, Seconds, Timestamp};
pub use user::{AccountSet, AuthProvider, User, scopes_of};
pub use zone::{DayOfWeek, LocalMoment, ZoneName};
