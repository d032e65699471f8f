//! What is kept beside the log, against what the log says of it.

use std::collections::HashMap;
use std::fmt;

use curfew_domain::audit::{self, AuditAction, EntryBody};
use curfew_domain::{AuditEntryId, DecisionId, PolicyId};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::Value;

use super::Finding;
use super::policies::ToldPolicies;
use crate::entity::audit_entry;
use crate::{DecisionRecord, ReadUnit, StoreError};

/// Entries that tell how a policy stands.
const OF_POLICIES: [AuditAction; 4] = [
    AuditAction::PolicyCreated,
    AuditAction::PolicyUpdated,
    AuditAction::PolicyDeleted,
    AuditAction::PolicyRestored,
];

/// Something kept beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What decided about a request, and what it was told.
    Decision(DecisionId),
    /// A policy as it was.
    PolicyVersion(PolicyId, u32),
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Decision(id) => write!(f, "decision {id}"),
            Kept::PolicyVersion(id, version) => write!(f, "version {version} of policy {id}"),
        }
    }
}

/// An entry that proves something.
struct Proof {
    entry: AuditEntryId,
    action: AuditAction,
    kept: Kept,
    content: String,
}

impl Proof {
    /// None for entries that prove nothing but themselves. The walk finds those that can't be read.
    fn of(row: &audit_entry::Model) -> Option<Self> {
        let body: EntryBody = serde_json::from_str(&row.body).ok()?;
        let fact = |name| body.metadata.get(name);
        let kept = match body.action {
            AuditAction::RequestEvaluated => {
                Kept::Decision(fact("decision_id").and_then(Value::as_str)?.parse().ok()?)
            }
            action if OF_POLICIES.contains(&action) => {
                let version = fact("version").and_then(Value::as_u64)?.try_into().ok()?;
                Kept::PolicyVersion(body.resource_id.parse().ok()?, version)
            }
            _ => return None,
        };
        let content = fact("content").and_then(Value::as_str)?.to_owned();
        Some(Self { entry: body.id, action: body.action, kept, content })
    }
}

/// What entries tell of what is kept beside them, gathered along the walk.
#[derive(Debug, Default)]
pub(super) struct Told {
    policies: ToldPolicies,
    decisions: u64,
}

impl Told {
    fn policy(&mut self, proof: Proof) {
        match (proof.kept, proof.action) {
            (Kept::PolicyVersion(id, version), AuditAction::PolicyDeleted) => {
                self.policies.deleted(id, version);
            }
            (Kept::PolicyVersion(id, version), _) => self.policies.stands(id, version, proof.content),
            (Kept::Decision(_), _) => {}
        }
    }
}

/// What comparing a batch came to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) findings: Vec<Finding>,
    /// Decisions whose personal part was erased.
    pub(super) erased: u64,
}

impl ReadUnit {
    /// Compares what these entries prove with what is kept, and notes what they tell.
    pub(super) async fn check_kept(
        &self,
        rows: &[audit_entry::Model],
        told: &mut Told,
    ) -> Result<Compared, StoreError> {
        told.decisions +=
            rows.iter().filter(|row| row.action == AuditAction::RequestEvaluated.as_str()).count() as u64;
        let proofs: Vec<Proof> = rows.iter().filter_map(Proof::of).collect();
        let decisions = self.decisions_of(&proofs).await?;
        let mut compared = Compared::default();
        for proof in proofs {
            let is_so = match proof.kept {
                Kept::Decision(id) => {
                    let decision = decisions.get(&id);
                    compared.erased += u64::from(decision.is_some_and(DecisionRecord::is_erased));
                    decision.is_some_and(|decision| decision.is_proved_by(&proof.content))
                }
                Kept::PolicyVersion(id, version) => {
                    let kept = readable(self.policy_version(id, version).await)?;
                    kept.is_some_and(|kept| {
                        audit::content_hash(&kept.policy).is_ok_and(|is| is == proof.content)
                    })
                }
            };
            if !is_so {
                compared.findings.push(Finding::KeptChanged { entry: proof.entry, kept: proof.kept });
            }
            told.policy(proof);
        }
        Ok(compared)
    }

    async fn decisions_of(
        &self,
        proofs: &[Proof],
    ) -> Result<HashMap<DecisionId, DecisionRecord>, StoreError> {
        let ids: Vec<DecisionId> = proofs
            .iter()
            .filter_map(|proof| match proof.kept {
                Kept::Decision(id) => Some(id),
                Kept::PolicyVersion(..) => None,
            })
            .collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let decisions = self.decisions_by_ids(&ids).await?;
        Ok(decisions.into_iter().map(|decision| (decision.id, decision)).collect())
    }

    /// Nothing decides, and nothing is kept as a decision, of which no entry tells; and what decides is all there.
    ///
    /// `told` is what all sealed entries tell. Those that wait to be sealed have their say here.
    pub(super) async fn look_for_unlogged(&self, mut told: Told) -> Result<Vec<Finding>, StoreError> {
        for proof in self.unsealed_of_policies().await?.iter().filter_map(Proof::of) {
            told.policy(proof);
        }
        let mut findings = Vec::new();
        for id in self.policy_ids().await? {
            let policy = readable(self.policy(id).await)?;
            findings.extend(told.policies.compare(id, policy.as_ref()));
        }
        findings.extend(told.policies.missing());
        let logged = told.decisions + self.count_unsealed_decisions().await?;
        let count = self.count_decisions().await?.saturating_sub(logged);
        findings.extend((count > 0).then_some(Finding::UnloggedDecisions { count }));
        Ok(findings)
    }

    async fn unsealed_of_policies(&self) -> Result<Vec<audit_entry::Model>, StoreError> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_null())
            .filter(audit_entry::Column::Action.is_in(OF_POLICIES.map(AuditAction::as_str)))
            .all(self.tx())
            .await?;
        Ok(rows)
    }

    async fn count_unsealed_decisions(&self) -> Result<u64, StoreError> {
        let count = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_null())
            .filter(audit_entry::Column::Action.eq(AuditAction::RequestEvaluated.as_str()))
            .count(self.tx())
            .await?;
        Ok(count)
    }
}

/// What can't be read any more is as good as gone.
fn readable<T>(kept: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match kept {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        kept => kept,
    }
}
