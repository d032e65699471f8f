//! Every assignment ends with its grant, whatever AWS and fate do: a reconciler that does as [`next_step`] says, some
//! thousands of times, against an AWS that loses answers, works late, refuses, and lists what was; and against its own
//! end between any two instructions.

mod aws;
mod fate;

use curfew_domain::assignment::{CallKind, CallOutcome, Desired, Observed, Step, next_step};
use curfew_domain::{Seconds, Timestamp};
use proptest::prelude::*;

use self::aws::Aws;
use self::fate::{Fate, millis_after};

const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

/// More than any story needs.
const MOST_STEPS: usize = 4_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_held_to_be_gone_that_aws_has_or_may_get_and_in_the_end_it_has_nothing(seed in any::<u64>()) {
        if let Err(problem) = Story::new(seed).play() {
            return Err(TestCaseError::fail(problem));
        }
    }
}

/// What happens to one assignment.
struct Story {
    fate: Fate,
    aws: Aws,
    observed: Observed,
    now: Timestamp,
    /// Until when some grant needs it.
    needed_until: Option<Timestamp>,
    /// How many more times somebody asks for it.
    asked_again: u64,
    /// How many in a thousand calls go wrong in some way.
    faults: u64,
    /// From when on nothing goes wrong any more: it must come to its end then.
    calm_from: Timestamp,
    told: Vec<String>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut fate = Fate::new(seed);
        let lasts = fate.one_of(&[5, 30, 100, 1_200]);
        Self {
            aws: Aws::new(fate.happens(700)),
            observed: Observed::default(),
            now: START,
            needed_until: Some(START + Seconds::of(lasts)),
            asked_again: fate.one_of(&[0, 0, 1, 2]),
            faults: fate.up_to(900),
            calm_from: START + Seconds::of(fate.one_of(&[50, 2_000, 6_000])),
            told: Vec::new(),
            fate,
        }
    }

    fn play(mut self) -> Result<(), String> {
        for _ in 0..MOST_STEPS {
            self.time_passes();
            let desired = self.needed_until.map_or(Desired::Absent, |until| Desired::Present { until });
            let step = next_step(desired, &self.observed, self.now);
            self.told.push(format!("{} {:?} {step:?}", self.now, self.needed_until));
            if step == Step::Done && self.asked_again == 0 {
                return if self.aws.may_have_it() { Err(self.ends("done, and AWS has it")) } else { Ok(()) };
            }
            self.take(step)?;
        }
        Err(self.ends("it comes to no end"))
    }

    fn time_passes(&mut self) {
        self.waits_one_of(&[10, 20, 300]);
        if self.now >= self.calm_from {
            self.faults = 0;
        }
        if self.needed_until.is_some_and(|until| self.now >= until) {
            self.needed_until = None;
        }
        if self.needed_until.is_none() && self.asked_again > 0 && self.fate.happens(20) {
            self.asked_again -= 1;
            let lasts = self.fate.one_of(&[3, 20, 300]);
            self.needed_until = Some(self.now + Seconds::of(lasts));
        }
        if self.aws.has_it && self.fate.happens(self.faults / 100) {
            self.told.push("somebody removes it by hand".to_owned());
            self.aws.is_there(false, self.now);
        }
    }

    fn waits_one_of(&mut self, millis: &[i64]) {
        self.now = millis_after(self.now, self.fate.one_of(millis));
        self.aws.goes_on(self.now, &mut self.fate);
    }

    fn take(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::WaitUntil(moment) => {
                let moment = self.needed_until.map_or(moment, |until| until.min(moment));
                self.now = self.now.max(moment);
                self.aws.goes_on(self.now, &mut self.fate);
            }
            // Until somebody asks again.
            Step::Done => self.waits_one_of(&[100_000]),
            Step::Look => self.look(),
            Step::Poll { kind, sent_at, aws_request_id } => self.poll(kind, sent_at, &aws_request_id),
            Step::Create => self.send(CallKind::Create),
            Step::Delete => self.send(CallKind::Delete),
            Step::GiveUp => self.needed_until = None,
            Step::ConcludeGone if self.aws.may_have_it() => {
                return Err(self.ends("held to be gone, and AWS has it, or gets it yet"));
            }
            Step::ConcludeGone => self.observed.gone(self.now),
            Step::EndEpisode if self.aws.may_have_it() => {
                return Err(self.ends("the episode is over, and AWS has it, or gets it yet"));
            }
            Step::EndEpisode => self.observed.end_episode(),
        }
        Ok(())
    }

    fn look(&mut self) {
        if self.fate.happens(self.faults) {
            return self.back_off();
        }
        let asked = self.now;
        let lag = self.fate.one_of(&[0, 0, 0, 500, 3_000, 45_000]);
        let shown = self.aws.listed(millis_after(asked, -lag));
        self.waits_one_of(&[50, 2_000]);
        self.observed.looked(asked, shown);
    }

    fn poll(&mut self, kind: CallKind, sent_at: Timestamp, id: &str) {
        if self.fate.happens(self.faults) {
            if self.observed.attempts > 0 && self.fate.happens(500) {
                // AWS does not know the id any more.
                self.observed.answered(kind, sent_at, &LOST, self.now);
            }
            return self.back_off();
        }
        match self.aws.status(id) {
            None => self.waits_one_of(&[500, 500, 1_500, 20_500]),
            Some(outcome) => self.hear(kind, sent_at, &outcome),
        }
    }

    fn send(&mut self, kind: CallKind) {
        let sent_at = self.now;
        self.observed.sending(kind, sent_at);
        if self.fate.happens(self.faults / 10) {
            // The node ends before the call is on its way.
            return;
        }
        self.waits_one_of(&[50, 1_000, 7_000]);
        let answer = self.aws.take(kind, self.now, self.faults, &mut self.fate);
        if self.fate.happens(self.faults / 4) {
            // The node ends before the answer comes.
            return;
        }
        let answer = if self.fate.happens(self.faults) { LOST } else { answer };
        self.hear(kind, sent_at, &answer);
    }

    /// As the reconciler takes an answer.
    fn hear(&mut self, kind: CallKind, sent_at: Timestamp, outcome: &CallOutcome) {
        self.observed.answered(kind, sent_at, outcome, self.now);
        match (outcome, kind) {
            (CallOutcome::Again { .. } | CallOutcome::Unknown { .. }, _)
            | (CallOutcome::Refused { .. }, CallKind::Delete) => self.back_off(),
            // Its grants fail.
            (CallOutcome::Refused { .. }, CallKind::Create) => self.needed_until = None,
            _ => {}
        }
    }

    fn back_off(&mut self) {
        let longest = (1_000_u64 << self.observed.attempts.min(6)).min(60_000);
        let pause = longest / 2 + self.fate.up_to(longest / 2);
        self.observed.back_off(millis_after(self.now, i64::try_from(pause).unwrap()));
    }

    fn ends(&self, how: &str) -> String {
        let last = self.told.len().saturating_sub(40);
        format!("{how}:\n{}\n{:#?}", self.told[last..].join("\n"), self.observed)
    }
}

/// Nobody says what became of it.
const LOST: CallOutcome = CallOutcome::Unknown { reason: String::new() };
