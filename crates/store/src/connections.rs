//! A tenant's connection to AWS.

use curfew_domain::Timestamp;
use curfew_domain::assignment::Phase;
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use sea_orm::sea_query::{LockType, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};
use serde_json::Value;

use crate::entity::aws_connection::{ActiveModel, Column, Entity, Model};
use crate::entity::{assignment, due, grant_assignment};
use crate::row::{Row, micros, moment, number};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The connection, as it is kept; none before an `ExternalId` was made for the tenant.
    pub async fn connection(&self) -> Result<Option<Connection>, StoreError> {
        let row = Entity::find_by_id(self.wall()).one(self.tx()).await?;
        row.map(|row| connection(&row)).transpose()
    }

    /// Whether an assignment is not gone from AWS, or is about to be made there: what a connection is still
    /// needed for. A grant counts until its end is noted, so that no clock is asked.
    pub async fn has_unfinished_assignments(&self) -> Result<bool, StoreError> {
        let touched = assignment::Column::Phase.is_not_in([Phase::Gone.as_str(), Phase::Unseen.as_str()]);
        let is_due = Query::select()
            .column(due::Column::AssignmentId)
            .from(due::Entity)
            .and_where(due::Column::TenantId.eq(self.wall()))
            .to_owned();
        let about_to_be = Condition::all()
            .add(assignment::Column::Phase.eq(Phase::Unseen.as_str()))
            .add(assignment::Column::Id.in_subquery(is_due));
        let wanted = assignment::Column::Id.in_subquery(self.wanted_by_open_grants());
        let unfinished = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(Condition::any().add(touched).add(about_to_be).add(wanted))
            .count(self.tx())
            .await?;
        Ok(unfinished > 0)
    }

    fn wanted_by_open_grants(&self) -> SelectStatement {
        Query::select()
            .column(grant_assignment::Column::AssignmentId)
            .from(grant_assignment::Entity)
            .and_where(grant_assignment::Column::TenantId.eq(self.wall()))
            .and_where(grant_assignment::Column::GrantId.in_subquery(self.open_ids()))
            .to_owned()
    }
}

impl WriteUnit {
    /// The connection, held against other writers until the unit ends.
    pub async fn lock_connection(&self) -> Result<Option<Connection>, StoreError> {
        self.queue_for_connection("pg_advisory_xact_lock").await?;
        let row = Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        row.map(|row| connection(&row)).transpose()
    }

    /// Keeps a new tenant's connection.
    pub async fn insert_connection(&self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let row = ActiveModel { tenant_id: Set(self.wall()), ..row_of(connection, now) };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        self.note_aws_moved();
        Ok(())
    }

    /// Keeps a connection that was locked in this unit, as it is now.
    pub async fn update_connection(&self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let changed = row_of(connection, now);
        Entity::update_many().set(changed).filter(Column::TenantId.eq(self.wall())).exec(self.tx()).await?;
        self.note_aws_moved();
        Ok(())
    }

    /// Keeps what the last test of the connection said.
    pub async fn save_last_test(&self, report: Value, now: Timestamp) -> Result<(), StoreError> {
        let changed = ActiveModel {
            last_test: Set(Some(report)),
            last_test_at: Set(Some(now.micros())),
            ..ActiveModel::default()
        };
        Entity::update_many().set(changed).filter(Column::TenantId.eq(self.wall())).exec(self.tx()).await?;
        Ok(())
    }
}

fn row_of(connection: &Connection, now: Timestamp) -> ActiveModel {
    let saved = connection.saved.as_ref();
    let verified = connection.verified.as_ref();
    ActiveModel {
        saved_instance: Set(saved.map(|saved| saved.instance.to_string())),
        saved_role: Set(saved.map(|saved| saved.role.to_string())),
        saved_region: Set(saved.map(|saved| saved.region.to_string())),
        saved_version: Set(number(connection.saved_version)),
        verified_instance: Set(verified.map(|verified| verified.saved.instance.to_string())),
        verified_role: Set(verified.map(|verified| verified.saved.role.to_string())),
        verified_region: Set(verified.map(|verified| verified.saved.region.to_string())),
        verified_identity_store: Set(verified.map(|verified| verified.identity_store.to_string())),
        verified_external_id: Set(verified.map(|verified| verified.external_id.to_string())),
        verified_at: Set(verified.map(|verified| verified.at.micros())),
        suspended: Set(connection.suspended.map(|reason| reason.as_str().to_owned())),
        external_id: Set(connection.external_ids.current.to_string()),
        external_id_pending: Set(connection.external_ids.pending.as_ref().map(ToString::to_string)),
        pending_proved_at: Set(micros(connection.pending_proved_at)),
        updated_at: Set(now.micros()),
        ..ActiveModel::default()
    }
}

pub(crate) fn connection(row: &Model) -> Result<Connection, StoreError> {
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
