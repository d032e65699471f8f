//! What is kept beside the log, against what the log says of it.

use std::collections::HashMap;
use std::fmt;

use curfew_domain::audit::{self, AuditAction, EntryBody, NotCanonical};
use curfew_domain::{AuditEntryId, DecisionId, PolicyId};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::Value;

use super::Finding;
use crate::entity::audit_entry;
use crate::{ReadUnit, StoreError};

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
            AuditAction::PolicyCreated | AuditAction::PolicyUpdated | AuditAction::PolicyDeleted => {
                let version = fact("version").and_then(Value::as_u64)?.try_into().ok()?;
                Kept::PolicyVersion(body.resource_id.parse().ok()?, version)
            }
            _ => return None,
        };
        let content = fact("content").and_then(Value::as_str)?.to_owned();
        Some(Self { entry: body.id, kept, content })
    }
}

impl ReadUnit {
    /// Compares what these entries prove with what is kept.
    pub(super) async fn check_kept(&self, rows: &[audit_entry::Model]) -> Result<Vec<Finding>, StoreError> {
        let proofs: Vec<Proof> = rows.iter().filter_map(Proof::of).collect();
        let ids: Vec<DecisionId> = proofs
            .iter()
            .filter_map(|proof| match proof.kept {
                Kept::Decision(id) => Some(id),
                Kept::PolicyVersion(..) => None,
            })
            .collect();
        let decisions = if ids.is_empty() { Vec::new() } else { self.decisions_by_ids(&ids).await? };
        let decisions: HashMap<DecisionId, _> =
            decisions.into_iter().map(|decision| (decision.id, decision)).collect();
        let mut findings = Vec::new();
        for Proof { entry, kept, content } in proofs {
            let is_so = match kept {
                Kept::Decision(id) => decisions.get(&id).map(|decision| decision.is_proved_by(&content)),
                Kept::PolicyVersion(id, version) => {
                    let kept = readable(self.policy_version(id, version).await)?;
                    kept.map(|kept| Ok(audit::content_hash(&kept.policy)? == content))
                }
            };
            if !is_so.transpose().map_err(unreadable)?.unwrap_or(false) {
                findings.push(Finding::KeptChanged { entry, kept });
            }
        }
        Ok(findings)
    }

    /// Nothing decides, and nothing is kept as a decision, of which no entry tells.
    pub(super) async fn look_for_unlogged(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for policy in self.policies_with_rules().await? {
            let (id, version) = (policy.id, policy.version);
            let kept = readable(self.policy_version(id, version).await)?;
            if kept.is_none_or(|kept| kept.policy != policy) {
                findings.push(Finding::OtherPolicy { policy: id, version });
            }
        }
        let logged = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Action.eq(AuditAction::RequestEvaluated.as_str()))
            .count(self.tx())
            .await?;
        let count = self.count_decisions().await?.saturating_sub(logged);
        findings.extend((count > 0).then_some(Finding::UnloggedDecisions { count }));
        Ok(findings)
    }
}

/// What can't be read any more is as good as gone.
fn readable<T>(kept: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match kept {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        kept => kept,
    }
}

fn unreadable(problem: NotCanonical) -> StoreError {
    StoreError::corrupt("decision", "kept", problem)
}
