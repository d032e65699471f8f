use curfew_domain::Timestamp;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use crate::entity::{credential, login_name};
use crate::keyring::{KeyId, Keyring};
use crate::row::Row;
use crate::{StoreError, UnwalledRead};

/// A master key that is needed and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMasterKey {
    /// Which.
    pub key: KeyId,
    /// How many login names, and credentials that are good until revoked, are under it or under others that are missing.
    pub names_and_credentials: u64,
}

impl UnwalledRead {
    /// A master key that something live is under, when `keyring` does not know it: without it those credentials are
    /// dead, and who is named so can't log in. None before the first run, which writes the first keyed hashes.
    pub async fn missing_master_key(
        &self,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<Option<MissingMasterKey>, StoreError> {
        let known: Vec<i64> = keyring.key_ids().map(|id| i64::from(id.get())).collect();
        let names = login_name::Entity::find().filter(login_name::Column::KeyId.is_not_in(known.clone()));
        let live = Condition::all()
            .add(credential::Column::KeyId.is_not_in(known))
            .add(credential::Column::RevokedAt.is_null())
            .add(credential::Column::ExpiresAt.is_null().or(credential::Column::ExpiresAt.gt(now.micros())));
        let credentials = credential::Entity::find().filter(live);
        let key = if let Some(name) = names.clone().one(self.tx()).await? {
            let at = Row { table: "login_name", id: name.tenant_id };
            at.keyed_hash(name.key_id, &name.hash)?.key
        } else if let Some(credential) = credentials.clone().one(self.tx()).await? {
            let at = Row { table: "credential", id: credential.id };
            at.keyed_hash(credential.key_id, &credential.hash)?.key
        } else {
            return Ok(None);
        };
        let names_and_credentials = names.count(self.tx()).await? + credentials.count(self.tx()).await?;
        Ok(Some(MissingMasterKey { key, names_and_credentials }))
    }
}
