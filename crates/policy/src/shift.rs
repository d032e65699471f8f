//! Whether one answer gives more than another.

use curfew_domain::Seconds;
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};

use crate::{Outcome, Terms};

/// How what is given moves from one outcome to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// Neither gives more.
    Same,
    /// The second gives more: access instead of a denial, fewer approvals, a longer time.
    Wider,
    /// The second gives less.
    Narrower,
    /// The second gives more of one thing and less of another, or asks other people.
    Other,
}

impl Shift {
    /// From `before` to `after`. Total: what can't be compared is [`Shift::Other`].
    ///
    /// Why something is denied, and which policies decide, makes no difference here.
    pub fn between(before: &Outcome, after: &Outcome) -> Self {
        match (is_within(before, after), is_within(after, before)) {
            (true, true) => Shift::Same,
            (true, false) => Shift::Wider,
            (false, true) => Shift::Narrower,
            (false, false) => Shift::Other,
        }
    }
}

/// Whether `wide` gives all that `narrow` does, on terms that are no harder. A preorder: reflexive and transitive.
fn is_within(narrow: &Outcome, wide: &Outcome) -> bool {
    match (Given::by(narrow), Given::by(wide)) {
        (Err(shorter), Err(longer)) => shorter <= longer,
        (Err(_), Ok(_)) => true,
        (Ok(_), Err(_)) => false,
        (Ok(narrow), Ok(wide)) => narrow.is_within(&wide),
    }
}

/// What an outcome gives that denies nothing.
struct Given<'a> {
    mode: ApprovalMode,
    requirements: &'a [ApprovalRequirement],
    terms: Terms,
}

impl<'a> Given<'a> {
    /// Where it denies, the duration that would not be denied.
    fn by(outcome: &'a Outcome) -> Result<Self, Option<Seconds>> {
        match outcome {
            Outcome::Approved { mode, terms } => Ok(Self { mode: *mode, requirements: &[], terms: *terms }),
            Outcome::NeedsApproval { requirements, terms } => {
                Ok(Self { mode: ApprovalMode::Require, requirements, terms: *terms })
            }
            Outcome::Denied { max_duration, .. } => Err(*max_duration),
        }
    }

    fn is_within(&self, wide: &Given<'_>) -> bool {
        let asks_no_more =
            wide.mode <= self.mode && wide.requirements.iter().all(|one| is_implied(one, self.requirements));
        asks_no_more
            && self.terms.duration <= wide.terms.duration
            && self.terms.maximum <= wide.terms.maximum
            && waits_no_longer(self.terms.approval_timeout, wide.terms.approval_timeout)
    }
}

/// Whether whoever meets all of `others` has met `one` by that: one of them asks as many people at least, out of no
/// other groups. (Of two together it can't be said: who is in which group is not known here.)
fn is_implied(one: &ApprovalRequirement, others: &[ApprovalRequirement]) -> bool {
    others.iter().any(|other| {
        let out_of_the_same = one.groups.is_empty()
            || (!other.groups.is_empty() && other.groups.iter().all(|group| one.groups.contains(group)));
        other.approvals >= one.approvals && out_of_the_same
    })
}

/// Without a timeout a request waits for ever.
fn waits_no_longer(short: Option<Seconds>, long: Option<Seconds>) -> bool {
    match (short, long) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(short), Some(long)) => short <= long,
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::{GroupId, PolicyId};
    use uuid::Uuid;

    use super::*;
    use crate::Denial;

    fn terms(duration: u32, maximum: u32, timeout: Option<u32>) -> Terms {
        Terms {
            duration: Seconds::of(duration),
            maximum: Seconds::of(maximum),
            approval_timeout: timeout.map(Seconds::of),
        }
    }

    fn approved(mode: ApprovalMode) -> Outcome {
        Outcome::Approved { mode, terms: terms(3_600, 7_200, None) }
    }

    fn by_people(requirements: &[(u16, &[u128])]) -> Outcome {
        let requirement = |(approvals, groups): &(u16, &[u128])| ApprovalRequirement {
            policy: PolicyId::from_uuid(Uuid::from_u128(9)),
            approvals: *approvals,
            groups: groups.iter().map(|group| GroupId::from_uuid(Uuid::from_u128(*group))).collect(),
        };
        Outcome::NeedsApproval {
            requirements: requirements.iter().map(requirement).collect(),
            terms: terms(3_600, 7_200, None),
        }
    }

    fn denied(max_duration: Option<u32>) -> Outcome {
        Outcome::Denied { denial: Denial::NotPermitted, max_duration: max_duration.map(Seconds::of) }
    }

    fn lasting(terms: Terms) -> Outcome {
        Outcome::Approved { mode: ApprovalMode::Auto, terms }
    }

    /// One of each kind, and neighbours of each.
    fn all() -> Vec<Outcome> {
        let mut all = vec![
            denied(None),
            denied(Some(600)),
            denied(Some(1_200)),
            approved(ApprovalMode::Auto),
            approved(ApprovalMode::BreakGlass),
            by_people(&[(1, &[])]),
            by_people(&[(2, &[])]),
            by_people(&[(1, &[1])]),
            by_people(&[(1, &[1, 2])]),
            by_people(&[(2, &[2])]),
            by_people(&[(1, &[1]), (2, &[2])]),
            by_people(&[(2, &[1]), (1, &[])]),
        ];
        for duration in [600, 3_600] {
            for maximum in [3_600, 7_200] {
                all.extend([None, Some(60), Some(120)].map(|out| lasting(terms(duration, maximum, out))));
            }
        }
        all
    }

    #[test]
    fn a_denial_gives_least_and_at_once_gives_most() {
        let ladder = [
            denied(None),
            denied(Some(600)),
            denied(Some(1_200)),
            by_people(&[(2, &[1])]),
            by_people(&[(1, &[1])]),
            by_people(&[(1, &[1, 2])]),
            by_people(&[(1, &[])]),
            approved(ApprovalMode::BreakGlass),
            approved(ApprovalMode::Auto),
        ];
        for (number, narrow) in ladder.iter().enumerate() {
            assert_eq!(Shift::between(narrow, narrow), Shift::Same);
            for wide in &ladder[number + 1..] {
                assert_eq!(Shift::between(narrow, wide), Shift::Wider, "{narrow:?} {wide:?}");
                assert_eq!(Shift::between(wide, narrow), Shift::Narrower, "{wide:?} {narrow:?}");
            }
        }
    }

    #[test]
    fn longer_is_wider_in_each_of_the_terms() {
        let before = lasting(terms(600, 3_600, Some(60)));
        for after in [terms(1_200, 3_600, Some(60)), terms(600, 7_200, Some(60)), terms(600, 3_600, None)] {
            assert_eq!(Shift::between(&before, &lasting(after)), Shift::Wider, "{after:?}");
        }
        let longer_and_shorter = lasting(terms(1_200, 1_800, Some(60)));
        assert_eq!(Shift::between(&before, &longer_and_shorter), Shift::Other);
    }

    #[test]
    fn other_people_are_neither_more_nor_fewer() {
        let other = Shift::between(&by_people(&[(1, &[1])]), &by_people(&[(1, &[2])]));
        assert_eq!(other, Shift::Other);
        let fewer_of_others = Shift::between(&by_people(&[(2, &[1])]), &by_people(&[(1, &[2])]));
        assert_eq!(fewer_of_others, Shift::Other);
        let at_once_but_shorter = Outcome::Approved { mode: ApprovalMode::Auto, terms: terms(60, 60, None) };
        assert_eq!(Shift::between(&by_people(&[(1, &[])]), &at_once_but_shorter), Shift::Other);
        let another_reason = Outcome::Denied { denial: Denial::Forbidden, max_duration: None };
        assert_eq!(Shift::between(&denied(None), &another_reason), Shift::Same);
    }

    #[test]
    fn it_is_an_order() {
        let all = all();
        for one in &all {
            assert!(is_within(one, one));
            for other in &all {
                let (there, back) = (Shift::between(one, other), Shift::between(other, one));
                let turned = match there {
                    Shift::Wider => Shift::Narrower,
                    Shift::Narrower => Shift::Wider,
                    same => same,
                };
                assert_eq!(back, turned, "{one:?} {other:?}");
                for third in &all {
                    let through = is_within(one, other) && is_within(other, third);
                    assert!(!through || is_within(one, third), "{one:?} {other:?} {third:?}");
                }
            }
        }
    }
}
