//! A tenant's settings, and its OpenID provider's.

use curfew_domain::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::entity::{oidc_config, setting};
use crate::keyring::SealedText;
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// A setting as it is kept. Which keys there are, and what they hold, is the application's to say.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSetting {
    /// Its name.
    pub key: String,
    /// What it is set to.
    pub value: Value,
    /// When it was last set.
    pub updated_at: Timestamp,
}

/// A tenant's OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// Its issuer.
    pub issuer_url: String,
    /// Curfew's name there.
    pub client_id: String,
    /// Curfew's secret there, sealed for `oidc_config.client_secret`.
    pub client_secret: SealedText,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// When it was first saved.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

impl ReadUnit {
    /// All settings that were ever set, by name.
    pub async fn settings(&self) -> Result<Vec<StoredSetting>, StoreError> {
        let rows = setting::Entity::find()
            .filter(setting::Column::TenantId.eq(self.wall()))
            .order_by_asc(setting::Column::Key)
            .all(self.tx())
            .await?;
        Ok(rows.into_iter().map(stored).collect())
    }

    /// The tenant's OpenID provider; none while it has none.
    pub async fn oidc_config(&self) -> Result<Option<OidcConfig>, StoreError> {
        let row = oidc_config::Entity::find_by_id(self.wall()).one(self.tx()).await?;
        row.map(oidc).transpose()
    }
}

impl WriteUnit {
    /// Sets a setting.
    pub async fn save_setting(&self, setting: &StoredSetting) -> Result<(), StoreError> {
        let row = setting::ActiveModel {
            tenant_id: Set(self.wall()),
            key: Set(setting.key.clone()),
            value: Set(setting.value.clone()),
            updated_at: Set(setting.updated_at.micros()),
        };
        let change = OnConflict::columns([setting::Column::TenantId, setting::Column::Key])
            .update_columns([setting::Column::Value, setting::Column::UpdatedAt])
            .to_owned();
        setting::Entity::insert(row).on_conflict(change).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Saves the tenant's OpenID provider, in place of an earlier one.
    pub async fn save_oidc_config(&self, config: &OidcConfig) -> Result<(), StoreError> {
        use oidc_config::Column;
        let row = oidc_config::ActiveModel {
            tenant_id: Set(self.wall()),
            issuer_url: Set(config.issuer_url.clone()),
            client_id: Set(config.client_id.clone()),
            client_secret_sealed: Set(config.client_secret.as_bytes().to_vec()),
            scopes: Set(Value::from(config.scopes.clone())),
            created_at: Set(config.created_at.micros()),
            updated_at: Set(config.updated_at.micros()),
        };
        let change = OnConflict::column(Column::TenantId)
            .update_columns([
                Column::IssuerUrl,
                Column::ClientId,
                Column::ClientSecretSealed,
                Column::Scopes,
                Column::UpdatedAt,
            ])
            .to_owned();
        oidc_config::Entity::insert(row).on_conflict(change).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn stored(row: setting::Model) -> StoredSetting {
    StoredSetting { key: row.key, value: row.value, updated_at: Timestamp::from_micros(row.updated_at) }
}

fn oidc(row: oidc_config::Model) -> Result<OidcConfig, StoreError> {
    let at = Row { table: "oidc_config", id: row.tenant_id };
    Ok(OidcConfig {
        issuer_url: row.issuer_url,
        client_id: row.client_id,
        client_secret: SealedText::from_bytes(row.client_secret_sealed),
        scopes: at.json("scopes", row.scopes)?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
