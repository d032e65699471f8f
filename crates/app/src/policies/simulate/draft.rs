//! The policies as they are, and as a draft would have them.

use std::collections::HashSet;
use std::sync::Arc;

use curfew_domain::policy::{Policy, PolicyRule};
use curfew_domain::{Change, GroupId, PolicyId, TenantId};
use curfew_policy::CompiledPolicies;
use serde_json::Value;

use super::shelf::{Mark, Shelf};
use crate::policies::change::{MOST_POLICIES, as_they_were, check, too_many_policies};
use crate::policies::groups::refuse_unknown_approvers;
use crate::policies::saving::{MOST_RULES, too_many_rules};
use crate::policies::statements::{self, NewRule};
use crate::policies::{NewPolicy, PolicyChange};
use crate::{App, AppError};

/// What a draft does with one policy.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftChange {
    /// Makes it.
    New(Box<NewPolicy>),
    /// Changes it. Statements and rules that are given take the place of all of its rules.
    Change {
        /// Which.
        policy: PolicyId,
        /// What of it.
        change: Box<PolicyChange>,
        /// Single rules, after the statements.
        rules: Change<Vec<NewRule>>,
    },
    /// Takes it away.
    Delete(PolicyId),
}

/// Both sides, compiled.
pub(in crate::policies) struct Draft {
    pub(in crate::policies) before: Arc<CompiledPolicies>,
    pub(in crate::policies) after: CompiledPolicies,
    pub(in crate::policies) names_before: Shelf,
    pub(in crate::policies) names_after: Shelf,
}

impl Draft {
    /// Makes the changes to what is there now, in memory.
    pub(in crate::policies) async fn of(
        app: &App,
        tenant: TenantId,
        changes: Vec<DraftChange>,
    ) -> Result<Self, AppError> {
        check_each_once(&changes)?;
        let (unit, _, snapshot) = app.policies.current(&app.store, tenant).await?;
        let policies = unit.policies_with_rules().await?;
        drop(unit);
        let mut names = Shelf::default();
        for policy in &policies {
            names.put(policy, Mark::default());
        }
        let mut drawn = Drawing {
            app,
            tenant,
            policies,
            drawn: HashSet::new(),
            gone: Vec::new(),
            names: names.clone(),
            refused: Refused::default(),
        };
        drawn.check_ids(&changes)?;
        for (index, change) in changes.into_iter().enumerate() {
            drawn.make(index, change).await.map_err(|problem| within(index, problem))?;
        }
        drawn.refused.check()?;
        drawn.check_rules()?;
        let Drawing { policies, drawn, gone, names: names_after, .. } = drawn;
        let before = Arc::clone(&snapshot.policies);
        // What the draft leaves as it is, both sides share.
        let compiling = app.policies.labour.of(tenant, move || {
            before.with(policies.iter().filter(|policy| drawn.contains(&policy.id)), gone)
        });
        let after = compiling.await?;
        Ok(Self { before: Arc::clone(&snapshot.policies), after, names_before: names, names_after })
    }
}

/// Two changes of one policy would hide which of them is judged.
fn check_each_once(changes: &[DraftChange]) -> Result<(), AppError> {
    let mut seen = HashSet::new();
    for (index, change) in changes.iter().enumerate() {
        if change.policy().is_some_and(|id| !seen.insert(id)) {
            return Err(AppError::field(
                format!("changes[{index}].policy_id"),
                "is changed by another change too: put them together",
            ));
        }
    }
    Ok(())
}

impl DraftChange {
    fn policy(&self) -> Option<PolicyId> {
        match self {
            Self::New(_) => None,
            Self::Change { policy, .. } | Self::Delete(policy) => Some(*policy),
        }
    }
}

/// A draft being made.
struct Drawing<'a> {
    app: &'a App,
    tenant: TenantId,
    policies: Vec<Policy>,
    /// Those that it makes or changes.
    drawn: HashSet<PolicyId>,
    gone: Vec<PolicyId>,
    names: Shelf,
    refused: Refused,
}

impl Drawing<'_> {
    /// What it speaks of is there, and it makes no more than may be.
    fn check_ids(&self, changes: &[DraftChange]) -> Result<(), AppError> {
        let there: HashSet<PolicyId> = self.policies.iter().map(|policy| policy.id).collect();
        if changes.iter().filter_map(DraftChange::policy).any(|id| !there.contains(&id)) {
            return Err(AppError::NotFound("policy"));
        }
        let made = changes.iter().filter(|change| matches!(change, DraftChange::New(_))).count();
        let gone = changes.iter().filter(|change| matches!(change, DraftChange::Delete(_))).count();
        let left = self.policies.len().saturating_sub(gone).saturating_add(made);
        // Who has more already may change what is there.
        if made > 0 && left as u64 > MOST_POLICIES { Err(too_many_policies()) } else { Ok(()) }
    }

    /// It has no more rules than a tenant may have.
    fn check_rules(&self) -> Result<(), AppError> {
        let left = self.policies.iter().filter(|policy| !self.gone.contains(&policy.id));
        let rules: usize = left.map(|policy| policy.rules.len()).sum();
        if rules as u64 > MOST_RULES { Err(too_many_rules()) } else { Ok(()) }
    }

    async fn make(&mut self, index: usize, change: DraftChange) -> Result<(), AppError> {
        match change {
            DraftChange::New(wanted) => self.add(index, *wanted).await,
            DraftChange::Change { policy, change, rules } => self.alter(index, policy, *change, rules).await,
            DraftChange::Delete(id) => {
                self.gone.push(id);
                Ok(())
            }
        }
    }

    async fn add(&mut self, index: usize, wanted: NewPolicy) -> Result<(), AppError> {
        check(&wanted.terms)?;
        self.check_approvers(&wanted.terms.approver_groups).await?;
        let mut wanted = wanted;
        let (set, single) = (wanted.policy_set.take(), std::mem::take(&mut wanted.rules));
        let Some(rules) = self.rules(index, set, single).await? else { return Ok(()) };
        let now = self.app.now();
        let policy = wanted.with_rules(PolicyId::new(now, self.app.entropy.as_ref()), rules, now);
        self.names.put(&policy, Mark { change: Some(index), is_new: true, has_new_rules: true });
        self.drawn.insert(policy.id);
        self.policies.push(policy);
        Ok(())
    }

    async fn alter(
        &mut self,
        index: usize,
        id: PolicyId,
        change: PolicyChange,
        single: Change<Vec<NewRule>>,
    ) -> Result<(), AppError> {
        // As where it is saved: statements that are written anew as they were stay the rules that they were.
        let are_statements_alone = single == Change::Keep;
        let rules = match (change.policy_set.clone(), single) {
            (Change::Keep, Change::Keep) => None,
            (set, single) => {
                let rules = self.rules(index, set.said(), single.said().unwrap_or_default()).await?;
                let Some(rules) = rules else { return Ok(()) };
                Some(rules)
            }
        };
        if let Change::To(groups) = &change.terms.approver_groups {
            self.check_approvers(groups).await?;
        }
        let Some(policy) = self.policies.iter_mut().find(|policy| policy.id == id) else {
            return Err(AppError::NotFound("policy"));
        };
        let mark = Mark { change: Some(index), is_new: false, has_new_rules: rules.is_some() };
        change.apply_to(policy);
        check(&policy.terms)?;
        policy.version = policy.version.saturating_add(1);
        if let Some(rules) = rules {
            policy.rules = if are_statements_alone { as_they_were(&policy.rules, rules) } else { rules };
        }
        self.names.put(policy, mark);
        self.drawn.insert(id);
        Ok(())
    }

    async fn check_approvers(&self, groups: &[GroupId]) -> Result<(), AppError> {
        if groups.is_empty() {
            return Ok(());
        }
        refuse_unknown_approvers(&self.app.store.tenant(self.tenant).read().await?, groups).await
    }

    /// None where they are refused.
    async fn rules(
        &mut self,
        index: usize,
        set: Option<String>,
        single: Vec<NewRule>,
    ) -> Result<Option<Vec<PolicyRule>>, AppError> {
        match statements::rules(self.app, self.tenant, set, single).await {
            Ok(rules) => Ok(Some(rules)),
            Err(AppError::PolicyInvalid { message, errors }) => {
                self.refused.add(index, &message, errors);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// Everything that is wrong with the Cedar of all changes.
#[derive(Default)]
struct Refused {
    message: Option<String>,
    errors: Vec<Value>,
}

impl Refused {
    fn add(&mut self, index: usize, message: &str, errors: Vec<Value>) {
        self.message.get_or_insert_with(|| format!("changes[{index}]: {message}"));
        self.errors.extend(errors.into_iter().map(|mut error| {
            if let Some(fields) = error.as_object_mut() {
                fields.insert("change".to_owned(), index.into());
            }
            error
        }));
    }

    fn check(&mut self) -> Result<(), AppError> {
        let errors = std::mem::take(&mut self.errors);
        self.message.take().map_or(Ok(()), |message| Err(AppError::PolicyInvalid { message, errors }))
    }
}

/// The same problem, with its fields below the change.
fn within(index: usize, problem: AppError) -> AppError {
    match problem {
        AppError::Invalid(fields) => {
            let place = format!("changes[{index}]");
            AppError::Invalid(fields.into_iter().map(|field| field.below(&place)).collect())
        }
        other => other,
    }
}
