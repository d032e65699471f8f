//! Patterns of action names as IAM reads them: without regard to case, `*` standing for any letters.

/// Whether a name fits a pattern.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut rest = rest;
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some(part) => action.ends_with(part),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(matches("*", "sso:ListInstances"));
        assert!(matches("sso:List*", "sso:ListInstances"));
        assert!(matches("SSO:listinstances", "sso:ListInstances"));
        assert!(matches("sso:*Account*", "sso:CreateAccountAssignment"));
        assert!(!matches("sso:List*", "sso:CreateAccountAssignment"));
        assert!(!matches("sso:List", "sso:ListInstances"));
        assert!(!matches("*List", "sso:ListInstances"));
    }
}
