//! Giving entries their place in the chain.

use curfew_domain::TenantId;
use curfew_domain::audit::ChainHash;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};
use uuid::Uuid;

use crate::entity::{audit_entry, audit_unsealed, tenant};
use crate::row::{Row, number};
use crate::{ReadUnit, Store, StoreError, UnwalledRead, WriteUnit};

/// Most entries that one transaction seals: each takes four parameters of a statement.
const MOST_AT_ONCE: u16 = 1_000;

impl Store {
    /// Seals all that a tenant has unsealed now, in as many transactions as it takes. Answers how many entries.
    pub async fn seal(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let mut sealed = 0;
        loop {
            let unit = self.tenant(tenant).write().await?;
            let batch = unit.seal_batch(MOST_AT_ONCE).await?;
            unit.commit().await?;
            sealed += batch;
            if batch < u64::from(MOST_AT_ONCE) {
                return Ok(sealed);
            }
        }
    }
}

impl UnwalledRead {
    /// The tenants that have entries to seal.
    pub async fn tenants_with_unsealed(&self) -> Result<Vec<TenantId>, StoreError> {
        #[derive(FromQueryResult)]
        struct Found {
            tenant_id: Uuid,
        }
        let found = audit_unsealed::Entity::find()
            .select_only()
            .column(audit_unsealed::Column::TenantId)
            .distinct()
            .into_model::<Found>()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(|found| TenantId::from_uuid(found.tenant_id)).collect())
    }
}

impl ReadUnit {
    /// The last sealed entry's number and hash; 0 and [`ChainHash::START`] before the first.
    pub(super) async fn chain_end(&self) -> Result<(u64, ChainHash), StoreError> {
        let last = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_not_null())
            .order_by_desc(audit_entry::Column::Sequence)
            .one(self.tx())
            .await?;
        let Some(last) = last else { return Ok((0, ChainHash::START)) };
        let at = Row { table: "audit_entry", id: last.id };
        let sequence = at.count("sequence", last.sequence.unwrap_or_default())?;
        let hash = at.bytes("hash", &last.hash.unwrap_or_default())?;
        Ok((sequence, ChainHash::from_bytes(hash)))
    }
}

impl WriteUnit {
    /// Seals the oldest entries that are not sealed yet, at most `max` of them, and answers how many. Another
    /// sealer of the same tenant waits until this unit ends; writers don't.
    async fn seal_batch(&self, max: u16) -> Result<u64, StoreError> {
        if !self.lock_chain().await? {
            return Ok(0);
        }
        let queue = self.oldest_unsealed(max).await?;
        let (before, mut last) = self.chain_end().await?;
        let mut sequence = before;
        for chunk in powers_of_two(&queue) {
            let entries = self.entries_of(chunk).await?;
            let links: Vec<Link> =
                entries.iter().map(|entry| Link::after(&mut sequence, &mut last, self, entry)).collect();
            self.write_links(&links).await?;
            self.leave_queue(links.iter().map(|link| link.id).collect()).await?;
        }
        Ok(sequence - before)
    }

    /// Takes the tenant's row: in a mode that what refers to it doesn't wait for. SQLite's writer is alone anyway.
    async fn lock_chain(&self) -> Result<bool, StoreError> {
        let row = tenant::Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        Ok(row.is_some())
    }

    async fn oldest_unsealed(&self, max: u16) -> Result<Vec<Uuid>, StoreError> {
        let queue = audit_unsealed::Entity::find()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .order_by_asc(audit_unsealed::Column::CreatedAt)
            .order_by_asc(audit_unsealed::Column::EntryId)
            .limit(u64::from(max))
            .all(self.tx())
            .await?;
        Ok(queue.into_iter().map(|row| row.entry_id).collect())
    }

    async fn entries_of(&self, queued: &[Uuid]) -> Result<Vec<audit_entry::Model>, StoreError> {
        let entries = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_null())
            .filter(audit_entry::Column::Id.is_in(queued.iter().copied()))
            .order_by_asc(audit_entry::Column::CreatedAt)
            .order_by_asc(audit_entry::Column::Id)
            .all(self.tx())
            .await?;
        if entries.len() < queued.len() {
            let gone = |id: &Uuid| entries.iter().all(|entry| entry.id != *id);
            self.put_last(queued.iter().copied().filter(gone).collect()).await?;
        }
        Ok(entries)
    }

    /// Rows of the queue whose entries somebody took away stay, as evidence, behind those that can be sealed.
    async fn put_last(&self, orphans: Vec<Uuid>) -> Result<(), StoreError> {
        audit_unsealed::Entity::update_many()
            .col_expr(audit_unsealed::Column::CreatedAt, Expr::value(i64::MAX))
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.is_in(orphans))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    async fn leave_queue(&self, sealed: Vec<Uuid>) -> Result<(), StoreError> {
        audit_unsealed::Entity::delete_many()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.is_in(sealed))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// All links in one statement, which both databases take.
    async fn write_links(&self, links: &[Link]) -> Result<(), StoreError> {
        if links.is_empty() {
            return Ok(());
        }
        let rows: Vec<String> = (0..links.len())
            .map(|row| format!("(${}, ${}, ${}, ${})", row * 4 + 2, row * 4 + 3, row * 4 + 4, row * 4 + 5))
            .collect();
        let sql = format!(
            "WITH link (id, sequence, hash, previous_hash) AS (VALUES {}) \
             UPDATE audit_entry SET sequence = link.sequence, hash = link.hash, previous_hash = link.previous_hash \
             FROM link WHERE audit_entry.tenant_id = $1 AND audit_entry.id = link.id",
            rows.join(", ")
        );
        let values = links.iter().flat_map(|link| {
            let (hash, previous) = (link.hash.bytes().to_vec(), link.previous.bytes().to_vec());
            [link.id.into(), number(link.sequence).into(), hash.into(), previous.into()]
        });
        let values: Vec<Value> = std::iter::once(self.wall().into()).chain(values).collect();
        let statement = Statement::from_sql_and_values(self.tx().get_database_backend(), sql, values);
        self.tx().execute_raw(statement).await?;
        Ok(())
    }
}

struct Link {
    id: Uuid,
    sequence: u64,
    hash: ChainHash,
    previous: ChainHash,
}

impl Link {
    /// The link that follows number `sequence` and hash `last`, which become its own.
    fn after(sequence: &mut u64, last: &mut ChainHash, unit: &ReadUnit, entry: &audit_entry::Model) -> Self {
        *sequence += 1;
        let previous = *last;
        *last = previous.next(unit.tenant(), *sequence, &entry.body);
        Self { id: entry.id, sequence: *sequence, hash: *last, previous }
    }
}

/// Cuts a list into pieces whose lengths are powers of two, the longest first: statements over them then come in a
/// handful of shapes, and don't drive the others out of the connections' caches.
fn powers_of_two<T>(mut list: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << list.len().checked_ilog2()?;
        let (piece, rest) = list.split_at(length);
        list = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::powers_of_two;

    #[test]
    fn pieces_are_powers_of_two_and_make_up_the_whole() {
        let list: Vec<u16> = (0..37).collect();
        let pieces: Vec<&[u16]> = powers_of_two(&list).collect();
        assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), vec![32, 4, 1]);
        assert_eq!(pieces.concat(), list);
        assert_eq!(powers_of_two(&[] as &[u16]).count(), 0);
    }
}
