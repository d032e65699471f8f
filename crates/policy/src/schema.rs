//! The published schema of access policies.

use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{Schema, Validator};

/// The vocabulary of access policies, in Cedar's schema language.
pub const ACCESS_SCHEMA: &str = include_str!("../schema/access.cedarschema");

static COMPILED: LazyLock<Schema> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is part of the program, and every test compiles it")]
    Schema::from_str(ACCESS_SCHEMA).expect("the published schema is sound")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(COMPILED.clone()));

pub(crate) fn access_schema() -> &'static Schema {
    &COMPILED
}

pub(crate) fn validator() -> &'static Validator {
    &VALIDATOR
}
