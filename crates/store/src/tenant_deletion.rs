//! Deleting a child tenant: the parent asks for it, the child's own wall is where it is done, and at the end the parent's
//! log tells of it. Between the two walls lies one unwalled row of ids, times and counts, which outlives the tenant.

use std::ops::Deref;

use curfew_domain::assignment::{Observed, Phase};
use curfew_domain::{DeletionWaitsFor, TenantDeletion, TenantId, TenantState, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};

use crate::entity::tenant_deletion::{ActiveModel, Column, Entity, Model};
use crate::entity::{assignment, audit_unsealed, credential, tenant};
use crate::migration::WALLED;
use crate::row::{Row, moment, number};
use crate::{ReadUnit, Store, StoreError, UnwalledRead, WriteUnit};

/// What is kept of a tenant outside the walls, to go with it. Its deletion's own row stays.
const UNWALLED_OF_A_TENANT: &[&str] = &[
    "credential",
    "login_name",
    "instance_claim",
    "connection_lease",
    "due",
    "audit_unsealed",
    "outbox_due",
    "request_due",
    "session_due",
    "tenant_version",
    "tenant_aws_version",
];

/// So many rows are erased by one statement.
const CHUNK: i64 = 5_000;

/// So many assignments that are not gone are looked into.
const LOOKED_INTO: u64 = 1_000;

/// A child that its parent wants to be deleted. It stands behind the parent's wall, where the parent's log is written,
/// until [`Dismissal::cross`] takes it behind the child's.
#[derive(Debug)]
pub struct Dismissal {
    unit: WriteUnit,
    child: TenantId,
}

impl Store {
    /// Begins to delete `child`. None where `parent` has no such child.
    pub async fn dismiss_child(
        &self,
        parent: TenantId,
        child: TenantId,
    ) -> Result<Option<Dismissal>, StoreError> {
        let unit = self.tenant(parent).write().await?;
        let found = tenant::Entity::find_by_id(child.uuid())
            .filter(tenant::Column::ParentId.eq(unit.wall()))
            .count(unit.tx())
            .await?;
        Ok((found == 1).then_some(Dismissal { unit, child }))
    }
}

impl Dismissal {
    /// Takes the transaction behind the child's wall, marks the child, and lets nothing in any more that was let in
    /// before. The commit of the unit that comes back keeps both halves.
    pub async fn cross(self, now: Timestamp) -> Result<WriteUnit, StoreError> {
        let parent = self.unit.tenant();
        let unit = self.unit.cross(self.child).await?;
        unit.mark_deleting(parent, now).await?;
        Ok(unit)
    }
}

impl Deref for Dismissal {
    type Target = WriteUnit;

    fn deref(&self) -> &WriteUnit {
        &self.unit
    }
}

impl UnwalledRead {
    /// The tenants that are being deleted and not erased yet.
    pub async fn tenants_being_deleted(&self) -> Result<Vec<TenantDeletion>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ErasedAt.is_null())
            .order_by_asc(Column::TenantId)
            .all(self.tx())
            .await?;
        rows.iter().map(deletion).collect()
    }
}

impl ReadUnit {
    /// How the deletion of the unit's children goes on, of those that are not erased yet.
    pub async fn deletions_of_children(&self) -> Result<Vec<TenantDeletion>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ParentId.eq(self.wall()))
            .filter(Column::ErasedAt.is_null())
            .all(self.tx())
            .await?;
        rows.iter().map(deletion).collect()
    }

    /// How many assignments AWS may still hold that Curfew made, and how often in a row AWS has failed to take the most
    /// stubborn of the first of them back. What was there before Curfew is not among them.
    pub async fn assignments_to_take_back(&self) -> Result<(u64, u32), StoreError> {
        let held = [Phase::Creating, Phase::Present, Phase::Deleting].map(Phase::as_str);
        let left = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Phase.is_in(held));
        let count = left.clone().count(self.tx()).await?;
        let mut most = 0;
        for row in left.limit(LOOKED_INTO).all(self.tx()).await? {
            let at = Row { table: "assignment", id: row.id };
            most = most.max(at.json::<Observed>("observed", row.observed)?.attempts);
        }
        Ok((count, most))
    }

    /// Whether an entry waits for its place in the chain.
    pub async fn has_unsealed(&self) -> Result<bool, StoreError> {
        let waiting = audit_unsealed::Entity::find()
            .filter(audit_unsealed::Column::TenantId.eq(self.wall()))
            .limit(1)
            .count(self.tx())
            .await?;
        Ok(waiting > 0)
    }
}

impl WriteUnit {
    async fn mark_deleting(&self, parent: TenantId, now: Timestamp) -> Result<(), StoreError> {
        tenant::Entity::update_many()
            .col_expr(tenant::Column::State, Expr::value(TenantState::Deleting.as_str()))
            .col_expr(tenant::Column::UpdatedAt, Expr::value(now.micros()))
            .filter(tenant::Column::Id.eq(self.wall()))
            .exec(self.tx())
            .await?;
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            parent_id: Set(parent.uuid()),
            requested_at: Set(now.micros()),
            assignments_left: Set(0),
            waits_for: Set(None),
            looked_at: Set(None),
            erased_at: Set(None),
        };
        let once = OnConflict::column(Column::TenantId).do_nothing().to_owned();
        Entity::insert(row).on_conflict(once).exec_without_returning(self.tx()).await?;
        credential::Entity::update_many()
            .col_expr(credential::Column::RevokedAt, Expr::value(now.micros()))
            .filter(credential::Column::TenantId.eq(self.wall()))
            .filter(credential::Column::RevokedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Writes how the deletion of the unit's own tenant goes on.
    pub async fn note_deletion(
        &self,
        left: u64,
        waits_for: Option<DeletionWaitsFor>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::AssignmentsLeft, Expr::value(number(left)))
            .col_expr(Column::WaitsFor, Expr::value(waits_for.map(DeletionWaitsFor::as_str)))
            .col_expr(Column::LookedAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ErasedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Erases the unit's own tenant with all that is kept of it, and stands behind its parent's wall then, for the
    /// parent's log. None, and nothing is done, where it is not marked, or was erased before.
    ///
    /// All in one transaction, so that nobody ever finds half a tenant, or half a log.
    pub async fn erase_this_tenant(self, now: Timestamp) -> Result<Option<WriteUnit>, StoreError> {
        let marked = Condition::all().add(Column::TenantId.eq(self.wall())).add(Column::ErasedAt.is_null());
        let Some(row) = Entity::find().filter(marked.clone()).one(self.tx()).await? else { return Ok(None) };
        // Tables stand in the order in which they refer to each other.
        for table in WALLED.iter().rev().chain(UNWALLED_OF_A_TENANT) {
            self.erase_rows(table).await?;
        }
        tenant::Entity::delete_by_id(self.wall()).exec(self.tx()).await?;
        Entity::update_many()
            .col_expr(Column::AssignmentsLeft, Expr::value(0_i64))
            .col_expr(Column::WaitsFor, Expr::value(None::<String>))
            .col_expr(Column::ErasedAt, Expr::value(now.micros()))
            .filter(marked)
            .exec(self.tx())
            .await?;
        self.cross(TenantId::from_uuid(row.parent_id)).await.map(Some)
    }

    async fn erase_rows(&self, table: &str) -> Result<(), StoreError> {
        let backend = self.tx().get_database_backend();
        let row = if backend == DbBackend::Postgres { "ctid" } else { "rowid" };
        let sql = format!(
            "DELETE FROM {table} WHERE {row} IN (SELECT {row} FROM {table} WHERE tenant_id = $1 LIMIT {CHUNK})"
        );
        loop {
            let statement = Statement::from_sql_and_values(backend, &sql, [self.wall().into()]);
            if self.tx().execute_raw(statement).await?.rows_affected() == 0 {
                return Ok(());
            }
        }
    }
}

fn deletion(row: &Model) -> Result<TenantDeletion, StoreError> {
    let at = Row { table: "tenant_deletion", id: row.tenant_id };
    Ok(TenantDeletion {
        tenant: TenantId::from_uuid(row.tenant_id),
        requested_at: Timestamp::from_micros(row.requested_at),
        assignments_left: at.count("assignments_left", row.assignments_left)?,
        waits_for: at.parse_some("waits_for", row.waits_for.as_deref())?,
        looked_at: moment(row.looked_at),
    })
}
