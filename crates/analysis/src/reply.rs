//! What a solver says, in SMT-LIB's form.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::Why;

/// How deep values may lie in each other; ours lie a handful deep, sets by their size.
const DEEPEST: usize = 2_000;

/// What a solver said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// All of it.
    pub(crate) text: String,
    /// Whether it took all that it was told.
    pub(crate) heard_all: bool,
}

/// What that comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It can't be.
    Unsatisfiable,
    /// It can be, with these values.
    Satisfiable(HashMap<String, Value>),
}

/// A value of the solver's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A name, or a number in bits.
    Atom(String),
    /// A text.
    Text(String),
    /// What is put together.
    List(Vec<Value>),
}

impl Reply {
    /// Reads all that it said; `status` is how it ended, and `ended_well` whether as it should.
    ///
    /// `unsat` is half of a proof, so it is believed only of one that took the whole question, said nothing else, and ended
    /// well. An example is tried by whoever gets it.
    pub(crate) fn read(said: &Said, ended_well: bool, status: &str) -> Result<Self, Why> {
        let (verdict, rest) = said.text.split_once('\n').unwrap_or((&said.text, ""));
        let is_all = said.heard_all && ended_well && rest.trim().is_empty();
        match verdict.trim() {
            "unsat" if is_all => Ok(Reply::Unsatisfiable),
            "unsat" => Err(failed(&format!("it said unsat, but not that alone ({status})"))),
            "sat" => values(rest).map(Reply::Satisfiable).ok_or_else(|| failed("its values can't be read")),
            "unknown" => Err(Why::Undecided),
            // cvc5's word for its own time limit.
            said if said.contains("timeout") => Err(Why::TimedOut),
            "" => Err(failed(&format!("it said nothing ({status})"))),
            said => Err(failed(&format!("it said {:?}", said.chars().take(100).collect::<String>()))),
        }
    }
}

fn failed(how: &str) -> Why {
    Why::SolverFailed(how.to_owned())
}

/// `((name value) …)`; nothing where nothing was asked for.
fn values(text: &str) -> Option<HashMap<String, Value>> {
    if text.trim().is_empty() {
        return Some(HashMap::new());
    }
    let Value::List(pairs) = read(&mut text.chars().peekable(), 0)? else { return None };
    let pair = |pair| match pair {
        Value::List(two) => match <[Value; 2]>::try_from(two) {
            Ok([Value::Atom(name), value]) => Some((name, value)),
            _ => None,
        },
        _ => None,
    };
    pairs.into_iter().map(pair).collect()
}

fn read(text: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    skip_blanks(text);
    match text.peek()? {
        '(' => {
            text.next();
            let mut members = Vec::new();
            loop {
                skip_blanks(text);
                if text.next_if_eq(&')').is_some() {
                    return Some(Value::List(members));
                }
                members.push(read(text, depth + 1)?);
            }
        }
        '"' => quoted(text).map(Value::Text),
        ')' => None,
        _ => {
            let mut atom = String::new();
            while let Some(c) = text.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"')) {
                atom.push(c);
            }
            Some(Value::Atom(atom))
        }
    }
}

fn skip_blanks(text: &mut Peekable<Chars<'_>>) {
    while text.next_if(|c| c.is_whitespace()).is_some() {}
}

/// A quote is doubled in it, and what is not plain ASCII is `\u{…}`.
fn quoted(text: &mut Peekable<Chars<'_>>) -> Option<String> {
    text.next();
    let mut raw = String::new();
    loop {
        match text.next()? {
            '"' if text.next_if_eq(&'"').is_none() => return unescaped(&raw),
            c => raw.push(c),
        }
    }
}

fn unescaped(raw: &str) -> Option<String> {
    let mut parts = raw.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}')?;
        plain.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        plain.push_str(rest);
    }
    Some(plain)
}

impl Value {
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Value::Atom(atom) if atom == "true" => Some(true),
            Value::Atom(atom) if atom == "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bits, as a number without a sign.
    pub(crate) fn bits(&self) -> Option<u128> {
        match self {
            Value::Atom(atom) => {
                let binary = atom.strip_prefix("#b").map(|digits| u128::from_str_radix(digits, 2));
                let hexadecimal = atom.strip_prefix("#x").map(|digits| u128::from_str_radix(digits, 16));
                binary.or(hexadecimal)?.ok()
            }
            Value::List(_) | Value::Text(_) => None,
        }
    }

    /// A whole number of 64 bits.
    pub(crate) fn number(&self) -> Option<i64> {
        self.bits().and_then(|bits| u64::try_from(bits).ok()).map(u64::cast_signed)
    }

    /// The one thing that an entity, a moment or the like is made of.
    pub(crate) fn inner(&self) -> Option<&Value> {
        match self {
            Value::List(members) => members.get(1).filter(|_| members.len() == 2),
            Value::Atom(_) | Value::Text(_) => None,
        }
    }

    /// What may be there. Refused where this is no such value.
    pub(crate) fn optional(&self) -> Result<Option<&Value>, ()> {
        match self {
            Value::Atom(_) | Value::List(_) if self.is_called("none") => Ok(None),
            Value::List(members) if members.first().is_some_and(|head| head.is_called("some")) => {
                self.inner().map(Some).ok_or(())
            }
            _ => Err(()),
        }
    }

    /// Whether it is this name, perhaps with its type: `none`, `(as none (Option Bool))`.
    fn is_called(&self, name: &str) -> bool {
        let is = |value: &Value, name: &str| matches!(value, Value::Atom(atom) if atom == name);
        match self {
            Value::List(parts) => {
                matches!(&parts[..], [head, called, _] if is(head, "as") && is(called, name))
            }
            plain => is(plain, name),
        }
    }

    /// The members of a set.
    pub(crate) fn members(&self) -> Option<Vec<&Value>> {
        let Value::List(parts) = self else { return None };
        let (Value::Atom(head), rest) = parts.split_first()? else { return None };
        match head.as_str() {
            // `(as set.empty (Set String))`
            "as" => Some(Vec::new()),
            "set.singleton" => Some(vec![rest.first()?]),
            "set.union" => {
                let each: Option<Vec<Vec<&Value>>> = rest.iter().map(Value::members).collect();
                Some(each?.into_iter().flatten().collect())
            }
            "set.insert" => {
                let (set, members) = rest.split_last()?;
                Some(members.iter().chain(set.members()?).collect())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, Why> {
        Reply::read(&Said { text: text.to_owned(), heard_all: true }, true, "")
    }

    fn said(values: &str) -> HashMap<String, Value> {
        match read(&format!("sat\n{values}\n")).unwrap() {
            Reply::Satisfiable(values) => values,
            Reply::Unsatisfiable => panic!("it was satisfiable"),
        }
    }

    #[test]
    fn values_of_each_kind_are_read() {
        let values = said(
            r#"((t1 "say ""hi"" \u{5c}\u{e9}") (t2 #b0101) (t3 (as none (Option String))) (t4 ((as some (Option E0)) (E0 "x")))
            (t5 (set.union (set.singleton "a") (set.singleton "b"))) (t6 (as set.empty (Set String))) (t7 true))"#,
        );
        assert_eq!(values["t1"].text(), Some("say \"hi\" \\é"));
        assert_eq!(values["t2"].number(), Some(5));
        assert_eq!(values["t3"].optional(), Ok(None));
        assert_eq!(values["t4"].optional().unwrap().and_then(Value::inner).and_then(Value::text), Some("x"));
        let members: Vec<_> = values["t5"].members().unwrap().into_iter().map(Value::text).collect();
        assert_eq!(members, [Some("a"), Some("b")]);
        assert_eq!(values["t6"].members(), Some(Vec::new()));
        assert_eq!(values["t7"].truth(), Some(true));
    }

    #[test]
    fn negative_numbers_are_read_by_their_bits() {
        assert_eq!(said(&format!("((t1 #b{}))", "1".repeat(64)))["t1"].number(), Some(-1));
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        for nonsense in ["", "hello", "sat\n((t1", "sat\n(t1)", "sat\n((t1 \"\\u{zz}\"))"] {
            assert!(matches!(read(nonsense), Err(Why::SolverFailed(_))), "{nonsense}");
        }
        assert_eq!(read("unknown\n"), Err(Why::Undecided));
        assert_eq!(read("cvc5 interrupted by timeout.\n"), Err(Why::TimedOut));
        let deep = format!("sat\n{}", "(".repeat(1_000_000));
        assert!(read(&deep).is_err());
    }

    #[test]
    fn nothing_is_proved_by_half_an_answer() {
        let said = |text: &str, heard_all| Said { text: text.to_owned(), heard_all };
        assert_eq!(Reply::read(&said("unsat\n", true), true, ""), Ok(Reply::Unsatisfiable));
        for (said, ended_well) in [
            (said("unsat\n", false), true),
            (said("unsat\n", true), false),
            (said("unsat\nunsat\n", true), true),
            (said("unsat\n(error \"out of memory\")\n", true), true),
        ] {
            let read = Reply::read(&said, ended_well, "");
            assert!(matches!(read, Err(Why::SolverFailed(_))), "{said:?}: {read:?}");
        }
    }
}
