//! Ends of AWS's sessions: what is to be denied, and what is.
//!
//! Locks are taken after all others: an assignment, its grants, its due row, the tenant's row of `session_due`, and then
//! its session ends.

mod ask;
mod due;
mod shown;

use curfew_domain::session_end::{LONGEST_SESSION, PolicyProblem, SessionEnd, SessionEndTimes, Sessions};
use curfew_domain::{AssignmentId, SessionEndId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};

use crate::entity::session_end::{Column, Entity, Model};
use crate::entity::session_policy_state;
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

pub use ask::AskedEnd;
pub use due::DueSessions;
pub(crate) use shown::{asks_for_policies, length_of};

impl ReadUnit {
    /// All that are not over, oldest first.
    pub async fn held_session_ends(&self) -> Result<Vec<SessionEnd>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::OverAt.is_null())
            .order_by_asc(Column::AskedAt)
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        rows.into_iter().map(session_end).collect()
    }

    /// How many are denied for all times, or may be: whoever forgets those leaves people shut out. What was sent and not
    /// noted is denied, too; only where nothing can have been sent, nothing is. Not those that could not be mended for as
    /// long as any session lasts: then somebody else has to.
    pub async fn session_ends_without_cut_off(&self, now: Timestamp) -> Result<u64, StoreError> {
        let lately = Column::CutOffAt.is_null().or(Column::CutOffAt.gt((now - LONGEST_SESSION).micros()));
        let problem = self.session_policy_problem().await?;
        let may_be_sent = matches!(problem, None | Some(PolicyProblem::AwsFailed));
        let denied = (!may_be_sent).then(|| Column::DeniedAt.is_not_null());
        let held = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::OverAt.is_null())
            .filter(Column::CutOffWrittenAt.is_null())
            .filter(lately)
            .filter(Condition::all().add_option(denied));
        Ok(held.count(self.tx()).await?)
    }

    /// What stands in the way of writing the policies, as it was when that was last tried.
    pub async fn session_policy_problem(&self) -> Result<Option<PolicyProblem>, StoreError> {
        let row = session_policy_state::Entity::find_by_id(self.wall()).one(self.tx()).await?;
        let at = Row { table: "session_policy_state", id: self.wall() };
        row.map_or(Ok(None), |row| at.parse_some("problem", row.problem.as_deref()))
    }
}

impl WriteUnit {
    /// Writes how a session end stands now, and where. Nothing, where somebody has written its end meanwhile.
    pub async fn save_session_end(&self, end: &SessionEnd) -> Result<(), StoreError> {
        let times = &end.times;
        Entity::update_many()
            .col_expr(Column::DeniedAt, Expr::value(micros(times.denied_at)))
            .col_expr(Column::CutOffAt, Expr::value(micros(times.cut_off)))
            .col_expr(Column::CutOffWrittenAt, Expr::value(micros(times.cut_off_written_at)))
            .col_expr(Column::OverAt, Expr::value(micros(times.over.map(|(at, _)| at))))
            .col_expr(Column::Outcome, Expr::value(times.over.map(|(_, outcome)| outcome.as_str())))
            .col_expr(Column::Place, Expr::value(end.place.clone()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(end.id.uuid()))
            .filter(Column::OverAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Writes what stands in the way of the policies. Says whether that is news.
    pub async fn note_session_policies(
        &self,
        problem: Option<PolicyProblem>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        use session_policy_state::{ActiveModel, Column, Entity};
        let kept = Entity::find_by_id(self.wall()).one(self.tx()).await?;
        let problem = problem.map(PolicyProblem::as_str);
        if kept.as_ref().map(|kept| kept.problem.as_deref()) == Some(problem) {
            return Ok(false);
        }
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            problem: Set(problem.map(str::to_owned)),
            since: Set(now.micros()),
        };
        let change =
            OnConflict::column(Column::TenantId).update_columns([Column::Problem, Column::Since]).to_owned();
        Entity::insert(row).on_conflict(change).exec_without_returning(self.tx()).await?;
        Ok(true)
    }
}

fn session_end(row: Model) -> Result<SessionEnd, StoreError> {
    let at = Row { table: "session_end", id: row.id };
    let times = times_of(&row)?;
    let instance: curfew_domain::InstanceArn = at.parse("instance_arn", &row.instance_arn)?;
    let set = row.permission_set_name.as_deref();
    Ok(SessionEnd {
        id: SessionEndId::from_uuid(row.id),
        assignment: AssignmentId::from_uuid(row.assignment_id),
        permission_set: at.parse("permission_set_arn", &row.permission_set_arn)?,
        sessions: Sessions {
            account: at.parse("account_id", &row.account_id)?,
            set: at.parse("permission_set_name", set.unwrap_or_default())?,
            principal: at.parse("principal_id", &row.principal_id)?,
            partition: instance.partition(),
        },
        instance,
        cause: at.parse("cause", &row.cause)?,
        times,
        place: row.place,
    })
}

fn times_of(row: &Model) -> Result<SessionEndTimes, StoreError> {
    let at = Row { table: "session_end", id: row.id };
    let outcome = at.parse_some("outcome", row.outcome.as_deref())?;
    Ok(SessionEndTimes {
        asked_at: Timestamp::from_micros(row.asked_at),
        denied_at: moment(row.denied_at),
        cut_off: moment(row.cut_off_at),
        cut_off_written_at: moment(row.cut_off_written_at),
        over: moment(row.over_at).zip(outcome),
    })
}
