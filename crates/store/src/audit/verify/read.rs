//! The walk over what lies in the database.

use curfew_domain::audit::ChainHead;
use curfew_domain::{AuditEntryId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::kept::Told;
use super::walk::{ChainWalk, KeptTexts, SealedEntry};
use super::{Finding, MOST_FINDINGS, Verification};
use crate::audit::Sealed;
use crate::audit::list::{personal_text, sealed};
use crate::entity::{audit_entry, audit_text, audit_unsealed};
use crate::row::number;
use crate::{ReadUnit, StoreError, TenantStore};

/// How many entries are read at a time.
const BATCH: usize = 500;

/// A walk along a tenant's whole chain, and a look beside it: a batch at a step.
///
/// Each step is a unit of its own, so that a long log keeps no connection from others. No one moment is needed for all
/// of it: a chain only grows, and what stands beside it is compared in the last step with all that is told by then.
#[derive(Debug)]
pub struct AuditWalk {
    tenant: TenantStore,
    heads: Heads,
    chain: ChainWalk,
    told: Told,
    /// The last number that was read.
    after: u64,
}

/// Which heads the chain is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heads {
    /// Those that the walk began with.
    Given,
    /// Those that the database keeps copies of, read along with the entries.
    Kept,
}

impl TenantStore {
    /// Begins a walk against `heads` that left the database.
    ///
    /// Whether the heads themselves are genuine is for the caller to know: only what was signed may come here.
    pub fn walk_audit(&self, heads: &[ChainHead]) -> AuditWalk {
        let mut chain = ChainWalk::new(self.tenant());
        for head in heads.iter().filter(|head| head.tenant == self.tenant()) {
            chain.head(head.sequence, Some(head.hash));
        }
        AuditWalk { tenant: self.clone(), heads: Heads::Given, chain, told: Told::default(), after: 0 }
    }

    /// Begins a walk against the copies of heads that the database keeps. Whoever can write the database can cut them
    /// off with the end of the chain, which is proved by heads that left it alone.
    pub fn walk_audit_by_kept_heads(&self) -> AuditWalk {
        let chain = ChainWalk::new(self.tenant());
        AuditWalk { tenant: self.clone(), heads: Heads::Kept, chain, told: Told::default(), after: 0 }
    }
}

impl AuditWalk {
    /// Goes on by a batch; at the end of the chain says what was found. Not to be called again then, or after an error.
    pub async fn step(&mut self) -> Result<Option<Verification>, StoreError> {
        let unit = self.tenant.read().await?;
        let rows = unit.sealed_after(self.after).await?;
        let is_last = rows.len() < BATCH;
        self.check(&unit, rows).await?;
        if !is_last {
            return Ok(None);
        }
        if self.heads == Heads::Kept
            && let Some((sequence, hash)) = unit.hash_of_newest_head().await?
            && sequence > self.after
        {
            self.chain.head(sequence, hash);
        }
        let beside = unit.look_beside_the_chain().await?;
        let unlogged = unit.look_for_unlogged(std::mem::take(&mut self.told)).await?;
        for finding in beside.into_iter().chain(unlogged) {
            self.chain.find(finding);
        }
        let chain = std::mem::replace(&mut self.chain, ChainWalk::new(self.tenant.tenant()));
        Ok(Some(chain.end(unit.count_unsealed().await?)))
    }

    /// Goes on to the end.
    pub async fn to_end(mut self) -> Result<Verification, StoreError> {
        loop {
            if let Some(found) = self.step().await? {
                return Ok(found);
            }
        }
    }

    async fn check(&mut self, unit: &ReadUnit, rows: Vec<audit_entry::Model>) -> Result<(), StoreError> {
        let Some(last) = rows.last().map(number_of) else { return Ok(()) };
        if self.heads == Heads::Kept {
            for (sequence, hash) in unit.hashes_of_heads(self.after, last).await? {
                self.chain.head(sequence, hash);
            }
        }
        let compared = unit.check_kept(&rows, &mut self.told).await?;
        self.chain.erased(compared.erased);
        for finding in compared.findings {
            self.chain.find(finding);
        }
        let mut texts = unit.texts_of(&rows).await?;
        for row in rows {
            let own = texts.extract_if(.., |text| text.entry_id == row.id).collect();
            match sealed(&row) {
                Ok(Some(place)) => self.chain.entry(&sealed_entry(row, place, own)),
                _ => self.chain.misplaced(number_of(&row), AuditEntryId::from_uuid(row.id)),
            }
        }
        self.after = last;
        Ok(())
    }
}

impl ReadUnit {
    async fn sealed_after(&self, sequence: u64) -> Result<Vec<audit_entry::Model>, StoreError> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.gt(number(sequence)))
            .order_by_asc(audit_entry::Column::Sequence)
            .limit(BATCH as u64)
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
        // Asked of each row of the queue, which is short: the other way round would read the whole log at once.
        let its_entry = Query::select()
            .column(audit_entry::Column::Id)
            .from(audit_entry::Entity)
            .and_where(audit_entry::Column::TenantId.eq(self.wall()))
            .and_where(
                Expr::col((audit_entry::Entity, audit_entry::Column::Id))
                    .equals((audit_unsealed::Entity, audit_unsealed::Column::EntryId)),
            )
            .to_owned();
        let removed = audit_unsealed::Entity::find()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(Expr::exists(its_entry).not())
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

/// The number of an entry that was found by it, and so is above 0.
fn number_of(row: &audit_entry::Model) -> u64 {
    row.sequence.unwrap_or_default().unsigned_abs()
}

fn sealed_entry(row: audit_entry::Model, sealed: Sealed, texts: Vec<audit_text::Model>) -> SealedEntry {
    let mut kept = KeptTexts::default();
    for text in texts {
        let name = text.name.clone();
        match personal_text(text) {
            Ok(text) => kept.sound.push(text),
            Err(_) => kept.unreadable.push(name),
        }
    }
    SealedEntry {
        id: AuditEntryId::from_uuid(row.id),
        sealed,
        body: row.body,
        created_at: Timestamp::from_micros(row.created_at),
        actor_id: row.actor_id,
        person: row.person_id.map(UserId::from_uuid),
        action: row.action,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        texts: kept,
    }
}
