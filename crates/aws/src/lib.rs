//! curfew-aws
