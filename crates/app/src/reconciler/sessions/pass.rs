//! One look at a tenant's session ends and at the policies that say them.

use std::sync::Arc;

use curfew_aws::{AwsError, AwsErrorKind, SessionPolicies, SessionPolicy};
use curfew_domain::session_end::{Behind, PolicyProblem, SessionEnd, behind, document};
use curfew_domain::{Seconds, TenantId, Timestamp};
use curfew_store::{DueSessions, ReadUnit};
use tokio::time::Instant;

use super::super::access::Access;
use super::super::{Reconciler, backoff};
use super::plan::{arranged, deny, documents_of, is_unchanged, says_the_same};
use super::seen::Synced;
use super::written::Pass;
use crate::settings::TenantSettings;
use crate::{AppError, with_causes};

/// How often it is looked whether the access is gone whose sessions are all denied.
const UNTIMED_AGAIN: Seconds = Seconds::of(2);

/// How often the policies are compared with AWS although nothing has changed: somebody may have written into them.
pub(super) const WHOLE_EVERY: Seconds = Seconds::of(15 * 60);

/// How long a tenant waits whose customer has to do something first.
const CUSTOMER_PAUSE: Seconds = Seconds::of(60);

/// What is to be denied, and the way into AWS.
struct Known {
    ends: Vec<SessionEnd>,
    opted_in: bool,
    access: Option<Access>,
}

/// What came of making the policies say what they should.
enum Made {
    /// They say it, at this moment.
    Synced(Synced),
    /// Not all of them do: this stands in the way.
    Not(PolicyProblem),
    /// The lease does not allow it.
    NoLease,
}

impl Reconciler {
    /// Makes the policies say what they should. Answers when to look again; never, where nothing is left to do.
    pub(super) async fn sessions_pass(&self, due: DueSessions) -> Result<Option<Timestamp>, AppError> {
        let tenant = due.tenant;
        let Some(held) = self.leases.held(tenant, Instant::now()) else {
            return Ok(Some(self.in_a_moment()));
        };
        let known = self.turned(tenant, held.fence).await?;
        let all = self.seen.note_held(tenant, known.ends.len());
        metrics::gauge!("curfew_session_ends").set(super::super::as_gauge(all));
        if known.ends.is_empty() && !known.opted_in {
            self.note_problem(tenant, held.fence, None).await?;
            return Ok(None);
        }
        let Some(access) = known.access else {
            let now = self.app.clock.now();
            if known.ends.is_empty() {
                return Ok(Some(now + WHOLE_EVERY));
            }
            self.give_up_unreachable(tenant, held.fence, &known.ends, known.opted_in).await?;
            self.note_problem(tenant, held.fence, Some(PolicyProblem::NoConnection)).await?;
            return Ok(Some(now + CUSTOMER_PAUSE));
        };
        if let Some(synced) = self.seen.synced(tenant)
            && is_unchanged(&known.ends, &access.verified, known.opted_in, &synced, self.app.clock.now())
        {
            return Ok(Some(self.next_look(&known.ends, synced.at)));
        }
        let pass = Pass { tenant, fence: held.fence, opted_in: known.opted_in };
        match self.make_policies(pass, &access, known.ends).await? {
            Made::NoLease => Ok(Some(self.in_a_moment())),
            Made::Not(problem) => {
                let failures = self.seen.note_failure(tenant);
                self.note_problem(tenant, held.fence, Some(problem)).await?;
                let now = self.app.clock.now();
                Ok(Some(match problem {
                    PolicyProblem::AwsFailed => backoff::next_try(failures, now, self.app.entropy.as_ref()),
                    _ => now + CUSTOMER_PAUSE,
                }))
            }
            Made::Synced(synced) => {
                let at = synced.at;
                self.seen.note_synced(tenant, synced);
                self.note_problem(tenant, held.fence, None).await?;
                let unit = self.app.store.tenant(tenant).read().await?;
                let left = unit.held_session_ends().await?;
                let goes_on = pass.opted_in || !left.is_empty();
                Ok(goes_on.then(|| self.next_look(&left, at)))
            }
        }
    }

    /// What is held, after what time and the access behind have done to it.
    async fn turned(&self, tenant: TenantId, fence: u64) -> Result<Known, AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        let mut ends = unit.held_session_ends().await?;
        let opted_in = TenantSettings::load(&unit).await?.end_sessions;
        let access = Access::of_verified(tenant, unit.connection().await?);
        let now = self.app.clock.now();
        let mut changed = Vec::new();
        for end in &mut ends {
            let turned = end.times.turned(behind_of(&unit, end, now).await?, now);
            if turned != end.times {
                end.times = turned;
                changed.push(end.clone());
            }
        }
        drop(unit);
        if !changed.is_empty() {
            let unit = self.fenced(tenant, fence).await?;
            for end in &changed {
                unit.save_session_end(end).await?;
            }
            unit.commit().await?;
        }
        Ok(Known { ends, opted_in, access })
    }

    async fn make_policies(
        &self,
        pass: Pass,
        access: &Access,
        ends: Vec<SessionEnd>,
    ) -> Result<Made, AppError> {
        if !self.may_call(pass) {
            return Ok(Made::NoLease);
        }
        let (aws, policies) = match self.find_policies(access).await {
            Ok(found) => found,
            Err(error) => return Ok(Made::Not(failed(pass.tenant, &error))),
        };
        let rooted: Vec<&str> =
            policies.iter().filter(|policy| policy.at_root).map(|policy| policy.name.as_str()).collect();
        let at = self.app.clock.now();
        let arrangement = arranged(&rooted, &ends, &access.verified, pass.opted_in, at);
        let mut problem = None;
        for policy in &policies {
            let ids = arrangement.policies.get(&policy.name).map_or(&[][..], Vec::as_slice);
            let denies: Vec<SessionEnd> =
                ids.iter().filter_map(|id| ends.iter().find(|end| end.id == *id)).cloned().collect();
            let text = document(&denies.iter().map(|end| deny(end)).collect::<Vec<_>>());
            let replaced = !says_the_same(&policy.document, &text);
            if replaced {
                tokio::time::sleep_until(self.seen.next_write(pass.tenant)).await;
                if !self.may_call(pass) {
                    return Ok(Made::NoLease);
                }
                if let Err(error) = aws.replace(&policy.id, &text).await {
                    count_write("failed");
                    problem = Some(failed(pass.tenant, &error));
                    continue;
                }
                count_write("written");
            }
            self.note_written(pass, policy, &denies, replaced).await?;
        }
        if let Some(problem) = problem {
            return Ok(Made::Not(problem));
        }
        self.note_out(pass, &ends, &arrangement, &access.verified).await?;
        if policies.is_empty() {
            return Ok(Made::Not(PolicyProblem::NoPolicy));
        }
        if rooted.is_empty() {
            return Ok(Made::Not(PolicyProblem::PolicyNotAttached));
        }
        let documents = documents_of(&arrangement, &ends);
        Ok(Made::Synced(Synced { documents, at }))
    }

    /// Whether a call to AWS may start.
    fn may_call(&self, pass: Pass) -> bool {
        let held = self.leases.held(pass.tenant, Instant::now());
        held.is_some_and(|held| held.fence == pass.fence && held.allows_a_call(Instant::now()))
    }

    async fn find_policies(
        &self,
        access: &Access,
    ) -> Result<(Arc<dyn SessionPolicies>, Vec<SessionPolicy>), AwsError> {
        let aws = self.app.aws.session_policies(&access.role).await?;
        let found = aws.find().await?;
        Ok((aws, found))
    }

    /// When something may have changed by time.
    fn next_look(&self, ends: &[SessionEnd], synced_at: Timestamp) -> Timestamp {
        let now = self.app.clock.now();
        let next = |end: &SessionEnd| end.times.drop_at().unwrap_or(now + UNTIMED_AGAIN);
        ends.iter().map(next).min().unwrap_or(synced_at + WHOLE_EVERY).min(synced_at + WHOLE_EVERY)
    }
}

/// How the access stands behind an end that has no cut-off yet; of the others it does not matter.
async fn behind_of(unit: &ReadUnit, end: &SessionEnd, now: Timestamp) -> Result<Behind, AppError> {
    if end.times.cut_off.is_some() {
        return Ok(Behind::Held);
    }
    let Some(work) = unit.assignment_work(end.assignment).await? else {
        return Ok(Behind::Gone { at: None });
    };
    let times: Vec<_> = work.times().collect();
    Ok(behind(&work.observed, &times, now))
}

fn failed(tenant: TenantId, error: &AwsError) -> PolicyProblem {
    tracing::warn!(tenant_id = %tenant, error = with_causes(error), "AWS's policies that end sessions could not be written");
    match error.kind {
        AwsErrorKind::AccessDenied => PolicyProblem::NotPermitted,
        _ => PolicyProblem::AwsFailed,
    }
}

fn count_write(outcome: &'static str) {
    metrics::counter!("curfew_session_policy_writes_total", "outcome" => outcome).increment(1);
}
