//! curfew-policy
