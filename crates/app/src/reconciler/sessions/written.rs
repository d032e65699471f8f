//! Writing down what the policies were seen to say, and what they say no longer.

use curfew_aws::SessionPolicy;
use curfew_domain::TenantId;
use curfew_domain::connection::VerifiedConnection;
use curfew_domain::session_end::{Arrangement, PolicyProblem, SessionEnd, SessionEndOutcome, Wanted};
use curfew_store::WriteUnit;

use super::super::Reconciler;
use super::plan::is_elsewhere;
use super::told;
use crate::AppError;

/// Whose policies are made, under which lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub(super) tenant: TenantId,
    pub(super) fence: u64,
    pub(super) opted_in: bool,
}

impl Reconciler {
    /// A unit that a former owner gets no more. Whoever ends access waits for it, and it for them: both write several ends.
    pub(super) async fn fenced(&self, tenant: TenantId, fence: u64) -> Result<WriteUnit, AppError> {
        let unit = self.app.store.tenant(tenant).write().await?;
        unit.hold_sessions().await?;
        unit.check_fence(fence).await?;
        Ok(unit)
    }

    /// A policy says `denies` and nothing else: just `replaced`, or before.
    pub(super) async fn note_written(
        &self,
        pass: Pass,
        policy: &SessionPolicy,
        denies: &[SessionEnd],
        replaced: bool,
    ) -> Result<(), AppError> {
        let now = self.app.clock.now();
        let (mut log, mut changed) = (Vec::new(), Vec::new());
        for end in denies {
            let times = end.times.written(end.times.cut_off, now);
            let place = Some(policy.name.clone());
            if times == end.times && place == end.place {
                continue;
            }
            log.extend(told::denied(end, &times));
            changed.push(SessionEnd { times, place, ..end.clone() });
        }
        if !replaced && changed.is_empty() {
            return Ok(());
        }
        log.insert(0, told::policy_written(policy, denies.len(), replaced));
        let unit = self.fenced(pass.tenant, pass.fence).await?;
        for end in &changed {
            unit.save_session_end(end).await?;
        }
        unit.record_all(log, now, self.app.entropy.as_ref()).await?;
        Ok(unit.commit().await?)
    }

    /// All policies are as they should be: what none of them says is over, for the reason that it has.
    pub(super) async fn note_out(
        &self,
        pass: Pass,
        ends: &[SessionEnd],
        arrangement: &Arrangement,
        verified: &VerifiedConnection,
    ) -> Result<(), AppError> {
        let now = self.app.clock.now();
        let no_policy = arrangement.policies.is_empty();
        let over: Vec<_> = ends
            .iter()
            .filter_map(|end| match end.times.wanted(pass.opted_in, now) {
                Wanted::Nothing(outcome) => Some((end, outcome)),
                // Without a policy there is no room for anything, and nothing has taken another's place.
                Wanted::Deny(_) if no_policy || is_elsewhere(end, verified) => None,
                Wanted::Deny(_) => {
                    arrangement.left_out.contains(&end.id).then_some((end, SessionEndOutcome::LeftOut))
                }
            })
            .collect();
        self.note_over(pass, &over).await?;
        for (end, _) in over.iter().filter(|(end, _)| is_elsewhere(end, verified)) {
            told::alert_when_shut_out(pass.tenant, end);
        }
        Ok(())
    }

    async fn note_over(&self, pass: Pass, over: &[(&SessionEnd, SessionEndOutcome)]) -> Result<(), AppError> {
        if over.is_empty() {
            return Ok(());
        }
        let now = self.app.clock.now();
        let unit = self.fenced(pass.tenant, pass.fence).await?;
        let mut log = Vec::new();
        for (end, outcome) in over {
            let ended = SessionEnd { times: end.times.ended(*outcome, now), ..(*end).clone() };
            unit.save_session_end(&ended).await?;
            log.push(told::over(end, *outcome));
        }
        unit.record_all(log, now, self.app.entropy.as_ref()).await?;
        unit.commit().await?;
        for (end, outcome) in over {
            told::alert_when_left_out(pass.tenant, end, *outcome);
        }
        Ok(())
    }

    /// Nothing leads to AWS any more: what is not wanted there any more is over, as far as can be known.
    pub(super) async fn give_up_unreachable(
        &self,
        tenant: TenantId,
        fence: u64,
        ends: &[SessionEnd],
        opted_in: bool,
    ) -> Result<(), AppError> {
        let now = self.app.clock.now();
        let over: Vec<_> = ends
            .iter()
            .filter_map(|end| match end.times.wanted(opted_in, now) {
                Wanted::Nothing(outcome) => Some((end, outcome)),
                Wanted::Deny(_) => None,
            })
            .collect();
        self.note_over(Pass { tenant, fence, opted_in }, &over).await?;
        for (end, _) in &over {
            told::alert_when_shut_out(tenant, end);
        }
        Ok(())
    }

    /// Keeps what stands in the way of the policies, and tells of it once.
    pub(super) async fn note_problem(
        &self,
        tenant: TenantId,
        fence: u64,
        problem: Option<PolicyProblem>,
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        if unit.session_policy_problem().await? == problem {
            return Ok(());
        }
        drop(unit);
        let unit = self.fenced(tenant, fence).await?;
        let now = self.app.clock.now();
        if unit.note_session_policies(problem, now).await? {
            unit.record(told::problem(tenant, problem), now, self.app.entropy.as_ref()).await?;
        }
        unit.commit().await?;
        told::alert_of(tenant, problem);
        Ok(())
    }
}
