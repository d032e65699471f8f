//! Cedar text laid out by Cedar's own formatter.

use cedar_policy_formatter::{Config, policies_str_to_pretty};

use crate::lexer::{tokens, tokens_and_comments};
use crate::problem::Position;
use crate::{PolicyInvalid, Problem};

/// One or more statements, laid out as Cedar's formatter does; comments stay.
pub fn formatted(text: &str) -> Result<String, PolicyInvalid> {
    let config = Config { line_width: 100, indent_width: 2 };
    policies_str_to_pretty(text, &config).map_err(|problem| {
        PolicyInvalid(vec![Problem::at(
            Position::START,
            problem.to_string(),
            "only valid Cedar can be laid out",
        )])
    })
}

/// Statements that Cedar accepts as one text that can be read in again, each laid out.
pub fn laid_out<'a>(statements: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<_> = statements.into_iter().map(one_laid_out).collect();
    texts.join("\n")
}

/// A statement laid out; as it is written where Cedar's formatter fails, or would change more than the layout: it
/// drops some comments.
fn one_laid_out(text: &str) -> String {
    let text = comments_first(text);
    match formatted(&text) {
        Ok(formatted) if says_the_same(&text, &formatted) => formatted,
        _ => format!("{text}\n"),
    }
}

/// What is commented behind the statement stands before it: read in again, it would be the next statement's.
fn comments_first(text: &str) -> String {
    let end = tokens(text).last().map_or(0, |last| last.end);
    let (statement, behind) = text.split_at(end);
    let (statement, behind) = (statement.trim(), behind.trim());
    if behind.is_empty() { statement.to_owned() } else { format!("{behind}\n{statement}") }
}

fn says_the_same(text: &str, other: &str) -> bool {
    let said = |text| {
        let (tokens, mut comments) = tokens_and_comments(text);
        let words: Vec<String> = tokens.iter().map(|token| token.text(text).to_owned()).collect();
        comments.sort_unstable();
        (words, comments.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    said(text) == said(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Statement;

    #[test]
    fn what_is_laid_out_together_is_read_in_as_the_same_statements() {
        let texts = [
            "permit(principal,action,resource); // first\r\n// and more",
            "// second\n@id(\"x\")\nforbid(principal,action,resource)when{context.reason==\"a\n\n\nb\"//why\n};",
        ];
        let document = laid_out(texts);
        let read = Statement::all(&document).unwrap();
        assert_eq!(read.len(), 2);
        for (text, read) in texts.iter().zip(&read) {
            assert!(says_the_same(&comments_first(text), read.text()), "{document}");
        }
        assert!(document.starts_with("// first"), "{document}");
        assert_eq!(laid_out([]), "");
    }

    #[test]
    fn laying_out_changes_nothing_but_white_space() {
        let text = "@id(\"x\") permit(principal,action,resource)when{context.hour>8}; // office hours";
        let formatted = formatted(text).unwrap();
        assert!(formatted.contains("// office hours"), "{formatted}");
        let json = |text: &str| Statement::one(text).unwrap().policy().to_json().unwrap();
        assert_eq!(json(text), json(&formatted));
        assert!(super::formatted("permit(").is_err());
    }
}
