//! The life of a session end. Only moments are stored; what it *is* follows from them.

use crate::{Seconds, Timestamp};

use super::{Behind, SessionEndOutcome};

/// How much later than the deletion's success was seen the cut-off is put: so far may the clock of who saw it be behind
/// AWS's. A session that is minted within it, of access that was given anew at once, has to be signed in for again.
pub const CUT_OFF_MARGIN: Seconds = Seconds::of(30);

/// A cut-off that is further ahead than this, with [`CUT_OFF_MARGIN`], was put by a clock that was wrong: within so much
/// clocks are taken to be right.
const CLOCKS_DIFFER: Seconds = Seconds::of(5 * 60);

/// The longest that a session of a permission set lives (SSO Admin API, `SessionDuration`: 1 to 12 h). A deny stays so
/// long after its cut-off whatever the set says now, for it may have said more when the session was issued; AWS too says
/// to keep the id in "for at least 12 hours".
pub const LONGEST_SESSION: Seconds = Seconds::of(12 * 3_600);

/// The moments of a session end, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEndTimes {
    /// When it was decided.
    pub asked_at: Timestamp,
    /// When AWS was first seen to deny the sessions.
    pub denied_at: Option<Timestamp>,
    /// Sessions that were issued before this are denied: a whole second. None as long as any is.
    pub cut_off: Option<Timestamp>,
    /// When AWS was seen to have the cut-off.
    pub cut_off_written_at: Option<Timestamp>,
    /// When it was over, and why. Nothing changes after that.
    pub over: Option<(Timestamp, SessionEndOutcome)>,
}

/// Where a session end stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionEndState {
    /// Decided, and not yet in AWS.
    Asked,
    /// All sessions are denied, later ones too.
    Denied,
    /// The cut-off is decided, and not yet in AWS: all sessions are denied still.
    CuttingOff,
    /// Sessions from before the cut-off are denied.
    CutOff,
    /// Nothing is denied any more.
    Over(SessionEndOutcome),
}

/// What AWS should hold of a session end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A deny, of sessions that were issued before this moment; of all, without one.
    Deny(Option<Timestamp>),
    /// Nothing, and why.
    Nothing(SessionEndOutcome),
}

impl SessionEndTimes {
    /// Decided now.
    pub const fn asked(now: Timestamp) -> Self {
        Self { asked_at: now, denied_at: None, cut_off: None, cut_off_written_at: None, over: None }
    }

    /// Where it stands.
    pub fn state(&self) -> SessionEndState {
        match (self.over, self.denied_at, self.cut_off, self.cut_off_written_at) {
            (Some((_, outcome)), ..) => SessionEndState::Over(outcome),
            (None, None, ..) => SessionEndState::Asked,
            (None, Some(_), None, _) => SessionEndState::Denied,
            (None, Some(_), Some(_), None) => SessionEndState::CuttingOff,
            (None, Some(_), Some(_), Some(_)) => SessionEndState::CutOff,
        }
    }

    /// What follows from the access that it ends: a cut-off, once that is gone or there for somebody's new grant. It never
    /// moves, but where a clock that was ahead has put it: that would shut people out until then.
    #[must_use]
    pub fn turned(self, access: Behind, now: Timestamp) -> Self {
        if self.over.is_some() {
            return self;
        }
        if self.cut_off.is_some() {
            return self.brought_down(now);
        }
        let after = |moment: Timestamp| (moment.max(self.asked_at) + CUT_OFF_MARGIN).rounded_up();
        let cut_off = match access {
            Behind::Held => return self,
            Behind::Gone { at } => after(at.unwrap_or(now)),
            // What it is for now is spared; what was issued before it was decided to end is not.
            Behind::GivenAnew { at } => at.rounded_up().max(after(self.asked_at)),
        };
        Self { cut_off: Some(cut_off), ..self }.brought_down(now)
    }

    /// With a cut-off that can be, which AWS is to have instead of one that lies ahead.
    fn brought_down(self, now: Timestamp) -> Self {
        let soonest = now + CUT_OFF_MARGIN;
        match self.cut_off {
            Some(cut_off) if cut_off > (soonest + CLOCKS_DIFFER).rounded_up() => {
                Self { cut_off: Some(soonest.rounded_up()), cut_off_written_at: None, ..self }
            }
            _ => self,
        }
    }

    /// AWS was seen to deny as a policy says that was rendered with this cut-off.
    #[must_use]
    pub fn written(self, with: Option<Timestamp>, now: Timestamp) -> Self {
        if self.over.is_some() {
            return self;
        }
        let has_it = with.is_some() && with == self.cut_off;
        Self {
            denied_at: self.denied_at.or(Some(now)),
            cut_off_written_at: self.cut_off_written_at.or(has_it.then_some(now)),
            ..self
        }
    }

    /// AWS was seen to deny nothing of it, or nothing will be asked of AWS.
    #[must_use]
    pub fn ended(self, outcome: SessionEndOutcome, now: Timestamp) -> Self {
        Self { over: self.over.or(Some((now, outcome))), ..self }
    }

    /// What AWS should hold of it now. `opted_in`: whether the tenant ends sessions.
    pub fn wanted(&self, opted_in: bool, now: Timestamp) -> Wanted {
        if let Some((_, outcome)) = self.over {
            return Wanted::Nothing(outcome);
        }
        if !opted_in {
            return Wanted::Nothing(SessionEndOutcome::OptedOut);
        }
        match self.drop_at() {
            Some(at) if now >= at && self.denied_at.is_some() => Wanted::Nothing(SessionEndOutcome::TakenOut),
            Some(at) if now >= at => Wanted::Nothing(SessionEndOutcome::NeverDenied),
            _ => Wanted::Deny(self.cut_off),
        }
    }

    /// When no session can be left that it denies; unknown before its cut-off is.
    pub fn drop_at(&self) -> Option<Timestamp> {
        self.cut_off.map(|cut_off| cut_off + LONGEST_SESSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_001);
    const HOUR: Seconds = Seconds::of(3_600);

    fn asked() -> SessionEndTimes {
        SessionEndTimes::asked(START)
    }

    fn gone(at: Timestamp) -> Behind {
        Behind::Gone { at: Some(at) }
    }

    #[test]
    fn a_deny_gets_its_cut_off_once_the_access_is_gone_and_goes_when_no_session_can_be_left() {
        let denied = asked().turned(Behind::Held, START).written(None, START + Seconds::of(1));
        assert_eq!(
            (denied.state(), denied.wanted(true, START + HOUR)),
            (SessionEndState::Denied, Wanted::Deny(None))
        );
        let timed = denied.turned(gone(START + Seconds::of(5)), START + Seconds::of(9));
        let cut_off = Timestamp::from_micros(1_772_366_400_000_000) + Seconds::of(36);
        assert_eq!((timed.state(), timed.cut_off), (SessionEndState::CuttingOff, Some(cut_off)));
        assert_eq!(
            timed.written(None, START + HOUR).state(),
            SessionEndState::CuttingOff,
            "the text was the old one"
        );
        let written = timed.written(Some(cut_off), START + HOUR);
        assert_eq!(written.state(), SessionEndState::CutOff);
        let end = cut_off + LONGEST_SESSION;
        assert_eq!(written.wanted(true, end - Seconds::of(1)), Wanted::Deny(Some(cut_off)));
        assert_eq!(written.wanted(true, end), Wanted::Nothing(SessionEndOutcome::TakenOut));
    }

    #[test]
    fn access_that_is_given_anew_is_spared_and_what_was_issued_before_the_end_is_not() {
        let later = asked().turned(Behind::GivenAnew { at: START + HOUR }, START + HOUR);
        assert_eq!(later.cut_off, Some((START + HOUR).rounded_up()));
        let at_once = asked().turned(Behind::GivenAnew { at: START }, START);
        assert_eq!(at_once.cut_off, Some((START + CUT_OFF_MARGIN).rounded_up()));
    }

    #[test]
    fn a_cut_off_never_moves() {
        let timed = asked().turned(gone(START), START);
        for access in [Behind::Held, gone(START + HOUR), Behind::GivenAnew { at: START + HOUR }] {
            assert_eq!(timed.turned(access, START + HOUR), timed);
        }
    }

    #[test]
    fn a_cut_off_that_a_clock_put_far_ahead_comes_down_once_that_is_right() {
        let month = Seconds::of(30 * 86_400);
        let ahead = SessionEndTimes::asked(START + month).turned(gone(START + month), START + month);
        let written = ahead.written(ahead.cut_off, START + month);
        for one in [ahead, written, SessionEndTimes::asked(START + month)] {
            let turned = one.turned(gone(START + month), START);
            assert_eq!(turned.cut_off, Some((START + CUT_OFF_MARGIN).rounded_up()), "{one:?}");
            assert_eq!((turned.cut_off_written_at, turned.denied_at), (None, one.denied_at), "{one:?}");
            assert_eq!(turned.turned(Behind::Held, START), turned);
        }
        let timed = asked().turned(gone(START), START);
        for behind in [Seconds::of(0), CLOCKS_DIFFER] {
            assert_eq!(timed.turned(Behind::Held, START - behind), timed, "so far clocks may differ");
        }
    }

    #[test]
    fn what_aws_never_denied_is_over_when_no_session_can_be_left() {
        let timed = asked().turned(gone(START), START);
        let end = timed.cut_off.unwrap() + LONGEST_SESSION;
        assert_eq!(timed.wanted(true, end), Wanted::Nothing(SessionEndOutcome::NeverDenied));
        assert_eq!(asked().wanted(true, end + HOUR), Wanted::Deny(None), "the access is not gone yet");
    }

    #[test]
    fn whoever_opts_out_has_nothing_denied() {
        assert_eq!(asked().wanted(false, START), Wanted::Nothing(SessionEndOutcome::OptedOut));
    }

    #[test]
    fn in_every_state_every_event_is_borne_and_nothing_happens_after_the_end() {
        let later = START + HOUR;
        let timed = asked().turned(gone(START), START);
        let cut_off = timed.cut_off;
        let states = [
            asked(),
            timed,
            asked().written(None, START),
            timed.written(None, START),
            timed.written(cut_off, START),
        ];
        let over =
            SessionEndOutcome::ALL.iter().flat_map(|outcome| states.map(|one| one.ended(*outcome, START)));
        for one in states.into_iter().chain(over) {
            let after = [
                one.turned(Behind::Held, later),
                one.turned(gone(later), later),
                one.turned(Behind::GivenAnew { at: later }, later),
                one.written(None, later),
                one.written(cut_off, later),
                one.ended(SessionEndOutcome::LeftOut, later),
            ];
            for next in after {
                assert_eq!(next.asked_at, one.asked_at);
                assert!(one.over.is_none() || next == one, "{one:?} became {next:?}");
                assert!(one.denied_at.is_none() || next.denied_at == one.denied_at);
                assert!(one.cut_off.is_none() || next.cut_off == one.cut_off);
                assert!(next.cut_off_written_at.is_none() || next.cut_off.is_some());
            }
        }
    }
}
