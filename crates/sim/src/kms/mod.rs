//! Key Management Service, JSON 1.1: `GenerateMac` alone.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>

mod generate_mac;

use crate::call::Operation;

/// The operations that are played.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[("GenerateMac", generate_mac::generate_mac)];
