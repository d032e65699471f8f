//! curfew-api
