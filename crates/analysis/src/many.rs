//! Many terms as one.

use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::term_factory::{and, or};

/// Whether one of these is true.
pub(crate) fn any(terms: impl IntoIterator<Item = Term>) -> Term {
    balanced(terms.into_iter().collect(), &or, false)
}

/// Whether all of these are.
pub(crate) fn all(terms: impl IntoIterator<Item = Term>) -> Term {
    balanced(terms.into_iter().collect(), &and, true)
}

/// Halves instead of a chain: what walks a term goes as deep as it is, and stacks have an end.
fn balanced(mut terms: Vec<Term>, join: &impl Fn(Term, Term) -> Term, of_none: bool) -> Term {
    match terms.len() {
        0 => of_none.into(),
        1 => terms.remove(0),
        many => {
            let rest = terms.split_off(many / 2);
            join(balanced(terms, join, of_none), balanced(rest, join, of_none))
        }
    }
}
