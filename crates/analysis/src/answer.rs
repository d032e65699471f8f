//! What comes of a question.

use std::fmt;

use curfew_policy::{AccessQuestion, Decision};

/// What comes of a question whether something holds for every request there could be.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<C> {
    /// It does.
    Proved,
    /// It does not: this request shows it, by [`curfew_policy::decide`] itself.
    Refuted(Box<C>),
    /// It could not be told.
    Unknown(Why),
}

/// Why something could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It took too long.
    TimedOut,
    /// The solver gave up.
    Undecided,
    /// The solver ended early, or said what nobody understands.
    SolverFailed(String),
    /// The solver found an example, and it does not hold when policies are asked about it.
    NotReplayed(String),
    /// There are too many rules, or they are too large.
    TooLarge(String),
    /// A rule does what can't be analysed.
    Unsupported(String),
    /// No permission set is known that could be had there: that nobody has one says nothing.
    NothingToHave,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::TimedOut => f.write_str("it took too long"),
            Why::Undecided => f.write_str("the solver can't tell"),
            Why::SolverFailed(how) => write!(f, "the solver failed: {how}"),
            Why::NotReplayed(why) => {
                write!(f, "the solver found an example that does not hold when it is replayed: {why}")
            }
            Why::NothingToHave => f.write_str(
                "no permission set is known that could be had there by that action, so there is nothing to prove",
            ),
            Why::TooLarge(what) | Why::Unsupported(what) => f.write_str(what),
        }
    }
}

/// A request that shows that a change gives more.
#[derive(Debug, Clone, PartialEq)]
pub struct Widened {
    /// It.
    pub question: AccessQuestion,
    /// What the policies say to it that stood before.
    pub before: Decision,
    /// What those say that would stand.
    pub after: Decision,
}

/// A request that is approved at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// It.
    pub question: AccessQuestion,
    /// What the policies say to it.
    pub decision: Decision,
}
