//! Grants with what AWS holds for them.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::assignment::Observed;
use curfew_domain::grant::{AssignmentView, ProvisioningStatus};
use curfew_domain::session_end::{PolicyProblem, SessionsOf, ShownSessions, shown};
use curfew_domain::{Cursor, Drift, Grant, GrantId, Page, PageRequest, Seconds, Timestamp};
use sea_orm::sea_query::{IntoCondition, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::{access_grant, assignment, grant_assignment};
use crate::reconcile::times_of;
use crate::row::Row;
use crate::{GrantFilter, ReadUnit, StoreError};

use super::grant;
use super::open::open;
use crate::session_ends::{asks_for_policies, length_of};

/// A grant, and how its assignments stand.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantView {
    /// The grant.
    pub grant: Grant,
    /// Its assignments.
    pub assignments: Vec<AssignmentView>,
    /// Whether some of the access was there before, and stays.
    pub standing: bool,
    /// How AWS was found to differ from what it gives, where nobody has settled that yet.
    pub drift: Option<Drift>,
    /// The most tries in a row that failed of what is to be done about one of its assignments.
    failed_tries: u32,
    /// What was done about AWS's sessions of each of its assignments.
    sessions: Vec<SessionsOf>,
    /// What stands in the way of ending sessions.
    problem: Option<PolicyProblem>,
}

impl GrantView {
    /// What became of the sessions that AWS issued for it.
    pub fn sessions(&self, now: Timestamp) -> ShownSessions {
        shown(&self.grant.times, &self.sessions, self.problem, now)
    }

    /// How long AWS's sessions of it last, where AWS has told.
    pub fn session_lasts(&self) -> Option<Seconds> {
        self.sessions.iter().filter_map(|one| one.session).max()
    }

    /// What AWS holds of it.
    pub fn provisioning(&self, now: Timestamp) -> ProvisioningStatus {
        self.grant.times.provisioning(now, self.assignments.iter().copied())
    }

    /// How many tries in a row failed of what AWS is asked to do for it. Once all is done for it, what is tried is for
    /// others.
    pub fn attempts(&self, now: Timestamp) -> u32 {
        if self.provisioning(now) == ProvisioningStatus::Revoked { 0 } else { self.failed_tries }
    }
}

impl ReadUnit {
    /// The grant by that id.
    pub async fn grant(&self, id: GrantId, now: Timestamp) -> Result<Option<GrantView>, StoreError> {
        let found = self.one_grant(id, None).await?;
        Ok(self.with_assignments(found.into_iter().collect(), now).await?.pop())
    }

    /// Grants, newest first. `now` says how they stand.
    pub async fn grants(
        &self,
        filter: &GrantFilter,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<GrantView>, StoreError> {
        let rows = access_grant::Entity::find()
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(filter.condition(now))
            .filter(crate::page::after((access_grant::Column::CreatedAt, access_grant::Column::Id), page))
            .order_by_desc(access_grant::Column::CreatedAt)
            .order_by_desc(access_grant::Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let grants = rows.into_iter().map(grant).collect::<Result<Vec<_>, _>>()?;
        let views = self.with_assignments(grants, now).await?;
        Ok(Page::cut(views, page.limit, |last| Cursor::at(last.grant.created_at, last.grant.id.uuid())))
    }

    pub(super) async fn with_assignments(
        &self,
        grants: Vec<Grant>,
        now: Timestamp,
    ) -> Result<Vec<GrantView>, StoreError> {
        let ids: Vec<Uuid> = grants.iter().map(|grant| grant.id.uuid()).collect();
        let own = grant_assignment::Column::GrantId.is_in(ids);
        let links = self.links(own.clone()).await?;
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.in_subquery(self.assignments_of(own.clone())))
            .all(self.tx())
            .await?;
        let phases: BTreeMap<Uuid, assignment::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
        let found = self.open_drift_of(self.assignments_of(own.clone())).await?;
        let reasons = self.live_reasons(own.clone(), now).await?;
        let ends = self.session_ends_of(self.assignments_of(own)).await?;
        let lengths = self.session_lengths(phases.values()).await?;
        let problem = if asks_for_policies(&ends) { self.session_policy_problem().await? } else { None };
        grants
            .into_iter()
            .map(|grant| {
                let id = grant.id.uuid();
                let own = links.iter().filter(|link| link.grant_id == id);
                let mut view = GrantView {
                    grant,
                    assignments: Vec::new(),
                    standing: false,
                    drift: None,
                    failed_tries: 0,
                    sessions: Vec::new(),
                    problem,
                };
                for link in own {
                    let row = linked(link, &phases)?;
                    view.standing |= link.standing;
                    view.drift = view.drift.or_else(|| since(&found, link, view.grant.created_at));
                    let observed = observed(row)?;
                    let stands = assignment_view(link, row, &reasons)?;
                    view.failed_tries = view.failed_tries.max(observed.attempts);
                    view.sessions.push(SessionsOf {
                        phase: stands.phase,
                        gone_at: observed.gone_at,
                        needed_by_another: stands.needed_by_another,
                        session: lengths.get(&length_of(row)).copied(),
                        ends: ends.get(&row.id).cloned().unwrap_or_default(),
                    });
                    view.assignments.push(stands);
                }
                Ok(view)
            })
            .collect()
    }

    /// The links of such links' assignments to grants that are live.
    async fn live_reasons(
        &self,
        which: SimpleExpr,
        now: Timestamp,
    ) -> Result<Vec<grant_assignment::Model>, StoreError> {
        let theirs =
            || grant_assignment::Column::AssignmentId.in_subquery(self.assignments_of(which.clone()));
        let grants = access_grant::Entity::find()
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::Id.in_subquery(self.linked_to(theirs())))
            .filter(open())
            .all(self.tx())
            .await?;
        let mut live = BTreeSet::new();
        for row in &grants {
            if times_of(row)?.is_live(now) {
                live.insert(row.id);
            }
        }
        let open = grant_assignment::Column::GrantId.in_subquery(self.open_ids());
        let mut links = self.links(Condition::all().add(theirs()).add(open)).await?;
        links.retain(|link| live.contains(&link.grant_id));
        Ok(links)
    }

    /// The ids of the assignments with such links, for a query around it: a list of them could be longer than a
    /// statement.
    fn assignments_of(&self, links: SimpleExpr) -> SelectStatement {
        Query::select()
            .column(grant_assignment::Column::AssignmentId)
            .from(grant_assignment::Entity)
            .cond_where(grant_assignment::Column::TenantId.eq(self.wall()))
            .cond_where(links)
            .to_owned()
    }

    async fn links(&self, which: impl IntoCondition) -> Result<Vec<grant_assignment::Model>, StoreError> {
        let links = grant_assignment::Entity::find()
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(which.into_condition())
            .order_by_asc(grant_assignment::Column::AssignmentId)
            .all(self.tx())
            .await?;
        Ok(links)
    }
}

/// The newest finding about an assignment that was found since a moment: those before are another grant's.
fn since(found: &[Drift], link: &grant_assignment::Model, moment: Timestamp) -> Option<Drift> {
    let about = |drift: &&Drift| drift.assignment.is_some_and(|id| id.uuid() == link.assignment_id);
    found.iter().filter(about).find(|drift| drift.found_at >= moment).cloned()
}

fn linked<'a>(
    link: &grant_assignment::Model,
    phases: &'a BTreeMap<Uuid, assignment::Model>,
) -> Result<&'a assignment::Model, StoreError> {
    let at = Row { table: "assignment", id: link.assignment_id };
    phases.get(&link.assignment_id).ok_or_else(|| at.corrupt("id", "a link to nothing"))
}

fn observed(row: &assignment::Model) -> Result<Observed, StoreError> {
    let at = Row { table: "assignment", id: row.id };
    at.json("observed", row.observed.clone())
}

fn assignment_view(
    link: &grant_assignment::Model,
    row: &assignment::Model,
    reasons: &[grant_assignment::Model],
) -> Result<AssignmentView, StoreError> {
    let at = Row { table: "assignment", id: row.id };
    Ok(AssignmentView {
        phase: at.parse("phase", &row.phase)?,
        needed_by_another: reasons
            .iter()
            .any(|reason| reason.assignment_id == link.assignment_id && reason.grant_id != link.grant_id),
    })
}
