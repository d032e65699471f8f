//! Every creation and deletion that was ever sent to AWS, and how it ended.

use curfew_domain::assignment::{CallKind, CallOutcome};
use curfew_domain::{AssignmentCallId, AssignmentId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::assignment_call::{ActiveModel, Column, Entity};
use crate::row::number;
use crate::{StoreError, WriteUnit};

/// A call that is about to be sent: its row is committed before it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignmentCall {
    /// Its id.
    pub id: AssignmentCallId,
    /// On which assignment.
    pub assignment: AssignmentId,
    /// Creation or deletion.
    pub kind: CallKind,
    /// The fencing number of who sends it.
    pub fence: u64,
    /// When.
    pub sent_at: Timestamp,
}

impl WriteUnit {
    /// Writes a call down before it is sent.
    pub async fn insert_call(&self, call: &AssignmentCall) -> Result<(), StoreError> {
        self.insert_calls(std::slice::from_ref(call)).await
    }

    /// The same of several.
    pub async fn insert_calls(&self, calls: &[AssignmentCall]) -> Result<(), StoreError> {
        let rows = calls.iter().map(|call| ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(call.id.uuid()),
            assignment_id: Set(call.assignment.uuid()),
            kind: Set(call.kind.as_str().to_owned()),
            fence: Set(number(call.fence)),
            sent_at: Set(call.sent_at.micros()),
            aws_request_id: Set(None),
            outcome: Set(None),
            outcome_at: Set(None),
            error: Set(None),
        });
        Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Writes what AWS said of it. [`StoreError::Stale`] where no such call was written down.
    pub async fn update_call(
        &self,
        assignment: AssignmentId,
        kind: CallKind,
        sent_at: Timestamp,
        outcome: &CallOutcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (name, aws_request_id, error) = columns(outcome);
        let mut update = Entity::update_many()
            .col_expr(Column::Outcome, Expr::value(name))
            .col_expr(Column::OutcomeAt, Expr::value(now.micros()))
            .col_expr(Column::Error, Expr::value(error.map(str::to_owned)));
        if let Some(id) = aws_request_id {
            update = update.col_expr(Column::AwsRequestId, Expr::value(id.to_owned()));
        }
        let written = update
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.eq(assignment.uuid()))
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(Column::SentAt.eq(sent_at.micros()))
            .exec(self.tx())
            .await?;
        match written.rows_affected {
            1 => Ok(()),
            _ => Err(StoreError::Stale { table: "assignment_call" }),
        }
    }
}

fn columns(outcome: &CallOutcome) -> (&'static str, Option<&str>, Option<&str>) {
    match outcome {
        CallOutcome::Accepted { aws_request_id } => ("accepted", Some(aws_request_id), None),
        CallOutcome::Succeeded => ("succeeded", None, None),
        CallOutcome::NoSuchEntitlement => ("no_such_entitlement", None, None),
        CallOutcome::Again { reason } => ("again", None, Some(reason)),
        CallOutcome::Refused { reason } => ("refused", None, Some(reason)),
        CallOutcome::Unknown { reason } => ("unknown", None, Some(reason)),
    }
}
