//! What ties grants to their assignments.

use sea_orm::Condition;
use sea_orm::sea_query::{Expr, ExprTrait};

use crate::entity::{access_grant, grant_assignment};

/// The grant that a link names, where both are in one query.
pub(crate) fn its_grant() -> Condition {
    use grant_assignment::{Column as Link, Entity as Links};
    let grant = |column| Expr::col((access_grant::Entity, column));
    Condition::all()
        .add(grant(access_grant::Column::TenantId).eq(Expr::col((Links, Link::TenantId))))
        .add(grant(access_grant::Column::Id).eq(Expr::col((Links, Link::GrantId))))
}
