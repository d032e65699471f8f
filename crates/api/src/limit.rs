use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use curfew_domain::Change;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A text of at most `MAX` letters, whose schema says the same with `max_length`.
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

/// For `deserialize_with`: a list of at most `MAX` members, whose schema says the same with `max_items`.
pub(crate) fn at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(Members::<MAX, T>(PhantomData))
}

/// The same for a list that may be left out; `null` is no list.
pub(crate) fn some_at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    at_most::<MAX, T, D>(deserializer).map(Some)
}

/// The same for a list that takes another's place.
pub(crate) fn changed_at_most<'de, const MAX: usize, T, D>(
    deserializer: D,
) -> Result<Change<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    at_most::<MAX, T, D>(deserializer).map(Change::To)
}

/// Stops at the first member too many, so that a long list costs no more than a short one.
struct Members<const MAX: usize, T>(PhantomData<T>);

impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for Members<MAX, T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = list.next_element()? {
            if members.len() == MAX {
                return Err(serde::de::Error::custom(format!("it has more than {MAX} members")));
            }
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_at_its_limit() {
        let read = |json: &str| at_most::<2, u8, _>(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(read("[1,2]").unwrap(), [1, 2]);
        assert!(read("[1,2,3]").unwrap_err().to_string().contains("more than 2"));
        assert!(read("null").unwrap_err().to_string().contains("a list of at most 2"));
    }

    #[test]
    fn letters_are_counted_not_bytes() {
        let read = |text: &str| serde_json::from_value::<AtMost<3>>(text.into()).map(String::from);
        assert_eq!(read("äöü").unwrap(), "äöü");
        assert!(read("abcd").unwrap_err().to_string().contains("more than 3"));
    }
}
