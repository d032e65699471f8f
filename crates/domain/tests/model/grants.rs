//! What happens to grants as their assignment comes and goes, and as time passes.

use curfew_domain::Timestamp;
use curfew_domain::assignment::Phase;
use curfew_domain::grant::{GrantStatus, GrantTimes};

use super::reconciler::Who;
use super::rules::Rules;
use super::world::World;

impl World {
    pub(crate) fn is_noteworthy(&self, now: Timestamp) -> bool {
        let succeeds = exists(self.row.observed.phase());
        self.row
            .grants
            .iter()
            .any(|grant| has_missed_its_start(grant, now) || succeeds && awaits_success(grant, now))
    }

    pub(crate) fn note_time(&mut self, rules: &impl Rules, now: Timestamp) {
        if !self.may_save(rules, Who::Owner) {
            return;
        }
        let missed = |grant: &GrantTimes| has_missed_its_start(grant, now);
        if self.row.grants.iter().any(missed) {
            self.fail_grants(now, missed);
        } else {
            self.note_success(now);
        }
    }

    pub(crate) fn note_success(&mut self, now: Timestamp) {
        if !exists(self.row.observed.phase()) {
            return;
        }
        for grant in self.row.grants.iter_mut().filter(|grant| awaits_success(grant, now)) {
            *grant = grant.started(now).succeeded(now);
        }
    }

    pub(crate) fn fail_grants(&mut self, now: Timestamp, which: impl Fn(&GrantTimes) -> bool) {
        for grant in self.row.grants.iter_mut().filter(|grant| which(grant)) {
            *grant = grant.failed(now);
        }
        self.touch_due(now);
    }
}

fn exists(phase: Phase) -> bool {
    matches!(phase, Phase::Present | Phase::Standing)
}

fn awaits_success(grant: &GrantTimes, now: Timestamp) -> bool {
    grant.succeeded_at.is_none() && grant.is_live(now)
}

pub(crate) fn has_missed_its_start(grant: &GrantTimes, now: Timestamp) -> bool {
    grant.missed_its_start(now)
        && grant.revoked_at.is_none()
        && (grant.started_at.is_none() || grant.status(now) == GrantStatus::Active)
}
