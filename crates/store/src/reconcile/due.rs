//! What is due: one row an assignment that something may have to be done about.
//!
//! Whoever changes a grant sets the due time to the lesser and adds one to the generation, without a fence; the
//! owner writes its own next time only where the generation is what it read. So an owner's back-off never
//! overwrites a revocation.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::assignment::Phase;
use curfew_domain::{AssignmentId, GrantId, TenantId, Timestamp};
use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, Func, OnConflict, Order, Query, SelectStatement, SimpleExpr, WindowStatement,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::entity::{assignment, due, grant_assignment};
use crate::row::{Row, micros, number};
use crate::{ReadUnit, Store, StoreError, WriteUnit};

/// So many rows are written or looked up by one statement.
const CHUNK: usize = 1_000;

/// An assignment whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueAssignment {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub assignment: AssignmentId,
    /// Since when.
    pub due_at: Timestamp,
    /// How often somebody had changed something about it when it was read.
    pub generation: u64,
    /// Whether AWS may hold of it what should be gone.
    pub takes_back: bool,
}

impl Store {
    /// What is due by `now` among the connections of `owned`, at most `limit`: what is to be taken back before what
    /// is to be given. Tenants take turns: the longest due of each, then the second of each, and so on, so that one
    /// with much to do keeps nobody out.
    pub async fn due_for(
        &self,
        owned: &[TenantId],
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<DueAssignment>, StoreError> {
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let dealt = deal(owned, now, limit);
        let unit = self.unwalled().read().await?;
        let statement = unit.tx().get_database_backend().build(&dealt);
        let rows = DueRow::find_by_statement(statement).all(unit.tx()).await?;
        rows.into_iter().map(DueRow::parse).collect()
    }

    /// When the next of `owned`'s assignments is due after `now`; none when nothing is.
    pub async fn next_due(
        &self,
        owned: &[TenantId],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        if owned.is_empty() {
            return Ok(None);
        }
        let unit = self.unwalled().read().await?;
        let statement = unit.tx().get_database_backend().build(&next_of_all(owned, now));
        let next = NextRow::find_by_statement(statement).one(unit.tx()).await?;
        Ok(next.and_then(|row| row.next).map(Timestamp::from_micros))
    }

    /// How many of `owned`'s assignments AWS may hold although they should have been gone by `moment`.
    pub async fn owed_since(&self, owned: &[TenantId], moment: Timestamp) -> Result<usize, StoreError> {
        self.count_due(owned, due::Column::TakeBackAt.lte(moment.micros())).await
    }

    /// How many of `owned`'s assignments are due by `now`.
    pub async fn backlog(&self, owned: &[TenantId], now: Timestamp) -> Result<usize, StoreError> {
        self.count_due(owned, due::Column::DueAt.lte(now.micros())).await
    }

    async fn count_due(&self, owned: &[TenantId], which: SimpleExpr) -> Result<usize, StoreError> {
        let unit = self.unwalled().read().await?;
        let rows = due::Entity::find()
            .filter(due::Column::TenantId.is_in(owned.iter().map(|tenant| tenant.uuid())))
            .filter(which)
            .count(unit.tx())
            .await?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }
}

impl ReadUnit {
    /// How many assignments AWS may hold of the unit's own tenant, and of its children by these ids, although they should
    /// have been gone by `moment`. Who has none is not in it.
    pub async fn owed_by_tenant(
        &self,
        tenants: &[TenantId],
        moment: Timestamp,
    ) -> Result<BTreeMap<TenantId, u64>, StoreError> {
        let rows: Vec<(Uuid, i64)> = due::Entity::find()
            .select_only()
            .column(due::Column::TenantId)
            .column_as(due::Column::AssignmentId.count(), "owed")
            .filter(due::Column::TenantId.is_in(tenants.iter().map(|tenant| tenant.uuid())))
            .filter(due::Column::TakeBackAt.lte(moment.micros()))
            .group_by(due::Column::TenantId)
            .into_tuple()
            .all(self.tx())
            .await?;
        let owed = |(tenant, owed)| (TenantId::from_uuid(tenant), u64::try_from(owed).unwrap_or_default());
        Ok(rows.into_iter().map(owed).collect())
    }
}

/// The statement of [`Store::due_for`].
fn deal(owned: &[TenantId], now: Timestamp, limit: u16) -> SelectStatement {
    let (rank, turn) = (Alias::new("rank"), Alias::new("turn"));
    let columns =
        [due::Column::TenantId, due::Column::AssignmentId, due::Column::DueAt, due::Column::Generation];
    let absences_first = || -> SimpleExpr {
        Expr::case(Expr::col(due::Column::TakeBackAt).lte(now.micros()), Expr::value(0))
            .finally(Expr::value(1))
            .into()
    };
    let in_turn = WindowStatement::partition_by(due::Column::TenantId)
        .order_by_expr(absences_first(), Order::Asc)
        .order_by(due::Column::DueAt, Order::Asc)
        .take();
    let ranked = Query::select()
        .columns(columns)
        .expr_as(absences_first(), rank.clone())
        .expr_window_as(Func::cust(Alias::new("row_number")), in_turn, turn.clone())
        .from(due::Entity)
        .and_where(due::Column::TenantId.is_in(owned.iter().map(|tenant| tenant.uuid())))
        .and_where(due::Column::DueAt.lte(now.micros()))
        .to_owned();
    Query::select()
        .columns(columns)
        .column(rank.clone())
        .from_subquery(ranked, Alias::new("ranked"))
        .order_by(rank, Order::Asc)
        .order_by(turn, Order::Asc)
        .order_by(due::Column::DueAt, Order::Asc)
        .limit(u64::from(limit))
        .to_owned()
}

/// The statement of [`Store::next_due`]. Each tenant's next is the first of an index, and the least of those the answer:
/// asked for all tenants at once, the database would go through everything that waits.
fn next_of_all(owned: &[TenantId], now: Timestamp) -> SelectStatement {
    let each = Alias::new("each");
    // What both databases call the one column of a list of values.
    let tenant = (each.clone(), Alias::new("column1"));
    let next = Query::select()
        .column(due::Column::DueAt)
        .from(due::Entity)
        .and_where(Expr::col((due::Entity, due::Column::TenantId)).equals(tenant))
        .and_where(due::Column::DueAt.gt(now.micros()))
        .order_by(due::Column::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    Query::select()
        .expr_as(Func::min(SimpleExpr::from(next)), Alias::new("next"))
        .from_values(owned.iter().map(|tenant| tenant.uuid()), each)
        .to_owned()
}

#[derive(FromQueryResult)]
struct NextRow {
    next: Option<i64>,
}

#[derive(FromQueryResult)]
struct DueRow {
    tenant_id: Uuid,
    assignment_id: Uuid,
    due_at: i64,
    generation: i64,
    rank: i32,
}

impl DueRow {
    fn parse(self) -> Result<DueAssignment, StoreError> {
        let at = Row { table: "due", id: self.assignment_id };
        Ok(DueAssignment {
            tenant: TenantId::from_uuid(self.tenant_id),
            assignment: AssignmentId::from_uuid(self.assignment_id),
            due_at: Timestamp::from_micros(self.due_at),
            generation: at.count("generation", self.generation)?,
            takes_back: self.rank == 0,
        })
    }
}

impl ReadUnit {
    /// An assignment's due row's generation; none when nothing is due.
    pub async fn due_generation(&self, assignment: AssignmentId) -> Result<Option<u64>, StoreError> {
        let row = due::Entity::find_by_id(assignment.uuid())
            .filter(due::Column::TenantId.eq(self.wall()))
            .one(self.tx())
            .await?;
        let at = Row { table: "due", id: assignment.uuid() };
        row.map(|row| at.count("generation", row.generation)).transpose()
    }
}

impl WriteUnit {
    /// Something about the assignment's grants has changed: it is due at `at`, or earlier if it was.
    pub async fn touch_due(&self, assignment: AssignmentId, at: Timestamp) -> Result<(), StoreError> {
        self.touch(assignment, at, None).await
    }

    /// The same, of what has to be taken back from `at` on.
    pub(super) async fn touch_due_to_take_back(
        &self,
        assignment: AssignmentId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.touch(assignment, at, Some(at)).await
    }

    /// Touches it; where it may have to be taken back from some moment on, so that it goes before what is given.
    async fn touch(
        &self,
        assignment: AssignmentId,
        at: Timestamp,
        take_back_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.touch_all(&[assignment.uuid()], at, take_back_at).await
    }

    /// Touches several, in the order in which they are given.
    async fn touch_all(
        &self,
        assignments: &[Uuid],
        at: Timestamp,
        take_back_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let rows = assignments.iter().map(|assignment| due::ActiveModel {
            assignment_id: Set(*assignment),
            tenant_id: Set(self.wall()),
            due_at: Set(at.micros()),
            // No number comes back with a row that was deleted and made anew: who read the former one must not take this
            // one for it.
            generation: Set(at.micros()),
            take_back_at: Set(micros(take_back_at)),
        });
        let mut on_conflict = OnConflict::column(due::Column::AssignmentId);
        on_conflict
            .value(due::Column::DueAt, lesser(due::Column::DueAt, at))
            .value(due::Column::Generation, Expr::col((due::Entity, due::Column::Generation)).add(1))
            .action_and_where(Expr::col((due::Entity, due::Column::TenantId)).eq(self.wall()));
        if let Some(take_back_at) = take_back_at {
            on_conflict.value(due::Column::TakeBackAt, lesser(due::Column::TakeBackAt, take_back_at));
        }
        due::Entity::insert_many(rows).on_conflict(on_conflict).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Makes due now what AWS may hold, and nobody would look at again. Answers how much that is: it should be nothing.
    pub async fn touch_forgotten(&self, now: Timestamp) -> Result<u64, StoreError> {
        let phases = [Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing];
        let forgotten: Vec<Uuid> = assignment::Entity::find()
            .select_only()
            .column(assignment::Column::Id)
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Phase.is_in(phases.map(Phase::as_str)))
            .filter(assignment::Column::Id.not_in_subquery(self.due_assignments()))
            .order_by_asc(assignment::Column::Id)
            .into_tuple()
            .all(self.tx())
            .await?;
        for chunk in forgotten.chunks(CHUNK) {
            self.touch_all(chunk, now, None).await?;
        }
        Ok(u64::try_from(forgotten.len()).unwrap_or(u64::MAX))
    }

    fn due_assignments(&self) -> SelectStatement {
        Query::select()
            .column(due::Column::AssignmentId)
            .from(due::Entity)
            .and_where(due::Column::TenantId.eq(self.wall()))
            .to_owned()
    }

    /// The grant ends at `at`: every assignment of it is due then, before what is to be given.
    pub async fn touch_due_of_grant(&self, grant: GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.touch_due_of_grants(&[grant], at).await
    }

    /// The grants end at `at`: every assignment of any of them is due then, before what is to be given. Whoever ends
    /// several in one unit calls this once, after all of them: the rows are then taken in the order of all locks.
    pub async fn touch_due_of_grants(&self, grants: &[GrantId], at: Timestamp) -> Result<(), StoreError> {
        self.touch_all_of(grants, at, Some(at)).await
    }

    /// The grant lasts longer than its owner may think: every assignment of it is due at `at`, or earlier if it was.
    pub async fn touch_due_of_extended(&self, grant: GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.touch_all_of(&[grant], at, None).await
    }

    async fn touch_all_of(
        &self,
        grants: &[GrantId],
        at: Timestamp,
        take_back_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut assignments = BTreeSet::new();
        for chunk in grants.chunks(CHUNK) {
            let linked: Vec<Uuid> = grant_assignment::Entity::find()
                .select_only()
                .column(grant_assignment::Column::AssignmentId)
                .distinct()
                .filter(grant_assignment::Column::TenantId.eq(self.wall()))
                .filter(grant_assignment::Column::GrantId.is_in(chunk.iter().map(|grant| grant.uuid())))
                .into_tuple()
                .all(self.tx())
                .await?;
            assignments.extend(linked);
        }
        let assignments: Vec<Uuid> = assignments.into_iter().collect();
        for chunk in assignments.chunks(CHUNK) {
            self.touch_all(chunk, at, take_back_at).await?;
        }
        Ok(())
    }

    /// The owner is done for now: due again at `next`, or never. `take_back_at` is from when on what AWS may hold
    /// should be gone; none where it holds nothing. Says whether it was written; it is not when somebody touched the
    /// row since `generation` was read, and then it stays due.
    pub async fn settle_due(
        &self,
        assignment: AssignmentId,
        generation: u64,
        next: Option<Timestamp>,
        take_back_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let this = due::Column::TenantId
            .eq(self.wall())
            .and(due::Column::AssignmentId.eq(assignment.uuid()))
            .and(due::Column::Generation.eq(number(generation)));
        let written = match next {
            Some(at) => {
                due::Entity::update_many()
                    .col_expr(due::Column::DueAt, Expr::value(at.micros()))
                    .col_expr(due::Column::TakeBackAt, Expr::value(micros(take_back_at)))
                    .filter(this)
                    .exec(self.tx())
                    .await?
                    .rows_affected
            }
            None => due::Entity::delete_many().filter(this).exec(self.tx()).await?.rows_affected,
        };
        Ok(written > 0)
    }

    /// The owner could not even look: due again at `until`, unless somebody touched the row since it was read. Whether
    /// something has to be taken back is as unknown as it was, so it keeps its place before what is given.
    pub async fn put_off_due(&self, row: DueAssignment, until: Timestamp) -> Result<(), StoreError> {
        due::Entity::update_many()
            .col_expr(due::Column::DueAt, Expr::value(until.micros()))
            .filter(due::Column::TenantId.eq(self.wall()))
            .filter(due::Column::AssignmentId.eq(row.assignment.uuid()))
            .filter(due::Column::Generation.eq(number(row.generation)))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

/// What a moment in the row becomes: `at`, unless it is earlier already.
fn lesser(column: due::Column, at: Timestamp) -> SimpleExpr {
    let kept = || Expr::col((due::Entity, column));
    Expr::case(kept().lt(Expr::value(at.micros())), kept()).finally(Expr::value(at.micros())).into()
}
