//! Automatic permits that may give what is strongest: the management account, and permission sets of the highest rank.
//!
//! Who asks is not known, nor when; the rest is, so Cedar evaluates a permit as far as that goes. What then may still
//! match is warned of, unless a forbid of the same priority or of a higher one takes it from everybody.

use std::collections::BTreeMap;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy as CedarPolicy};
use curfew_domain::Action;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;

use super::everyone::{fits_everyone, looks_at};
use super::{Read, Surroundings, WarningCode, Warnings};
use crate::compile::CompiledPolicies;
use crate::entities::{BoxError, entities_of_places, uid};
use crate::partial::{Known, Partial, Says, action_uid};
use crate::{AccountFacts, PermissionSetFacts};

/// So many forbids are asked whether they stop a permit that may match.
const MOST_FORBIDS: usize = 50;

/// So often rules are evaluated for one answer: some tenths of a second.
const MOST_EVALUATED: usize = 3_000;

/// Warns of what an automatic policy may give by some of its rules.
pub(super) fn warn(
    policy: &Policy,
    (rules, with_fellows): (&[Read], &[Read]),
    all: &CompiledPolicies,
    around: &Surroundings,
    warnings: &mut Warnings,
) {
    if policy.terms.mode != ApprovalMode::Auto || !rules.iter().any(Read::permits) {
        return;
    }
    let mut search = Search { rules, forbids: forbids(policy, with_fellows, all), left: MOST_EVALUATED };
    if let Some(account) = &around.management {
        match search.first_that_gives(|action| management(account, around, action)) {
            Ok(Some(rule)) => {
                let code = WarningCode::AutoOnManagementAccount;
                warnings.of_rule(code, policy.id, rule.id, may_give_management(account));
            }
            Ok(None) => {}
            Err(problem) => {
                let what = format!("the management account {}", account.id);
                warnings.of_policy(WarningCode::NotChecked, policy.id, could_not_ask(&what, &problem));
            }
        }
    }
    for set in &around.strongest {
        match search.first_that_gives(|action| strongest(set, action)) {
            Ok(Some(rule)) => {
                warnings.of_rule(WarningCode::AutoOnTopRank, policy.id, rule.id, may_give_strongest(set));
                break;
            }
            Ok(None) if search.left == 0 => break,
            Ok(None) => {}
            Err(problem) => {
                let what = format!("the permission set {}", set.name);
                warnings.of_policy(WarningCode::NotChecked, policy.id, could_not_ask(&what, &problem));
            }
        }
    }
    if search.left == 0 {
        warnings.of_policy(WarningCode::NotChecked, policy.id, too_much());
    }
}

fn may_give_management(account: &AccountFacts) -> String {
    format!(
        "this permit may give access to the management account {} without anybody's approval. Take it out with `unless \
         {{ resource is AwsAccount && resource.is_management }}`, forbid it in a policy of a higher priority, or let \
         people approve",
        account.id
    )
}

fn may_give_strongest(set: &PermissionSetFacts) -> String {
    format!(
        "this permit may give the permission set {}, whose rank is the highest, without anybody's approval. Name the \
         permission sets that it is for, `context has permission_set && context.permission_set == \
         AwsPermissionSet::\"…\"`, or let people approve",
        set.name
    )
}

fn could_not_ask(what: &str, problem: &BoxError) -> String {
    format!("whether the policy gives {what} without anybody's approval could not be asked: {problem}")
}

fn too_much() -> String {
    format!(
        "not all could be looked at of what the policy gives without anybody's approval: after {MOST_EVALUATED} evaluations \
         no more are made. Make several policies of one that has many rules, and give the highest rank to few permission \
         sets"
    )
}

/// The management account is asked for, with any permission set.
fn management(account: &AccountFacts, around: &Surroundings, action: Action) -> Result<Partial, BoxError> {
    let entities = entities_of_places([account], [], &around.units)?;
    let resource = uid("AwsAccount", account.id.as_str())?;
    let known = Known::default().entity("account", "AwsAccount", account.id.as_str());
    Partial::new(None, action_uid(action)?, Some(resource), entities, known)
}

/// A permission set is asked for, in any account.
fn strongest(set: &PermissionSetFacts, action: Action) -> Result<Partial, BoxError> {
    let entities = entities_of_places([], [set], &BTreeMap::new())?;
    let known = Known::default().resource_as("account").entity(
        "permission_set",
        "AwsPermissionSet",
        set.arn.as_str(),
    );
    Partial::new(None, action_uid(action)?, None, entities, known)
}

/// The forbids that decide before this policy's permits do, or with them, and spare nobody by their scope.
fn forbids<'a>(policy: &Policy, rules: &'a [Read], all: &'a CompiledPolicies) -> Vec<&'a CedarPolicy> {
    let above = all.each().filter(|other| other.id != policy.id && other.priority >= policy.priority);
    let of_others = above.flat_map(|other| other.read_rules().map(|(_, rule)| rule));
    let own = rules.iter().map(|rule| &rule.cedar);
    own.chain(of_others)
        .filter(|rule| rule.effect() == Effect::Forbid && fits_everyone(rule))
        .take(MOST_FORBIDS)
        .collect()
}

struct Search<'a> {
    rules: &'a [Read],
    forbids: Vec<&'a CedarPolicy>,
    /// How many evaluations may still be made.
    left: usize,
}

impl<'a> Search<'a> {
    /// The first permit that may match the question of some action, where no forbid stops everybody.
    fn first_that_gives(
        &mut self,
        question: impl Fn(Action) -> Result<Partial, BoxError>,
    ) -> Result<Option<&'a Read>, BoxError> {
        let mut open = Vec::new();
        for action in Action::ALL {
            let asked = question(action)?;
            if !self.is_stopped(&asked) {
                open.push((action, asked));
            }
        }
        let rules = self.rules;
        let mut permits = rules.iter().filter(|rule| rule.permits());
        Ok(permits.find(|permit| self.may_match(&permit.cedar, &open)))
    }

    fn is_stopped(&mut self, question: &Partial) -> bool {
        (0..self.forbids.len()).any(|at| self.says(self.forbids[at], question) == Some(Says::Always))
    }

    /// Of actions that a permit speaks of in the same way one stands for all.
    fn may_match(&mut self, permit: &CedarPolicy, open: &[(Action, Partial)]) -> bool {
        let most = if looks_at("action", permit) { open.len() } else { 1 };
        let mut spoken_of = open.iter().filter(|(action, _)| speaks_of(permit, *action)).take(most);
        spoken_of
            .any(|(_, question)| matches!(self.says(permit, question), Some(Says::Always | Says::Perhaps)))
    }

    /// None where enough was evaluated.
    fn says(&mut self, rule: &CedarPolicy, question: &Partial) -> Option<Says> {
        self.left = self.left.checked_sub(1)?;
        Some(question.says(rule))
    }
}

/// Whether a rule's scope speaks of an action, or of all.
fn speaks_of(rule: &CedarPolicy, action: Action) -> bool {
    let names = |uid: &EntityUid, action: Action| uid.id().unescaped() == action.as_str();
    match rule.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => names(&uid, action),
        ActionConstraint::In(uids) => {
            uids.iter().any(|uid| names(uid, action) || names(uid, Action::RequestAccess))
        }
    }
}
