//! What an expression looks at, and what stood there.

use std::str::FromStr;

use cedar_policy::{Entities, EntityUid, EvalResult, Expression, Request, eval_expression};
use serde_json::{Map, Value};

use super::Seen;
use super::anatomy::closing;
use super::written::capped;
use crate::lexer::{Kind, Token, tokens};

/// So many values are shown of one condition.
const MOST_VALUES: usize = 20;

/// So many members of a set or record, and so many entities that another lies in.
const MOST_MEMBERS: usize = 20;

/// So many characters of a text.
const LONGEST_TEXT: usize = 200;

/// So many characters of a path: a tag's name may be as long as a rule.
const LONGEST_PATH: usize = 200;

/// How deep sets and records are shown in each other.
const DEEPEST: usize = 4;

/// Every attribute and tag that an expression mentions, in the order of their first mention, with its value.
pub(super) fn seen(expression: &str, request: &Request, entities: &Entities) -> Vec<Seen> {
    let mut found: Vec<Seen> = Vec::new();
    for mention in mentions(expression) {
        if found.len() == MOST_VALUES {
            break;
        }
        match found.iter_mut().find(|seen| seen.path == mention.path) {
            Some(known) if mention.asks_what_it_lies_in && known.lies_in.is_empty() => {
                known.lies_in = mention.seen(request, entities).lies_in;
            }
            Some(_) => {}
            None => found.push(mention.seen(request, entities)),
        }
    }
    found
}

/// An attribute or tag, or a variable that stands alone.
#[derive(Debug, PartialEq, Eq)]
struct Mention {
    path: String,
    /// Whether an `in` follows: then it matters what it lies in.
    asks_what_it_lies_in: bool,
}

impl Mention {
    fn seen(&self, request: &Request, entities: &Entities) -> Seen {
        let parsed = Expression::from_str(&self.path).ok();
        let result = parsed.and_then(|expression| eval_expression(request, entities, &expression).ok());
        let lies_in = match &result {
            Some(EvalResult::EntityUid(uid)) if self.asks_what_it_lies_in => ancestors(uid, entities),
            _ => Vec::new(),
        };
        Seen {
            path: capped(&self.path, LONGEST_PATH),
            value: result.map(|value| shown(&value, DEEPEST)),
            lies_in,
        }
    }
}

/// What an entity lies in, at any distance.
pub(super) fn ancestors(uid: &EntityUid, entities: &Entities) -> Vec<String> {
    let mut above: Vec<String> = entities.ancestors(uid).into_iter().flatten().map(text).collect();
    above.sort();
    limited(&mut above, |more| format!("… {more} more"));
    above
}

fn text(uid: &EntityUid) -> String {
    capped(&uid.to_string(), LONGEST_TEXT)
}

fn limited<T>(members: &mut Vec<T>, said: impl FnOnce(usize) -> T) {
    if members.len() > MOST_MEMBERS {
        let more = members.len() - MOST_MEMBERS;
        members.truncate(MOST_MEMBERS);
        members.push(said(more));
    }
}

/// A value as JSON: entities, addresses and moments as Cedar writes them.
pub(super) fn shown(value: &EvalResult, deepest: usize) -> Value {
    match value {
        EvalResult::Bool(value) => (*value).into(),
        EvalResult::Long(value) => (*value).into(),
        EvalResult::String(value) | EvalResult::ExtensionValue(value) => capped(value, LONGEST_TEXT).into(),
        EvalResult::EntityUid(uid) => text(uid).into(),
        EvalResult::Set(_) | EvalResult::Record(_) if deepest == 0 => "…".into(),
        EvalResult::Set(set) => {
            let mut members: Vec<Value> =
                set.iter().take(MOST_MEMBERS).map(|member| shown(member, deepest - 1)).collect();
            if set.len() > MOST_MEMBERS {
                members.push(format!("… {} more", set.len() - MOST_MEMBERS).into());
            }
            members.into()
        }
        EvalResult::Record(record) => {
            let fields = record.iter().take(MOST_MEMBERS);
            let fields = fields.map(|(name, value)| (capped(name, LONGEST_TEXT), shown(value, deepest - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn mentions(expression: &str) -> Vec<Mention> {
    let tokens = tokens(expression);
    (0..tokens.len()).filter_map(|at| mention(expression, &tokens, at)).collect()
}

/// The mention that begins with the token at `at`.
fn mention(source: &str, tokens: &[Token], at: usize) -> Option<Mention> {
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let is_inner =
        before.is_some_and(|token| token.is('.') || token.kind == Kind::Path || is_has(source, token));
    let variable = tokens[at].text(source);
    let is_variable = tokens[at].kind == Kind::Identifier
        && matches!(variable, "principal" | "action" | "resource" | "context");
    // `{context: 1}` and `context::x` only look like it.
    let is_name = tokens.get(at + 1).is_some_and(|next| next.is(':') || next.kind == Kind::Path);
    if is_inner || !is_variable || is_name {
        return None;
    }
    let mut path = variable.to_owned();
    let mut next = attributes(source, tokens, at + 1, &mut path);
    if tokens.get(next).is_some_and(|token| is_has(source, *token)) {
        next = tested(source, tokens, next + 1, &mut path);
    }
    let follows = |word| tokens.get(next).is_some_and(|token| is_word(source, *token, word));
    Some(Mention { path, asks_what_it_lies_in: follows("in") || follows("is") })
}

/// `.rank`, `["rank"]` and `.getTag("env")`, as often as they follow each other. Other methods are asked of what stands
/// before them.
fn attributes(source: &str, tokens: &[Token], from: usize, path: &mut String) -> usize {
    let mut at = from;
    loop {
        match tokens.get(at..).unwrap_or_default() {
            [dot, name, open, ..] if dot.is('.') && name.kind == Kind::Identifier && open.is('(') => {
                let is_tag = matches!(name.text(source), "getTag" | "hasTag");
                let Some(close) = closing(tokens, at + 2).filter(|_| is_tag) else { return at };
                path.push_str(".getTag");
                path.push_str(&source[open.start..tokens[close].end]);
                return close + 1;
            }
            [dot, name, ..] if dot.is('.') && name.kind == Kind::Identifier => {
                path.push('.');
                path.push_str(name.text(source));
                at += 2;
            }
            [open, name, close, ..] if open.is('[') && name.kind == Kind::String && close.is(']') => {
                path.push_str(&source[open.start..close.end]);
                at += 3;
            }
            _ => return at,
        }
    }
}

/// What stands behind a `has`: a name, names with dots between, or a text.
fn tested(source: &str, tokens: &[Token], at: usize, path: &mut String) -> usize {
    match tokens.get(at) {
        Some(name) if name.kind == Kind::String => {
            path.push('[');
            path.push_str(name.text(source));
            path.push(']');
            at + 1
        }
        Some(name) if name.kind == Kind::Identifier => {
            path.push('.');
            path.push_str(name.text(source));
            attributes(source, tokens, at + 1, path)
        }
        _ => at,
    }
}

fn is_has(source: &str, token: Token) -> bool {
    is_word(source, token, "has")
}

fn is_word(source: &str, token: Token, word: &str) -> bool {
    token.kind == Kind::Identifier && token.text(source) == word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(expression: &str) -> Vec<String> {
        mentions(expression).into_iter().map(|mention| mention.path).collect()
    }

    #[test]
    fn attributes_and_tags_are_found_and_nothing_else() {
        assert_eq!(paths("context.hour >= 8 && context.hour < 18"), ["context.hour", "context.hour"]);
        assert_eq!(paths("principal.roles.contains(\"context.x\")"), ["principal.roles"]);
        assert_eq!(paths("resource . hasTag( \"env\" )"), ["resource.getTag( \"env\" )"]);
        assert_eq!(
            paths("resource.getTag(principal.name) == \"x\""),
            ["resource.getTag(principal.name)", "principal.name"]
        );
        assert_eq!(
            paths("context has permission_set.rank && context[\"hour\"] == 1"),
            ["context.permission_set.rank", "context[\"hour\"]"]
        );
        assert_eq!(paths("context has \"a b\" // context.c"), ["context[\"a b\"]"]);
        assert_eq!(
            paths("context.context == {principal: context.principal}.principal"),
            ["context.context", "context.principal"]
        );
        assert_eq!(paths("context has context"), ["context.context"]);
        assert_eq!(paths("1 == 1"), Vec::<String>::new());
    }

    #[test]
    fn what_something_lies_in_matters_where_it_is_asked() {
        let asks = |expression| mentions(expression)[0].asks_what_it_lies_in;
        assert!(asks("principal in Group::\"x\""));
        assert!(asks("context.account in AwsOrganizationalUnit::\"x\""));
        assert!(asks("resource is AwsAccount in AwsOrganizationalUnit::\"x\""));
        assert!(!asks("principal == User::\"x\""));
    }
}
