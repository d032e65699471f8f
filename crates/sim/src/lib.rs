//! A stand-in for AWS, for tests and the demo: STS, SSO Admin, Identity Store, Organizations and KMS's MACs over their
//! own wire protocols on one loopback port, so that the AWS SDKs and the AWS CLI work against it unchanged.
//!
//! It is written from AWS's published API reference, which the modules cite. Habits of AWS that are merely
//! seen are marked *observed* and can be switched off one by one ([`Observed`]).
//!
//! ```no_run
//! use curfew_sim::{Fault, FaultKind, Sim, World};
//!
//! # async fn example() -> Result<(), curfew_sim::SimError> {
//! let sim = Sim::start(World::demo()).await?;
//! let endpoint = sim.url(); // for `AWS_ENDPOINT_URL`
//! sim.control().inject(Fault::on("CreateAccountAssignment", FaultKind::LoseReply).once());
//! # Ok(()) }
//! ```
//!
//! - [`World`]: whose accounts, people and roles there are, and how AWS behaves in it.
//! - [`Sim`], [`SimHandle`]: the server.
//! - [`SimControl`]: the world by hand, the clock, faults, and the log of calls; over HTTP at `/_sim/…`.

mod call;
mod caller;
mod clock;
mod control;
mod dispatch;
mod entropy;
mod faults;
mod glob;
mod hex;
mod hmac;
mod identity_store;
mod iso;
mod kms;
mod limits;
mod log;
mod organizations;
mod protocol;
mod refusal;
mod scp;
mod server;
mod service;
mod sso_admin;
mod state;
mod sts;
pub mod world;

pub use clock::ClockView;
pub use control::{AssignmentView, ChangeView, Patch, PatchError, SimControl};
pub use faults::{Fault, FaultKind};
pub use log::{CallOutcome, CallRecord};
pub use server::{Sim, SimError, SimHandle};
pub use service::Service;
pub use state::{ChangeKind, PersonSession, PortalError, SessionAnswer, SignIn};
pub use world::{
    Account, AccountState, Assignment, Behaviour, CredentialState, Group, Instance, InstanceStatus, KeySpec,
    KeyState, KmsKey, Limits, Observed, Organization, OwnCredentials, PermissionSet, Permissions,
    PrincipalType, Rate, Role, ServiceControlPolicy, Trust, User, UserStatus, World, WorldError,
};
