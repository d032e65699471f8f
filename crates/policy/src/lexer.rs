//! Cedar's tokens with their places: enough to cut a text into statements and a statement into its parts.
//!
//! Cedar's own parser has the last word on what is a policy; it tells neither where the conditions of a statement
//! stand nor which entity names were written. The token rules are those of Cedar's grammar (policy syntax,
//! "Grammar specification for Cedar policies"): identifiers, numbers, strings with backslash escapes, `//`
//! comments, and punctuation, of which only `::` matters as a pair here.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Identifier,
    Number,
    String,
    /// `::`
    Path,
    /// One character of punctuation, or one that Cedar will refuse.
    Mark(char),
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    pub(crate) fn text<'a>(&self, source: &'a str) -> &'a str {
        &source[self.start..self.end]
    }
}

/// The tokens of a text, without white space and comments.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    tokens_and_comments(source).0
}

/// The tokens of a text, and its comments without the white space around them.
pub(crate) fn tokens_and_comments(source: &str) -> (Vec<Token>, Vec<&str>) {
    let (mut found, mut comments) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("//") {
            let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
            comments.push(rest[..length].trim_end());
            at += length;
        } else {
            let (kind, length) = token(rest, first);
            found.push(Token { kind, start: at, end: at + length });
            at += length;
        }
    }
    (found, comments)
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    let while_in = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    match first {
        '"' => (Kind::String, string_length(rest)),
        ':' if rest.starts_with("::") => (Kind::Path, 2),
        '_' | 'a'..='z' | 'A'..='Z' => {
            (Kind::Identifier, while_in(|c| c == '_' || c.is_ascii_alphanumeric()))
        }
        '0'..='9' => (Kind::Number, while_in(|c| c.is_ascii_digit())),
        mark => (Kind::Mark(mark), mark.len_utf8()),
    }
}

/// To the closing quote, or to the end where there is none: then Cedar refuses the text.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text(source)).collect()
    }

    #[test]
    fn strings_and_comments_hide_what_is_in_them() {
        assert_eq!(
            texts("a /x // ; \"\nUser::\"b;\\\" // c\" 12;"),
            ["a", "/", "x", "User", "::", "\"b;\\\" // c\"", "12", ";"]
        );
    }

    #[test]
    fn an_open_string_runs_to_the_end() {
        assert_eq!(texts("a \"b;"), ["a", "\"b;"]);
    }
}
