use std::fmt;
use std::path::Path;

use super::variables::Variable;

/// What is wrong with one setting: a message that names it, and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigProblem {
    /// The variable, or the file.
    pub name: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl ConfigProblem {
    pub(super) fn of(variable: &Variable, problem: impl fmt::Display) -> Self {
        Self { name: variable.name.to_owned(), problem: problem.to_string() }
    }

    pub(super) fn of_file(path: &Path, problem: impl fmt::Display) -> Self {
        Self { name: path.display().to_string(), problem: problem.to_string() }
    }
}
