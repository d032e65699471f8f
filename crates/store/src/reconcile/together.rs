//! Several assignments of one tenant at once: what each costs the database decides how late the last of many ends.

use std::collections::{BTreeMap, HashMap};

use curfew_domain::assignment::CallKind;
use curfew_domain::{AssignmentId, Timestamp};
use sea_orm::sea_query::{
    Alias, CaseStatement, Expr, ExprTrait, Func, LockBehavior, LockType, Order, Query, SelectStatement,
    SimpleExpr, WindowStatement,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::entity::{access_grant, assignment, assignment_call, due, grant_assignment};
use crate::grants::{its_grant, open};
use crate::row::{Row, number};
use crate::{ReadUnit, StoreError, WriteUnit};

use super::assignments::{AssignmentWork, PAST_GRANTS, json, linked_grant, work_of};

impl ReadUnit {
    /// Assignments with their grants, as they are now, in the order of their ids. Ids that there are not are left out.
    pub async fn assignment_works(&self, ids: &[AssignmentId]) -> Result<Vec<AssignmentWork>, StoreError> {
        self.find_works(ids, None).await
    }

    async fn find_works(
        &self,
        ids: &[AssignmentId],
        lock: Option<LockType>,
    ) -> Result<Vec<AssignmentWork>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let mut query = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.is_in(ids.iter().copied()))
            .order_by_asc(assignment::Column::Id);
        if let Some(lock) = lock {
            query = query.lock_with_behavior(lock, LockBehavior::SkipLocked);
        }
        let rows = query.all(self.tx()).await?;
        // What was left out is another's, and so are its grants.
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        // Before the grants, as for one.
        let generations = self.due_generations(&ids).await?;
        let mut reasons = self.open_reasons_of(&ids, lock).await?;
        for (assignment, grant) in self.past_reasons_of(&ids).await? {
            reasons.entry(assignment).or_default().push(grant);
        }
        rows.into_iter()
            .map(|row| {
                let grants = reasons.remove(&row.id).unwrap_or_default();
                let grants = grants.iter().map(linked_grant).collect::<Result<_, _>>()?;
                let generation = generations.get(&row.id).copied().unwrap_or(0);
                work_of(row, generation, grants)
            })
            .collect()
    }

    async fn due_generations(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, u64>, StoreError> {
        let rows = due::Entity::find()
            .filter(due::Column::TenantId.eq(self.wall()))
            .filter(due::Column::AssignmentId.is_in(ids.iter().copied()))
            .all(self.tx())
            .await?;
        let generation = |row: due::Model| {
            let at = Row { table: "due", id: row.assignment_id };
            Ok((row.assignment_id, at.count("generation", row.generation)?))
        };
        rows.into_iter().map(generation).collect()
    }

    /// By assignment, the open grants that are reasons for it, in the order of their ids, which is that of all locks.
    async fn open_reasons_of(
        &self,
        ids: &[Uuid],
        lock: Option<LockType>,
    ) -> Result<BTreeMap<Uuid, Vec<access_grant::Model>>, StoreError> {
        let theirs = || grant_assignment::Column::AssignmentId.is_in(ids.iter().copied());
        let mut query = access_grant::Entity::find()
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::Id.in_subquery(self.linked_to(theirs())))
            .filter(open())
            .order_by_asc(access_grant::Column::Id);
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        let grants = query.all(self.tx()).await?;
        let links = grant_assignment::Entity::find()
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(theirs())
            .filter(grant_assignment::Column::GrantId.is_in(grants.iter().map(|grant| grant.id)))
            .order_by_asc(grant_assignment::Column::GrantId)
            .all(self.tx())
            .await?;
        let by_id: HashMap<Uuid, &access_grant::Model> =
            grants.iter().map(|grant| (grant.id, grant)).collect();
        let mut reasons: BTreeMap<Uuid, Vec<access_grant::Model>> = BTreeMap::new();
        for link in links {
            if let Some(grant) = by_id.get(&link.grant_id) {
                reasons.entry(link.assignment_id).or_default().push((*grant).clone());
            }
        }
        Ok(reasons)
    }

    /// With their assignments, the last few grants that were reasons for each and are not open any more, latest first.
    async fn past_reasons_of(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, access_grant::Model)>, StoreError> {
        let statement = self.tx().get_database_backend().build(&self.latest_past(ids));
        let links = PastLink::find_by_statement(statement).all(self.tx()).await?;
        let grants = access_grant::Entity::find()
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::Id.is_in(links.iter().map(|link| link.grant_id)))
            .all(self.tx())
            .await?;
        let by_id: HashMap<Uuid, access_grant::Model> =
            grants.into_iter().map(|grant| (grant.id, grant)).collect();
        let past = |link: PastLink| Some((link.assignment_id, by_id.get(&link.grant_id)?.clone()));
        Ok(links.into_iter().filter_map(past).collect())
    }

    fn latest_past(&self, ids: &[Uuid]) -> SelectStatement {
        use grant_assignment::{Column as Link, Entity as Links};
        let (turn, ranked) = (Alias::new("turn"), Alias::new("ranked"));
        let latest_first = WindowStatement::partition_by((Links, Link::AssignmentId))
            .order_by((access_grant::Entity, access_grant::Column::UpdatedAt), Order::Desc)
            .order_by((access_grant::Entity, access_grant::Column::Id), Order::Desc)
            .take();
        let all = Query::select()
            .columns([(Links, Link::AssignmentId), (Links, Link::GrantId)])
            .expr_window_as(Func::cust(Alias::new("row_number")), latest_first, turn.clone())
            .from(Links)
            .inner_join(access_grant::Entity, its_grant())
            .and_where(Expr::col((Links, Link::TenantId)).eq(self.wall()))
            .and_where(Expr::col((Links, Link::AssignmentId)).is_in(ids.iter().copied()))
            .cond_where(open().not())
            .to_owned();
        Query::select()
            .columns([Link::AssignmentId, Link::GrantId])
            .from_subquery(all, ranked)
            .and_where(Expr::col(turn.clone()).lte(PAST_GRANTS))
            .order_by(Link::AssignmentId, Order::Asc)
            .order_by(turn, Order::Asc)
            .to_owned()
    }
}

#[derive(FromQueryResult)]
struct PastLink {
    assignment_id: Uuid,
    grant_id: Uuid,
}

impl WriteUnit {
    /// The same as [`ReadUnit::assignment_works`], held against other writers until the unit ends; without those that
    /// somebody else holds. Whoever makes a grant holds several too, in another order: two could wait for each other.
    pub async fn lock_assignment_works(
        &self,
        ids: &[AssignmentId],
    ) -> Result<Vec<AssignmentWork>, StoreError> {
        self.find_works(ids, Some(LockType::NoKeyUpdate)).await
    }

    /// The same as [`WriteUnit::save_observed`], of several: all of them, or [`StoreError::Fenced`].
    pub async fn save_all_observed(
        &self,
        works: &[AssignmentWork],
        fence: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if works.is_empty() {
            return Ok(());
        }
        let (mut observed, mut phase) = (CaseStatement::new(), CaseStatement::new());
        for work in works {
            let this = || assignment::Column::Id.eq(work.id.uuid());
            observed = observed.case(this(), Expr::value(json(&work.observed)?));
            phase = phase.case(this(), Expr::value(work.observed.phase().as_str()));
        }
        let written = assignment::Entity::update_many()
            .col_expr(assignment::Column::Observed, observed.into())
            .col_expr(assignment::Column::Phase, phase.into())
            .col_expr(assignment::Column::Fence, Expr::value(number(fence)))
            .col_expr(assignment::Column::UpdatedAt, Expr::value(now.micros()))
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.is_in(works.iter().map(|work| work.id.uuid())))
            .filter(assignment::Column::Fence.lte(number(fence)))
            .filter(Expr::exists(self.later_lease(fence)).not())
            .exec(self.tx())
            .await?;
        if written.rows_affected == works.len() as u64 { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// AWS has taken these calls of one moment, and gave each its request id. [`StoreError::Stale`] where one was not
    /// written down.
    pub async fn update_taken_calls(
        &self,
        kind: CallKind,
        sent_at: Timestamp,
        taken: &[(AssignmentId, &str)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        use assignment_call::Column;
        if taken.is_empty() {
            return Ok(());
        }
        let mut request_id = CaseStatement::new();
        for (assignment, id) in taken {
            request_id = request_id.case(Column::AssignmentId.eq(assignment.uuid()), Expr::value(*id));
        }
        let request_id: SimpleExpr = request_id.into();
        let written = assignment_call::Entity::update_many()
            .col_expr(Column::Outcome, Expr::value("accepted"))
            .col_expr(Column::OutcomeAt, Expr::value(now.micros()))
            .col_expr(Column::AwsRequestId, request_id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.is_in(taken.iter().map(|(assignment, _)| assignment.uuid())))
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(Column::SentAt.eq(sent_at.micros()))
            .exec(self.tx())
            .await?;
        if written.rows_affected == taken.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::Stale { table: "assignment_call" })
        }
    }
}
