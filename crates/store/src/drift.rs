//! How AWS differs from what should be there, and the places that are looked at for it.

use curfew_domain::assignment::{Observed, Phase};
use curfew_domain::{
    AccountId, AssignmentId, Cursor, Drift, DriftId, DriftKind, DriftOutcome, DriftPlace, DriftResolution,
    InstanceArn, Page, PageRequest, PermissionSetArn, StorePrincipalId, Timestamp,
};
use sea_orm::sea_query::{Expr, LockType, OnConflict, SelectStatement, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::finding::{ActiveModel, Column, Entity, Model};
use crate::entity::{assignment, drift_listed};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

/// Which findings a list shows. Everything that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriftFilter {
    /// Those that nobody has settled, and that have not ended by themselves; or the others.
    pub open: Option<bool>,
    /// How AWS differs.
    pub kind: Option<DriftKind>,
    /// Where.
    pub account: Option<AccountId>,
}

impl DriftFilter {
    fn condition(&self) -> Condition {
        Condition::all()
            .add_option(self.open.map(|open| if open { is_open() } else { is_open().not() }))
            .add_option(self.kind.map(|kind| Column::Kind.eq(kind.as_str())))
            .add_option(self.account.as_ref().map(|account| Column::AccountId.eq(account.as_str())))
    }
}

/// [`Drift::is_open`], for the database.
fn is_open() -> Condition {
    let ended = Condition::all().add(lasts()).add(Column::OverAt.is_not_null());
    Condition::all().add(Column::ResolvedAt.is_null()).add(ended.not())
}

/// [`DriftKind::lasts`], for the database.
fn lasts() -> SimpleExpr {
    Column::Kind.is_in(DriftKind::ALL.into_iter().filter(|kind| kind.lasts()).map(DriftKind::as_str))
}

/// A finding that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDrift {
    /// Its id.
    pub id: DriftId,
    /// How AWS differs.
    pub kind: DriftKind,
    /// Where.
    pub place: DriftPlace,
    /// The assignment, where it is one of Curfew's.
    pub assignment: Option<AssignmentId>,
    /// What Curfew does about it.
    pub outcome: DriftOutcome,
    /// When it was found.
    pub found_at: Timestamp,
}

/// A place that one list of AWS's tells of: everybody's assignments of a permission set in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listable {
    /// The account.
    pub account: AccountId,
    /// The permission set.
    pub permission_set: PermissionSetArn,
}

impl ReadUnit {
    /// Findings, newest first.
    pub async fn drift(&self, filter: &DriftFilter, page: &PageRequest) -> Result<Page<Drift>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(filter.condition())
            .filter(crate::page::after((Column::FoundAt, Column::Id), page))
            .order_by_desc(Column::FoundAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let found = rows.into_iter().map(drift).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(found, page.limit, |last| Cursor::at(last.found_at, last.id.uuid())))
    }

    /// The finding by that id.
    pub async fn drift_by_id(&self, id: DriftId) -> Result<Option<Drift>, StoreError> {
        Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?.map(drift).transpose()
    }

    /// What nobody has settled about these assignments, newest first.
    pub(crate) async fn open_drift_of(&self, assignments: SelectStatement) -> Result<Vec<Drift>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.in_subquery(assignments))
            .filter(is_open())
            .order_by_desc(Column::FoundAt)
            .order_by_desc(Column::Id)
            .all(self.tx())
            .await?;
        rows.into_iter().map(drift).collect()
    }

    /// What lasts and has not ended at a place, settled or not.
    pub async fn lasting_drift_at(
        &self,
        instance: &InstanceArn,
        place: &Listable,
    ) -> Result<Vec<Drift>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(instance.as_str()))
            .filter(Column::AccountId.eq(place.account.as_str()))
            .filter(Column::PermissionSetArn.eq(place.permission_set.as_str()))
            .filter(lasts())
            .filter(Column::OverAt.is_null())
            .all(self.tx())
            .await?;
        rows.into_iter().map(drift).collect()
    }

    /// What was found of a person's or a group's access that lasts, or ended at `since` or later, settled or not.
    pub async fn lasting_drift_of(
        &self,
        place: &DriftPlace,
        since: Timestamp,
    ) -> Result<Vec<Drift>, StoreError> {
        let ended_lately = Column::OverAt.gte(since.micros());
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(place.instance.as_str()))
            .filter(Column::AccountId.eq(place.account.as_str()))
            .filter(Column::PermissionSetArn.eq(place.permission_set.as_str()))
            .filter(Column::PrincipalId.eq(place.principal.as_str()))
            .filter(lasts())
            .filter(Condition::any().add(Column::OverAt.is_null()).add(ended_lately))
            .all(self.tx())
            .await?;
        rows.into_iter().map(drift).collect()
    }

    /// Where an instance holds assignments of Curfew's: those that are there or on their way, or also those that were
    /// there once.
    pub async fn listable(
        &self,
        instance: &InstanceArn,
        also_past: bool,
    ) -> Result<Vec<Listable>, StoreError> {
        let phases: &[Phase] = if also_past {
            &[Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing, Phase::Gone]
        } else {
            &[Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing]
        };
        let rows: Vec<(String, String)> = assignment::Entity::find()
            .select_only()
            .distinct()
            .column(assignment::Column::AccountId)
            .column(assignment::Column::PermissionSetArn)
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::InstanceArn.eq(instance.as_str()))
            .filter(assignment::Column::Phase.is_in(phases.iter().map(|phase| phase.as_str())))
            .into_tuple()
            .all(self.tx())
            .await?;
        let at = Row { table: "assignment", id: instance.as_str() };
        let place = |(account, permission_set): (String, String)| {
            Ok(Listable {
                account: at.parse("account_id", &account)?,
                permission_set: at.parse("permission_set_arn", &permission_set)?,
            })
        };
        rows.into_iter().map(place).collect()
    }

    /// What is known of each person's assignment at a place that AWS may hold, and of that of each of `shown`. Others
    /// were there once, perhaps very many.
    pub async fn observed_at(
        &self,
        instance: &InstanceArn,
        place: &Listable,
        shown: &[&StorePrincipalId],
    ) -> Result<Vec<(AssignmentId, StorePrincipalId, Observed)>, StoreError> {
        let not_held = [Phase::Unseen, Phase::Gone].map(Phase::as_str);
        let is_held = assignment::Column::Phase.is_not_in(not_held);
        let is_shown = assignment::Column::PrincipalId.is_in(shown.iter().map(|shown| shown.as_str()));
        self.observed_where(instance, place, Condition::any().add(is_held).add(is_shown)).await
    }

    /// What is known of each person's assignment at a place, whether or not AWS may hold it.
    pub async fn all_observed_at(
        &self,
        instance: &InstanceArn,
        place: &Listable,
    ) -> Result<Vec<(AssignmentId, StorePrincipalId, Observed)>, StoreError> {
        self.observed_where(instance, place, Condition::all()).await
    }

    async fn observed_where(
        &self,
        instance: &InstanceArn,
        place: &Listable,
        which: Condition,
    ) -> Result<Vec<(AssignmentId, StorePrincipalId, Observed)>, StoreError> {
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::InstanceArn.eq(instance.as_str()))
            .filter(assignment::Column::AccountId.eq(place.account.as_str()))
            .filter(assignment::Column::PermissionSetArn.eq(place.permission_set.as_str()))
            .filter(which)
            .all(self.tx())
            .await?;
        let observed = |row: assignment::Model| {
            let at = Row { table: "assignment", id: row.id };
            let principal = at.parse("principal_id", &row.principal_id)?;
            Ok((AssignmentId::from_uuid(row.id), principal, at.json("observed", row.observed)?))
        };
        rows.into_iter().map(observed).collect()
    }

    /// Whether a place was listed before.
    pub async fn was_listed(&self, instance: &InstanceArn, place: &Listable) -> Result<bool, StoreError> {
        let key =
            (self.wall(), instance.to_string(), place.account.to_string(), place.permission_set.to_string());
        Ok(drift_listed::Entity::find_by_id(key).one(self.tx()).await?.is_some())
    }
}

impl WriteUnit {
    /// Keeps a finding. Says whether it is new: what lasts is kept once.
    pub async fn insert_drift(&self, new: &NewDrift) -> Result<bool, StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(new.id.uuid()),
            kind: Set(new.kind.as_str().to_owned()),
            instance_arn: Set(new.place.instance.to_string()),
            account_id: Set(new.place.account.to_string()),
            permission_set_arn: Set(new.place.permission_set.to_string()),
            principal_id: Set(new.place.principal.to_string()),
            assignment_id: Set(new.assignment.map(AssignmentId::uuid)),
            outcome: Set(new.outcome.as_str().to_owned()),
            found_at: Set(new.found_at.micros()),
            over_at: Set((!new.kind.lasts()).then_some(new.found_at.micros())),
            resolved_at: Set(None),
            resolved_by: Set(None),
            resolve_reason: Set(None),
        };
        let once = OnConflict::new().do_nothing().to_owned();
        Ok(Entity::insert(row).on_conflict(once).exec_without_returning(self.tx()).await? == 1)
    }

    /// Writes what Curfew does about a finding now, and with which assignment.
    pub async fn decide_drift(
        &self,
        id: DriftId,
        outcome: DriftOutcome,
        assignment: Option<AssignmentId>,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Outcome, Expr::value(outcome.as_str()))
            .col_expr(Column::AssignmentId, Expr::value(assignment.map(AssignmentId::uuid)))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// AWS does not show it any more.
    pub async fn end_drift(&self, id: DriftId, now: Timestamp) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::OverAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::OverAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// AWS shows it again: it has lasted.
    pub async fn resume_drift(&self, id: DriftId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::OverAt, Expr::value(micros(None)))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(lasts())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// What was found of an assignment is not there any more, as its owner has seen.
    pub async fn end_drift_of(&self, assignment: AssignmentId, now: Timestamp) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::OverAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.eq(assignment.uuid()))
            .filter(Column::OverAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// A place is listed. Says whether it is for the first time.
    pub async fn note_listed(
        &self,
        instance: &InstanceArn,
        place: &Listable,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = drift_listed::ActiveModel {
            tenant_id: Set(self.wall()),
            instance_arn: Set(instance.to_string()),
            account_id: Set(place.account.to_string()),
            permission_set_arn: Set(place.permission_set.to_string()),
            first_listed_at: Set(now.micros()),
        };
        let once = OnConflict::new().do_nothing().to_owned();
        let made =
            drift_listed::Entity::insert(row).on_conflict(once).exec_without_returning(self.tx()).await?;
        Ok(made == 1)
    }

    /// The finding by that id, held against other writers until the unit ends.
    pub async fn lock_drift(&self, id: DriftId) -> Result<Option<Drift>, StoreError> {
        let query = Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::NoKeyUpdate);
        query.one(self.tx()).await?.map(drift).transpose()
    }

    /// Writes that somebody has settled a finding.
    pub async fn resolve_drift(&self, id: DriftId, resolution: &DriftResolution) -> Result<(), StoreError> {
        let reason = resolution.reason.as_ref().map(ToString::to_string);
        let written = Entity::update_many()
            .col_expr(Column::ResolvedAt, Expr::value(micros(Some(resolution.at))))
            .col_expr(Column::ResolvedBy, Expr::value(resolution.by.to_string()))
            .col_expr(Column::ResolveReason, Expr::value(reason))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::ResolvedAt.is_null())
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale { table: "drift" }) }
    }
}

fn drift(row: Model) -> Result<Drift, StoreError> {
    let at = Row { table: "drift", id: row.id };
    let resolved = match (moment(row.resolved_at), row.resolved_by.as_deref()) {
        (Some(when), Some(by)) => Some(DriftResolution {
            by: at.parse("resolved_by", by)?,
            at: when,
            reason: at.parse_some("resolve_reason", row.resolve_reason.as_deref())?,
        }),
        _ => None,
    };
    Ok(Drift {
        id: DriftId::from_uuid(row.id),
        kind: at.parse("kind", &row.kind)?,
        place: DriftPlace {
            instance: at.parse("instance_arn", &row.instance_arn)?,
            account: at.parse("account_id", &row.account_id)?,
            permission_set: at.parse("permission_set_arn", &row.permission_set_arn)?,
            principal: at.parse("principal_id", &row.principal_id)?,
        },
        assignment: row.assignment_id.map(AssignmentId::from_uuid),
        outcome: at.parse("outcome", &row.outcome)?,
        found_at: Timestamp::from_micros(row.found_at),
        over_at: moment(row.over_at),
        resolved,
    })
}
