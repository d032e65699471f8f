//! The bodies of the HTTP contract: serde types with their OpenAPI schemas and limits, and nothing else.
//!
//! One module for each group of operations. Requests are `Deserialize` with `deny_unknown_fields`, answers are
//! `Serialize`; a body that goes both ways is both. Fields are domain types, so a body that was read is a body
//! that is sound; what OpenAPI says of them stands in attributes beside them:
//!
//! ```ignore
//! /// The account.
//! #[schema(value_type = String, pattern = "^[0-9]{12}$", example = "123456789012")]
//! pub aws_account_id: AccountId,
//! ```
//!
//! A field that the contract marks `?` is written as `null`, never left out: give it `#[schema(required)]`.
//! `ErrorBody` is the exception, since the contract lets `details` and `notices` be absent.

mod access;
mod api_keys;
mod audit;
mod auth;
mod aws_identity_center;
mod aws_resources;
mod drift;
mod ensure;
mod error;
mod evaluate;
mod grants;
mod groups;
mod health;
mod limit;
mod lockdowns;
mod notification_channels;
mod notifications;
mod page;
mod policies;
mod policy_analysis;
mod policy_drafts;
mod policy_rules;
mod policy_simulation;
mod policy_warnings;
mod reach;
mod request_decisions;
mod request_messages;
mod request_review;
mod requests;
mod roles;
mod secret;
mod settings;
mod setup;
mod tenants;
mod users;

pub use api_keys::{ApiKey, ApiKeyCreated, NewApiKey};
pub use audit::{AuditLogEntry, AuditQuery, AuditVerification};
pub use auth::{
    Login, LoginMethod, LoginResult, Providers, ProvidersQuery, Refreshed, SessionCarrier, SetInitialPassword,
};
pub use aws_identity_center::{
    AwsCheck, AwsConfig, AwsTestResult, BootstrapTemplate, BootstrapTemplateFor, ExternalIdBody,
    SaveAwsConfig,
};
pub use aws_resources::{
    AwsSync, AwsSyncCounts, CachedAwsResource, PushAwsResources, PushedAwsResource, Upserted,
};
pub use drift::{Drift, DriftAction, ResolveDrift};
pub use ensure::{
    AccessGrantStatus, AccessRequestStatus, AccountTarget, Attachment, DescribedAttachment, EnsureAccess,
    EnsureDiagnostic, EnsureValidation, EnsuredAccess, EnsuredGrant, EntitlementBody, JustificationBody,
};
pub use error::ErrorBody;
pub use evaluate::{
    AlternativeTrace, ApprovalNeeded, Determining, Evaluate, EvaluationContext, EvaluationFault,
    EvaluationResult, FailedAt, GroupTrace, ResourceTrace, RuleResult, RuleTrace, SilentGroups, TraceVerdict,
    ValueSeen,
};
pub use grants::{ExtendGrant, Grant, GrantChange, GrantSessions, Happening, NewGrant, RevokeGrant};
pub use groups::{Group, GroupChange, GroupMember, GroupRole, NewGroup, NewGroupMember, NewGroupRole};
pub use health::{Health, HealthStatus};
pub use limit::AtMost;
pub use lockdowns::{Lockdown, NewLockdown};
pub use notification_channels::{
    Delivery, GenericWebhookConfig, NewGenericWebhook, NotificationChannel, NotificationChannelChange,
    NotificationChannelCreated, NotificationChannelTest, ShownChannelConfig, SigningSecret,
};
pub use notifications::{
    InAppNotification, InAppNotifications, NotificationPreference, NotificationPreferences, NotificationsRead,
};
pub use page::{ListBody, PageBody};
pub use policies::{
    NewPolicy, Policy, PolicyAtVersion, PolicyChange, PolicyChangeReason, PolicyFields, PolicyOrder,
    PolicySummary, PolicyVersion,
};
pub use policy_analysis::{
    AnalyzePolicies, Counterexample, Idleness, NamedRule, PolicyAnalysis, Proof, ProofAnswer, ReachQuestion,
    RuleFinding, RulesProof, RulesQuestion, SolverPresence, SupposedAccount, SupposedPermissionSet,
    SupposedPerson, UnknownRule,
};
pub use policy_drafts::{DraftPolicy, ResourceName, SimulatePolicies, SupposedRequest};
pub use policy_rules::{
    ActionScopeType, AddedPolicyRule, EntityScopeType, NewPolicyRule, PolicyRule, PolicyRuleChange, RuleOrder,
};
pub use policy_simulation::{
    ApprovalsAsked, DecidingPolicy, DecidingRule, DecisionOutcome, DenialReason, Difference, DifferenceKind,
    DifferenceSummary, DraftFault, PersonsDifferences, PolicySimulation, SimulatedDecision,
};
pub use policy_warnings::{
    PolicyWarning, PolicyWarningCode, PolicyWarnings, WarnedPolicy, WarnedPolicyOrder, WarnedPolicyRule,
};
pub use reach::{
    GivenAccess, PersonsAccess, PlaceAccess, ReachContext, WhatCanAccess, WhatCanAccessResult, WhoCanAccess,
    WhoCanAccessResult,
};
pub use request_decisions::{DecisionPolicy, DecisionProof, RequestDecision};
pub use request_messages::{NewRequestMessage, RequestMessage};
pub use request_review::{EmergencyReview, Review};
pub use requests::{AccessRequest, ApprovalBody, NewAccessRequest, ReviewRequest};
pub use roles::{BlastLevel, BlastRadius, NewRole, Permission, ResourcePermissions, Role, RoleChange};
pub use settings::{Setting, SettingChange};
pub use setup::{CompleteSetup, Domain, IssuerUrl, SetupCompleted, SetupOidcConfig, SetupStatus, ShortText};
pub use tenants::{NewTenant, Tenant, TenantChange, TenantCreated, TenantDeletion};
pub use users::{Me, NewUser, User, UserChange};
