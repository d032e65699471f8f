//! What a statement's annotations say besides Cedar: `@notice("…")` and `@audit_session("false")`.

use std::ops::Range;

use crate::lexer::{Kind, tokens};
use crate::rule::unescaped;
use crate::{PolicyInvalid, Problem, Statement};

const NOTICE: &str = "notice";
const AUDIT_SESSION: &str = "audit_session";

impl Statement {
    /// What its `@audit_session` says, if it has one.
    pub fn audit_session(&self) -> Result<Option<bool>, PolicyInvalid> {
        match self.annotation(AUDIT_SESSION) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => {
                let offset = find(self.text(), AUDIT_SESSION).map_or(0, |found| found.whole.start);
                let problem = Problem::at(
                    self.position(offset),
                    "@audit_session says neither \"true\" nor \"false\"",
                    "write @audit_session(\"false\"), or leave it out where sessions are followed",
                );
                Err(PolicyInvalid(vec![problem]))
            }
        }
    }
}

/// The text of a statement with annotations that say exactly this. What says it already stays as it is written.
pub fn with_annotations(text: &str, notice: Option<&str>, audit_session: bool) -> String {
    let with_notice = match notice {
        Some(notice) => with(text, NOTICE, notice),
        None => unless_empty(text, NOTICE),
    };
    if audit_session { without_silence(&with_notice) } else { with(&with_notice, AUDIT_SESSION, "false") }
}

/// The same for those of the two that the text has: to a text that says nothing of them nothing is added.
pub fn with_its_annotations(text: &str, notice: Option<&str>, audit_session: bool) -> String {
    let has = |name| find(text, name).is_some();
    let mut told = text.to_owned();
    if has(NOTICE) {
        told = match notice {
            Some(notice) => with(&told, NOTICE, notice),
            None => unless_empty(&told, NOTICE),
        };
    }
    if has(AUDIT_SESSION) {
        let says = if audit_session { "true" } else { "false" };
        told = with(&told, AUDIT_SESSION, says);
    }
    told
}

/// An annotation in a text, in bytes.
struct Found {
    whole: Range<usize>,
    /// The string that is its value, with its quotes; none where it has no value.
    value: Option<Range<usize>>,
}

fn find(text: &str, name: &str) -> Option<Found> {
    let tokens = tokens(text);
    let mut at = 0;
    while tokens.get(at)?.is('@') {
        let key = tokens.get(at + 1)?;
        let value = tokens.get(at + 2).filter(|open| open.is('(')).and_then(|_| tokens.get(at + 3));
        let last = if value.is_some() { tokens.get(at + 4)? } else { key };
        if key.kind == Kind::Identifier && key.text(text) == name {
            let whole = tokens[at].start..last.end;
            return Some(Found { whole, value: value.map(|value| value.start..value.end) });
        }
        at += if value.is_some() { 5 } else { 2 };
    }
    None
}

fn with(text: &str, name: &str, says: &str) -> String {
    let literal = format!("\"{}\"", says.escape_debug());
    match find(text, name) {
        Some(found) if says_already(text, &found, says) => text.to_owned(),
        Some(Found { value: Some(value), .. }) => replaced(text, value, &literal),
        Some(Found { whole, value: None }) => replaced(text, whole, &format!("@{name}({literal})")),
        None => {
            // Behind the comments that the statement begins with.
            let start = tokens(text).first().map_or(0, |first| first.start);
            replaced(text, start..start, &format!("@{name}({literal})\n"))
        }
    }
}

fn says_already(text: &str, found: &Found, says: &str) -> bool {
    let value = found.value.clone().and_then(|value| unescaped(&text[value]));
    value.unwrap_or_default() == says
}

/// Without the annotation, unless it says nothing: then it is no notice.
fn unless_empty(text: &str, name: &str) -> String {
    match find(text, name) {
        Some(found) if !says_already(text, &found, "") => without(text, found.whole),
        _ => text.to_owned(),
    }
}

fn without_silence(text: &str) -> String {
    match find(text, AUDIT_SESSION) {
        Some(found) if !says_already(text, &found, "true") => without(text, found.whole),
        _ => text.to_owned(),
    }
}

fn without(text: &str, whole: Range<usize>) -> String {
    let rest = &text[whole.end..];
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let line_end = usize::from(rest[spaces..].starts_with('\n'));
    let end = whole.end + spaces + line_end;
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let between_words = text[..whole.start].ends_with(is_word) && text[end..].starts_with(is_word);
    replaced(text, whole.start..end, if between_words { " " } else { "" })
}

fn replaced(text: &str, place: Range<usize>, by: &str) -> String {
    format!("{}{by}{}", &text[..place.start], &text[place.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_both_sides_of_an_annotation_stays_apart() {
        let text = "@a@notice(\"x\")permit (principal, action, resource);";
        let without = with_its_annotations(text, None, true);
        assert_eq!(without, "@a permit (principal, action, resource);");
        let silent = "@a@audit_session(\"false\") permit (principal, action, resource);";
        assert_eq!(with_annotations(silent, None, true), "@a permit (principal, action, resource);");
    }

    const PLAIN: &str = "permit (principal, action, resource);";

    #[test]
    fn what_the_text_does_not_say_is_added_behind_its_comments() {
        let text = format!("// why\n@id(\"a\") {PLAIN}");
        assert_eq!(
            with_annotations(&text, Some("say \"hi\""), false),
            format!("// why\n@audit_session(\"false\")\n@notice(\"say \\\"hi\\\"\")\n@id(\"a\") {PLAIN}")
        );
        assert_eq!(with_its_annotations(&text, Some("hi"), false), text);
    }

    #[test]
    fn what_the_text_says_otherwise_is_said_anew_and_what_it_says_already_is_left_as_it_is() {
        let text =
            format!("@id(\"a\") // one\n@notice( \"\\u{{61}}\" )// two\n@audit_session(\"true\")\n{PLAIN}");
        for told in [with_annotations, with_its_annotations] {
            assert_eq!(told(&text, Some("a"), true), text);
            let other = told(&text, Some("b"), false);
            assert_eq!(
                other,
                format!("@id(\"a\") // one\n@notice( \"b\" )// two\n@audit_session(\"false\")\n{PLAIN}")
            );
        }
        let silent = with_annotations(&text, None, true);
        assert_eq!(silent, format!("@id(\"a\") // one\n// two\n@audit_session(\"true\")\n{PLAIN}"));
    }

    #[test]
    fn an_annotation_without_a_value_gets_one() {
        let text = format!("@notice {PLAIN}");
        assert_eq!(with_its_annotations(&text, Some("x"), true), format!("@notice(\"x\") {PLAIN}"));
        assert_eq!(with_its_annotations(&text, None, true), text);
    }

    #[test]
    fn whether_sessions_are_followed_is_yes_or_no() {
        let said =
            |annotation: &str| Statement::one(&format!("{annotation}{PLAIN}")).unwrap().audit_session();
        assert_eq!(said("").unwrap(), None);
        assert_eq!(said("@audit_session(\"false\")").unwrap(), Some(false));
        let PolicyInvalid(problems) = said("@id(\"x\")\n@audit_session(\"no\")").unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (2, 1));
        assert!(said("@audit_session ").is_err());
    }
}
