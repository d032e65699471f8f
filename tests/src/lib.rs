//! curfew-tests
