//! curfew-sim
