//! Every version that a policy had: what the rules said that decided, whatever became of the policy since.

use curfew_domain::policy::{ChangeReason, Policy};
use curfew_domain::{Cursor, DoneBy, Page, PageRequest, PolicyId, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use crate::entity::policy_version::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// Who makes a version of a policy, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// Who.
    pub by: DoneBy,
    /// Why, where they said.
    pub reason: Option<ChangeReason>,
}

impl From<DoneBy> for MadeBy {
    fn from(by: DoneBy) -> Self {
        Self { by, reason: None }
    }
}

/// A policy as it was, and who made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy with its rules; its `updated_at` says since when.
    pub policy: Policy,
    /// Who made it so.
    pub by: DoneBy,
    /// Why.
    pub reason: Option<ChangeReason>,
    /// What differs from the version before, in the contract's names of fields; nothing of the first.
    pub changed: Vec<String>,
}

/// A version of a policy, without the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersionSummary {
    /// Its number.
    pub version: u32,
    /// Who made it.
    pub by: DoneBy,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<ChangeReason>,
    /// What differs from the version before, in the contract's names of fields; nothing of the first.
    pub changed: Vec<String>,
}

/// What a list reads of a version: a body may be large.
#[derive(FromQueryResult)]
struct Listed {
    version: i64,
    changed: Value,
    made_by: String,
    made_at: i64,
    change_reason: Option<String>,
}

impl ReadUnit {
    /// One version of a policy, also of one that was deleted.
    pub async fn policy_version(
        &self,
        id: PolicyId,
        version: u32,
    ) -> Result<Option<PolicyVersion>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid(), i64::from(version))).one(self.tx()).await?;
        row.map(policy_version).transpose()
    }

    /// The last version that a policy had.
    pub async fn last_policy_version(&self, id: PolicyId) -> Result<Option<PolicyVersion>, StoreError> {
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::PolicyId.eq(id.uuid()))
            .order_by_desc(Column::Version)
            .one(self.tx())
            .await?;
        row.map(policy_version).transpose()
    }

    /// A policy's versions, newest first, also of one that was deleted. A policy that never was has none.
    pub async fn policy_versions(
        &self,
        id: PolicyId,
        page: &PageRequest,
    ) -> Result<Page<PolicyVersionSummary>, StoreError> {
        let mut query = Entity::find()
            .select_only()
            .columns([Column::Version, Column::Changed, Column::MadeBy, Column::MadeAt, Column::ChangeReason])
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::PolicyId.eq(id.uuid()));
        if let Some(last) = page.after.as_ref().and_then(version_at) {
            query = query.filter(Column::Version.lt(last));
        }
        let query = query.order_by_desc(Column::Version).limit(page.limit.rows_to_read());
        let rows: Vec<Listed> = query.into_model().all(self.tx()).await?;
        let versions = rows.into_iter().map(|row| summary(id, row)).collect::<Result<Vec<_>, _>>()?;
        let position = |last: &PolicyVersionSummary| Cursor::from_bytes(last.version.to_be_bytes().into());
        Ok(Page::cut(versions, page.limit, position))
    }
}

impl WriteUnit {
    /// Keeps the policy as it is now. Versions are never changed.
    pub(crate) async fn keep_policy_version(
        &self,
        policy: &Policy,
        before: Option<&Policy>,
        made: &MadeBy,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_value(policy)
            .map_err(|problem| StoreError::corrupt("policy_version", policy.id, problem))?;
        let changed = before.map(|before| policy.changed_since(before)).unwrap_or_default();
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            policy_id: Set(policy.id.uuid()),
            version: Set(policy.version.into()),
            body: Set(body),
            changed: Set(changed.into()),
            made_by: Set(made.by.to_string()),
            made_at: Set(policy.updated_at.micros()),
            change_reason: Set(made.reason.as_ref().map(ToString::to_string)),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

/// Which version a page of versions ended at.
fn version_at(cursor: &Cursor) -> Option<i64> {
    Some(u32::from_be_bytes(cursor.bytes().try_into().ok()?).into())
}

fn policy_version(row: Model) -> Result<PolicyVersion, StoreError> {
    let at = Row { table: "policy_version", id: format!("{}, {}", row.policy_id, row.version) };
    Ok(PolicyVersion {
        policy: at.json("body", row.body)?,
        by: at.parse("made_by", &row.made_by)?,
        reason: at.parse_some("change_reason", row.change_reason.as_deref())?,
        changed: at.json("changed", row.changed)?,
    })
}

fn summary(policy: PolicyId, row: Listed) -> Result<PolicyVersionSummary, StoreError> {
    let at = Row { table: "policy_version", id: format!("{policy}, {}", row.version) };
    Ok(PolicyVersionSummary {
        version: u32::try_from(row.version).map_err(|problem| at.corrupt("version", problem))?,
        by: at.parse("made_by", &row.made_by)?,
        at: Timestamp::from_micros(row.made_at),
        reason: at.parse_some("change_reason", row.change_reason.as_deref())?,
        changed: at.json("changed", row.changed)?,
    })
}
