//! curfew-app
