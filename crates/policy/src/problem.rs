//! What is wrong with a policy, and where.

use std::fmt;

use cedar_policy::ffi::DetailedError;
use serde::Serialize;

/// Something wrong with policy text, for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where, counted from 1; lines of the text as it was given.
    pub line: usize,
    /// Where in the line, in characters counted from 1.
    pub column: usize,
    /// What would be right, or where to look.
    pub hint: String,
}

/// A policy that was refused, with every problem that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyInvalid(pub Vec<Problem>);

impl fmt::Display for PolicyInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else { return f.write_str("the policy is not valid") };
        write!(f, "line {}, column {}: {}", first.line, first.column, first.message)?;
        match self.0.len() - 1 {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

/// A place in a text, as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    pub(crate) const START: Position = Position { line: 1, column: 1 };

    /// Where the byte `offset` of `text` is, when `text` itself starts at `self`.
    pub(crate) fn advanced(self, text: &str, offset: usize) -> Position {
        let before = text.get(..offset).unwrap_or(text);
        match before.rsplit_once('\n') {
            None => Position { line: self.line, column: self.column + before.chars().count() },
            Some((lines, last)) => {
                let passed = lines.matches('\n').count() + 1;
                Position { line: self.line + passed, column: last.chars().count() + 1 }
            }
        }
    }
}

impl Problem {
    pub(crate) fn at(position: Position, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), line: position.line, column: position.column, hint: hint.into() }
    }

    /// From one of Cedar's errors; `place` turns its byte offset into a position.
    pub(crate) fn from_cedar(
        error: &DetailedError,
        place: impl Fn(usize) -> Position,
        usual_hint: &str,
    ) -> Self {
        let offset = error.source_locations.first().map_or(0, |label| label.loc.start);
        let label = error.source_locations.first().and_then(|label| label.label.as_deref());
        let hint = error.help.as_deref().or(label).unwrap_or(usual_hint);
        Self::at(place(offset), bare(&error.message), bare(hint))
    }
}

/// Cedar's validation messages begin with the inner name of the policy, which means nothing to its writer.
fn bare(message: &str) -> &str {
    message.strip_prefix("for policy `rule`, ").unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let text = "ab\ncdé f";
        assert_eq!(Position::START.advanced(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::START.advanced(text, 3), Position { line: 2, column: 1 });
        assert_eq!(Position::START.advanced(text, text.len()), Position { line: 2, column: 6 });
        let inner = Position { line: 7, column: 5 };
        assert_eq!(inner.advanced("xyz", 2), Position { line: 7, column: 7 });
    }
}
