//! Access requests and what people said of them.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::emergency::{Review, ReviewStatus};
use curfew_domain::request::{RequestStatus, Reviewer, Verdict};
use curfew_domain::{
    AccessRequest, Approval, ApprovalId, Cursor, GrantId, GroupId, Page, PageRequest, PolicyId, RequestId,
    ResourceRef, ResourceType, Seconds, Timestamp, UserId,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType},
};
use serde_json::Value;
use uuid::Uuid;

use crate::entity::access_request::{ActiveModel, Column, Entity, Model};
use crate::entity::approval;
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

/// Which requests a list shows. Everything that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Where they stand now.
    pub status: Option<RequestStatus>,
    /// Who asked.
    pub requester: Option<UserId>,
    /// What kind of thing was named.
    pub resource_type: Option<ResourceType>,
    /// What was named.
    pub resource_id: Option<String>,
    /// Asked at this moment or later.
    pub from: Option<Timestamp>,
    /// Asked before this moment.
    pub to: Option<Timestamp>,
    /// Emergencies, by whether their review is owed.
    pub review: Option<ReviewStatus>,
    /// Those that wait for this person.
    pub to_review_by: Option<ToReview>,
}

/// What waits for somebody: pending, of somebody of whom they are independent, not decided by them before, and such that
/// their approval would count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToReview {
    /// Who.
    pub reviewer: Reviewer,
    /// The groups that they are in.
    pub groups: BTreeSet<GroupId>,
}

impl ReadUnit {
    /// The request by that id, with what people said of it.
    pub async fn request(&self, id: RequestId) -> Result<Option<AccessRequest>, StoreError> {
        self.one_request(id, None).await
    }

    /// Requests, newest first. `now` says which of the pending ones have expired.
    pub async fn requests(
        &self,
        filter: &RequestFilter,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<AccessRequest>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(self.condition(filter, now))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let requests = self.with_approvals(rows).await?;
        Ok(Page::cut(requests, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    fn condition(&self, filter: &RequestFilter, now: Timestamp) -> Condition {
        let decided_before = |person: UserId| {
            let theirs = approval::Entity::find()
                .select_only()
                .column(approval::Column::RequestId)
                .filter(approval::Column::TenantId.eq(self.wall()))
                .filter(approval::Column::ApproverId.eq(person.uuid()));
            Column::Id.not_in_subquery(theirs.into_query())
        };
        Condition::all()
            .add_option(filter.status.map(|status| stands(status, now)))
            .add_option(filter.requester.map(|user| Column::RequesterId.eq(user.uuid())))
            .add_option(filter.resource_type.map(|kind| Column::ResourceType.eq(kind.as_str())))
            .add_option(filter.resource_id.as_ref().map(|id| Column::ResourceId.eq(id.as_str())))
            .add_option(filter.from.map(|from| Column::CreatedAt.gte(from.micros())))
            .add_option(filter.to.map(|to| Column::CreatedAt.lt(to.micros())))
            .add_option(filter.review.map(reviewed))
            .add_option(filter.to_review_by.as_ref().map(|ToReview { reviewer, groups }| {
                let tied_to = reviewer.depends_on(now);
                stands(RequestStatus::Pending, now)
                    .add(Column::RequesterId.ne(reviewer.person.uuid()))
                    .add_option(tied_to.map(|other| Column::RequesterId.ne(other.uuid())))
                    .add(decided_before(reviewer.person))
                    .add(counts_for_some_requirement(groups))
            }))
    }

    async fn one_request(
        &self,
        id: RequestId,
        lock: Option<LockType>,
    ) -> Result<Option<AccessRequest>, StoreError> {
        let mut query = Entity::find_by_id((self.wall(), id.uuid()));
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        let row = query.one(self.tx()).await?;
        Ok(self.with_approvals(row.into_iter().collect()).await?.pop())
    }

    pub(crate) async fn with_approvals(&self, rows: Vec<Model>) -> Result<Vec<AccessRequest>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let said = approval::Entity::find()
            .filter(approval::Column::TenantId.eq(self.wall()))
            .filter(approval::Column::RequestId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(approval::Column::CreatedAt)
            .order_by_asc(approval::Column::Id)
            .all(self.tx())
            .await?;
        let mut approvals: BTreeMap<Uuid, Vec<Approval>> = BTreeMap::new();
        for row in said {
            approvals.entry(row.request_id).or_default().push(approval_of(row)?);
        }
        rows.into_iter().map(|row| request(approvals.remove(&row.id).unwrap_or_default(), row)).collect()
    }
}

impl WriteUnit {
    /// The same as [`ReadUnit::request`], held against other writers until the unit ends: of two who decide at
    /// once, the second sees what the first did.
    pub async fn lock_request(&self, id: RequestId) -> Result<Option<AccessRequest>, StoreError> {
        self.one_request(id, Some(LockType::NoKeyUpdate)).await
    }

    /// Keeps a new request; approvals are kept one by one.
    pub async fn insert_request(&self, request: &AccessRequest) -> Result<(), StoreError> {
        Entity::insert(self.columns_of(request)?).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Writes what became of a request that nobody had decided: [`StoreError::Stale`] when somebody has.
    pub async fn save_decided_request(&self, request: &AccessRequest) -> Result<(), StoreError> {
        let written = Entity::update_many()
            .set(self.columns_of(request)?)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(request.id.uuid()))
            .filter(Column::Status.eq(RequestStatus::Pending.as_str()))
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale { table: "access_request" }) }
    }

    /// Writes what somebody said of an emergency that nobody had reviewed: [`StoreError::Stale`] when somebody has.
    pub async fn save_review(&self, request: &AccessRequest) -> Result<(), StoreError> {
        let written = Entity::update_many()
            .set(self.columns_of(request)?)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(request.id.uuid()))
            .filter(Column::OwesReview.eq(true))
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale { table: "access_request" }) }
    }

    /// Keeps a reviewer's word. The same person's second one is a conflict.
    pub async fn insert_approval(&self, request: RequestId, approval: &Approval) -> Result<(), StoreError> {
        let row = approval::ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(approval.id.uuid()),
            request_id: Set(request.uuid()),
            approver_id: Set(approval.approver.uuid()),
            approver_groups: Set(approval.groups.iter().map(ToString::to_string).collect::<Vec<_>>().into()),
            verdict: Set(approval.verdict.as_str().to_owned()),
            reasoning: Set(approval.reasoning.as_ref().map(ToString::to_string)),
            created_at: Set(approval.at.micros()),
        };
        approval::Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    fn columns_of(&self, request: &AccessRequest) -> Result<ActiveModel, StoreError> {
        let corrupt = |problem| StoreError::corrupt("access_request", request.id, problem);
        let rules = serde_json::to_value(&request.requirements).map_err(corrupt)?;
        let review = request.review.as_ref().map(serde_json::to_value).transpose().map_err(corrupt)?;
        Ok(ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(request.id.uuid()),
            requester_id: Set(request.requester.uuid()),
            resource_type: Set(request.resource.kind().as_str().to_owned()),
            resource_id: Set(request.resource.id().to_owned()),
            action: Set(request.action.as_str().to_owned()),
            account_id: Set(request.account.as_ref().map(ToString::to_string)),
            permission_set_arn: Set(request.permission_set.to_string()),
            principal_id: Set(request.principal.to_string()),
            reason: Set(request.reason.as_ref().map(ToString::to_string)),
            status: Set(request.decided_status.as_str().to_owned()),
            decision_reasoning: Set(request.decision_reasoning.as_ref().map(ToString::to_string)),
            decided_by: Set(request.decided_by.map(|by| by.to_string())),
            decided_at: Set(micros(request.decided_at)),
            approval_mode: Set(request.mode.map(|mode| mode.as_str().to_owned())),
            approval_rules: Set(rules),
            break_glass: Set(request.break_glass),
            requested_seconds: Set(request.requested_duration.map(Seconds::get)),
            duration_seconds: Set(request.duration.map(Seconds::get)),
            expires_at: Set(micros(request.expires_at)),
            grant_id: Set(request.grant.map(GrantId::uuid)),
            extends_grant_id: Set(request.extends.map(GrantId::uuid)),
            policy_id: Set(request.policy.map(PolicyId::uuid)),
            notices: Set(request.notices.clone().into()),
            owes_review: Set(request.review.as_ref().map(Review::status) == Some(ReviewStatus::Owed)),
            review: Set(review),
            metadata: Set(Value::Object(request.metadata.clone())),
            source_ip: Set(request.source_ip.map(|ip| ip.to_string())),
            created_at: Set(request.created_at.micros()),
            updated_at: Set(request.updated_at.micros()),
        })
    }
}

/// Whether somebody in these groups counts for one of a request's requirements. Ids stand in their JSON as they are
/// written everywhere, and a policy's is no group's.
fn counts_for_some_requirement(groups: &BTreeSet<GroupId>) -> Condition {
    let requirements = || Expr::col((Entity, Column::ApprovalRules)).cast_as("TEXT");
    // PostgreSQL writes JSON with a space.
    let anybody = [r#"%"groups":[]%"#, r#"%"groups": []%"#].map(str::to_owned);
    let theirs = groups.iter().map(|group| format!("%\"{group}\"%"));
    anybody.into_iter().chain(theirs).fold(Condition::any(), |any, text| any.add(requirements().like(text)))
}

fn reviewed(status: ReviewStatus) -> Condition {
    match status {
        ReviewStatus::Owed => Condition::all().add(Column::OwesReview.eq(true)),
        ReviewStatus::Done => {
            Condition::all().add(Column::Review.is_not_null()).add(Column::OwesReview.eq(false))
        }
    }
}

/// Time alone expires what is pending.
fn stands(status: RequestStatus, now: Timestamp) -> Condition {
    let kept = Condition::all().add(Column::Status.eq(status.as_str()));
    let pending = Column::Status.eq(RequestStatus::Pending.as_str());
    match status {
        RequestStatus::Pending => kept
            .add(Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now.micros()))),
        RequestStatus::Expired => Condition::any()
            .add(kept)
            .add(Condition::all().add(pending).add(Column::ExpiresAt.lte(now.micros()))),
        RequestStatus::Approved | RequestStatus::Denied | RequestStatus::Cancelled => kept,
    }
}

fn request(approvals: Vec<Approval>, row: Model) -> Result<AccessRequest, StoreError> {
    let at = Row { table: "access_request", id: row.id };
    let seconds = |column, length: Option<i64>| {
        length.map(Seconds::new).transpose().map_err(|problem| at.corrupt(column, problem))
    };
    let kind = at.parse("resource_type", &row.resource_type)?;
    let resource =
        ResourceRef::new(kind, &row.resource_id).map_err(|problem| at.corrupt("resource_id", problem))?;
    Ok(AccessRequest {
        id: RequestId::from_uuid(row.id),
        requester: UserId::from_uuid(row.requester_id),
        resource,
        action: at.parse("action", &row.action)?,
        account: at.parse_some("account_id", row.account_id.as_deref())?,
        permission_set: at.parse("permission_set_arn", &row.permission_set_arn)?,
        principal: at.parse("principal_id", &row.principal_id)?,
        reason: at.parse_some("reason", row.reason.as_deref())?,
        decided_status: at.parse("status", &row.status)?,
        decision_reasoning: at.parse_some("decision_reasoning", row.decision_reasoning.as_deref())?,
        decided_by: at.parse_some("decided_by", row.decided_by.as_deref())?,
        decided_at: moment(row.decided_at),
        mode: at.parse_some("approval_mode", row.approval_mode.as_deref())?,
        requirements: at.json("approval_rules", row.approval_rules)?,
        approvals,
        break_glass: row.break_glass,
        requested_duration: seconds("requested_seconds", row.requested_seconds)?,
        duration: seconds("duration_seconds", row.duration_seconds)?,
        review: row.review.map(|review| at.json("review", review)).transpose()?,
        expires_at: moment(row.expires_at),
        grant: row.grant_id.map(GrantId::from_uuid),
        extends: row.extends_grant_id.map(GrantId::from_uuid),
        policy: row.policy_id.map(PolicyId::from_uuid),
        notices: at.json("notices", row.notices)?,
        metadata: at.json("metadata", row.metadata)?,
        source_ip: at.parse_some("source_ip", row.source_ip.as_deref())?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

fn approval_of(row: approval::Model) -> Result<Approval, StoreError> {
    let at = Row { table: "approval", id: row.id };
    Ok(Approval {
        id: ApprovalId::from_uuid(row.id),
        approver: UserId::from_uuid(row.approver_id),
        groups: at.json("approver_groups", row.approver_groups)?,
        verdict: at.parse::<Verdict>("verdict", &row.verdict)?,
        reasoning: at.parse_some("reasoning", row.reasoning.as_deref())?,
        at: Timestamp::from_micros(row.created_at),
    })
}
