//! What is looked at before a password is: which tenant a login means, and how often it was tried.

use curfew_domain::{TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::entity::{login_attempt, login_name};
use crate::keyring::{KeyId, KeyedHash};
use crate::row::{Row, micros, moment, number};
use crate::{StoreError, UnwalledRead, UnwalledWrite, WriteUnit};

/// What tries to sign in are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TriesOf {
    /// An e-mail, from anywhere.
    Account,
    /// A network address, whatever the e-mail.
    Address,
    /// An e-mail from a network address.
    Pair,
}

impl TriesOf {
    const fn as_str(self) -> &'static str {
        match self {
            TriesOf::Account => "account",
            TriesOf::Address => "address",
            TriesOf::Pair => "pair",
        }
    }
}

/// One count of tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginTries {
    /// What is counted.
    pub of: TriesOf,
    /// The keyed hash of whose tries.
    pub key: KeyedHash,
    /// Wrong ones.
    pub failures: u32,
    /// The last wrong one.
    pub last_failure_at: Option<Timestamp>,
    /// The last right one.
    pub last_success_at: Option<Timestamp>,
    /// From when nothing of this is needed any more.
    pub forget_at: Timestamp,
}

impl UnwalledRead {
    /// The tenant that a slug or verified domain leads to, by its keyed hash under any master key.
    pub async fn tenant_by_login_name(
        &self,
        candidates: &[KeyedHash],
    ) -> Result<Option<TenantId>, StoreError> {
        let digests = candidates.iter().map(|hash| hash.digest.to_vec());
        let row =
            login_name::Entity::find().filter(login_name::Column::Hash.is_in(digests)).one(self.tx()).await?;
        Ok(row.map(|row| TenantId::from_uuid(row.tenant_id)))
    }
}

impl UnwalledRead {
    /// Every tenant of the installation: each has its slug as a login name.
    pub async fn all_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        self.tenants_where(Condition::all()).await
    }

    /// The tenants with a login name that is not kept under `current`.
    pub async fn tenants_with_stale_login_names(&self, current: KeyId) -> Result<Vec<TenantId>, StoreError> {
        let stale = login_name::Column::KeyId.ne(i64::from(current.get()));
        self.tenants_where(Condition::all().add(stale)).await
    }

    /// How many names are not kept under `current`.
    pub async fn stale_login_names(&self, current: KeyId) -> Result<u64, StoreError> {
        let stale = login_name::Column::KeyId.ne(i64::from(current.get()));
        Ok(login_name::Entity::find().filter(stale).count(self.tx()).await?)
    }

    async fn tenants_where(&self, which: Condition) -> Result<Vec<TenantId>, StoreError> {
        let ids: Vec<Uuid> = login_name::Entity::find()
            .select_only()
            .column(login_name::Column::TenantId)
            .distinct()
            .filter(which)
            .order_by_asc(login_name::Column::TenantId)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(ids.into_iter().map(TenantId::from_uuid).collect())
    }
}

impl UnwalledWrite {
    /// The counts under `keys`, in their order; whoever else wants them waits until this unit is over.
    pub async fn lock_login_tries(
        &self,
        keys: &[(TriesOf, KeyedHash)],
        now: Timestamp,
    ) -> Result<Vec<LoginTries>, StoreError> {
        lock_tries(self.tx(), keys, now).await
    }

    /// Writes counts that [`Self::lock_login_tries`] gave.
    pub async fn save_login_tries(&self, tries: &[LoginTries]) -> Result<(), StoreError> {
        save_tries(self.tx(), tries).await
    }

    /// Forgets what is not needed any more. Counts that a login has in hand are left for another time: it may need
    /// them again, and neither waits for the other.
    pub async fn forget_login_tries(&self, now: Timestamp) -> Result<u64, StoreError> {
        let key = [login_attempt::Column::Scope, login_attempt::Column::KeyHash];
        let free = login_attempt::Entity::find()
            .select_only()
            .columns(key)
            .filter(login_attempt::Column::ForgetAt.lte(now.micros()))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let gone = login_attempt::Entity::delete_many()
            .filter(Expr::tuple(key.map(Expr::col)).in_subquery(free.into_query()))
            .exec(self.tx())
            .await?;
        Ok(gone.rows_affected)
    }
}

impl WriteUnit {
    /// [`UnwalledWrite::lock_login_tries`], in the transaction that signs someone in.
    pub async fn lock_login_tries(
        &self,
        keys: &[(TriesOf, KeyedHash)],
        now: Timestamp,
    ) -> Result<Vec<LoginTries>, StoreError> {
        lock_tries(self.tx(), keys, now).await
    }

    /// [`UnwalledWrite::save_login_tries`], in the transaction that signs someone in.
    pub async fn save_login_tries(&self, tries: &[LoginTries]) -> Result<(), StoreError> {
        save_tries(self.tx(), tries).await
    }

    /// Keeps these login names of the unit's tenant, and no others.
    pub async fn replace_login_names(&self, hashes: &[KeyedHash]) -> Result<(), StoreError> {
        login_name::Entity::delete_many()
            .filter(login_name::Column::TenantId.eq(self.wall()))
            .exec(self.tx())
            .await?;
        for hash in hashes {
            self.insert_login_name(hash).await?;
        }
        Ok(())
    }

    /// Lets a slug or verified domain lead to the unit's tenant.
    pub async fn insert_login_name(&self, hash: &KeyedHash) -> Result<(), StoreError> {
        let row = login_name::ActiveModel {
            hash: Set(hash.digest.to_vec()),
            key_id: Set(hash.key.get().into()),
            tenant_id: Set(self.wall()),
        };
        login_name::Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

/// Makes the rows that are missing and locks the others, always in the same order: two logins can't wait for each
/// other in a circle. One that is being forgotten meanwhile is waited for, and made anew.
async fn lock_tries(
    tx: &DatabaseTransaction,
    keys: &[(TriesOf, KeyedHash)],
    now: Timestamp,
) -> Result<Vec<LoginTries>, StoreError> {
    let mut sorted = keys.to_vec();
    sorted.sort_by_key(|(of, key)| (*of, key.digest));
    let rows = sorted.iter().map(|(of, key)| login_attempt::ActiveModel {
        scope: Set(of.as_str().to_owned()),
        key_hash: Set(key.digest.to_vec()),
        key_id: Set(key.key.get().into()),
        failures: Set(0),
        last_failure_at: Set(None),
        last_success_at: Set(None),
        forget_at: Set(now.micros()),
    });
    let by = [login_attempt::Column::Scope, login_attempt::Column::KeyHash];
    // `do_nothing` would lock nothing: the row it met could be gone a moment later.
    login_attempt::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(by).update_column(login_attempt::Column::KeyId).to_owned())
        .exec_without_returning(tx)
        .await?;
    let which = sorted.iter().fold(Condition::any(), |any, (of, key)| {
        any.add(
            login_attempt::Column::Scope
                .eq(of.as_str())
                .and(login_attempt::Column::KeyHash.eq(key.digest.to_vec())),
        )
    });
    let rows = login_attempt::Entity::find().filter(which).all(tx).await?;
    keys.iter().map(|(of, key)| tries(*of, *key, &rows)).collect()
}

async fn save_tries(tx: &DatabaseTransaction, tries: &[LoginTries]) -> Result<(), StoreError> {
    for one in tries {
        let changed = login_attempt::ActiveModel {
            failures: Set(number(one.failures.into())),
            last_failure_at: Set(micros(one.last_failure_at)),
            last_success_at: Set(micros(one.last_success_at)),
            forget_at: Set(one.forget_at.micros()),
            ..login_attempt::ActiveModel::default()
        };
        login_attempt::Entity::update_many()
            .set(changed)
            .filter(login_attempt::Column::Scope.eq(one.of.as_str()))
            .filter(login_attempt::Column::KeyHash.eq(one.key.digest.to_vec()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

fn tries(of: TriesOf, key: KeyedHash, rows: &[login_attempt::Model]) -> Result<LoginTries, StoreError> {
    let at = Row { table: "login_attempt", id: of.as_str() };
    let row = rows
        .iter()
        .find(|row| row.scope == of.as_str() && row.key_hash == key.digest)
        .ok_or_else(|| at.corrupt("key_hash", "the row that was just made is missing"))?;
    Ok(LoginTries {
        of,
        key,
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
        last_failure_at: moment(row.last_failure_at),
        last_success_at: moment(row.last_success_at),
        forget_at: Timestamp::from_micros(row.forget_at),
    })
}
