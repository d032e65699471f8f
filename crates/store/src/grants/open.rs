//! Grants that nobody has written an end of: few, however many there have been.

use curfew_domain::{AssignmentId, UserId};
use sea_orm::sea_query::{Expr, IntoCondition, LockType, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::access_grant::{Column, Entity, Model};
use crate::entity::grant_assignment;
use crate::{ReadUnit, StoreError};

/// Neither revoked, nor failed, nor noted to have expired. A grant that is live is open; an open one may be over.
///
/// The database computes it once, into a column. Asked of the three moments, PostgreSQL took open grants for rare while it
/// had no statistics (in a new database, after a restore or an upgrade), and read all of a tenant's for one assignment.
pub(crate) fn open() -> Condition {
    Condition::all().add(Expr::col((Entity, Column::IsOpen)))
}

impl ReadUnit {
    /// How many grants of a person are open.
    pub async fn open_grants_of(&self, grantee: UserId) -> Result<u64, StoreError> {
        let open = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::GranteeId.eq(grantee.uuid()))
            .filter(open());
        Ok(open.count(self.tx()).await?)
    }

    /// The open grants that are reasons for an assignment, in the order of their ids, which is that of all locks.
    pub(crate) async fn open_reasons(
        &self,
        assignment: AssignmentId,
        lock: Option<LockType>,
    ) -> Result<Vec<Model>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.in_subquery(self.linked_to(grant_assignment_is(assignment))))
            .filter(open())
            .order_by_asc(Column::Id);
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        Ok(query.all(self.tx()).await?)
    }

    /// The last `most` grants that were reasons for an assignment and are not open any more.
    pub(crate) async fn past_reasons(
        &self,
        assignment: AssignmentId,
        most: u64,
    ) -> Result<Vec<Model>, StoreError> {
        let past = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.in_subquery(self.linked_to(grant_assignment_is(assignment))))
            .filter(open().not())
            .order_by_desc(Column::UpdatedAt)
            .order_by_desc(Column::Id)
            .limit(most);
        Ok(past.all(self.tx()).await?)
    }

    /// The ids of the grants with such links, for a query around it: a list of them could be longer than a statement.
    pub(crate) fn linked_to(&self, links: impl IntoCondition) -> SelectStatement {
        Query::select()
            .column(grant_assignment::Column::GrantId)
            .from(grant_assignment::Entity)
            .cond_where(grant_assignment::Column::TenantId.eq(self.wall()))
            .cond_where(links)
            .to_owned()
    }

    /// The ids of the tenant's open grants, for a query around it.
    pub(crate) fn open_ids(&self) -> SelectStatement {
        Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(Column::TenantId.eq(self.wall()))
            .cond_where(open())
            .to_owned()
    }
}

fn grant_assignment_is(assignment: AssignmentId) -> sea_orm::sea_query::SimpleExpr {
    grant_assignment::Column::AssignmentId.eq(assignment.uuid())
}
