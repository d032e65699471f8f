use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::entity::{credential, login_name};
use crate::keyring::{KeyId, Keyring};
use crate::row::Row;
use crate::{StoreError, UnwalledRead};

impl UnwalledRead {
    /// A master key that this database was made with, when `keyring` knows none that was: with it nobody could log
    /// in, and nothing that is sealed would open. None as well before the first run, which writes the first keyed
    /// hashes: the master's login names.
    pub async fn foreign_master_key(&self, keyring: &Keyring) -> Result<Option<KeyId>, StoreError> {
        let known: Vec<i64> = keyring.key_ids().map(|id| i64::from(id.get())).collect();
        let of_known =
            (credential::Column::KeyId.is_in(known.clone()), login_name::Column::KeyId.is_in(known));
        if self.some_key(of_known).await?.is_some() {
            return Ok(None);
        }
        let of_any = (credential::Column::KeyId.is_not_null(), login_name::Column::KeyId.is_not_null());
        self.some_key(of_any).await
    }

    /// The key of some credential or login name that is as asked.
    async fn some_key(
        &self,
        (credentials, names): (impl Into<Condition>, impl Into<Condition>),
    ) -> Result<Option<KeyId>, StoreError> {
        let name = login_name::Entity::find().filter(names.into()).one(self.tx()).await?;
        if let Some(name) = name {
            let at = Row { table: "login_name", id: name.tenant_id };
            return Ok(Some(at.keyed_hash(name.key_id, &name.hash)?.key));
        }
        let credential = credential::Entity::find().filter(credentials.into()).one(self.tx()).await?;
        let Some(credential) = credential else { return Ok(None) };
        let at = Row { table: "credential", id: credential.id };
        Ok(Some(at.keyed_hash(credential.key_id, &credential.hash)?.key))
    }
}
