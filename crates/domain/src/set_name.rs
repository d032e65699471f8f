//! A permission set as people name it.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::{Invalid, PermissionSetArn};

/// The longest name: AWS's own have 32 letters at most, names to show may be longer.
const MOST_LETTERS: usize = 200;

/// A permission set, by its ARN or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionSetName {
    /// By what AWS gave it.
    Arn(PermissionSetArn),
    /// By what people call it: there may be none, or several.
    Name(String),
}

impl FromStr for PermissionSetName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.starts_with("arn:") {
            return text.parse().map(PermissionSetName::Arn);
        }
        let sound = (1..=MOST_LETTERS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if sound && !text.trim().is_empty() {
            Ok(PermissionSetName::Name(text.to_owned()))
        } else {
            Err(Invalid::new(format!(
                "a permission set is named by its ARN, or by 1 to {MOST_LETTERS} letters"
            )))
        }
    }
}

impl std::fmt::Display for PermissionSetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PermissionSetName::Arn(arn) => arn.fmt(f),
            PermissionSetName::Name(name) => f.write_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for PermissionSetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_arn_must_be_one() {
        let arn = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
        assert_eq!(arn.parse(), Ok(PermissionSetName::Arn(arn.parse().unwrap())));
        assert_eq!("ReadOnly".parse(), Ok(PermissionSetName::Name("ReadOnly".to_owned())));
        for wrong in ["", " ", "arn:aws:iam::1:role/x", "a\nb", &"x".repeat(201)] {
            assert!(wrong.parse::<PermissionSetName>().is_err(), "{wrong:?}");
        }
    }
}
