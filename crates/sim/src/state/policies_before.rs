//! What service control policies said before: a change does not count everywhere at once.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::world::ServiceControlPolicy;

/// Replaced contents by policy, the oldest first, each with the instant at which it was replaced.
#[derive(Default)]
pub(crate) struct PoliciesBefore(HashMap<String, Vec<(Timestamp, String)>>);

impl PoliciesBefore {
    pub(crate) fn replaced(&mut self, policy: String, content: String, at: Timestamp) {
        self.0.entry(policy).or_default().push((at, content));
    }

    /// What a policy said at an instant.
    pub(crate) fn content_at<'a>(&'a self, policy: &'a ServiceControlPolicy, at: Timestamp) -> &'a str {
        let before = self.0.get(&policy.id).into_iter().flatten();
        let mut later = before.filter(|(replaced, _)| *replaced > at);
        later.next().map_or(&policy.content, |(_, content)| content)
    }
}
