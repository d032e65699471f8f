//! The story of a grant, out of the log: its own entries, those of its requests, and those of its assignments for as
//! long as they were there for it.

use std::collections::BTreeMap;

use curfew_domain::assignment::CallKind;
use curfew_domain::{AssignmentId, Cursor, Grant, GrantId, Page, PageRequest, RequestId, Timestamp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::its_grant;
use crate::audit::AuditRecord;
use crate::entity::{access_grant, access_request, assignment_call, audit_entry, grant_assignment};
use crate::row::{Row, moment};
use crate::{ReadUnit, StoreError};

/// So many conditions stand side by side: a chain of more is more than SQLite reads.
const SIDE_BY_SIDE: usize = 100;

/// Which entries of the log tell of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    grant: GrantId,
    since: Timestamp,
    requests: Vec<RequestId>,
    /// Each with the moment from which on it is there for a later grant.
    assignments: BTreeMap<AssignmentId, Option<Timestamp>>,
}

/// A creation or deletion that was sent to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryCall {
    /// Of which assignment.
    pub assignment: AssignmentId,
    /// Creation or deletion.
    pub kind: CallKind,
    /// The number of the lease under which it was sent: another number, another owner.
    pub fence: u64,
    /// When.
    pub sent_at: Timestamp,
    /// AWS's id of it.
    pub aws_request_id: Option<String>,
    /// What AWS last said of it; none where no answer came.
    pub outcome: Option<String>,
    /// When it did.
    pub outcome_at: Option<Timestamp>,
    /// What was wrong.
    pub error: Option<String>,
}

impl ReadUnit {
    /// What there is to tell of a grant.
    pub async fn story_of(&self, grant: &Grant, now: Timestamp) -> Result<Story, StoreError> {
        use access_request::Column;
        let extensions: Vec<Uuid> = access_request::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ExtendsGrantId.eq(grant.id.uuid()))
            .into_tuple()
            .all(self.tx())
            .await?;
        let requests = extensions.into_iter().map(RequestId::from_uuid).chain(grant.request).collect();
        let mut assignments = self.linked_assignments(grant.id).await?;
        if !grant.times.is_live(now) {
            assignments.extend(self.taken_over(grant).await?);
        }
        Ok(Story { grant: grant.id, since: grant.created_at, requests, assignments })
    }

    async fn linked_assignments(
        &self,
        grant: GrantId,
    ) -> Result<BTreeMap<AssignmentId, Option<Timestamp>>, StoreError> {
        use grant_assignment::{Column, Entity};
        let links = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::GrantId.eq(grant.uuid()))
            .all(self.tx())
            .await?;
        Ok(links.into_iter().map(|link| (AssignmentId::from_uuid(link.assignment_id), None)).collect())
    }

    /// From when on the assignments of a grant that is over are there for a grant that was made later.
    async fn taken_over(&self, grant: &Grant) -> Result<Vec<(AssignmentId, Option<Timestamp>)>, StoreError> {
        use grant_assignment::Column;
        let link = |column| Expr::col((grant_assignment::Entity, column));
        let later = |column| Expr::col((access_grant::Entity, column));
        let theirs = Query::select()
            .column(Column::AssignmentId)
            .from(grant_assignment::Entity)
            .cond_where(Column::TenantId.eq(self.wall()))
            .cond_where(Column::GrantId.eq(grant.id.uuid()))
            .to_owned();
        let first = Query::select()
            .expr_as(link(Column::AssignmentId), Alias::new("assignment_id"))
            .expr_as(Func::min(later(access_grant::Column::CreatedAt)), Alias::new("first"))
            .from(grant_assignment::Entity)
            .inner_join(access_grant::Entity, its_grant())
            .cond_where(link(Column::TenantId).eq(self.wall()))
            .cond_where(link(Column::AssignmentId).in_subquery(theirs))
            .cond_where(later(access_grant::Column::CreatedAt).gte(grant.times.over_at().micros()))
            .add_group_by([link(Column::AssignmentId)])
            .to_owned();
        let statement = self.tx().get_database_backend().build(&first);
        let rows = FirstLater::find_by_statement(statement).all(self.tx()).await?;
        let until = |row: FirstLater| {
            (AssignmentId::from_uuid(row.assignment_id), Some(Timestamp::from_micros(row.first)))
        };
        Ok(rows.into_iter().map(until).collect())
    }

    /// A page of the story, oldest first.
    pub async fn story_page(
        &self,
        story: &Story,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        use audit_entry::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(story.condition())
            .filter(crate::page::after_rising((Column::CreatedAt, Column::Id), page))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let records = self.with_texts(rows).await?;
        Ok(Page::cut(records, page.limit, |last| Cursor::at(last.body.created_at, last.id.uuid())))
    }

    /// The calls that these entries tell of: those that were sent, or answered for good, at their moments.
    pub async fn calls_told_by(&self, records: &[AuditRecord]) -> Result<Vec<StoryCall>, StoreError> {
        use assignment_call::{Column, Entity};
        let told = records.iter().filter(|record| record.body.resource_type == "assignment");
        let ids: Vec<Uuid> = told.clone().filter_map(|record| record.body.resource_id.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let moments: Vec<i64> = told.map(|record| record.body.created_at.micros()).collect();
        let at = |column: Column| column.is_in(moments.iter().copied());
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.is_in(ids))
            .filter(at(Column::SentAt).or(at(Column::OutcomeAt)))
            .all(self.tx())
            .await?;
        rows.into_iter().map(call).collect()
    }
}

/// The first of the later grants that an assignment is there for.
#[derive(FromQueryResult)]
struct FirstLater {
    assignment_id: Uuid,
    first: i64,
}

impl Story {
    fn condition(&self) -> Condition {
        use audit_entry::Column;
        let own = self.requests.iter().map(ToString::to_string).chain([self.grant.to_string()]);
        let mut by_end: BTreeMap<Option<Timestamp>, Vec<String>> = BTreeMap::new();
        for (id, until) in &self.assignments {
            by_end.entry(*until).or_default().push(id.to_string());
        }
        let of_assignments = by_end.into_iter().map(|(until, ids)| {
            Condition::all()
                .add(Column::ResourceId.is_in(ids))
                .add(Column::CreatedAt.gte(self.since.micros()))
                .add_option(until.map(|until| Column::CreatedAt.lt(until.micros())))
        });
        let own = Condition::all().add(Column::ResourceId.is_in(own));
        let all: Vec<Condition> = of_assignments.chain([own]).collect();
        let any = |some: &[Condition]| some.iter().cloned().fold(Condition::any(), Condition::add);
        all.chunks(SIDE_BY_SIDE).map(any).fold(Condition::any(), Condition::add)
    }
}

fn call(row: assignment_call::Model) -> Result<StoryCall, StoreError> {
    let at = Row { table: "assignment_call", id: row.id };
    Ok(StoryCall {
        assignment: AssignmentId::from_uuid(row.assignment_id),
        kind: at.parse("kind", &row.kind)?,
        fence: at.count("fence", row.fence)?,
        sent_at: Timestamp::from_micros(row.sent_at),
        aws_request_id: row.aws_request_id,
        outcome: row.outcome,
        outcome_at: moment(row.outcome_at),
        error: row.error,
    })
}
