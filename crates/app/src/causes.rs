use std::error::Error;

/// An error and its causes, for a log line or for whoever runs the program: the outermost sentence alone ("the database
/// failed") says nothing of why. A cause whose words were said already is not repeated.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let words = cause.to_string();
        if !told.contains(&words) {
            told.push_str(": ");
            told.push_str(&words);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    #[test]
    fn each_cause_is_told_once() {
        let refused = Said("connection refused", None);
        let repeats = Said("query: connection refused", Some(Box::new(refused)));
        let error = Said("the database failed", Some(Box::new(repeats)));
        assert_eq!(with_causes(&error), "the database failed: query: connection refused");
        assert_eq!(with_causes(&Said("alone", None)), "alone");
    }
}
