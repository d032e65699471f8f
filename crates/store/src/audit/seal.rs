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

/// Most entries that one transaction seals: each takes four parameters of a statement, and there may be twice as many
/// ([`padded`]).
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
        self.put_last(queue.iter().filter(|queued| queued.body.is_none()).map(|queued| queued.id)).await?;
        let (before, mut last) = self.chain_end().await?;
        let mut sequence = before;
        let links: Vec<Link> = queue
            .iter()
            .filter_map(|Queued { id, body }| {
                Some(Link::after(&mut sequence, &mut last, self, *id, body.as_ref()?))
            })
            .collect();
        if links.is_empty() {
            return Ok(0);
        }
        self.write_links(&links).await?;
        self.leave_queue(&links).await?;
        Ok(sequence - before)
    }

    /// Takes the tenant's row: in a mode that what refers to it doesn't wait for. SQLite's writer is alone anyway.
    async fn lock_chain(&self) -> Result<bool, StoreError> {
        let row = tenant::Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        Ok(row.is_some())
    }

    /// What waits longest, in the order in which it is sealed.
    async fn oldest_unsealed(&self, max: u16) -> Result<Vec<Queued>, StoreError> {
        let sql = "SELECT queue.entry_id AS id, entry.body AS body FROM audit_unsealed AS queue \
                   LEFT JOIN audit_entry AS entry ON entry.tenant_id = queue.tenant_id \
                     AND entry.id = queue.entry_id AND entry.sequence IS NULL \
                   WHERE queue.tenant_id = $1 ORDER BY queue.created_at, queue.entry_id LIMIT $2";
        let values = [self.wall().into(), i64::from(max).into()];
        let statement = Statement::from_sql_and_values(self.tx().get_database_backend(), sql, values);
        Ok(Queued::find_by_statement(statement).all(self.tx()).await?)
    }

    /// Rows of the queue whose entries somebody took away stay, as evidence, behind those that can be sealed.
    async fn put_last(&self, orphans: impl Iterator<Item = Uuid>) -> Result<(), StoreError> {
        let orphans: Vec<Uuid> = orphans.collect();
        if orphans.is_empty() {
            return Ok(());
        }
        audit_unsealed::Entity::update_many()
            .col_expr(audit_unsealed::Column::CreatedAt, Expr::value(i64::MAX))
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.is_in(orphans))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    async fn leave_queue(&self, sealed: &[Link]) -> Result<(), StoreError> {
        audit_unsealed::Entity::delete_many()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.is_in(padded(sealed).map(|link| link.id)))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// All links in one statement, which both databases take.
    async fn write_links(&self, links: &[Link]) -> Result<(), StoreError> {
        let rows: Vec<String> = (0..padded(links).count())
            .map(|row| format!("(${}, ${}, ${}, ${})", row * 4 + 2, row * 4 + 3, row * 4 + 4, row * 4 + 5))
            .collect();
        let sql = format!(
            "WITH link (id, sequence, hash, previous_hash) AS (VALUES {}) \
             UPDATE audit_entry SET sequence = link.sequence, hash = link.hash, previous_hash = link.previous_hash \
             FROM link WHERE audit_entry.tenant_id = $1 AND audit_entry.id = link.id",
            rows.join(", ")
        );
        let values = padded(links).flat_map(|link| {
            let (hash, previous) = (link.hash.bytes().to_vec(), link.previous.bytes().to_vec());
            [link.id.into(), number(link.sequence).into(), hash.into(), previous.into()]
        });
        let values: Vec<Value> = std::iter::once(self.wall().into()).chain(values).collect();
        let statement = Statement::from_sql_and_values(self.tx().get_database_backend(), sql, values);
        self.tx().execute_raw(statement).await?;
        Ok(())
    }
}

/// A row of the queue; without a body where its entry is not there, or sealed already.
#[derive(FromQueryResult)]
struct Queued {
    id: Uuid,
    body: Option<String>,
}

struct Link {
    id: Uuid,
    sequence: u64,
    hash: ChainHash,
    previous: ChainHash,
}

impl Link {
    /// The link that follows number `sequence` and hash `last`, which become its own.
    fn after(sequence: &mut u64, last: &mut ChainHash, unit: &ReadUnit, id: Uuid, body: &str) -> Self {
        *sequence += 1;
        let previous = *last;
        *last = previous.next(unit.tenant(), *sequence, body);
        Self { id, sequence: *sequence, hash: *last, previous }
    }
}

/// A list with its last item repeated until its length is a power of two: statements over lists then come in a handful of
/// shapes, and don't drive the others out of the connections' caches.
fn padded<T>(list: &[T]) -> impl Iterator<Item = &T> {
    let missing = list.len().next_power_of_two() - list.len();
    list.iter().chain(list.last().into_iter().cycle().take(missing))
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn a_padded_list_is_the_list_and_its_last_item_up_to_a_power_of_two() {
        for (length, padded_length) in [(1, 1), (2, 2), (3, 4), (37, 64), (64, 64)] {
            let list: Vec<u16> = (1..=length).collect();
            let padded: Vec<u16> = padded(&list).copied().collect();
            assert_eq!(padded.len(), padded_length);
            assert!(padded.starts_with(&list));
            assert!(padded[list.len()..].iter().all(|item| *item == length));
        }
        assert_eq!(padded(&[] as &[u16]).count(), 0);
    }
}
