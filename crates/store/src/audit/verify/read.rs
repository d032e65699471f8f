//! The walk over what lies in the database.

use curfew_domain::audit::ChainHead;
use curfew_domain::{AuditEntryId, Timestamp, UserId};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{ChainWalk, Finding, MOST_FINDINGS, SealedEntry, Verification};
use crate::audit::list::{personal_text, sealed};
use crate::entity::{audit_entry, audit_text, audit_unsealed};
use crate::row::{Row, number};
use crate::{ReadUnit, StoreError};

/// How many entries are read at a time.
const BATCH: u64 = 500;

impl ReadUnit {
    /// Walks the tenant's whole chain, against `heads` that left the database, and looks beside it.
    ///
    /// Whether the heads themselves are genuine is for the caller to know: only what was signed may come here.
    pub async fn verify_audit(&self, heads: &[ChainHead]) -> Result<Verification, StoreError> {
        let mut walk = ChainWalk::new(self.tenant(), heads);
        let mut after = 0;
        loop {
            let rows = self.sealed_after(after).await?;
            let Some(last) = rows.last() else { break };
            after = Row { table: "audit_entry", id: last.id }
                .count("sequence", last.sequence.unwrap_or_default())?;
            for finding in self.check_kept(&rows).await? {
                walk.find(finding);
            }
            let mut texts = self.texts_of(&rows).await?;
            for row in rows {
                let own = texts.extract_if(.., |text| text.entry_id == row.id).collect();
                if let Some(entry) = sealed_entry(row, own)? {
                    walk.entry(&entry);
                }
            }
        }
        let beside = self.look_beside_the_chain().await?;
        for finding in beside.into_iter().chain(self.look_for_unlogged().await?) {
            walk.find(finding);
        }
        Ok(walk.end(self.count_unsealed().await?))
    }

    async fn sealed_after(&self, sequence: u64) -> Result<Vec<audit_entry::Model>, StoreError> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.gt(number(sequence)))
            .order_by_asc(audit_entry::Column::Sequence)
            .limit(BATCH)
            .all(self.tx())
            .await?;
        Ok(rows)
    }

    async fn count_unsealed(&self) -> Result<u64, StoreError> {
        let count = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_null())
            .count(self.tx())
            .await?;
        Ok(count)
    }

    /// Every unsealed entry waits in the queue, everything in the queue is an unsealed entry, and numbers begin
    /// with 1.
    async fn look_beside_the_chain(&self) -> Result<Vec<Finding>, StoreError> {
        let queue = Query::select()
            .column(audit_unsealed::Column::EntryId)
            .from(audit_unsealed::Entity)
            .and_where(audit_unsealed::Column::TenantId.eq(self.wall()))
            .to_owned();
        let unqueued = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(
                Condition::any().add(audit_entry::Column::Sequence.lte(0)).add(
                    Condition::all()
                        .add(audit_entry::Column::Sequence.is_null())
                        .add(audit_entry::Column::Id.not_in_subquery(queue)),
                ),
            )
            .limit(MOST_FINDINGS as u64)
            .all(self.tx())
            .await?;
        let entries = Query::select()
            .column(audit_entry::Column::Id)
            .from(audit_entry::Entity)
            .and_where(audit_entry::Column::TenantId.eq(self.wall()))
            .to_owned();
        let removed = audit_unsealed::Entity::find()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.not_in_subquery(entries))
            .limit(MOST_FINDINGS as u64)
            .all(self.tx())
            .await?;
        let unqueued =
            unqueued.into_iter().map(|row| Finding::Unqueued { entry: AuditEntryId::from_uuid(row.id) });
        let removed = removed
            .into_iter()
            .map(|row| Finding::RemovedUnsealed { entry: AuditEntryId::from_uuid(row.entry_id) });
        Ok(unqueued.chain(removed).collect())
    }
}

fn sealed_entry(
    row: audit_entry::Model,
    texts: Vec<audit_text::Model>,
) -> Result<Option<SealedEntry>, StoreError> {
    let Some(sealed) = sealed(&row)? else { return Ok(None) };
    Ok(Some(SealedEntry {
        id: AuditEntryId::from_uuid(row.id),
        sealed,
        body: row.body,
        created_at: Timestamp::from_micros(row.created_at),
        actor_id: row.actor_id,
        person: row.person_id.map(UserId::from_uuid),
        action: row.action,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        texts: texts.into_iter().map(personal_text).collect::<Result<_, _>>()?,
    }))
}
