//! What rules bring besides access where they are among those that decide: their notices, and that sessions are followed.

use std::collections::BTreeMap;

use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::term_factory::{eq, not};
use curfew_policy::StandingRule;

use crate::many::any;
use crate::query::Query;

/// Of a set of policies.
#[derive(Debug, Default)]
pub(crate) struct Brought<'p> {
    follows: Vec<Term>,
    notices: BTreeMap<&'p str, Vec<Term>>,
}

impl<'p> Brought<'p> {
    /// A rule permits, or forbids, where `decides` is true.
    pub(crate) fn take(&mut self, query: &mut Query, rule: &StandingRule<'p>, permits: bool, decides: Term) {
        let follows = permits && rule.audit_session;
        if decides == false.into() || !(follows || rule.notice.is_some()) {
            return;
        }
        let decides = query.name(decides);
        if follows {
            self.follows.push(decides.clone());
        }
        if let Some(notice) = rule.notice {
            self.notices.entry(notice.as_str()).or_default().push(decides);
        }
    }

    /// Whether sessions are followed.
    pub(crate) fn follows(&self) -> Term {
        any(self.follows.iter().cloned())
    }

    /// Whether the notices are not those of the other.
    pub(crate) fn tells_other_than(&self, other: &Brought<'_>) -> Term {
        let all =
            self.notices.keys().chain(other.notices.keys().filter(|one| !self.notices.contains_key(*one)));
        any(all.map(|notice| not(eq(self.tells(notice), other.tells(notice)))))
    }

    fn tells(&self, notice: &str) -> Term {
        any(self.notices.get(notice).into_iter().flatten().cloned())
    }
}
