//! The published schema of access policies.

use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{Schema, SchemaFragment, Validator};

/// The vocabulary of access policies, in Cedar's schema language.
pub const ACCESS_SCHEMA: &str = include_str!("../schema/access.cedarschema");

static COMPILED: LazyLock<Schema> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is part of the program, and every test compiles it")]
    Schema::from_str(ACCESS_SCHEMA).expect("the published schema is sound")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(COMPILED.clone()));

static JSON: LazyLock<String> = LazyLock::new(|| {
    let parsed = SchemaFragment::from_cedarschema_str(ACCESS_SCHEMA);
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test writes it as JSON")]
    let (fragment, _) = parsed.expect("the published schema is sound");
    #[expect(clippy::expect_used, reason = "as above")]
    fragment.to_json_string().expect("the published schema can be written as JSON")
});

/// The vocabulary of access policies, in Cedar's JSON form of schemas.
pub fn access_schema_json() -> &'static str {
    &JSON
}

/// The vocabulary of access policies, as Cedar read it.
pub fn access_schema() -> &'static Schema {
    &COMPILED
}

pub(crate) fn validator() -> &'static Validator {
    &VALIDATOR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_schema_know_the_same_types() {
        let json: serde_json::Value = serde_json::from_str(access_schema_json()).unwrap();
        assert!(json.to_string().contains("AwsOrganizationalUnit"));
        let read = Schema::from_json_str(access_schema_json()).unwrap();
        let types = |schema: &Schema| {
            let mut types: Vec<String> = schema.entity_types().map(ToString::to_string).collect();
            types.sort();
            types
        };
        assert_eq!(types(&read), types(access_schema()));
    }
}
