//! One Cedar statement as it was written.

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicyId, PolicySet};

use crate::lexer::{Kind, Token, tokens};
use crate::problem::Position;
use crate::{PolicyInvalid, Problem};

/// The longest statement that is accepted, in bytes.
const LONGEST: usize = 64 * 1_024;

/// How deep brackets and `if`s may stand in each other. Cedar's parser works by recursion; this keeps it far
/// from the end of any thread's stack.
const DEEPEST: usize = 20;

/// How many operators one statement may chain, for the same reason: each makes the expression a level deeper. And Cedar's
/// evaluator gives up where too little of the stack is left (its "recursion limit"), which would forbid: at 500 sums on a
/// thread of 2 MiB, unoptimised.
const MOST_OPERATORS: usize = 300;

/// How many statements one policy may have.
pub const MOST_STATEMENTS: usize = 1_000;

const PARSE_HINT: &str = "a statement looks like: permit (principal, action, resource) when { … };";

/// A statement that Cedar can read. Its names are not resolved, and nothing is said of whether it makes sense.
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    origin: Position,
    policy: Policy,
}

impl Statement {
    /// Cuts a text into its statements, [`MOST_STATEMENTS`] at most. A comment belongs to the statement that follows it.
    pub fn all(source: &str) -> Result<Vec<Statement>, PolicyInvalid> {
        let pieces = pieces(source);
        if let Some(first_too_many) = pieces.get(MOST_STATEMENTS) {
            return Err(too_many(Position::START.advanced(source, first_too_many.start)));
        }
        let (mut at, mut origin) = (0, Position::START);
        let (statements, problems): (Vec<_>, Vec<_>) = pieces
            .into_iter()
            .map(|piece| {
                // From the last one on: a text of many statements is counted through once.
                origin = origin.advanced(&source[at..], piece.start - at);
                at = piece.start;
                Self::parse(&source[piece.start..piece.end], origin)
            })
            .partition(Result::is_ok);
        let problems: Vec<Problem> =
            problems.into_iter().filter_map(Result::err).flat_map(|invalid| invalid.0).collect();
        if !problems.is_empty() {
            return Err(PolicyInvalid(problems));
        }
        let statements: Vec<Statement> = statements.into_iter().filter_map(Result::ok).collect();
        if statements.is_empty() {
            return Err(PolicyInvalid(vec![Problem::at(
                Position::START,
                "there is no statement",
                PARSE_HINT,
            )]));
        }
        Ok(statements)
    }

    /// Reads a text that holds exactly one statement; all of it is kept.
    pub fn one(source: &str) -> Result<Statement, PolicyInvalid> {
        check_size(source, Position::START)?;
        Self::kept(source)
    }

    /// The same of a text that was taken once: it may be larger by now, where names became ids, than what is taken.
    pub fn kept(source: &str) -> Result<Statement, PolicyInvalid> {
        match &pieces(source)[..] {
            [_] => Self::read(source, Position::START),
            [] => Err(PolicyInvalid(vec![Problem::at(Position::START, "there is no statement", PARSE_HINT)])),
            [_, second, ..] => {
                let position = Position::START.advanced(source, second.start);
                let problem = "a rule is one statement; here begins a second one";
                Err(PolicyInvalid(vec![Problem::at(position, problem, "make it a rule of its own")]))
            }
        }
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of an annotation: `@notice("…")`, `@id("…")`.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.policy.annotation(name)
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where the byte `offset` of this statement stands in the text that it came in.
    pub(crate) fn position(&self, offset: usize) -> Position {
        self.origin.advanced(&self.text, offset)
    }

    fn parse(text: &str, origin: Position) -> Result<Statement, PolicyInvalid> {
        check_size(text, origin)?;
        Self::read(text, origin)
    }

    fn read(text: &str, origin: Position) -> Result<Statement, PolicyInvalid> {
        let policy = parse_policy(text, |offset| origin.advanced(text, offset))?;
        Ok(Statement { text: text.to_owned(), origin, policy })
    }
}

/// What is said of a policy whose statements come in several parts, and are too many together.
pub fn too_many_statements() -> PolicyInvalid {
    too_many(Position::START)
}

/// So many people and groups may be named in what is saved at once.
pub const MOST_NAMES: usize = 1_000;

/// What is said of statements that name too many.
pub fn too_many_names() -> PolicyInvalid {
    let problem = format!("at most {MOST_NAMES} people and groups can be named at once");
    PolicyInvalid(vec![Problem::at(
        Position::START,
        problem,
        "name a group or a role, or make several policies of it",
    )])
}

fn too_many(position: Position) -> PolicyInvalid {
    let problem = format!("a policy has at most {MOST_STATEMENTS} statements");
    PolicyInvalid(vec![Problem::at(position, problem, "make several policies of it")])
}

/// The inner name of a policy that stands alone; Cedar puts it into some messages.
pub(crate) fn inner_id() -> PolicyId {
    PolicyId::new("rule")
}

/// Parses one statement, with positions by `place`.
pub(crate) fn parse_policy(text: &str, place: impl Fn(usize) -> Position) -> Result<Policy, PolicyInvalid> {
    if let Ok(set) = text.parse::<PolicySet>()
        && set.num_of_templates() > 0
    {
        let problem = "a rule can't have slots such as ?principal";
        return Err(PolicyInvalid(vec![Problem::at(
            place(0),
            problem,
            "name the principal and the resource",
        )]));
    }
    Policy::parse(Some(inner_id()), text).map_err(|errors| {
        let problem = |error| Problem::from_cedar(&DetailedError::from(error), &place, PARSE_HINT);
        PolicyInvalid(errors.iter().map(problem).collect())
    })
}

/// The raw `when` and `unless` clauses of a statement that Cedar accepted; none where it has none.
pub(crate) fn conditions(text: &str) -> Option<&str> {
    let tokens = tokens(text);
    let open = scope_start(&tokens)?;
    let mut depth = 0_usize;
    let close = tokens[open..].iter().find(|token| {
        depth += usize::from(token.is('('));
        depth -= usize::from(token.is(')'));
        depth == 0
    })?;
    let end = tokens.iter().rev().find(|token| token.is(';'))?;
    let any = tokens.iter().any(|token| token.start >= close.end && token.end <= end.start);
    any.then(|| text[close.end..end.start].trim())
}

/// The index of the parenthesis that opens the scope: behind the annotations and the effect.
pub(crate) fn scope_start(tokens: &[Token]) -> Option<usize> {
    let effect = effect_token(tokens)?;
    tokens.get(effect + 1)?.is('(').then_some(effect + 1)
}

/// Where the effect of a statement begins, in bytes: behind its annotations.
pub(crate) fn effect_start(tokens: &[Token]) -> Option<usize> {
    Some(tokens.get(effect_token(tokens)?)?.start)
}

fn effect_token(tokens: &[Token]) -> Option<usize> {
    let mut at = 0;
    while tokens.get(at)?.is('@') {
        at += if tokens.get(at + 2)?.is('(') { 5 } else { 2 };
    }
    Some(at)
}

/// A part of a text, in bytes.
struct Piece {
    start: usize,
    end: usize,
}

/// From after one semicolon to the next, without white space around. What follows the last one belongs to the
/// last statement when it is only a comment, and is a broken statement otherwise.
fn pieces(source: &str) -> Vec<Piece> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut start = 0;
    let mut in_statement = false;
    for token in &tokens {
        in_statement = true;
        if token.is(';') {
            found.push(Piece { start, end: token.end });
            start = token.end;
            in_statement = false;
        }
    }
    if in_statement {
        found.push(Piece { start, end: source.len() });
    } else if let Some(last) = found.last_mut() {
        last.end = source.len();
    }
    found.into_iter().map(|piece| trimmed(source, &piece)).collect()
}

fn trimmed(source: &str, piece: &Piece) -> Piece {
    let text = &source[piece.start..piece.end];
    let start = piece.start + (text.len() - text.trim_start().len());
    Piece { start, end: start + text.trim().len() }
}

fn check_size(text: &str, origin: Position) -> Result<(), PolicyInvalid> {
    let refuse = |offset, message: String, hint| {
        Err(PolicyInvalid(vec![Problem::at(origin.advanced(text, offset), message, hint)]))
    };
    if text.len() > LONGEST {
        let problem = format!("a statement has at most {LONGEST} bytes, this one {}", text.len());
        return refuse(0, problem, "split it into several rules");
    }
    let (mut brackets, mut ifs, mut operators) = (0_usize, 0_usize, 0_usize);
    for token in tokens(text) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => brackets += 1,
            Kind::Mark(')' | ']' | '}') => brackets = brackets.saturating_sub(1),
            // `&&` is two marks; a dot is a level of its own operand alone.
            Kind::Mark('&' | '|' | '.') => operators += 1,
            Kind::Mark('+' | '-' | '*' | '!' | '<' | '>') => operators += 2,
            Kind::Identifier if token.text(text) == "if" => ifs += 1,
            _ => {}
        }
        if brackets + ifs > DEEPEST {
            let problem = format!("the statement is nested more than {DEEPEST} levels deep");
            return refuse(token.start, problem, "split it into several rules");
        }
        if operators > 2 * MOST_OPERATORS {
            let problem = format!("the statement has more than {MOST_OPERATORS} operators");
            return refuse(
                token.start,
                problem,
                "split it into several rules, or name a set: [a, b].contains(x)",
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_semicolons_and_nothing_is_lost() {
        let source = "// first\npermit (principal, action, resource);\n\n// second\n@id(\"a;b\")\nforbid \
                      (principal, action, resource)\nwhen { context.reason == \";\" }; // last\n";
        let statements = Statement::all(source).unwrap();
        let texts: Vec<_> = statements.iter().map(Statement::text).collect();
        assert_eq!(texts.len(), 2);
        assert_eq!(texts.join("\n\n"), source.trim_end());
        assert_eq!(statements[1].annotation("id"), Some("a;b"));
    }

    #[test]
    fn conditions_are_kept_as_they_were_written() {
        let text =
            "@notice(\"(\") permit (principal, action, resource) // why\n when { ( true ) } unless {false};";
        assert_eq!(conditions(text), Some("// why\n when { ( true ) } unless {false}"));
        assert_eq!(conditions("permit(principal, action, resource) // none\n ;"), None);
    }

    #[test]
    fn a_problem_says_where_in_the_whole_text_it_is() {
        let source =
            "permit (principal, action, resource);\n  permit (principal, action, resource) when { é + };";
        let PolicyInvalid(problems) = Statement::all(source).unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (2, 47), "{problems:?}");
        assert!(!problems[0].hint.is_empty());
    }

    #[test]
    fn a_text_of_more_statements_than_a_policy_may_have_is_refused_where_they_begin() {
        let statements = |count: usize| "permit (principal, action, resource);\n".repeat(count);
        assert_eq!(Statement::all(&statements(MOST_STATEMENTS)).unwrap().len(), MOST_STATEMENTS);
        let PolicyInvalid(problems) = Statement::all(&statements(MOST_STATEMENTS + 1)).unwrap_err();
        assert_eq!((problems.len(), problems[0].line), (1, MOST_STATEMENTS + 1));
    }

    #[test]
    fn a_rule_is_one_statement() {
        let two = "permit (principal, action, resource);\nforbid (principal, action, resource);";
        let PolicyInvalid(problems) = Statement::one(two).unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (2, 1));
        for none in ["", "  \n", "// nothing"] {
            assert!(Statement::one(none).is_err());
            assert!(Statement::all(none).is_err());
        }
        assert!(Statement::one("permit (principal == ?principal, action, resource);").is_err());
        assert!(Statement::one("permit (principal, action, resource)").is_err());
    }

    #[test]
    fn what_would_exhaust_the_stack_is_refused_and_what_is_accepted_fits_on_a_small_one() {
        let wrap =
            |condition: String| format!("permit (principal, action, resource) when {{ {condition} }};");
        let deep = |n: usize| wrap(format!("{}true{}", "(".repeat(n), ")".repeat(n)));
        let chain = |n: usize| wrap(vec!["true"; n].join(" && "));
        let ifs = |n: usize| wrap(format!("{}true", "if true then true else ".repeat(n)));
        for too_much in
            [deep(1_000), chain(1_000), ifs(1_000), wrap(format!("\"{}\" == \"\"", "x".repeat(70_000)))]
        {
            assert!(Statement::one(&too_much).is_err());
        }
        let small = std::thread::Builder::new().stack_size(2 * 1_024 * 1_024);
        let sum = wrap(format!("1 == {}1", "1 + ".repeat(290)));
        let accepted = [deep(18), chain(290), ifs(18), sum];
        let checked = small.spawn(move || {
            for fits in accepted {
                let statement = Statement::one(&fits).unwrap();
                assert!(statement.resolve(|_| unreachable!("no names")).is_ok());
                assert!(crate::laid_out([fits.as_str()]).len() >= fits.len());
            }
        });
        checked.unwrap().join().unwrap();
    }
}
