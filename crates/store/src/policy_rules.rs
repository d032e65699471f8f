//! Single rules of policies: read by page, and written where they differ.

use std::collections::{HashMap, HashSet};

use curfew_domain::policy::{Policy, PolicyRule};
use curfew_domain::{Cursor, Page, PageRequest, PolicyId, RuleId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};
use uuid::Uuid;

use crate::entity::policy_rule;
use crate::policies::rule;
use crate::{ReadUnit, StoreError, WriteUnit};

/// PostgreSQL takes 65,535 parameters a statement, SQLite 32,766.
const ROWS_AT_ONCE: usize = 1_000;

impl ReadUnit {
    /// A page of a policy's rules, by ordinal; none where there is no such policy.
    pub async fn policy_rules(
        &self,
        policy: PolicyId,
        page: &PageRequest,
    ) -> Result<Option<Page<PolicyRule>>, StoreError> {
        if self.policy_version_now(policy).await?.is_none() {
            return Ok(None);
        }
        let mut query = policy_rule::Entity::find()
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(policy_rule::Column::PolicyId.eq(policy.uuid()));
        if let Some(last) = page.after.as_ref().and_then(ordinal_at) {
            query = query.filter(policy_rule::Column::Ordinal.gt(last));
        }
        let query = query.order_by_asc(policy_rule::Column::Ordinal).limit(page.limit.rows_to_read());
        let rows = query.all(self.tx()).await?;
        let rules = rows.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        let position = |last: &PolicyRule| Cursor::from_bytes(last.ordinal.to_be_bytes().into());
        Ok(Some(Page::cut(rules, page.limit, position)))
    }

    /// One rule of a policy, and the version of the policy.
    pub async fn policy_rule(
        &self,
        policy: PolicyId,
        id: RuleId,
    ) -> Result<Option<(PolicyRule, u32)>, StoreError> {
        let Some(version) = self.policy_version_now(policy).await? else { return Ok(None) };
        let row = policy_rule::Entity::find_by_id((self.wall(), id.uuid()))
            .filter(policy_rule::Column::PolicyId.eq(policy.uuid()))
            .one(self.tx())
            .await?;
        row.map(|row| Ok((rule(row)?, version))).transpose()
    }
}

impl WriteUnit {
    /// Writes the rows of rules that differ, and no others.
    pub(crate) async fn save_rules(&self, before: &Policy, after: &Policy) -> Result<(), StoreError> {
        let (then, now): (HashMap<_, _>, HashSet<_>) = (
            before.rules.iter().map(|rule| (rule.id, rule)).collect(),
            after.rules.iter().map(|rule| rule.id).collect(),
        );
        let gone: Vec<Uuid> =
            before.rules.iter().filter(|rule| !now.contains(&rule.id)).map(|rule| rule.id.uuid()).collect();
        for ids in gone.chunks(ROWS_AT_ONCE) {
            policy_rule::Entity::delete_many()
                .filter(policy_rule::Column::TenantId.eq(self.wall()))
                .filter(policy_rule::Column::Id.is_in(ids.iter().copied()))
                .exec(self.tx())
                .await?;
        }
        let differs = |rule: &&PolicyRule| then.get(&rule.id) != Some(rule);
        self.write_rules(after.id, after.rules.iter().filter(differs)).await
    }

    /// New rules, and other contents of those that are there.
    pub(crate) async fn write_rules(
        &self,
        policy: PolicyId,
        rules: impl Iterator<Item = &PolicyRule>,
    ) -> Result<(), StoreError> {
        use policy_rule::Column;
        let row = |rule: &PolicyRule| policy_rule::ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(rule.id.uuid()),
            policy_id: Set(policy.uuid()),
            ordinal: Set(i32::try_from(rule.ordinal).unwrap_or(i32::MAX)),
            written_text: Set(rule.text.clone()),
            resolved_text: Set(rule.resolved.clone()),
            notice: Set(rule.notice.as_ref().map(ToString::to_string)),
            audit_session: Set(rule.audit_session),
            created_at: Set(rule.created_at.micros()),
        };
        let rows: Vec<_> = rules.map(row).collect();
        let changeable = [
            Column::Ordinal,
            Column::WrittenText,
            Column::ResolvedText,
            Column::Notice,
            Column::AuditSession,
        ];
        let other_contents =
            OnConflict::columns([Column::TenantId, Column::Id]).update_columns(changeable).to_owned();
        for rows in rows.chunks(ROWS_AT_ONCE) {
            policy_rule::Entity::insert_many(rows.iter().cloned())
                .on_conflict(other_contents.clone())
                .exec_without_returning(self.tx())
                .await?;
        }
        Ok(())
    }
}

/// Which rule a page of rules ended at.
fn ordinal_at(cursor: &Cursor) -> Option<i32> {
    let ordinal = u32::from_be_bytes(cursor.bytes().try_into().ok()?);
    i32::try_from(ordinal).ok()
}
