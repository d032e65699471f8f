//! A rule's text in its parts: what its scope says of each variable, its clauses, and what these chain.
//!
//! Cedar's grammar has `if` at the start of an expression alone, `||` of `&&` of relations below it, and everything
//! else in brackets. So tokens and the depth of brackets are enough to cut where Cedar does.

use std::ops::Range;

use super::Part;
use crate::lexer::{Kind, Token, tokens};
use crate::statement::scope_start;

/// Where the parts of a rule that Cedar has accepted stand in its text, in bytes.
#[derive(Debug)]
pub(super) struct Anatomy {
    /// Of the principal, the action and the resource.
    pub(super) scope: [Range<usize>; 3],
    pub(super) clauses: Vec<Clause>,
}

/// A `when` or an `unless`.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) kind: ClauseKind,
    /// What stands between its braces.
    pub(super) body: Range<usize>,
    /// What `body` chains by `&&`, in order: itself, if nothing.
    pub(super) conjuncts: Vec<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClauseKind {
    When,
    Unless,
}

impl ClauseKind {
    pub(super) const fn part(self) -> Part {
        match self {
            Self::When => Part::When,
            Self::Unless => Part::Unless,
        }
    }
}

impl Anatomy {
    /// Cuts a rule up. None where the text is no rule.
    pub(super) fn of(text: &str) -> Option<Self> {
        let tokens = tokens(text);
        let open = scope_start(&tokens)?;
        let close = closing(&tokens, open)?;
        let mut scope = split(&tokens[open + 1..close], ",").into_iter().filter_map(place);
        let scope = [scope.next()?, scope.next()?, scope.next()?];
        let mut clauses = Vec::new();
        let mut at = close + 1;
        while tokens.get(at).is_some_and(|token| !token.is(';')) {
            let end = closing(&tokens, at + 1)?;
            clauses.push(clause(text, tokens[at], &tokens[at + 2..end])?);
            at = end + 1;
        }
        Some(Self { scope, clauses })
    }
}

fn clause(text: &str, keyword: Token, body: &[Token]) -> Option<Clause> {
    let kind = match keyword.text(text) {
        "when" => ClauseKind::When,
        "unless" => ClauseKind::Unless,
        _ => return None,
    };
    let mut conjuncts = Vec::new();
    chained(text, body, &mut conjuncts);
    Some(Clause { kind, body: place(body)?, conjuncts })
}

/// What an expression chains by `&&`, also within brackets around a whole conjunct.
fn chained(text: &str, expression: &[Token], found: &mut Vec<Range<usize>>) {
    let inner = without_brackets(expression);
    let parts = if is_choice(text, inner) { vec![inner] } else { split(inner, "&&") };
    match &parts[..] {
        [whole] => found.extend(place(whole)),
        parts => parts.iter().for_each(|part| chained(text, part, found)),
    }
}

/// What an expression gives to choose by `||`, with where it stands in it. None where it is something else.
pub(super) fn alternatives(expression: &str) -> Vec<Range<usize>> {
    let tokens = tokens(expression);
    let inner = without_brackets(&tokens);
    match &split(inner, "||")[..] {
        parts if parts.len() > 1 && !is_if(expression, inner) => {
            parts.iter().filter_map(|part| place(part)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_choice(text: &str, expression: &[Token]) -> bool {
    is_if(text, expression) || split(expression, "||").len() > 1
}

fn is_if(text: &str, expression: &[Token]) -> bool {
    expression.first().is_some_and(|first| first.kind == Kind::Identifier && first.text(text) == "if")
}

fn without_brackets(expression: &[Token]) -> &[Token] {
    let mut inner = expression;
    while let [first, middle @ .., _] = inner
        && first.is('(')
        && closing(inner, 0) == Some(inner.len() - 1)
    {
        inner = middle;
    }
    inner
}

/// Cuts at a mark, or a pair of the same, that stands in no brackets.
fn split<'t>(tokens: &'t [Token], separator: &str) -> Vec<&'t [Token]> {
    let (mut parts, mut from, mut at, mut depth) = (Vec::new(), 0, 0, 0_usize);
    while let Some(rest) = tokens.get(at..).filter(|rest| !rest.is_empty()) {
        depth = depth_after(depth, rest[0]);
        let is_here = separator.chars().enumerate().all(|(n, mark)| rest.get(n).is_some_and(|t| t.is(mark)));
        if depth == 0 && is_here {
            parts.push(&tokens[from..at]);
            at += separator.len();
            from = at;
        } else {
            at += 1;
        }
    }
    parts.push(&tokens[from..]);
    parts
}

/// The index of what closes the bracket at `open`.
pub(super) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0;
    (open..tokens.len()).find(|at| {
        depth = depth_after(depth, tokens[*at]);
        depth == 0
    })
}

fn depth_after(depth: usize, token: Token) -> usize {
    match token.kind {
        Kind::Mark('(' | '[' | '{') => depth + 1,
        Kind::Mark(')' | ']' | '}') => depth.saturating_sub(1),
        _ => depth,
    }
}

fn place(tokens: &[Token]) -> Option<Range<usize>> {
    Some(tokens.first()?.start..tokens.last()?.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'t>(text: &'t str, places: &[Range<usize>]) -> Vec<&'t str> {
        places.iter().map(|place| &text[place.clone()]).collect()
    }

    fn conjuncts(condition: &str) -> Vec<String> {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let anatomy = Anatomy::of(&text).unwrap();
        texts(&text, &anatomy.clauses[0].conjuncts).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_rule_is_cut_into_scope_and_clauses() {
        let text = "@id(\"when { x }\") permit (principal is User in Group::\"a,b)\", action in [Action::\"read\", \
                    Action::\"write\"], resource,) // when\nwhen { {a: 1}.a == 1 } unless { true };";
        let anatomy = Anatomy::of(text).unwrap();
        assert_eq!(
            texts(text, &anatomy.scope),
            [
                "principal is User in Group::\"a,b)\"",
                "action in [Action::\"read\", Action::\"write\"]",
                "resource"
            ]
        );
        let kinds: Vec<_> = anatomy.clauses.iter().map(|clause| clause.kind).collect();
        assert_eq!(kinds, [ClauseKind::When, ClauseKind::Unless]);
        assert_eq!(&text[anatomy.clauses[0].body.clone()], "{a: 1}.a == 1");
        assert!(Anatomy::of("permit (").is_none());
        assert!(Anatomy::of("").is_none());
    }

    #[test]
    fn conditions_are_cut_where_cedar_chains_them() {
        assert_eq!(conjuncts("a && b // && c\n && d"), ["a", "b", "d"]);
        assert_eq!(conjuncts("((a && (b && c)) && d)"), ["a", "b", "c", "d"]);
        assert_eq!(conjuncts("(a) && (b)"), ["a", "b"]);
        assert_eq!(
            conjuncts("x == \"a && b\" && [a && b].contains(true)"),
            ["x == \"a && b\"", "[a && b].contains(true)"]
        );
        assert_eq!(conjuncts("a && b || c"), ["a && b || c"]);
        assert_eq!(conjuncts("a && (b || c && d)"), ["a", "b || c && d"]);
        assert_eq!(conjuncts("if a then b else c && d"), ["if a then b else c && d"]);
        assert_eq!(conjuncts("!(a && b)"), ["!(a && b)"]);
    }

    #[test]
    fn alternatives_are_those_of_the_outermost_choice() {
        let of = |text: &'static str| texts(text, &alternatives(text));
        assert_eq!(of("a || (b || c) && d || e"), ["a", "(b || c) && d", "e"]);
        assert_eq!(of("(a || b)"), ["a", "b"]);
        assert!(of("a && (b || c)").is_empty());
        assert!(of("if a || b then c else d || e").is_empty());
    }
}
