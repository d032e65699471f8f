//! Counting what differs while a trial goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use curfew_domain::{PolicyId, ResourceType, RuleId, Timestamp, UserId};
use curfew_policy::{AccessQuestion, Decision, Shift};

use super::shelf::{MOST_NAMED, Shelf};
use super::simulation::{
    AskedBy, Difference, DifferenceKind, DraftFault, PersonsDifferences, Simulation, Summary, Verdict,
};
use super::words;

/// How many differences are listed at most; all are counted.
const MOST_DIFFERENCES: usize = 250;

/// How many people are listed at most: those with the most differences.
const MOST_PEOPLE: usize = 50;

/// How many rules that fail are told of at most.
const MOST_FAULTS: usize = 50;

/// How policies are called on both sides.
pub(super) struct Names {
    pub(super) before: Shelf,
    pub(super) after: Shelf,
}

/// What a trial has come to so far.
pub(super) struct Tally {
    names: Names,
    kinds: BTreeSet<DifferenceKind>,
    people: HashMap<UserId, PersonsDifferences>,
    faults: BTreeMap<(Option<PolicyId>, Option<RuleId>), DraftFault>,
    so_far: Simulation,
}

impl Tally {
    pub(super) fn new(names: Names, kinds: BTreeSet<DifferenceKind>) -> Self {
        let so_far = Simulation {
            replayed: 0,
            unreplayable: 0,
            unchanged: 0,
            complete: true,
            oldest: None,
            differences: Vec::new(),
            differences_total: 0,
            summary: Summary::default(),
            faults: Vec::new(),
        };
        Self { names, kinds, people: HashMap::new(), faults: BTreeMap::new(), so_far }
    }

    /// One that can't be asked.
    pub(super) fn count_unreplayable(&mut self, at: Timestamp) {
        self.so_far.unreplayable += 1;
        self.look_at(at);
    }

    /// Not all were asked.
    pub(super) fn break_off(&mut self) {
        self.so_far.complete = false;
    }

    /// What both sides said.
    pub(super) fn add(&mut self, by: AskedBy, asked: &AccessQuestion, before: &Decision, after: &Decision) {
        self.so_far.replayed += 1;
        self.look_at(asked.requested_at);
        self.note_faults(after);
        let Some(kind) = kind(before, after) else {
            self.so_far.unchanged += 1;
            return;
        };
        self.count(asked.person.id, kind);
        if !self.kinds.contains(&kind) {
            return;
        }
        self.so_far.differences_total += 1;
        if self.so_far.differences.len() < MOST_DIFFERENCES {
            self.so_far.differences.extend(self.names.difference(by, asked, before, after, kind));
        }
    }

    pub(super) fn simulation(self) -> Simulation {
        let mut people: Vec<PersonsDifferences> = self.people.into_values().collect();
        people.sort_by_key(|one| (std::cmp::Reverse(one.wider + one.narrower + one.other), one.person));
        people.truncate(MOST_PEOPLE);
        let summary = Summary { people, ..self.so_far.summary };
        Simulation { summary, faults: self.faults.into_values().collect(), ..self.so_far }
    }

    fn look_at(&mut self, at: Timestamp) {
        self.so_far.oldest = Some(self.so_far.oldest.map_or(at, |oldest| oldest.min(at)));
    }

    fn count(&mut self, person: UserId, kind: DifferenceKind) {
        let none = PersonsDifferences { person, wider: 0, narrower: 0, other: 0 };
        let theirs = self.people.entry(person).or_insert(none);
        let summary = &mut self.so_far.summary;
        let (of_all, of_theirs) = match kind {
            DifferenceKind::Wider => (&mut summary.wider, &mut theirs.wider),
            DifferenceKind::Narrower => (&mut summary.narrower, &mut theirs.narrower),
            DifferenceKind::Other => (&mut summary.other, &mut theirs.other),
        };
        *of_all += 1;
        *of_theirs += 1;
    }

    fn note_faults(&mut self, after: &Decision) {
        for fault in &after.faults {
            let key = (fault.policy, fault.rule);
            if !self.faults.contains_key(&key) && self.faults.len() >= MOST_FAULTS {
                continue;
            }
            let names = &self.names.after;
            let of = fault.policy.zip(fault.rule).and_then(|(policy, rule)| names.rule(policy, rule));
            let new = || DraftFault { of, message: fault.message.clone(), decisions: 0 };
            self.faults.entry(key).or_insert_with(new).decisions += 1;
        }
    }
}

/// What kind of difference it is, if it is one: what is given, or what the requester is told, or whether sessions are
/// followed. That another rule says the same is none.
fn kind(before: &Decision, after: &Decision) -> Option<DifferenceKind> {
    match Shift::between(&before.outcome, &after.outcome) {
        Shift::Wider => Some(DifferenceKind::Wider),
        Shift::Narrower => Some(DifferenceKind::Narrower),
        Shift::Other => Some(DifferenceKind::Other),
        Shift::Same => {
            let is_told_so = before.notices == after.notices && before.audit_session == after.audit_session;
            (!is_told_so).then_some(DifferenceKind::Other)
        }
    }
}

impl Names {
    fn difference(
        &self,
        asked_by: AskedBy,
        asked: &AccessQuestion,
        before: &Decision,
        after: &Decision,
        kind: DifferenceKind,
    ) -> Option<Difference> {
        // Without a target nothing is asked for, and both deny.
        let target = asked.targets.first()?;
        let named = asked.named.as_ref().map(|named| named.resource.clone());
        let resource = named.unwrap_or_else(|| target.account.id.clone().into());
        let is_unit = resource.kind() == ResourceType::AwsOrganizationalUnit;
        let (before, after) = (verdict(before, &self.before), verdict(after, &self.after));
        Some(Difference {
            asked_by,
            requester: asked.person.id,
            account: (!is_unit).then(|| target.account.id.clone()),
            resource,
            permission_set: target.permission_set.arn.clone(),
            action: asked.action,
            requested_at: asked.requested_at,
            why: words::why(&before, &after),
            before,
            after,
            kind,
        })
    }
}

/// What a decision comes to, by names that people know.
pub(in crate::policies) fn verdict(decision: &Decision, names: &Shelf) -> Verdict {
    Verdict {
        outcome: decision.outcome.clone(),
        policies: decision
            .determining
            .iter()
            .filter_map(|one| names.deciding(one))
            .take(MOST_NAMED)
            .collect(),
        notices: decision.notices.iter().take(MOST_NAMED).cloned().collect(),
        audit_session: decision.audit_session,
    }
}
