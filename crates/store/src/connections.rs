//! A tenant's connection to AWS.

use curfew_domain::Timestamp;
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use sea_orm::EntityTrait;

use crate::entity::aws_connection::{Entity, Model};
use crate::row::{Row, moment};
use crate::{ReadUnit, StoreError};

impl ReadUnit {
    /// The connection, as it is kept; none before an `ExternalId` was made for the tenant.
    pub async fn connection(&self) -> Result<Option<Connection>, StoreError> {
        let row = Entity::find_by_id(self.wall()).one(self.tx()).await?;
        row.map(|row| connection(&row)).transpose()
    }
}

fn connection(row: &Model) -> Result<Connection, StoreError> {
    let at = Row { table: "aws_connection", id: row.tenant_id };
    Ok(Connection {
        saved: saved(&at, row)?,
        saved_version: at.count("saved_version", row.saved_version)?,
        verified: verified(&at, row)?,
        suspended: at.parse_some("suspended", row.suspended.as_deref())?,
        external_ids: ExternalIds {
            current: at.parse("external_id", &row.external_id)?,
            pending: at.parse_some("external_id_pending", row.external_id_pending.as_deref())?,
        },
        pending_proved_at: moment(row.pending_proved_at),
    })
}

fn saved(at: &Row<uuid::Uuid>, row: &Model) -> Result<Option<SavedConnection>, StoreError> {
    let (Some(instance), Some(role), Some(region)) =
        (&row.saved_instance, &row.saved_role, &row.saved_region)
    else {
        return Ok(None);
    };
    Ok(Some(SavedConnection {
        instance: at.parse("saved_instance", instance)?,
        role: at.parse("saved_role", role)?,
        region: at.parse("saved_region", region)?,
    }))
}

fn verified(at: &Row<uuid::Uuid>, row: &Model) -> Result<Option<VerifiedConnection>, StoreError> {
    let (Some(instance), Some(role), Some(region)) =
        (&row.verified_instance, &row.verified_role, &row.verified_region)
    else {
        return Ok(None);
    };
    let (Some(store), Some(external_id), Some(verified_at)) =
        (&row.verified_identity_store, &row.verified_external_id, row.verified_at)
    else {
        return Err(at.corrupt("verified_at", "a verified connection lacks a part"));
    };
    Ok(Some(VerifiedConnection {
        saved: SavedConnection {
            instance: at.parse("verified_instance", instance)?,
            role: at.parse("verified_role", role)?,
            region: at.parse("verified_region", region)?,
        },
        identity_store: at.parse("verified_identity_store", store)?,
        external_id: at.parse("verified_external_id", external_id)?,
        at: Timestamp::from_micros(verified_at),
    }))
}
