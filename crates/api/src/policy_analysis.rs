use std::collections::BTreeMap;
use std::net::IpAddr;

use curfew_domain::{
    AccountId, Action, AuthProvider, DayOfWeek, DisplayName, Email, GroupId, OuId, PermissionSetArn,
    PolicyId, RoleSlug, RuleId, Seconds, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::ActionSchema;
use crate::limit::some_at_most;
use crate::policy_drafts::DraftPolicy;
use crate::policy_simulation::SimulatedDecision;

/// What is asked of the policies: at least one question. Where there is a draft, the other questions are asked of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzePolicies {
    /// A draft, as in a simulation: does it only narrow what can be had?
    #[serde(default, deserialize_with = "some_at_most::<1000, _, _>")]
    #[schema(value_type = Option<Vec<DraftPolicy>>, nullable = false, min_items = 1, max_items = 1000)]
    pub changes: Option<Vec<DraftPolicy>>,
    /// Can anybody have this without a person's approval?
    #[serde(default)]
    #[schema(nullable = false)]
    pub reach: Option<ReachQuestion>,
    /// Which rules never matter?
    #[serde(default)]
    #[schema(nullable = false)]
    pub rules: Option<RulesQuestion>,
}

/// What may be had.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachQuestion {
    /// In which account.
    #[schema(value_type = String, pattern = "^[0-9]{12}$", example = "123456789012")]
    pub account_id: AccountId,
    /// As which permission set; any unless said.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 2048, example = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// By which action; any unless said.
    #[serde(default)]
    #[schema(value_type = Option<ActionSchema>, nullable = false)]
    pub action: Option<Action>,
}

/// Which rules are asked about; `{}` for those of all policies.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesQuestion {
    /// Those of this policy.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>, nullable = false)]
    pub policy_id: Option<PolicyId>,
}

/// What is true of the policies, for every request there could be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyAnalysis {
    /// Whether what proves things is installed on the node that answers. Where it is absent, nothing is told.
    pub solver: SolverPresence,
    /// Whether the draft gives nothing that is not given now, nor on easier terms; null where it was not asked.
    #[schema(required)]
    pub narrows: Option<Proof>,
    /// Whether nobody can have it without a person's approval: `refuted` is told with a request that is approved at once.
    /// Null where it was not asked.
    #[schema(required)]
    pub reach: Option<Proof>,
    /// Which rules never matter; null where it was not asked.
    #[schema(required)]
    pub rules: Option<RulesProof>,
}

/// Whether a solver is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SolverPresence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What comes of a question whether something holds for every request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Proof {
    /// Whether it does.
    pub answer: ProofAnswer,
    /// Why it could not be told; null where it could.
    #[schema(required)]
    pub reason: Option<String>,
    /// A request for which it does not hold; null unless it is refuted.
    #[schema(required)]
    pub counterexample: Option<Counterexample>,
}

/// Whether something holds for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofAnswer {
    /// It does.
    Proved,
    /// It does not.
    Refuted,
    /// It could not be told.
    Unknown,
}

/// A request that nobody has made. Policies were asked about it, and said what stands here. Where rules name nobody, and
/// nothing, that fits, people, accounts and permission sets are made up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Counterexample {
    /// It, in a sentence.
    pub summary: String,
    /// What is decided, in words.
    pub why: String,
    /// Who asks.
    pub person: SupposedPerson,
    /// In which account.
    pub account: SupposedAccount,
    /// As what.
    pub permission_set: SupposedPermissionSet,
    /// What is to be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// How long.
    #[schema(required, value_type = Option<i64>)]
    pub duration_seconds: Option<Seconds>,
    /// Whether it is an emergency.
    pub break_glass: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// On which day that is, in the tenant's time zone: `monday` to `sunday`.
    #[schema(value_type = String, example = "monday")]
    pub day_of_week: DayOfWeek,
    /// At which hour, 0 to 23.
    pub hour: u8,
    /// Whether a second factor was shown.
    pub mfa: bool,
    /// Why; null where no reason is given.
    #[schema(required)]
    pub reason: Option<String>,
    /// A ticket; null where none is given.
    #[schema(required)]
    pub ticket: Option<String>,
    /// From where; null where that is not known.
    #[schema(required, value_type = Option<String>)]
    pub source_ip: Option<IpAddr>,
    /// Whether what is known of AWS is young enough to approve by at once.
    pub aws_data_is_fresh: bool,
    /// What the policies say as they are; null where no draft is compared with them.
    #[schema(required)]
    pub before: Option<SimulatedDecision>,
    /// What the draft says, or where there is none, what the policies say.
    pub after: SimulatedDecision,
}

/// A person, as policies see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SupposedPerson {
    /// Who, where a rule names them; else an id of nobody.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Their address.
    #[schema(value_type = String)]
    pub email: Email,
    /// Their name.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// Their roles.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<RoleSlug>,
    /// Their groups.
    #[schema(value_type = Vec<Uuid>)]
    pub groups: Vec<GroupId>,
    /// Who vouches for them: `local`, `oidc` or `saml`.
    #[schema(value_type = String, example = "local")]
    pub auth_provider: AuthProvider,
    /// Whether a second factor is enrolled.
    pub mfa: bool,
}

/// An account, as policies see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SupposedAccount {
    /// Its id.
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// The units that it lies in, the nearest first, as far as rules name them.
    #[schema(value_type = Vec<String>)]
    pub organizational_units: Vec<OuId>,
    /// Its tags, as far as rules look at them.
    pub tags: BTreeMap<String, String>,
    /// Whether it is the organization's management account.
    pub is_management: bool,
}

/// A permission set, as policies see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SupposedPermissionSet {
    /// Its ARN.
    #[schema(value_type = String)]
    pub arn: PermissionSetArn,
    /// Its name.
    pub name: String,
    /// Its privilege rank; null where it has none.
    #[schema(required)]
    pub rank: Option<i64>,
    /// How long AWS's own sessions of it last.
    #[schema(value_type = i64)]
    pub session_seconds: Seconds,
}

/// What is told of rules.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RulesProof {
    /// Rules that never matter, each by itself: 250 at most. Of two that say the same, both are here.
    #[schema(max_items = 250)]
    pub findings: Vec<RuleFinding>,
    /// How many never matter.
    pub findings_total: usize,
    /// Rules of which it could not be told: 250 at most.
    #[schema(max_items = 250)]
    pub unknown: Vec<UnknownRule>,
    /// Of how many it could not be told.
    pub unknown_total: usize,
    /// How many matter.
    pub matter: usize,
    /// Why nothing is told of any rule; null where something is.
    #[schema(required)]
    pub reason: Option<String>,
}

/// A rule as people know it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedRule {
    /// Its policy; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// The place in `changes` of what makes or changes the policy; null where the draft leaves it as it is.
    #[schema(required)]
    pub change: Option<usize>,
    /// What people call the policy.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// The rule; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub rule_id: Option<RuleId>,
    /// Its place in the policy.
    pub ordinal: u32,
}

/// A rule that never matters.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleFinding {
    /// Which.
    #[serde(flatten)]
    pub rule: NamedRule,
    /// In what way.
    pub finding: Idleness,
}

/// In what way a rule never matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Idleness {
    /// It matches nothing that could be asked for.
    Impossible,
    /// It matches, and what can be had would be the same without it.
    Shadowed,
}

/// A rule of which it could not be told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnknownRule {
    /// Which.
    #[serde(flatten)]
    pub rule: NamedRule,
    /// Why.
    pub reason: String,
}
