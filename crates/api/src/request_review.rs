use curfew_domain::emergency::{self, ReviewOutcome, ReviewStatus};
use curfew_domain::{Reason, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether there was need for an emergency.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "outcome": "justified",
    "reasoning": "The database was down; INC-7 says what was done."
}))]
pub struct EmergencyReview {
    /// In a word.
    #[schema(value_type = ReviewOutcomeSchema)]
    pub outcome: ReviewOutcome,
    /// Why.
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    pub reasoning: Reason,
}

/// The review of access that was given in an emergency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "owed", "outcome": null, "reasoning": null, "reviewed_by": null, "reviewed_at": null,
    "due_at": "2026-03-02T12:00:00.000000Z"
}))]
pub struct Review {
    /// Whether somebody still has to look at it.
    #[schema(value_type = ReviewStatusSchema)]
    pub status: ReviewStatus,
    /// What whoever looked said; null while it is owed.
    #[schema(required, value_type = Option<ReviewOutcomeSchema>)]
    pub outcome: Option<ReviewOutcome>,
    /// Why they said so.
    #[schema(required, value_type = Option<String>)]
    pub reasoning: Option<Reason>,
    /// Who looked.
    #[schema(required, value_type = Option<Uuid>)]
    pub reviewed_by: Option<UserId>,
    /// When.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub reviewed_at: Option<Timestamp>,
    /// By when somebody shall: a day after the approval. From then on it is told of daily, and weekly after two weeks.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
}

/// Whether there was need.
#[derive(ToSchema)]
#[schema(as = ReviewOutcome, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ReviewOutcomeSchema {
    Justified,
    NotJustified,
}

/// Whether a review is owed.
#[derive(ToSchema)]
#[schema(as = ReviewStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ReviewStatusSchema {
    Owed,
    Done,
}

impl From<emergency::Review> for Review {
    fn from(review: emergency::Review) -> Self {
        let (status, due_at, word) = (review.status(), review.due_at, review.word);
        Self {
            status,
            outcome: word.as_ref().map(|word| word.outcome),
            reviewed_by: word.as_ref().map(|word| word.by),
            reviewed_at: word.as_ref().map(|word| word.at),
            reasoning: word.and_then(|word| word.reasoning),
            due_at,
        }
    }
}
