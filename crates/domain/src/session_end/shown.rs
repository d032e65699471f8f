//! What a grant says of AWS's sessions: until when they may live, and whether they were ended.

use crate::assignment::Phase;
use crate::grant::{GrantStatus, GrantTimes};
use crate::{Invalid, Seconds, Timestamp};

use super::{LONGEST_SESSION, SessionEndOutcome, SessionEndState, SessionEndTimes};

/// What became of the sessions that AWS issued for a grant, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionsState {
    /// There never were any.
    None,
    /// None can be alive: they are denied, or have ended by themselves.
    Ended,
    /// They are about to be denied.
    Ending,
    /// They may be alive, and nobody means to end them.
    MayLive,
    /// They may be alive although they were to be ended.
    NotEnded,
}

names! {
    /// Why sessions may be alive after the grant.
    SessionsReason {
        /// Another grant of the same person gives the same access: AWS can't tell their sessions apart.
        NeededByAnother = "needed_by_another",
        /// The access was there before, and stays.
        Standing = "standing",
        /// The tenant did not end sessions when the grant ended, or does not any more.
        NotChosen = "not_chosen",
        /// It ended by time, and so will they.
        EndedByTime = "ended_by_time",
        /// Newer ones needed their place in the policies.
        NoRoom = "no_room",
        /// No policy reaches the management account.
        ManagementAccount = "management_account",
        /// What the permission set is called in AWS is not known.
        UnknownPermissionSet = "unknown_permission_set",
        /// The organization has none of the policies that Curfew writes.
        NoPolicy = "no_policy",
        /// It has some, and none is attached to its root; none is where service control policies are not enabled.
        PolicyNotAttached = "policy_not_attached",
        /// AWS does not let Curfew's role write them.
        NotPermitted = "not_permitted",
        /// There is no verified connection to AWS.
        NoConnection = "no_connection",
        /// AWS could not be asked, or did not do it yet: it is tried again.
        AwsFailed = "aws_failed",
    }
}

/// What stands in the way of writing the policies.
pub type PolicyProblem = SessionsReason;

/// What a grant says of AWS's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownSessions {
    /// What became of them.
    pub state: SessionsState,
    /// Until when at most one may be alive, as far as is known; none where none may be, or where that is not known yet.
    pub may_live_until: Option<Timestamp>,
    /// Why they may be alive after the grant.
    pub reason: Option<SessionsReason>,
}

/// One of a grant's assignments, with what was done about its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionsOf {
    /// Where it stands.
    pub phase: Phase,
    /// When it was proved gone.
    pub gone_at: Option<Timestamp>,
    /// Whether another live grant needs it.
    pub needed_by_another: bool,
    /// How long its sessions last; the longest that there are, where that is not known.
    pub session: Option<Seconds>,
    /// The ends of its sessions, oldest first.
    pub ends: Vec<SessionEndTimes>,
}

/// What a grant says of AWS's sessions, by its assignments; the worst speaks for all. `problem` is what stands in the way
/// of the policies now. Pure and total.
pub fn shown<'a>(
    times: &GrantTimes,
    assignments: impl IntoIterator<Item = &'a SessionsOf>,
    problem: Option<PolicyProblem>,
    now: Timestamp,
) -> ShownSessions {
    let none = ShownSessions { state: SessionsState::None, may_live_until: None, reason: None };
    assignments.into_iter().map(|one| one.shown(times, problem, now)).fold(none, |worst, next| {
        let until = worst.may_live_until.max(next.may_live_until);
        let kept = if next.state > worst.state { next } else { worst };
        ShownSessions { may_live_until: until, ..kept }
    })
}

impl SessionsOf {
    fn shown(&self, times: &GrantTimes, problem: Option<PolicyProblem>, now: Timestamp) -> ShownSessions {
        let none = ShownSessions { state: SessionsState::None, may_live_until: None, reason: None };
        if !self.was_there(times) {
            return none;
        }
        let may_live =
            |until, reason| ShownSessions { state: SessionsState::MayLive, may_live_until: until, reason };
        if self.phase == Phase::Standing {
            return may_live(None, Some(SessionsReason::Standing));
        }
        if times.is_live(now) {
            return may_live(times.expires_at.map(|end| end + self.lasts()), None);
        }
        let over_at = times.over_at();
        let ends: Vec<_> = self.ends.iter().filter(|end| end.asked_at >= over_at).collect();
        let until = self.last_minted(over_at, now) + self.lasts();
        if ends.iter().any(|end| denies_for_good(end) && !is_undone(end, problem)) {
            return ShownSessions { state: SessionsState::Ended, ..none };
        }
        if self.needed_by_another {
            return may_live(None, Some(SessionsReason::NeededByAnother));
        }
        if now >= until {
            return ShownSessions { state: SessionsState::Ended, ..none };
        }
        let Some(last) = ends.last() else { return may_live(Some(until), not_asked(times, now)) };
        let (state, reason) = not_denied(last, problem);
        ShownSessions { state, may_live_until: Some(until), reason }
    }

    /// Whether the grant had it; also one that was over before it began, where another had made it.
    fn was_there(&self, times: &GrantTimes) -> bool {
        let has_begun = times.started_at.is_some();
        match self.phase {
            Phase::Present | Phase::Deleting | Phase::Standing => true,
            Phase::Unseen => false,
            Phase::Creating => has_begun,
            Phase::Gone => has_begun || self.gone_at.is_some_and(|gone| gone >= times.over_at()),
        }
    }

    fn lasts(&self) -> Seconds {
        self.session.unwrap_or(LONGEST_SESSION)
    }

    /// When the last session can have been issued.
    fn last_minted(&self, over_at: Timestamp, now: Timestamp) -> Timestamp {
        self.gone_at.filter(|gone| *gone >= over_at).unwrap_or(now)
    }
}

/// Whether what was issued before it is of no use any more.
fn denies_for_good(end: &SessionEndTimes) -> bool {
    match end.state() {
        SessionEndState::Denied | SessionEndState::CuttingOff | SessionEndState::CutOff => true,
        SessionEndState::Over(outcome) => outcome == SessionEndOutcome::TakenOut,
        SessionEndState::Asked => false,
    }
}

/// Whether what AWS was seen to deny is denied no longer, for no policy reaches anybody any more.
fn is_undone(end: &SessionEndTimes, problem: Option<PolicyProblem>) -> bool {
    let none_reaches = [Some(SessionsReason::NoPolicy), Some(SessionsReason::PolicyNotAttached)];
    end.over.is_none() && none_reaches.contains(&problem)
}

fn not_asked(times: &GrantTimes, now: Timestamp) -> Option<SessionsReason> {
    match times.status(now) {
        GrantStatus::Revoked => Some(SessionsReason::NotChosen),
        GrantStatus::Active | GrantStatus::Expired if times.failed_at.is_some() => None,
        GrantStatus::Active | GrantStatus::Expired => Some(SessionsReason::EndedByTime),
    }
}

fn not_denied(
    end: &SessionEndTimes,
    problem: Option<PolicyProblem>,
) -> (SessionsState, Option<SessionsReason>) {
    use SessionsReason as Reason;
    match end.state() {
        SessionEndState::Over(SessionEndOutcome::LeftOut) => (SessionsState::NotEnded, Some(Reason::NoRoom)),
        SessionEndState::Over(SessionEndOutcome::ManagementAccount) => {
            (SessionsState::NotEnded, Some(Reason::ManagementAccount))
        }
        SessionEndState::Over(SessionEndOutcome::UnknownSet) => {
            (SessionsState::NotEnded, Some(Reason::UnknownPermissionSet))
        }
        SessionEndState::Over(_) => (SessionsState::MayLive, Some(Reason::NotChosen)),
        _ => match problem {
            None => (SessionsState::Ending, None),
            Some(Reason::AwsFailed) => (SessionsState::Ending, problem),
            Some(_) => (SessionsState::NotEnded, problem),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_end::Behind;

    const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    /// Of an hour, from 0 s.
    fn grant() -> GrantTimes {
        GrantTimes::decided(at(0), Seconds::of(3_600)).started(at(0)).succeeded(at(0))
    }

    /// Proved gone at 110 s; its sessions last two hours.
    fn gone(ends: Vec<SessionEndTimes>) -> SessionsOf {
        SessionsOf {
            phase: Phase::Gone,
            gone_at: Some(at(110)),
            needed_by_another: false,
            session: Some(Seconds::of(7_200)),
            ends,
        }
    }

    fn says(
        times: &GrantTimes,
        one: &SessionsOf,
        problem: Option<PolicyProblem>,
        seconds: u32,
    ) -> ShownSessions {
        shown(times, [one], problem, at(seconds))
    }

    #[test]
    fn a_live_grants_sessions_may_outlast_it_by_as_long_as_they_last() {
        let present = SessionsOf { phase: Phase::Present, gone_at: None, ..gone(vec![]) };
        let told = says(&grant(), &present, None, 60);
        assert_eq!((told.state, told.may_live_until), (SessionsState::MayLive, Some(at(3_600 + 7_200))));
        let unseen = SessionsOf { phase: Phase::Unseen, gone_at: None, ..gone(vec![]) };
        assert_eq!(says(&grant(), &unseen, None, 60).state, SessionsState::None);
    }

    #[test]
    fn what_nobody_ends_lives_until_it_ends_by_itself() {
        let revoked = grant().revoked(at(100)).unwrap();
        let told = says(&revoked, &gone(vec![]), None, 200);
        assert_eq!(told.state, SessionsState::MayLive);
        assert_eq!((told.may_live_until, told.reason), (Some(at(7_310)), Some(SessionsReason::NotChosen)));
        assert_eq!(says(&revoked, &gone(vec![]), None, 7_310).state, SessionsState::Ended);
    }

    #[test]
    fn what_is_denied_has_ended_and_what_is_asked_is_ending() {
        let revoked = grant().revoked(at(100)).unwrap();
        let asked = SessionEndTimes::asked(at(100));
        let told = says(&revoked, &gone(vec![asked]), None, 200);
        assert_eq!((told.state, told.may_live_until), (SessionsState::Ending, Some(at(7_310))));
        let denied = asked.written(None, at(101));
        let cut_off = denied.turned(Behind::Gone { at: Some(at(110)) }, at(110));
        let over = cut_off.ended(SessionEndOutcome::TakenOut, at(60_000));
        for end in [denied, cut_off, cut_off.written(cut_off.cut_off, at(111)), over] {
            let told = says(&revoked, &gone(vec![end]), Some(SessionsReason::NotPermitted), 200);
            assert_eq!((told.state, told.may_live_until), (SessionsState::Ended, None), "{end:?}");
        }
    }

    #[test]
    fn what_was_denied_lives_again_where_no_policy_reaches_anybody_any_more() {
        let revoked = grant().revoked(at(100)).unwrap();
        let denied = SessionEndTimes::asked(at(100)).written(None, at(101));
        let cut_off = denied.turned(Behind::Gone { at: Some(at(110)) }, at(110));
        for end in [denied, cut_off, cut_off.written(cut_off.cut_off, at(111))] {
            for problem in [SessionsReason::NoPolicy, SessionsReason::PolicyNotAttached] {
                let told = says(&revoked, &gone(vec![end]), Some(problem), 200);
                assert_eq!((told.state, told.reason), (SessionsState::NotEnded, Some(problem)), "{end:?}");
                assert_eq!(told.may_live_until, Some(at(7_310)));
                let later = says(&revoked, &gone(vec![end]), Some(problem), 7_310);
                assert_eq!(later.state, SessionsState::Ended, "they have ended by themselves");
            }
        }
        let over = cut_off.ended(SessionEndOutcome::TakenOut, at(150));
        let told = says(&revoked, &gone(vec![over]), Some(SessionsReason::NoPolicy), 200);
        assert_eq!(told.state, SessionsState::Ended);
    }

    #[test]
    fn what_could_not_be_ended_says_why() {
        let revoked = grant().revoked(at(100)).unwrap();
        let asked = SessionEndTimes::asked(at(100));
        let none = says(&revoked, &gone(vec![asked]), Some(SessionsReason::NoPolicy), 200);
        assert_eq!((none.state, none.reason), (SessionsState::NotEnded, Some(SessionsReason::NoPolicy)));
        let left_out = asked.written(None, at(101)).ended(SessionEndOutcome::LeftOut, at(150));
        let full = says(&revoked, &gone(vec![left_out]), None, 200);
        assert_eq!((full.state, full.reason), (SessionsState::NotEnded, Some(SessionsReason::NoRoom)));
        assert_eq!(full.may_live_until, Some(at(7_310)));
    }

    #[test]
    fn an_earlier_end_of_the_same_access_says_nothing_of_later_sessions() {
        let revoked = grant().revoked(at(100)).unwrap();
        let earlier = SessionEndTimes::asked(at(50)).written(None, at(51));
        assert_eq!(says(&revoked, &gone(vec![earlier]), None, 200).reason, Some(SessionsReason::NotChosen));
    }

    #[test]
    fn a_grant_that_was_over_before_it_began_had_what_another_had_made() {
        let revoked = GrantTimes::decided(at(0), Seconds::of(3_600)).revoked(at(100)).unwrap();
        let present = SessionsOf { phase: Phase::Present, gone_at: None, ..gone(vec![]) };
        assert_eq!(says(&revoked, &present, None, 100).state, SessionsState::MayLive);
        let asked = SessionEndTimes::asked(at(100));
        assert_eq!(says(&revoked, &gone(vec![asked]), None, 200).state, SessionsState::Ending);
        let denied = asked.written(None, at(101));
        assert_eq!(says(&revoked, &gone(vec![denied]), None, 200).state, SessionsState::Ended);
    }

    #[test]
    fn a_grant_that_was_over_before_it_began_had_nothing_of_what_was_gone_by_then() {
        let revoked = GrantTimes::decided(at(0), Seconds::of(3_600)).revoked(at(111)).unwrap();
        assert_eq!(says(&revoked, &gone(vec![]), None, 200).state, SessionsState::None);
        let creating = SessionsOf { phase: Phase::Creating, gone_at: None, ..gone(vec![]) };
        assert_eq!(says(&revoked, &creating, None, 200).state, SessionsState::None);
    }

    #[test]
    fn what_another_grant_needs_stays() {
        let revoked = grant().revoked(at(100)).unwrap();
        let shared =
            SessionsOf { needed_by_another: true, phase: Phase::Present, gone_at: None, ..gone(vec![]) };
        let told = says(&revoked, &shared, None, 200);
        assert_eq!(
            (told.state, told.reason),
            (SessionsState::MayLive, Some(SessionsReason::NeededByAnother))
        );
    }
}
