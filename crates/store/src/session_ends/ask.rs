//! Deciding that sessions end: in the transaction that ends the access.

use std::collections::{BTreeMap, HashMap, HashSet};

use curfew_domain::assignment::{AssignmentKey, Phase};
use curfew_domain::session_end::{AwsSetName, SessionEndCause, SessionEndOutcome, SessionEndTimes};
use curfew_domain::{
    AssignmentId, CachedResource, Entropy, GrantId, InstanceArn, ResourceRef, SessionEndId, Timestamp,
};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Query, SelectStatement, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::entity::session_end::{ActiveModel, Column, Entity, Model};
use crate::entity::{access_grant, assignment, grant_assignment};
use crate::reconcile::key_of;
use crate::revocations::live;
use crate::row::micros;
use crate::{ReadUnit, StoreError, WriteUnit};

/// So many rows are read or written by one statement.
const CHUNK: usize = 500;

/// So many resources of AWS's are read by one statement.
const RESOURCES: usize = 200;

/// Where AWS may have issued sessions that can still be alive, and may issue more.
const MAY_BE_THERE: &[Phase] = &[Phase::Creating, Phase::Present, Phase::Deleting];

/// What of a grant that failed was there: most of the rest AWS refused.
const WAS_THERE: &[Phase] = &[Phase::Present];

/// A decision that sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedEnd {
    /// Those of this assignment.
    pub assignment: AssignmentId,
    /// Which one that is in AWS.
    pub key: AssignmentKey,
    /// Why they can't be, where that is known at once.
    pub cannot: Option<SessionEndOutcome>,
}

impl WriteUnit {
    /// Ends the sessions of these grants, which have ended: of each of their assignments that no other live grant needs and
    /// that AWS may hold. Answers of which. To be called after the grants and their due rows are written.
    pub async fn ask_session_ends(
        &self,
        grants: &[GrantId],
        cause: SessionEndCause,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<AskedEnd>, StoreError> {
        if grants.is_empty() {
            return Ok(Vec::new());
        }
        // Whoever ends another grant of the same access at the same time is waited for: of two, one sees the other's end.
        self.touch_sessions(now).await?;
        let phases = if cause == SessionEndCause::Failed { WAS_THERE } else { MAY_BE_THERE };
        let mut going = BTreeMap::new();
        for chunk in grants.chunks(CHUNK) {
            let theirs = assignment::Column::Id.in_subquery(self.assignments_of_grants(chunk));
            going.extend(self.going(theirs, phases, now).await?);
        }
        self.ask(going.into_values().collect(), cause, now, entropy).await
    }

    /// The same of one assignment that nobody's grant needs, and that is there all the same.
    pub async fn ask_session_end_of(
        &self,
        assignment: AssignmentId,
        cause: SessionEndCause,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<AskedEnd>, StoreError> {
        self.touch_sessions(now).await?;
        let this = assignment::Column::Id.eq(assignment.uuid());
        let going = self.going(this, MAY_BE_THERE, now).await?;
        self.ask(going.into_values().collect(), cause, now, entropy).await
    }

    async fn going(
        &self,
        which: SimpleExpr,
        phases: &[Phase],
        now: Timestamp,
    ) -> Result<BTreeMap<Uuid, assignment::Model>, StoreError> {
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(which)
            .filter(assignment::Column::Phase.is_in(phases.iter().map(|phase| phase.as_str())))
            .filter(Expr::exists(self.live_reason(now)).not())
            .order_by_asc(assignment::Column::Id)
            .all(self.tx())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    fn assignments_of_grants(&self, grants: &[GrantId]) -> SelectStatement {
        Query::select()
            .column(grant_assignment::Column::AssignmentId)
            .from(grant_assignment::Entity)
            .and_where(grant_assignment::Column::TenantId.eq(self.wall()))
            .and_where(grant_assignment::Column::GrantId.is_in(grants.iter().map(|grant| grant.uuid())))
            .to_owned()
    }

    /// A live grant that needs the assignment of the query around it.
    fn live_reason(&self, now: Timestamp) -> SelectStatement {
        use grant_assignment::{Column as Link, Entity as Links};
        let grant = |column| Expr::col((access_grant::Entity, column));
        let same = Condition::all()
            .add(grant(access_grant::Column::TenantId).eq(Expr::col((Links, Link::TenantId))))
            .add(grant(access_grant::Column::Id).eq(Expr::col((Links, Link::GrantId))));
        Query::select()
            .expr(Expr::col((Links, Link::GrantId)))
            .from(Links)
            .inner_join(access_grant::Entity, same)
            .and_where(Expr::col((Links, Link::TenantId)).eq(self.wall()))
            .and_where(
                Expr::col((Links, Link::AssignmentId))
                    .eq(Expr::col((assignment::Entity, assignment::Column::Id))),
            )
            .cond_where(live(now))
            .to_owned()
    }

    async fn ask(
        &self,
        going: Vec<assignment::Model>,
        cause: SessionEndCause,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<AskedEnd>, StoreError> {
        let keys = going.iter().map(key_of).collect::<Result<Vec<_>, _>>()?;
        let known = Known::of(self, &keys).await?;
        let ids: Vec<Uuid> = going.iter().map(|row| row.id).collect();
        let mut earlier = BTreeMap::new();
        for chunk in ids.chunks(CHUNK) {
            earlier.extend(self.supersede(chunk, now).await?);
        }
        let (mut rows, mut asked) = (Vec::new(), Vec::new());
        for (row, key) in going.iter().zip(keys) {
            let set = known.set_of(&key);
            let cannot = if known.is_management(&key) {
                Some(SessionEndOutcome::ManagementAccount)
            } else {
                set.is_none().then_some(SessionEndOutcome::UnknownSet)
            };
            rows.push(self.new_row(row, set, earlier.get(&row.id), cause, cannot, (now, entropy)));
            asked.push(AskedEnd { assignment: AssignmentId::from_uuid(row.id), key, cannot });
        }
        while !rows.is_empty() {
            let chunk: Vec<_> = rows.drain(..rows.len().min(CHUNK)).collect();
            let once = OnConflict::new().do_nothing().to_owned();
            Entity::insert_many(chunk).on_conflict(once).exec_without_returning(self.tx()).await?;
        }
        Ok(asked)
    }

    /// Ends what is held of these assignments, for what comes instead says the same, and more. Answers how each stood.
    async fn supersede(
        &self,
        assignments: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<(Uuid, Model)>, StoreError> {
        let held = Condition::all()
            .add(Column::TenantId.eq(self.wall()))
            .add(Column::AssignmentId.is_in(assignments.iter().copied()))
            .add(Column::OverAt.is_null());
        let rows = Entity::find().filter(held.clone()).all(self.tx()).await?;
        if !rows.is_empty() {
            Entity::update_many()
                .col_expr(Column::OverAt, Expr::value(now.micros()))
                .col_expr(Column::Outcome, Expr::value(SessionEndOutcome::Superseded.as_str()))
                .filter(held)
                .exec(self.tx())
                .await?;
        }
        Ok(rows.into_iter().map(|row| (row.assignment_id, row)).collect())
    }

    fn new_row(
        &self,
        row: &assignment::Model,
        set: Option<AwsSetName>,
        earlier: Option<&Model>,
        cause: SessionEndCause,
        cannot: Option<SessionEndOutcome>,
        (now, entropy): (Timestamp, &dyn Entropy),
    ) -> ActiveModel {
        // Where all sessions are denied still, these are too.
        let denied = earlier.is_some_and(|held| held.denied_at.is_some() && held.cut_off_at.is_none());
        let times = SessionEndTimes::asked(now);
        let times = if denied { times.written(None, now) } else { times };
        ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(SessionEndId::new(now, entropy).uuid()),
            assignment_id: Set(row.id),
            instance_arn: Set(row.instance_arn.clone()),
            account_id: Set(row.account_id.clone()),
            permission_set_arn: Set(row.permission_set_arn.clone()),
            permission_set_name: Set(set.map(String::from)),
            principal_id: Set(row.principal_id.clone()),
            cause: Set(cause.as_str().to_owned()),
            asked_at: Set(times.asked_at.micros()),
            denied_at: Set(micros(times.denied_at)),
            cut_off_at: Set(None),
            cut_off_written_at: Set(None),
            over_at: Set(cannot.map(|_| now.micros())),
            outcome: Set(cannot.map(|outcome| outcome.as_str().to_owned())),
            place: Set(earlier.and_then(|held| held.place.clone())),
        }
    }
}

/// What AWS told of the accounts and permission sets concerned.
struct Known(HashMap<(String, ResourceRef), CachedResource>);

impl Known {
    async fn of(unit: &ReadUnit, keys: &[AssignmentKey]) -> Result<Self, StoreError> {
        let mut wanted: BTreeMap<&str, (&InstanceArn, HashSet<ResourceRef>)> = BTreeMap::new();
        for key in keys {
            let (_, resources) =
                wanted.entry(key.instance.as_str()).or_insert((&key.instance, HashSet::new()));
            resources.insert(ResourceRef::from(key.account.clone()));
            resources.insert(ResourceRef::from(key.permission_set.clone()));
        }
        let mut known = HashMap::new();
        for (instance, resources) in wanted.into_values() {
            let resources: Vec<ResourceRef> = resources.into_iter().collect();
            for chunk in resources.chunks(RESOURCES) {
                for found in unit.aws_resources(instance, chunk).await? {
                    known.insert((instance.to_string(), found.resource.clone()), found);
                }
            }
        }
        Ok(Self(known))
    }

    /// What the permission set is called in AWS. Gone since or not: names are never given anew to others' roles.
    fn set_of(&self, key: &AssignmentKey) -> Option<AwsSetName> {
        let resource = ResourceRef::from(key.permission_set.clone());
        let found = self.0.get(&(key.instance.to_string(), resource))?;
        found.discovered.as_ref()?.name.parse().ok()
    }

    fn is_management(&self, key: &AssignmentKey) -> bool {
        let resource = ResourceRef::from(key.account.clone());
        let found = self.0.get(&(key.instance.to_string(), resource));
        let discovered = found.and_then(|found| found.discovered.as_ref());
        discovered.is_some_and(|discovered| discovered.attributes.is_management)
    }
}
