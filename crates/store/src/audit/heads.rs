//! Heads of the chain, signed. They leave the database; what is kept here is a copy.

use curfew_domain::Timestamp;
use curfew_domain::audit::{ChainHash, ChainHead};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::audit_head::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, number};
use crate::{ReadUnit, StoreError, WriteUnit};

/// A head with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// What is signed.
    pub head: ChainHead,
    /// The key it is signed with.
    pub key_id: String,
    /// Ed25519 over [`ChainHead::signed_bytes`].
    pub signature: Vec<u8>,
}

impl ReadUnit {
    /// The head of the chain as it stands; none before the first sealed entry.
    pub async fn chain_head(&self, now: Timestamp) -> Result<Option<ChainHead>, StoreError> {
        let (sequence, hash) = self.chain_end().await?;
        let head = ChainHead { tenant: self.tenant(), sequence, hash, at: now };
        Ok((sequence > 0).then_some(head))
    }

    /// The newest head that was signed.
    pub async fn latest_head(&self) -> Result<Option<SignedHead>, StoreError> {
        self.newest_head().await?.map(|row| self.signed_head(row)).transpose()
    }

    /// The head that was signed at number `sequence`.
    pub async fn head_at(&self, sequence: u64) -> Result<Option<SignedHead>, StoreError> {
        let row = Entity::find_by_id((self.wall(), number(sequence))).one(self.tx()).await?;
        row.map(|row| self.signed_head(row)).transpose()
    }

    /// The hashes that the heads from after `after` up to `up_to` saw, by number; none where a hash is not one.
    pub(super) async fn hashes_of_heads(
        &self,
        after: u64,
        up_to: u64,
    ) -> Result<Vec<(u64, Option<ChainHash>)>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Sequence.gt(number(after)))
            .filter(Column::Sequence.lte(number(up_to)))
            .order_by_asc(Column::Sequence)
            .all(self.tx())
            .await?;
        Ok(rows.iter().map(seen).collect())
    }

    /// The same of the newest head.
    pub(super) async fn hash_of_newest_head(&self) -> Result<Option<(u64, Option<ChainHash>)>, StoreError> {
        Ok(self.newest_head().await?.as_ref().map(seen))
    }

    async fn newest_head(&self) -> Result<Option<Model>, StoreError> {
        let newest = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .order_by_desc(Column::Sequence)
            .one(self.tx())
            .await?;
        Ok(newest)
    }

    fn signed_head(&self, row: Model) -> Result<SignedHead, StoreError> {
        let at = Row { table: "audit_head", id: row.sequence };
        let head = ChainHead {
            tenant: self.tenant(),
            sequence: at.count("sequence", row.sequence)?,
            hash: ChainHash::from_bytes(at.bytes("hash", &row.hash)?),
            at: Timestamp::from_micros(row.at),
        };
        Ok(SignedHead { head, key_id: row.key_id, signature: row.signature })
    }
}

impl WriteUnit {
    /// Keeps a head of the unit's tenant. False when one of that number is kept already: another node was first.
    pub async fn insert_head(&self, signed: &SignedHead) -> Result<bool, StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            sequence: Set(number(signed.head.sequence)),
            hash: Set(signed.head.hash.bytes().to_vec()),
            at: Set(signed.head.at.micros()),
            key_id: Set(signed.key_id.clone()),
            signature: Set(signed.signature.clone()),
        };
        let once = OnConflict::columns([Column::TenantId, Column::Sequence]).do_nothing().to_owned();
        let made = Entity::insert(row).on_conflict(once).exec_without_returning(self.tx()).await?;
        Ok(made == 1)
    }
}

/// What a head saw: which number, and its hash where that is one.
fn seen(row: &Model) -> (u64, Option<ChainHash>) {
    (row.sequence.unsigned_abs(), row.hash.as_slice().try_into().ok().map(ChainHash::from_bytes))
}
