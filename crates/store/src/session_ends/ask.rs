//! Deciding that sessions end: in the transaction that ends the access.

use std::collections::{BTreeMap, HashMap, HashSet};

use curfew_domain::assignment::{AssignmentKey, Observed, Phase};
use curfew_domain::session_end::{
    AwsSetName, LONGEST_SESSION, SessionEndCause, SessionEndOutcome, SessionEndTimes,
};
use curfew_domain::{
    AssignmentId, CachedResource, Entropy, GrantId, InstanceArn, LockdownOf, ResourceRef, SessionEndId,
    Timestamp,
};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, Select,
};
use uuid::Uuid;

use crate::entity::session_end::{ActiveModel, Column, Entity, Model};
use crate::entity::{access_grant, assignment, grant_assignment};
use crate::grants::its_grant;
use crate::reconcile::key_of;
use crate::revocations::live;
use crate::row::{Row, micros};
use crate::{ReadUnit, StoreError, WriteUnit};

/// So many rows are read or written by one statement.
const CHUNK: usize = 500;

/// So many resources of AWS's are read by one statement.
const RESOURCES: usize = 200;

/// Where AWS may have issued sessions that can still be alive, and may issue more.
const MAY_BE_THERE: &[Phase] = &[Phase::Creating, Phase::Present, Phase::Deleting];

/// What of a grant that failed was there: most of the rest AWS refused.
const WAS_THERE: &[Phase] = &[Phase::Present];

/// When a grant was over, for the database: `GrantTimes::over_at`, but that what ended it early comes first.
const OVER_AT: &str = "COALESCE(access_grant.revoked_at, access_grant.failed_at, access_grant.expires_at, \
                       access_grant.start_by)";

/// When the last of several grants ended early, for the database.
const LAST_ENDED_EARLY: &str = "MAX(COALESCE(access_grant.revoked_at, access_grant.failed_at))";

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
        let going = self.going_with(grants, phases, now).await?;
        self.ask(going.into_values().collect(), cause, now, entropy).await
    }

    /// The same of all access that `covered` covers, however it ended: also of what ended by time and is there still, or
    /// was no longer ago than a session lasts. `grants` are those that end with it: one over several accounts ends whole.
    pub async fn ask_session_ends_of_all(
        &self,
        covered: &LockdownOf,
        grants: &[GrantId],
        cause: SessionEndCause,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<AskedEnd>, StoreError> {
        self.touch_sessions(now).await?;
        let gone = self.lately_gone(covered, now).await?;
        let mut going = self.going(self.of_all(covered), MAY_BE_THERE, now).await?;
        going.extend(self.going_with(grants, MAY_BE_THERE, now).await?);
        // Where the policies are full the oldest go: rather those that have come to their end already.
        let just_before = Timestamp::from_micros(now.micros() - 1);
        let mut asked = self.ask(gone, cause, just_before, entropy).await?;
        asked.extend(self.ask(going.into_values().collect(), cause, now, entropy).await?);
        Ok(asked)
    }

    /// The same of these grants, which time has ended: of access that also came from a grant whose sessions were to end,
    /// and could not while these needed it. So they end with the last.
    pub async fn ask_session_ends_left_over(
        &self,
        grants: &[GrantId],
        cause: SessionEndCause,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<AskedEnd>, StoreError> {
        // Most access has no other grant, and its end waits for nobody.
        if !self.have_others(grants, now).await? {
            return Ok(Vec::new());
        }
        self.touch_sessions(now).await?;
        let mut going = BTreeMap::new();
        for chunk in grants.chunks(CHUNK) {
            let theirs = Condition::all()
                .add(assignment::Column::Id.in_subquery(self.assignments_of_grants(chunk)))
                .add(Expr::exists(self.reason(was_to_leave_none(now))));
            going.extend(self.going(theirs, MAY_BE_THERE, now).await?);
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
        let this = Condition::all().add(assignment::Column::Id.eq(assignment.uuid()));
        let going = self.going(this, MAY_BE_THERE, now).await?;
        self.ask(going.into_values().collect(), cause, now, entropy).await
    }

    async fn going_with(
        &self,
        grants: &[GrantId],
        phases: &[Phase],
        now: Timestamp,
    ) -> Result<BTreeMap<Uuid, assignment::Model>, StoreError> {
        let mut going = BTreeMap::new();
        for chunk in grants.chunks(CHUNK) {
            let theirs = assignment::Column::Id.in_subquery(self.assignments_of_grants(chunk));
            going.extend(self.going(Condition::all().add(theirs), phases, now).await?);
        }
        Ok(going)
    }

    /// Those that were proved gone no longer ago than a session lasts, but for those whose sessions are denied already.
    async fn lately_gone(
        &self,
        covered: &LockdownOf,
        now: Timestamp,
    ) -> Result<Vec<assignment::Model>, StoreError> {
        let since = now - LONGEST_SESSION;
        // Written then, or later.
        let lately = self.of_all(covered).add(assignment::Column::UpdatedAt.gt(since.micros()));
        let mut gone = Vec::new();
        for (id, row) in self.going(lately, &[Phase::Gone], now).await? {
            let at = Row { table: "assignment", id };
            let observed: Observed = at.json("observed", row.observed.clone())?;
            if let Some(gone_at) = observed.gone_at
                && gone_at > since
            {
                gone.push((gone_at, row));
            }
        }
        let ids: Vec<Uuid> = gone.iter().map(|(_, row)| row.id).collect();
        let mut denied = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            let held = self.held_of(chunk).all(self.tx()).await?;
            denied.extend(held.into_iter().map(|end| (end.assignment_id, end.cut_off_at)));
        }
        let is_denied = |(gone_at, row): &(Timestamp, assignment::Model)| {
            let end = denied.get(&row.id);
            end.is_some_and(|cut_off| cut_off.is_none_or(|cut_off| cut_off > gone_at.micros()))
        };
        gone.retain(|one| !is_denied(one));
        Ok(gone.into_iter().map(|(_, row)| row).collect())
    }

    /// The assignments that `covered` covers.
    fn of_all(&self, covered: &LockdownOf) -> Condition {
        let all = Condition::all();
        match covered {
            LockdownOf::User(user) => {
                let theirs = Condition::all().add(access_grant::Column::GranteeId.eq(user.uuid()));
                all.add(Expr::exists(self.reason(theirs)))
            }
            LockdownOf::Account(account) => all.add(assignment::Column::AccountId.eq(account.as_str())),
            LockdownOf::Tenant => all,
        }
    }

    async fn going(
        &self,
        which: Condition,
        phases: &[Phase],
        now: Timestamp,
    ) -> Result<BTreeMap<Uuid, assignment::Model>, StoreError> {
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(which)
            .filter(assignment::Column::Phase.is_in(phases.iter().map(|phase| phase.as_str())))
            .filter(Expr::exists(self.reason(live(now))).not())
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

    /// Whether these grants' access may come from another as well that ended no longer ago than a session lasts, or has not
    /// ended yet.
    async fn have_others(&self, grants: &[GrantId], now: Timestamp) -> Result<bool, StoreError> {
        let since = (now - LONGEST_SESSION).micros();
        for chunk in grants.chunks(CHUNK) {
            let another = Condition::all()
                .add(access_grant::Column::Id.is_not_in(chunk.iter().map(|grant| grant.uuid())))
                .add(Expr::cust(format!("{OVER_AT} > {since}")));
            let shared = assignment::Entity::find()
                .filter(assignment::Column::TenantId.eq(self.wall()))
                .filter(assignment::Column::Id.in_subquery(self.assignments_of_grants(chunk)))
                .filter(Expr::exists(self.reason(another)));
            if shared.count(self.tx()).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A grant like that which needs the assignment of the query around it, or did.
    fn reason(&self, which: Condition) -> SelectStatement {
        use grant_assignment::{Column as Link, Entity as Links};
        Query::select()
            .expr(Expr::col((Links, Link::GrantId)))
            .from(Links)
            .inner_join(access_grant::Entity, its_grant())
            .and_where(Expr::col((Links, Link::TenantId)).eq(self.wall()))
            .and_where(
                Expr::col((Links, Link::AssignmentId))
                    .eq(Expr::col((assignment::Entity, assignment::Column::Id))),
            )
            .cond_where(which)
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
        let ended = self.ended_early(&ids).await?;
        let (mut rows, mut asked) = (Vec::new(), Vec::new());
        for (row, key) in going.iter().zip(keys) {
            let asked_at = ended.get(&row.id).map_or(now, |ended| now.max(*ended));
            let set = known.set_of(&key);
            let cannot = if known.is_management(&key) {
                Some(SessionEndOutcome::ManagementAccount)
            } else {
                set.is_none().then_some(SessionEndOutcome::UnknownSet)
            };
            rows.push(self.new_row(row, set, earlier.get(&row.id), cause, cannot, (asked_at, entropy)));
            asked.push(AskedEnd { assignment: AssignmentId::from_uuid(row.id), key, cannot });
        }
        while !rows.is_empty() {
            let chunk: Vec<_> = rows.drain(..rows.len().min(CHUNK)).collect();
            let once = OnConflict::new().do_nothing().to_owned();
            Entity::insert_many(chunk).on_conflict(once).exec_without_returning(self.tx()).await?;
        }
        Ok(asked)
    }

    /// When the last of these assignments' grants ended before its time. Later than now, where one that ended meanwhile
    /// looked at its clock later, or at another: an end that is asked for both comes after both.
    async fn ended_early(&self, assignments: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>, StoreError> {
        let mut ended = HashMap::new();
        for chunk in assignments.chunks(CHUNK) {
            let statement = self.tx().get_database_backend().build(&self.last_ended_early(chunk));
            let rows = EndedEarly::find_by_statement(statement).all(self.tx()).await?;
            let known = |row: EndedEarly| Some((row.assignment_id, Timestamp::from_micros(row.ended_at?)));
            ended.extend(rows.into_iter().filter_map(known));
        }
        Ok(ended)
    }

    fn last_ended_early(&self, assignments: &[Uuid]) -> SelectStatement {
        use grant_assignment::{Column as Link, Entity as Links};
        Query::select()
            .column((Links, Link::AssignmentId))
            .expr_as(Expr::cust(LAST_ENDED_EARLY), "ended_at")
            .from(Links)
            .inner_join(access_grant::Entity, its_grant())
            .and_where(Expr::col((Links, Link::TenantId)).eq(self.wall()))
            .and_where(Expr::col((Links, Link::AssignmentId)).is_in(assignments.iter().copied()))
            .group_by_col((Links, Link::AssignmentId))
            .to_owned()
    }

    /// Ends what is held of these assignments, for what comes instead says the same, and more. Answers how each stood.
    async fn supersede(
        &self,
        assignments: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<(Uuid, Model)>, StoreError> {
        let rows = self.held_of(assignments).all(self.tx()).await?;
        if !rows.is_empty() {
            Entity::update_many()
                .col_expr(Column::OverAt, Expr::value(now.micros()))
                .col_expr(Column::Outcome, Expr::value(SessionEndOutcome::Superseded.as_str()))
                .filter(self.is_held_of(assignments))
                .exec(self.tx())
                .await?;
        }
        Ok(rows.into_iter().map(|row| (row.assignment_id, row)).collect())
    }

    /// The ends of these assignments' sessions that are not over: one each at most.
    fn held_of(&self, assignments: &[Uuid]) -> Select<Entity> {
        Entity::find().filter(self.is_held_of(assignments))
    }

    fn is_held_of(&self, assignments: &[Uuid]) -> Condition {
        Condition::all()
            .add(Column::TenantId.eq(self.wall()))
            .add(Column::AssignmentId.is_in(assignments.iter().copied()))
            .add(Column::OverAt.is_null())
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
        // Where all sessions are denied still, as far as is known, these are too: whoever forgets this one shuts them out.
        let denied =
            earlier.is_some_and(|held| held.denied_at.is_some() && held.cut_off_written_at.is_none());
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

#[derive(FromQueryResult)]
struct EndedEarly {
    assignment_id: Uuid,
    ended_at: Option<i64>,
}

/// Those whose sessions were to end with them, as an emergency's or one that was revoked or failed no longer ago than a
/// session lasts, and have not been asked to since.
fn was_to_leave_none(now: Timestamp) -> Condition {
    let since = (now - LONGEST_SESSION).micros();
    Condition::all()
        .add(access_grant::Column::StartedAt.is_not_null())
        .add(Expr::cust(format!("{OVER_AT} > {since}")))
        .add(Expr::cust(
            "(access_grant.revoked_at IS NOT NULL OR access_grant.failed_at IS NOT NULL \
             OR EXISTS (SELECT 1 FROM access_request r WHERE r.tenant_id = access_grant.tenant_id \
             AND r.id = access_grant.request_id AND r.break_glass))",
        ))
        .add(Expr::cust(format!(
            "NOT EXISTS (SELECT 1 FROM session_end e WHERE e.tenant_id = grant_assignment.tenant_id \
             AND e.assignment_id = grant_assignment.assignment_id AND e.asked_at >= {OVER_AT})"
        )))
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
