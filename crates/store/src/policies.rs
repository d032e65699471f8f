//! Policies and their rules.

use std::collections::BTreeMap;

use curfew_domain::policy::{Policy, PolicyRule, PolicySummary, PolicyTerms, RuleCount};
use curfew_domain::{Cursor, Page, PageRequest, PolicyId, RuleId, Seconds, Timestamp};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockType, SimpleExpr},
};
use uuid::Uuid;

use crate::entity::{policy, policy_rule};
use crate::row::Row;
use crate::{MadeBy, ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// All of the tenant's policies with their rules: what a decision is compiled from.
    pub async fn policies_with_rules(&self) -> Result<Vec<Policy>, StoreError> {
        self.with_rules(
            policy::Column::TenantId.eq(self.wall()),
            policy_rule::Column::TenantId.eq(self.wall()),
            None,
        )
        .await
    }

    /// Some of the tenant's policies with their rules.
    pub async fn policies_named(&self, ids: &[PolicyId]) -> Result<Vec<Policy>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let of_policies = policy_rule::Column::PolicyId.is_in(ids.clone());
        self.with_rules(policy::Column::Id.is_in(ids), of_policies, None).await
    }

    /// The version that each of the tenant's policies stands at. Whatever of a policy changes makes another version of it.
    pub async fn policy_heads(&self) -> Result<BTreeMap<PolicyId, u32>, StoreError> {
        let heads: Vec<(Uuid, i64)> = policy::Entity::find()
            .select_only()
            .columns([policy::Column::Id, policy::Column::Version])
            .filter(policy::Column::TenantId.eq(self.wall()))
            .into_tuple()
            .all(self.tx())
            .await?;
        let head = |(id, version): (Uuid, i64)| {
            let at = Row { table: "policy", id };
            let version = u32::try_from(version).map_err(|problem| at.corrupt("version", problem))?;
            Ok((PolicyId::from_uuid(id), version))
        };
        heads.into_iter().map(head).collect()
    }

    async fn with_rules(
        &self,
        policies: SimpleExpr,
        of_policies: SimpleExpr,
        lock: Option<LockType>,
    ) -> Result<Vec<Policy>, StoreError> {
        let mut query = policy::Entity::find()
            .filter(policy::Column::TenantId.eq(self.wall()))
            .filter(policies)
            .order_by_asc(policy::Column::Id);
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        let rows = query.all(self.tx()).await?;
        let mut rules = self.rules(of_policies).await?;
        rows.into_iter().map(|row| with(rules.remove(&row.id).unwrap_or_default(), row)).collect()
    }

    /// The ids of all of the tenant's policies.
    pub async fn policy_ids(&self) -> Result<Vec<PolicyId>, StoreError> {
        let ids: Vec<Uuid> = policy::Entity::find()
            .select_only()
            .column(policy::Column::Id)
            .filter(policy::Column::TenantId.eq(self.wall()))
            .order_by_asc(policy::Column::Id)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(ids.into_iter().map(PolicyId::from_uuid).collect())
    }

    /// A policy with its rules.
    pub async fn policy(&self, id: PolicyId) -> Result<Option<Policy>, StoreError> {
        self.one_policy(id, None).await
    }

    /// The channel that a policy names, as it was written; none where it names none, or is deleted.
    pub async fn channel_of_policy(&self, id: PolicyId) -> Result<Option<String>, StoreError> {
        let named: Option<Option<String>> = policy::Entity::find_by_id((self.wall(), id.uuid()))
            .select_only()
            .column(policy::Column::NotificationChannel)
            .into_tuple()
            .one(self.tx())
            .await?;
        Ok(named.flatten())
    }

    /// The version that a policy has, if it is there.
    pub async fn policy_version_now(&self, id: PolicyId) -> Result<Option<u32>, StoreError> {
        let found: Option<i64> = policy::Entity::find_by_id((self.wall(), id.uuid()))
            .select_only()
            .column(policy::Column::Version)
            .into_tuple()
            .one(self.tx())
            .await?;
        let at = Row { table: "policy", id };
        found.map(|found| u32::try_from(found).map_err(|problem| at.corrupt("version", problem))).transpose()
    }

    /// How many policies the tenant has.
    pub async fn count_policies(&self) -> Result<u64, StoreError> {
        let policies = policy::Entity::find().filter(policy::Column::TenantId.eq(self.wall()));
        Ok(policies.count(self.tx()).await?)
    }

    /// How many rules the tenant's policies have.
    pub async fn count_rules(&self) -> Result<u64, StoreError> {
        let rules = policy_rule::Entity::find().filter(policy_rule::Column::TenantId.eq(self.wall()));
        Ok(rules.count(self.tx()).await?)
    }

    /// The tenant's policies, newest first, without their rules.
    pub async fn policies(&self, page: &PageRequest) -> Result<Page<PolicySummary>, StoreError> {
        let rows = policy::Entity::find()
            .filter(policy::Column::TenantId.eq(self.wall()))
            .filter(crate::page::after((policy::Column::CreatedAt, policy::Column::Id), page))
            .order_by_desc(policy::Column::CreatedAt)
            .order_by_desc(policy::Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let counts = self.rule_counts(&rows).await?;
        let count = |row: &policy::Model| RuleCount(counts.get(&row.id).copied().unwrap_or(0));
        let policies = rows.into_iter().map(|row| with(count(&row), row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(policies, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    async fn one_policy(&self, id: PolicyId, lock: Option<LockType>) -> Result<Option<Policy>, StoreError> {
        let mut query = policy::Entity::find_by_id((self.wall(), id.uuid()));
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        let Some(row) = query.one(self.tx()).await? else { return Ok(None) };
        let mut rules = self.rules(policy_rule::Column::PolicyId.eq(row.id)).await?;
        with(rules.remove(&row.id).unwrap_or_default(), row).map(Some)
    }

    /// Rules by policy, each policy's by ordinal.
    async fn rules(&self, which: SimpleExpr) -> Result<BTreeMap<Uuid, Vec<PolicyRule>>, StoreError> {
        let rows = policy_rule::Entity::find()
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(which)
            .order_by_asc(policy_rule::Column::Ordinal)
            .order_by_asc(policy_rule::Column::Id)
            .all(self.tx())
            .await?;
        let mut rules: BTreeMap<Uuid, Vec<PolicyRule>> = BTreeMap::new();
        for row in rows {
            rules.entry(row.policy_id).or_default().push(rule(row)?);
        }
        Ok(rules)
    }

    async fn rule_counts(&self, rows: &[policy::Model]) -> Result<BTreeMap<Uuid, u32>, StoreError> {
        let counts: Vec<(Uuid, i64)> = policy_rule::Entity::find()
            .select_only()
            .column(policy_rule::Column::PolicyId)
            .column_as(policy_rule::Column::Id.count(), "rules")
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(policy_rule::Column::PolicyId.is_in(rows.iter().map(|row| row.id)))
            .group_by(policy_rule::Column::PolicyId)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(counts.into_iter().map(|(id, count)| (id, u32::try_from(count).unwrap_or(u32::MAX))).collect())
    }
}

impl WriteUnit {
    /// The same as [`ReadUnit::policy`], held against other writers until the unit ends.
    pub async fn lock_policy(&self, id: PolicyId) -> Result<Option<Policy>, StoreError> {
        self.one_policy(id, Some(LockType::NoKeyUpdate)).await
    }

    /// All of the tenant's policies with their rules, held against other writers until the unit ends. One that is made
    /// meanwhile is not among them.
    pub async fn lock_policies(&self) -> Result<Vec<Policy>, StoreError> {
        self.with_rules(
            policy::Column::TenantId.eq(self.wall()),
            policy_rule::Column::TenantId.eq(self.wall()),
            Some(LockType::NoKeyUpdate),
        )
        .await
    }

    /// Makes a policy and its rules, and keeps it as its first version. Moves the tenant's version.
    pub async fn insert_policy(&self, policy: &Policy, by: impl Into<MadeBy>) -> Result<(), StoreError> {
        self.insert_policy_after(None, policy, &by.into()).await
    }

    /// Makes a policy again that was deleted; `before` is the last version that it had. Moves the tenant's version.
    pub async fn revive_policy(
        &self,
        before: &Policy,
        policy: &Policy,
        by: &MadeBy,
    ) -> Result<(), StoreError> {
        self.insert_policy_after(Some(before), policy, by).await
    }

    async fn insert_policy_after(
        &self,
        before: Option<&Policy>,
        policy: &Policy,
        by: &MadeBy,
    ) -> Result<(), StoreError> {
        policy::Entity::insert(columns(self.wall(), policy)).exec_without_returning(self.tx()).await?;
        self.write_rules(policy.id, policy.rules.iter()).await?;
        self.keep_policy_version(policy, before, by).await?;
        self.bump_version().await
    }

    /// Makes `after` of a policy that is held and is `before`: writes its row and those of its rules that differ, and
    /// keeps it whole as another version. Moves the tenant's version.
    pub async fn save_policy(
        &self,
        before: &Policy,
        after: &Policy,
        by: impl Into<MadeBy>,
    ) -> Result<(), StoreError> {
        self.write_next(before, after, &by.into()).await?;
        self.bump_version().await
    }

    /// The same for many, each as it is and as it is to be, as one change.
    pub async fn save_policies(&self, changes: &[(Policy, Policy)], by: &MadeBy) -> Result<(), StoreError> {
        for (before, after) in changes {
            self.write_next(before, after, by).await?;
        }
        self.bump_version().await
    }

    async fn write_next(&self, before: &Policy, after: &Policy, by: &MadeBy) -> Result<(), StoreError> {
        self.update_policy_row(after).await?;
        self.save_rules(before, after).await?;
        self.keep_policy_version(after, Some(before), by).await
    }

    async fn update_policy_row(&self, policy: &Policy) -> Result<(), StoreError> {
        let written = policy::Entity::update_many()
            .set(columns(self.wall(), policy))
            .filter(policy::Column::TenantId.eq(self.wall()))
            .filter(policy::Column::Id.eq(policy.id.uuid()))
            .exec(self.tx())
            .await?;
        if written.rows_affected != 1 {
            return Err(StoreError::Stale { table: "policy" });
        }
        Ok(())
    }

    /// Deletes a policy and its rules; its versions and the decisions that it made stay. Says whether it was there.
    /// Moves the tenant's version.
    pub async fn delete_policy(&self, id: PolicyId) -> Result<bool, StoreError> {
        let gone = policy::Entity::delete_many()
            .filter(policy::Column::TenantId.eq(self.wall()))
            .filter(policy::Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        self.bump_version().await?;
        Ok(gone.rows_affected == 1)
    }
}

fn columns(tenant: Uuid, policy: &Policy) -> policy::ActiveModel {
    let terms = &policy.terms;
    let groups: Vec<String> = terms.approver_groups.iter().map(ToString::to_string).collect();
    policy::ActiveModel {
        tenant_id: Set(tenant),
        id: Set(policy.id.uuid()),
        name: Set(policy.name.to_string()),
        description: Set(policy.description.as_ref().map(ToString::to_string)),
        enabled: Set(policy.enabled),
        priority: Set(policy.priority),
        max_duration_seconds: Set(terms.maximum.get()),
        default_duration_seconds: Set(terms.default.map(Seconds::get)),
        notification_channel: Set(policy.notification_channel.as_ref().map(ToString::to_string)),
        approval_mode: Set(terms.mode.as_str().to_owned()),
        approval_timeout_seconds: Set(terms.approval_timeout.map(Seconds::get)),
        approvals_required: Set(terms.approvals_required.into()),
        approver_groups: Set(groups.into()),
        allow_break_glass: Set(terms.allow_break_glass),
        break_glass_max_duration_seconds: Set(terms.break_glass_maximum.map(Seconds::get)),
        version: Set(policy.version.into()),
        created_at: Set(policy.created_at.micros()),
        updated_at: Set(policy.updated_at.micros()),
    }
}

fn with<Rules>(rules: Rules, row: policy::Model) -> Result<Policy<Rules>, StoreError> {
    let at = Row { table: "policy", id: row.id };
    let seconds = |column, length| Seconds::new(length).map_err(|problem| at.corrupt(column, problem));
    let some_seconds = |column, length: Option<i64>| length.map(|length| seconds(column, length)).transpose();
    let number = |column, problem: std::num::TryFromIntError| at.corrupt(column, problem);
    Ok(Policy {
        id: PolicyId::from_uuid(row.id),
        name: at.parse("name", &row.name)?,
        description: at.parse_some("description", row.description.as_deref())?,
        enabled: row.enabled,
        priority: row.priority,
        terms: PolicyTerms {
            maximum: seconds("max_duration_seconds", row.max_duration_seconds)?,
            default: some_seconds("default_duration_seconds", row.default_duration_seconds)?,
            mode: at.parse("approval_mode", &row.approval_mode)?,
            approval_timeout: some_seconds("approval_timeout_seconds", row.approval_timeout_seconds)?,
            approvals_required: u16::try_from(row.approvals_required)
                .map_err(|problem| number("approvals_required", problem))?,
            approver_groups: at.json("approver_groups", row.approver_groups)?,
            allow_break_glass: row.allow_break_glass,
            break_glass_maximum: some_seconds(
                "break_glass_max_duration_seconds",
                row.break_glass_max_duration_seconds,
            )?,
        },
        notification_channel: at.parse_some("notification_channel", row.notification_channel.as_deref())?,
        rules,
        version: u32::try_from(row.version).map_err(|problem| number("version", problem))?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

pub(crate) fn rule(row: policy_rule::Model) -> Result<PolicyRule, StoreError> {
    let at = Row { table: "policy_rule", id: row.id };
    Ok(PolicyRule {
        id: RuleId::from_uuid(row.id),
        ordinal: u32::try_from(row.ordinal).map_err(|problem| at.corrupt("ordinal", problem))?,
        notice: at.parse_some("notice", row.notice.as_deref())?,
        text: row.written_text,
        resolved: row.resolved_text,
        audit_session: row.audit_session,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
