//! Decisions as they were made: what explains them later, whatever becomes of the policies.

use curfew_domain::{DecisionId, PolicyId, RequestId, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::entity::decision::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// One time that policy was asked about a request.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// About which request.
    pub request: RequestId,
    /// What policy said, in a word.
    pub outcome: String,
    /// The policies that decided.
    pub policies: Vec<PolicyId>,
    /// Their versions, and which of their rules.
    pub rules: Value,
    /// The texts of those rules.
    pub notices: Vec<String>,
    /// What policies were told.
    pub context: Value,
    /// How each group answered, and what failed.
    pub trace: Value,
    /// When.
    pub created_at: Timestamp,
}

impl ReadUnit {
    /// Every time that policy was asked about a request, the first time first.
    pub async fn decisions(&self, request: RequestId) -> Result<Vec<DecisionRecord>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequestId.eq(request.uuid()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        rows.into_iter().map(decision).collect()
    }
}

impl WriteUnit {
    /// Keeps a decision. They are never changed.
    pub async fn insert_decision(&self, decision: &DecisionRecord) -> Result<(), StoreError> {
        let policies: Vec<String> = decision.policies.iter().map(ToString::to_string).collect();
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(decision.id.uuid()),
            request_id: Set(decision.request.uuid()),
            outcome: Set(decision.outcome.clone()),
            policy_ids: Set(policies.into()),
            rules: Set(decision.rules.clone()),
            notices: Set(decision.notices.clone().into()),
            context: Set(decision.context.clone()),
            trace: Set(decision.trace.clone()),
            created_at: Set(decision.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn decision(row: Model) -> Result<DecisionRecord, StoreError> {
    let at = Row { table: "decision", id: row.id };
    Ok(DecisionRecord {
        id: DecisionId::from_uuid(row.id),
        request: RequestId::from_uuid(row.request_id),
        policies: at.json("policy_ids", row.policy_ids)?,
        notices: at.json("notices", row.notices)?,
        outcome: row.outcome,
        rules: row.rules,
        context: row.context,
        trace: row.trace,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
