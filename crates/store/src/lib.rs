//! The database: SQLite or PostgreSQL, from one code.
//!
//! [`Store::tenant`] gives the only handle that can read or write a tenant's data; its units of work are one
//! transaction each. What must be found before the tenant is known lies in a few *unwalled* tables of ids, keyed
//! hashes and times, behind [`Store::unwalled`].
//!
//! To add a table:
//! 1. a `CREATE TABLE` in the newest migration that is not released, else in a new one (`migration/mod.rs`), with
//!    `tenant_id` first in its primary key, and its name in the list of walled tables;
//! 2. its entity in `entity/`, raw columns only;
//! 3. a unique constraint that callers can run into: a named `CONSTRAINT`, and a line in `constraint.rs`.
//!
//! To add a repository: one file a table group, with `impl ReadUnit` for what reads and `impl WriteUnit` for what
//! writes.
//! 1. Every query names the tenant: `.filter(Column::TenantId.eq(self.wall()))`, never an argument.
//! 2. Rows become domain types by `FromStr` and the like; what doesn't parse is [`StoreError::Corrupt`].
//! 3. A row that somebody else may change meanwhile is either locked when it is read (`FOR NO KEY UPDATE`; SQLite
//!    has one writer and needs none), always assignments before grants before due, or written only where it still
//!    is as it was read ([`StoreError::Stale`]).
//! 4. A change of people, roles, groups, policies, settings, keys or suspension calls [`WriteUnit::bump_version`].
//!    What writes the connection to AWS, or what AWS tells, notes it for the unit's commit. Caches go by the two
//!    ([`Versions`]).

mod api_keys;
mod approvers;
pub mod audit;
mod aws_resources;
mod channels;
mod connections;
mod constraint;
mod credentials;
mod custom_roles;
mod decisions;
mod deliveries;
mod discovery_runs;
mod domains;
mod drift;
mod entity;
mod erasure;
mod error;
mod exclusive;
mod grants;
mod groups;
mod holds;
mod idempotency;
mod identity_users;
mod installation;
mod instance_claims;
pub mod keyring;
mod lockdowns;
mod login;
mod master_key;
mod memberships;
mod migrate;
mod migration;
mod notification_preferences;
mod notifications;
mod nudges;
mod open;
mod outbox;
mod page;
mod past_decisions;
mod patience;
mod policies;
mod policy_groups;
mod policy_rules;
mod policy_versions;
mod reconcile;
mod recover;
mod request_due;
mod request_messages;
mod requests;
mod resource_lists;
mod revocations;
mod row;
mod sessions;
mod settings;
mod sqlite_code;
mod store;
mod suspension;
mod tenant_deletion;
mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
mod unit;
mod users;
mod versions;
mod writer;

pub use approvers::PossibleApprovers;
pub use channels::StoredChannel;
pub use constraint::Constraint;
pub use credentials::{Credential, CredentialSubject, Standing};
pub use decisions::DecisionRecord;
pub use drift::{DriftFilter, Listable, NewDrift};
pub use error::{DatabaseFault, StoreError};
pub use grants::{GrantFilter, GrantView, Story, StoryCall};
pub use idempotency::{EarlierRequest, RepeatableRequest, RequestHashes};
pub use installation::Installation;
pub use lockdowns::{LockdownInForce, covering};
pub use login::{LoginTries, TriesOf};
pub use master_key::MissingMasterKey;
pub use migrate::MigrateError;
pub use notifications::Inbox;
pub use nudges::NudgeListener;
pub use open::{OpenError, StoreOptions, TimeLimits};
pub use outbox::{DeliveryRoom, DueDelivery, DueEntry};
pub use past_decisions::PastDecision;
pub use patience::in_time;
pub use policy_versions::{MadeBy, PolicyVersion, PolicyVersionSummary};
pub use reconcile::{AssignmentCall, AssignmentWork, DueAssignment, HeldAssignment, LinkedGrant};
pub use request_due::DueRequest;
pub use requests::{RequestFilter, ToReview};
pub use resource_lists::ResourceFilter;
pub use revocations::RevokedGrant;
pub use settings::{OidcConfig, StoredSetting};
pub use store::{Backend, Store};
pub use tenant_deletion::Dismissal;
pub use tenants::Founding;
pub use unit::{ReadUnit, TenantStore, UnwalledRead, UnwalledStore, UnwalledWrite, WriteUnit};
pub use users::PasswordLogin;
pub use versions::Versions;
