//! A rule as it was written, found from places in what is evaluated.

use std::ops::Range;

use super::Excerpt;
use crate::lexer::Token;
use crate::problem::Position;
use crate::rule::literals;

/// The longest excerpt, in characters.
const LONGEST: usize = 500;

/// What is shown of a rule: the text as it was written. Where it does not go with what is evaluated, that.
#[derive(Debug)]
pub(super) struct Written<'r> {
    text: &'r str,
    /// Each name, where it was resolved to and where it was written.
    names: Vec<(Range<usize>, Range<usize>)>,
}

impl<'r> Written<'r> {
    pub(super) fn of(resolved: &'r str, written: &'r str) -> Self {
        match pairs(resolved, written) {
            Some(names) => Self { text: written, names },
            None => Self { text: resolved, names: Vec::new() },
        }
    }

    /// What stands at a place of the resolved text.
    pub(super) fn excerpt(&self, place: &Range<usize>) -> Excerpt {
        let start = self.offset(place.start, |name| name.start);
        let end = self.offset(place.end.saturating_sub(1), |name| name.end - 1) + 1;
        let position = Position::START.advanced(self.text, start);
        let text = capped(self.text.get(start..end).unwrap_or_default(), LONGEST);
        Excerpt { text, line: position.line, column: position.column }
    }

    /// The same offset in the written text; within a name, `of_name`.
    fn offset(&self, offset: usize, of_name: fn(&Range<usize>) -> usize) -> usize {
        match self.names.iter().rev().find(|(resolved, _)| resolved.start <= offset) {
            None => offset,
            Some((resolved, written)) if resolved.contains(&offset) => of_name(written),
            Some((resolved, written)) => written.end + (offset - resolved.end),
        }
    }
}

/// The names of both texts side by side, if they are the same between these.
fn pairs(resolved: &str, written: &str) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let (ours, theirs) = (names(resolved), names(written));
    let pairs: Vec<_> = ours.into_iter().zip(theirs.iter().cloned()).collect();
    let (mut at, mut at_written) = (0, 0);
    for (resolved_name, written_name) in &pairs {
        let same = resolved[at..resolved_name.start] == written[at_written..written_name.start];
        if !same {
            return None;
        }
        (at, at_written) = (resolved_name.end, written_name.end);
    }
    (pairs.len() == theirs.len() && resolved[at..] == written[at_written..]).then_some(pairs)
}

/// The literals that are resolved when a rule is saved.
fn names(text: &str) -> Vec<Range<usize>> {
    let is_name = |(kind, _): &(Token, Token)| matches!(kind.text(text), "User" | "Group");
    literals(text).into_iter().filter(is_name).map(|(kind, id)| kind.start..id.end).collect()
}

/// At most so many characters of a text, with a mark where there are more.
pub(super) fn capped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "User::\"00000000-0000-0000-0000-000000000001\"";

    fn excerpt(resolved: &str, written: &str, part: &str) -> (String, usize, usize) {
        let start = resolved.find(part).unwrap();
        let found = Written::of(resolved, written).excerpt(&(start..start + part.len()));
        (found.text, found.line, found.column)
    }

    #[test]
    fn what_is_evaluated_is_shown_as_it_was_written() {
        let written = "permit (principal == User::\"é@acme.example\", action,\n resource) when { principal == \
                       User :: \"b@acme.example\" && context.mfa };";
        let resolved =
            written.replace("User::\"é@acme.example\"", ALICE).replace("User :: \"b@acme.example\"", ALICE);
        let whole = format!("principal == {ALICE}");
        assert_eq!(
            excerpt(&resolved, written, &whole),
            ("principal == User::\"é@acme.example\"".to_owned(), 1, 9)
        );
        let column = |part| written.lines().nth(1).unwrap().find(part).unwrap() + 1;
        let mfa = ("context.mfa".to_owned(), 2, column("context.mfa"));
        assert_eq!(excerpt(&resolved, written, "context.mfa"), mfa);
        let second = resolved.rfind(&whole).unwrap();
        let shown = Written::of(&resolved, written).excerpt(&(second..second + whole.len()));
        assert_eq!(shown.text, "principal == User :: \"b@acme.example\"");
        assert_eq!((shown.line, shown.column), (2, column("principal")));
    }

    #[test]
    fn what_does_not_go_together_is_shown_as_it_is_evaluated() {
        let resolved = format!("permit (principal == {ALICE}, action, resource);");
        for written in [
            "permit (principal, action, resource);",
            "permit (principal ==  User::\"a@acme.example\", action, resource);",
            "permit (principal == User::\"a@acme.example\", action, resource) when { principal in Group::\"x\" };",
        ] {
            assert_eq!(
                excerpt(&resolved, written, "action"),
                ("action".to_owned(), 1, resolved.find("action").unwrap() + 1)
            );
        }
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(capped("äöü", 3), "äöü");
        assert_eq!(capped("äöüß", 3), "äöü…");
    }
}
