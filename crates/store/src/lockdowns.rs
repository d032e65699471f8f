//! Lockdowns: those in force, and those that were.

use curfew_domain::{
    AccountId, Cursor, Lifted, Lockdown, LockdownId, LockdownOf, LockdownScope, Page, PageRequest, Timestamp,
    UserId,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::lockdown::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, number};
use crate::{ReadUnit, StoreError, WriteUnit};

/// A lockdown that is in force: what decisions look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockdownInForce {
    /// Its id.
    pub id: LockdownId,
    /// What it covers.
    pub of: LockdownOf,
}

/// The first of `lockdowns` that covers access of `person` to these accounts.
pub fn covering<'l, 'a>(
    lockdowns: &'l [LockdownInForce],
    person: UserId,
    accounts: impl IntoIterator<Item = &'a AccountId> + Clone,
) -> Option<&'l LockdownInForce> {
    lockdowns.iter().find(|lockdown| lockdown.of.covers(person, accounts.clone()))
}

impl ReadUnit {
    /// The lockdown by that id, in force or lifted.
    pub async fn lockdown(&self, id: LockdownId) -> Result<Option<Lockdown>, StoreError> {
        Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?.map(lockdown).transpose()
    }

    /// The tenant's lockdowns, newest first: all, or those in force, or those that were lifted.
    pub async fn lockdowns(
        &self,
        in_force: Option<bool>,
        page: &PageRequest,
    ) -> Result<Page<Lockdown>, StoreError> {
        let which =
            in_force.map(|yes| if yes { Column::LiftedAt.is_null() } else { Column::LiftedAt.is_not_null() });
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(sea_orm::Condition::all().add_option(which))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let lockdowns = rows.into_iter().map(lockdown).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(lockdowns, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    /// All that are in force. Whoever starts one keeps them few.
    pub async fn lockdowns_in_force(&self) -> Result<Vec<LockdownInForce>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::LiftedAt.is_null())
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        let in_force = |row: Model| Ok(LockdownInForce { id: LockdownId::from_uuid(row.id), of: of(&row)? });
        rows.into_iter().map(in_force).collect()
    }
}

impl WriteUnit {
    /// Keeps a new lockdown. One of the same that is in force already is a conflict.
    pub async fn insert_lockdown(&self, lockdown: &Lockdown) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(lockdown.id.uuid()),
            scope: Set(lockdown.of.scope().as_str().to_owned()),
            subject: Set(lockdown.of.id().unwrap_or_default()),
            reason: Set(lockdown.reason.as_ref().map(ToString::to_string)),
            created_by: Set(lockdown.created_by.uuid()),
            created_at: Set(lockdown.created_at.micros()),
            grants_revoked: Set(number(lockdown.grants_revoked)),
            lifted_by: Set(lockdown.lifted.map(|lifted| lifted.by.uuid())),
            lifted_at: Set(lockdown.lifted.map(|lifted| lifted.at.micros())),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Lifts a lockdown. False when it is not there, or was lifted before.
    pub async fn lift_lockdown(&self, id: LockdownId, lifted: Lifted) -> Result<bool, StoreError> {
        let written = Entity::update_many()
            .col_expr(Column::LiftedBy, Expr::value(lifted.by.uuid()))
            .col_expr(Column::LiftedAt, Expr::value(lifted.at.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::LiftedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(written.rows_affected == 1)
    }
}

fn lockdown(row: Model) -> Result<Lockdown, StoreError> {
    let at = Row { table: "lockdown", id: row.id };
    let lifted = row.lifted_by.zip(row.lifted_at);
    Ok(Lockdown {
        id: LockdownId::from_uuid(row.id),
        of: of(&row)?,
        reason: at.parse_some("reason", row.reason.as_deref())?,
        created_by: UserId::from_uuid(row.created_by),
        created_at: Timestamp::from_micros(row.created_at),
        grants_revoked: at.count("grants_revoked", row.grants_revoked)?,
        lifted: lifted
            .map(|(by, when)| Lifted { by: UserId::from_uuid(by), at: Timestamp::from_micros(when) }),
    })
}

fn of(row: &Model) -> Result<LockdownOf, StoreError> {
    let at = Row { table: "lockdown", id: row.id };
    let scope: LockdownScope = at.parse("scope", &row.scope)?;
    let subject = Some(row.subject.as_str()).filter(|subject| !subject.is_empty());
    LockdownOf::named(scope, subject).map_err(|problem| at.corrupt("subject", problem))
}
