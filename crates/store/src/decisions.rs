//! Decisions as they were made: what explains them later, whatever becomes of the policies.

use curfew_domain::audit::{self, NotCanonical};
use curfew_domain::{Cursor, DecisionId, Page, PageRequest, PolicyId, RequestId, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

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
    /// What policies were told, but for [`Self::personal`], whose hash it holds as `personal`.
    pub context: Value,
    /// What they were told of the person, and in the person's words; none once it is erased.
    pub personal: Option<Value>,
    /// How each group answered, and what failed.
    pub trace: Value,
    /// When.
    pub created_at: Timestamp,
}

/// Where a decision's context holds the hash of what is personal of it.
const PERSONAL: &str = "personal";

impl DecisionRecord {
    /// All that [`Self::content`] covers.
    pub fn proved(&self) -> Value {
        json!({
            "id": self.id,
            "request": self.request,
            "outcome": self.outcome,
            "policies": self.policies,
            "rules": self.rules,
            "notices": self.notices,
            "context": self.context,
            "trace": self.trace,
            "created_at": self.created_at,
        })
    }

    /// The hash by which the log proves it.
    pub fn content(&self) -> Result<String, NotCanonical> {
        audit::content_hash(&self.proved())
    }

    /// Whether it is what was logged with the hash `content`. What was erased of it proves itself no more.
    pub(crate) fn is_proved_by(&self, content: &str) -> bool {
        let is_what_was_told = |personal: &Value| {
            audit::content_hash(personal).is_ok_and(|hash| self.personal_hash() == Some(hash.as_str()))
        };
        self.content().is_ok_and(|is| is == content) && self.personal.as_ref().is_none_or(is_what_was_told)
    }

    /// Whether what was personal of it was erased.
    pub(crate) fn is_erased(&self) -> bool {
        self.personal.is_none() && self.personal_hash().is_some()
    }

    fn personal_hash(&self) -> Option<&str> {
        self.context.get(PERSONAL).and_then(Value::as_str)
    }
}

impl ReadUnit {
    /// The decisions by these ids, as many as are there and can be read.
    pub(crate) async fn decisions_by_ids(
        &self,
        ids: &[DecisionId],
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .all(self.tx())
            .await?;
        Ok(rows.into_iter().filter_map(|row| decision(row).ok()).collect())
    }

    /// How many decisions are kept.
    pub(crate) async fn count_decisions(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::TenantId.eq(self.wall())).count(self.tx()).await?)
    }

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

impl ReadUnit {
    /// A page of the times that policy was asked about a request, the first time first.
    pub async fn decisions_page(
        &self,
        request: RequestId,
        page: &PageRequest,
    ) -> Result<Page<DecisionRecord>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequestId.eq(request.uuid()))
            .filter(crate::page::after_rising((Column::CreatedAt, Column::Id), page))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let decisions: Vec<DecisionRecord> = rows.into_iter().map(decision).collect::<Result<_, _>>()?;
        Ok(Page::cut(decisions, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
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
            personal: Set(decision.personal.clone()),
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
        personal: row.personal,
        trace: row.trace,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
