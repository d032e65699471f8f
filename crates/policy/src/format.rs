//! Cedar text laid out by Cedar's own formatter.

use cedar_policy_formatter::{Config, policies_str_to_pretty};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Statement;

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
