//! Policies as a tenant keeps them: Cedar rules, and the terms on which they give access.

use serde::{Deserialize, Serialize};

use crate::request::ApprovalMode;
use crate::text::{check_text, text_type};
use crate::{DisplayName, GroupId, Invalid, LongText, PolicyId, RuleId, Seconds, Timestamp};

/// What a policy without a default, asked for no duration, gives at most.
pub const USUAL_DURATION: Seconds = Seconds::of(3_600);

text_type!(
    /// What requesters are told when a rule decides: 1 to 1,000 characters.
    Notice,
    |text| check_text(text, "a notice", 1, 1_000, true)
);

text_type!(
    /// Why a policy was changed: 1 to 1,000 characters.
    ChangeReason,
    |text| check_text(text, "a reason", 1, 1_000, true)
);

/// A policy and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy<Rules = Vec<PolicyRule>> {
    /// Its id.
    pub id: PolicyId,
    /// What people call it.
    pub name: DisplayName,
    /// What it is for.
    pub description: Option<LongText>,
    /// Whether it takes part in decisions.
    pub enabled: bool,
    /// Higher is asked first; equal ones are asked together.
    pub priority: i32,
    /// On what terms its rules give access.
    pub terms: PolicyTerms,
    /// Where its events are told besides, as it was written.
    pub notification_channel: Option<DisplayName>,
    /// Its rules, by ordinal.
    pub rules: Rules,
    /// 1 when made, one more at each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A policy, for lists: how many rules it has, instead of them.
pub type PolicySummary = Policy<RuleCount>;

/// How many rules a policy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleCount(pub u32);

impl Policy {
    /// The same without its rules.
    pub fn summary(&self) -> PolicySummary {
        let count = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        Policy {
            id: self.id,
            name: self.name.clone(),
            description: self.description.clone(),
            enabled: self.enabled,
            priority: self.priority,
            terms: self.terms.clone(),
            notification_channel: self.notification_channel.clone(),
            rules: RuleCount(count),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// What differs from `before`, in the contract's names of fields. What changes at each change is left out.
    pub fn changed_since(&self, before: &Policy) -> Vec<&'static str> {
        let (now, then) = (&self.terms, &before.terms);
        [
            ("name", self.name != before.name),
            ("description", self.description != before.description),
            ("enabled", self.enabled != before.enabled),
            ("priority", self.priority != before.priority),
            ("max_duration_seconds", now.maximum != then.maximum),
            ("default_duration_seconds", now.default != then.default),
            ("notification_channel", self.notification_channel != before.notification_channel),
            ("approval_mode", now.mode != then.mode),
            ("approval_timeout_seconds", now.approval_timeout != then.approval_timeout),
            ("approvals_required", now.approvals_required != then.approvals_required),
            ("approver_groups", now.approver_groups != then.approver_groups),
            ("allow_break_glass", now.allow_break_glass != then.allow_break_glass),
            ("break_glass_max_duration_seconds", now.break_glass_maximum != then.break_glass_maximum),
            ("rules", self.rules != before.rules),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }
}

/// The terms on which a policy's permits give access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTerms {
    /// Above this its permits don't match.
    pub maximum: Seconds,
    /// How long, when nobody said.
    pub default: Option<Seconds>,
    /// How a request is approved.
    pub mode: ApprovalMode,
    /// How long a request waits for people.
    pub approval_timeout: Option<Seconds>,
    /// How many different people have to approve.
    pub approvals_required: u16,
    /// Who may approve; anybody with the right where empty.
    pub approver_groups: Vec<GroupId>,
    /// Whether an emergency passes without approval.
    pub allow_break_glass: bool,
    /// How long an emergency lasts at most.
    pub break_glass_maximum: Option<Seconds>,
}

impl PolicyTerms {
    /// Terms with the contract's defaults.
    pub const fn lasting_up_to(maximum: Seconds) -> Self {
        Self {
            maximum,
            default: None,
            mode: ApprovalMode::Require,
            approval_timeout: None,
            approvals_required: 1,
            approver_groups: Vec::new(),
            allow_break_glass: false,
            break_glass_maximum: None,
        }
    }

    /// The duration that is judged when nobody asked for one.
    pub fn usual_duration(&self) -> Seconds {
        self.default.unwrap_or_else(|| self.maximum.min(USUAL_DURATION))
    }

    /// Whether an emergency may pass without approval.
    pub fn allows_emergencies(&self) -> bool {
        self.allow_break_glass || self.mode == ApprovalMode::BreakGlass
    }

    /// Checks what no single field can tell, with the name of the field that is wrong.
    pub fn check(&self) -> Result<(), (&'static str, Invalid)> {
        let at_least_a_second = |field, length: Option<Seconds>| match length {
            Some(length) if length < Seconds::of(1) => {
                Err((field, Invalid::new("this duration is at least one second")))
            }
            _ => Ok(()),
        };
        at_least_a_second("max_duration_seconds", Some(self.maximum))?;
        at_least_a_second("default_duration_seconds", self.default)?;
        at_least_a_second("approval_timeout_seconds", self.approval_timeout)?;
        at_least_a_second("break_glass_max_duration_seconds", self.break_glass_maximum)?;
        if self.default.is_some_and(|default| default > self.maximum) {
            let problem = Invalid::new("the default duration can't be longer than the maximum");
            return Err(("default_duration_seconds", problem));
        }
        if self.break_glass_maximum.is_some() && !self.allows_emergencies() {
            let problem = "this bounds emergencies, and the policy lets none pass: set allow_break_glass, or the \
                           approval_mode break_glass";
            return Err(("break_glass_max_duration_seconds", Invalid::new(problem)));
        }
        if self.break_glass_maximum.is_some_and(|most| most > self.maximum) {
            let problem = Invalid::new("an emergency can't last longer than the maximum");
            return Err(("break_glass_max_duration_seconds", problem));
        }
        if !(1..=20).contains(&self.approvals_required) {
            return Err(("approvals_required", Invalid::new("1 to 20 approvals can be required")));
        }
        if self.approver_groups.len() > 100 {
            return Err(("approver_groups", Invalid::new("at most 100 groups can be named")));
        }
        Ok(())
    }
}

/// Whether a rule gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Gives.
    Permit,
    /// Takes, whatever others give.
    Forbid,
}

impl Effect {
    /// The contract's name, and Cedar's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Effect::Permit => "permit",
            Effect::Forbid => "forbid",
        }
    }
}

impl std::str::FromStr for Effect {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "permit" => Ok(Effect::Permit),
            "forbid" => Ok(Effect::Forbid),
            _ => Err(Invalid::new("an effect is permit or forbid")),
        }
    }
}

/// A rule: one Cedar statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRule {
    /// Its id.
    pub id: RuleId,
    /// Its place in the policy; no two rules share one.
    pub ordinal: u32,
    /// The statement as it was written, or assembled from structured fields: returned as it is.
    pub text: String,
    /// The statement with names resolved to ids: this is evaluated.
    pub resolved: String,
    /// What requesters are told when it decides.
    pub notice: Option<Notice>,
    /// Whether sessions it gave are followed in `CloudTrail`.
    pub audit_session: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_duration_is_the_default_or_an_hour_or_less() {
        let terms = PolicyTerms::lasting_up_to(Seconds::of(28_800));
        assert_eq!(terms.usual_duration(), Seconds::of(3_600));
        let short = PolicyTerms::lasting_up_to(Seconds::of(600));
        assert_eq!(short.usual_duration(), Seconds::of(600));
        let said = PolicyTerms { default: Some(Seconds::of(7_200)), ..terms };
        assert_eq!(said.usual_duration(), Seconds::of(7_200));
    }

    #[test]
    fn terms_that_contradict_themselves_name_the_field() {
        let terms = PolicyTerms::lasting_up_to(Seconds::of(600));
        let long = PolicyTerms { default: Some(Seconds::of(601)), ..terms.clone() };
        assert_eq!(long.check().unwrap_err().0, "default_duration_seconds");
        let none = PolicyTerms { approvals_required: 0, ..terms.clone() };
        assert_eq!(none.check().unwrap_err().0, "approvals_required");
        assert_eq!(PolicyTerms::lasting_up_to(Seconds::of(0)).check().unwrap_err().0, "max_duration_seconds");
        assert!(terms.check().is_ok());
    }

    #[test]
    fn a_maximum_of_emergencies_stands_where_there_are_some_and_within_the_maximum() {
        let field = |terms: &PolicyTerms| terms.check().err().map(|(field, _)| field);
        let most = |seconds| PolicyTerms {
            break_glass_maximum: Some(Seconds::of(seconds)),
            ..PolicyTerms::lasting_up_to(Seconds::of(600))
        };
        assert_eq!(field(&most(60)), Some("break_glass_max_duration_seconds"));
        let allowed = |seconds| PolicyTerms { allow_break_glass: true, ..most(seconds) };
        let mode = PolicyTerms { mode: ApprovalMode::BreakGlass, ..most(600) };
        assert_eq!((field(&allowed(600)), field(&mode)), (None, None));
        assert_eq!(field(&allowed(601)), Some("break_glass_max_duration_seconds"));
    }
}
