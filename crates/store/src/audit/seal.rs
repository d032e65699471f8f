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
    pub async fn seal_batch(&self, max: u16) -> Result<u64, StoreError> {
        if !self.lock_chain().await? {
            return Ok(0);
        }
        let entries = self.oldest_unsealed(max.min(MOST_AT_ONCE)).await?;
        if entries.is_empty() {
            return Ok(0);
        }
        let links = self.link(&entries).await?;
        self.write_links(&links).await?;
        let sealed = links.iter().map(|link| link.id);
        audit_unsealed::Entity::delete_many()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .filter(audit_unsealed::Column::EntryId.is_in(sealed))
            .exec(self.tx())
            .await?;
        Ok(links.len() as u64)
    }

    /// Takes the tenant's row: in a mode that what refers to it doesn't wait for. SQLite's writer is alone anyway.
    async fn lock_chain(&self) -> Result<bool, StoreError> {
        let row = tenant::Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        Ok(row.is_some())
    }

    async fn oldest_unsealed(&self, max: u16) -> Result<Vec<audit_entry::Model>, StoreError> {
        let queue = audit_unsealed::Entity::find()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .order_by_asc(audit_unsealed::Column::CreatedAt)
            .order_by_asc(audit_unsealed::Column::EntryId)
            .limit(u64::from(max))
            .all(self.tx())
            .await?;
        let entries = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(audit_entry::Column::Sequence.is_null())
            .filter(audit_entry::Column::Id.is_in(queue.iter().map(|row| row.entry_id)))
            .order_by_asc(audit_entry::Column::CreatedAt)
            .order_by_asc(audit_entry::Column::Id)
            .all(self.tx())
            .await?;
        if entries.len() < queue.len() {
            let orphans =
                queue.iter().map(|row| row.entry_id).filter(|id| entries.iter().all(|entry| entry.id != *id));
            self.put_last(orphans.collect()).await?;
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

    async fn link(&self, entries: &[audit_entry::Model]) -> Result<Vec<Link>, StoreError> {
        let (mut sequence, mut last) = self.chain_end().await?;
        let links = entries.iter().map(|entry| {
            sequence += 1;
            let previous = last;
            last = previous.next(self.tenant(), sequence, &entry.body);
            Link { id: entry.id, sequence, hash: last, previous }
        });
        Ok(links.collect())
    }

    /// All links in one statement, which both databases take.
    async fn write_links(&self, links: &[Link]) -> Result<(), StoreError> {
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
