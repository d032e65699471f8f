//! What is owed for access that was given in an emergency: that somebody else looks at it afterwards.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Reason, Seconds, Timestamp, UserId};

/// How soon after the approval somebody shall have looked at it, and how often it is told of until then.
const DAY: Seconds = Seconds::of(86_400);

/// For how long it is told of daily, from when it is due: fourteen times. After that weekly.
const DAILY_FOR: Seconds = Seconds::of(13 * 86_400);

/// How often it is told of then, for as long as nobody looks.
const WEEK: Seconds = Seconds::of(7 * 86_400);

/// The review of an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// When somebody shall have looked at it.
    pub due_at: Timestamp,
    /// What whoever looked said; none while it is owed.
    pub word: Option<ReviewWord>,
}

/// What a reviewer says of an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewWord {
    /// In a word.
    pub outcome: ReviewOutcome,
    /// In their words; none once it is erased.
    pub reasoning: Option<Reason>,
    /// Who; a key counts as its maker.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Whether there was need for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewOutcome {
    /// There was.
    Justified,
    /// There was not.
    NotJustified,
}

impl ReviewOutcome {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewOutcome::Justified => "justified",
            ReviewOutcome::NotJustified => "not_justified",
        }
    }
}

/// Whether a review is still owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    /// Nobody has looked yet.
    Owed,
    /// Somebody has.
    Done,
}

impl ReviewStatus {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewStatus::Owed => "owed",
            ReviewStatus::Done => "done",
        }
    }
}

impl std::str::FromStr for ReviewStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [ReviewStatus::Owed, ReviewStatus::Done]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new("a review is owed or done"))
    }
}

/// It was reviewed before: the first word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("somebody has reviewed this emergency already")]
pub struct ReviewedBefore;

impl Review {
    /// What is owed for an emergency that was approved then.
    pub fn owed_since(approved_at: Timestamp) -> Self {
        Self { due_at: approved_at + DAY, word: None }
    }

    /// Where it stands.
    pub fn status(&self) -> ReviewStatus {
        if self.word.is_some() { ReviewStatus::Done } else { ReviewStatus::Owed }
    }

    /// Somebody has looked. The first word stands.
    pub fn given(&self, word: ReviewWord) -> Result<Self, ReviewedBefore> {
        match self.word {
            None => Ok(Self { due_at: self.due_at, word: Some(word) }),
            Some(_) => Err(ReviewedBefore),
        }
    }

    /// When it is told of next after `now`, while nobody looks: when it is due, then daily, and weekly after two weeks. It
    /// depends on nothing but the approval, so whoever was down meanwhile tells of it once, and not as often as was missed.
    pub fn next_reminder(&self, now: Timestamp) -> Timestamp {
        let weekly_from = self.due_at + DAILY_FOR;
        if now < self.due_at {
            self.due_at
        } else if now < weekly_from {
            after(self.due_at, DAY, now)
        } else {
            after(weekly_from, WEEK, now)
        }
    }
}

/// The first moment of the series that is later than `now`, which is not before the series begins.
fn after(first: Timestamp, step: Seconds, now: Timestamp) -> Timestamp {
    let step = step.get() * 1_000_000;
    let passed = (now.micros() - first.micros()) / step;
    Timestamp::from_micros(first.micros() + (passed + 1) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPROVED: Timestamp = Timestamp::from_micros(1_772_366_400_123_456);

    fn days(days: u32) -> Timestamp {
        APPROVED + Seconds::of(days * 86_400)
    }

    #[test]
    fn it_is_told_of_daily_for_two_weeks_and_then_weekly() {
        let review = Review::owed_since(APPROVED);
        let mut told = vec![review.next_reminder(APPROVED)];
        while told.len() < 17 {
            told.push(review.next_reminder(told[told.len() - 1]));
        }
        let expected: Vec<_> = (1..=14).chain([21, 28, 35]).map(days).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let review = Review::owed_since(APPROVED);
        assert_eq!(review.next_reminder(days(5) + Seconds::of(60)), days(6));
        assert_eq!(review.next_reminder(days(100)), days(105));
        for seconds in (0..40 * 86_400).step_by(7_001) {
            let now = APPROVED + Seconds::of(seconds);
            assert!(review.next_reminder(now) > now, "it would be due at once, again and again");
        }
    }

    #[test]
    fn the_first_word_stands() {
        let word = |outcome| ReviewWord {
            outcome,
            reasoning: None,
            by: UserId::from_uuid(uuid::Uuid::from_u128(7)),
            at: days(1),
        };
        let review = Review::owed_since(APPROVED);
        assert_eq!(review.status(), ReviewStatus::Owed);
        let done = review.given(word(ReviewOutcome::Justified)).unwrap();
        assert_eq!(done.status(), ReviewStatus::Done);
        assert_eq!(done.given(word(ReviewOutcome::NotJustified)), Err(ReviewedBefore));
    }
}
