//! curfew-domain
