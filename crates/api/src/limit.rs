use serde::{Deserialize, Deserializer};

/// A text of at most `MAX` letters: for filters, whose schema says the same with `max_length`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtMost<const MAX: usize>(String);

impl<const MAX: usize> AtMost<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> From<AtMost<MAX>> for String {
    fn from(text: AtMost<MAX>) -> Self {
        text.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for AtMost<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > MAX {
            return Err(serde::de::Error::custom(format!("it has more than {MAX} letters")));
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted_not_bytes() {
        let read = |text: &str| serde_json::from_value::<AtMost<3>>(text.into()).map(String::from);
        assert_eq!(read("äöü").unwrap(), "äöü");
        assert!(read("abcd").unwrap_err().to_string().contains("more than 3"));
    }
}
