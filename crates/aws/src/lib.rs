//! AWS, as Curfew needs it: ports, their adapter over the AWS SDK, and the templates that let Curfew in.
//!
//! - [`Trust`]: STS. Whose credentials are these, and does a role let Curfew in?
//! - [`Directory`]: instances, permission sets, accounts, units, people. Reads only.
//! - [`Assignments`]: gives access and takes it away.
//! - [`SessionPolicies`]: ends sessions that outlive their access, where a customer lets it.
//! - [`AwsGateway`] hands these out; [`SdkGateway`] is the one that speaks to AWS.
//! - [`MacKeys`]: KMS, in whoever's account runs Curfew. No tenant's work goes there.
//! - [`AwsError`] says what went wrong by its meaning.
//! - [`bootstrap`] renders the role that a customer creates, with exactly the rights that the calls here use.
//!
//! To add a call: a method of the port that it belongs to, its adapter under `sdk/`, its IAM action in
//! `bootstrap/permissions.rs` (a test compares the two; what Curfew's own principal needs stands in
//! `docs/operations.md`), and the same operation in the simulator.

mod assignments;
pub mod bootstrap;
mod directory;
mod error;
mod gateway;
mod mac_keys;
mod patience;
mod sdk;
mod session_policies;
mod trust;

pub use assignments::{Assignee, Assignments, CallStatus};
pub use directory::{
    AccountFacts, Directory, GroupFacts, InstanceFacts, InstanceState, Listed, OrganizationFacts, PageToken,
    ParentId, PermissionSetFacts, PolicyNames, Tags, UnitFacts, UserFacts,
};
pub use error::{AwsError, AwsErrorKind, Signer};
pub use gateway::{AwsGateway, RoleAccess};
pub use mac_keys::{KeyRefused, MacKeys};
pub use patience::{Patience, Patiences};
pub use sdk::{SdkGateway, SdkSettings, StaticCredentials};
pub use session_policies::{SESSION_POLICY_PREFIX, SessionPolicies, SessionPolicy};
pub use trust::{
    AssumeRole, CallerIdentity, Purpose, SessionCredentials, SessionName, Trust, TrustedPrincipal,
};
