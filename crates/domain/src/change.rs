//! What a partial change says of one field.

use serde::{Deserialize, Deserializer};

/// Whether a field is to be changed, and to what. `Change<Option<T>>` tells a field that was left out from one that
/// is to become nothing: in JSON, absent and `null` (with `#[serde(default)]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this.
    To(T),
}

impl<T> Change<T> {
    /// Makes the change.
    pub fn apply_to(self, field: &mut T) {
        if let Change::To(value) = self {
            *field = value;
        }
    }

    /// What was said, if anything.
    pub fn said(self) -> Option<T> {
        match self {
            Change::Keep => None,
            Change::To(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Change::To)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        #[serde(default)]
        number: Change<u8>,
        #[serde(default)]
        note: Change<Option<u8>>,
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let read = |json| serde_json::from_str::<Body>(json);
        assert_eq!(read("{}").unwrap(), Body { number: Change::Keep, note: Change::Keep });
        let said = read(r#"{"number":1,"note":null}"#).unwrap();
        assert_eq!(said, Body { number: Change::To(1), note: Change::To(None) });
        assert!(read(r#"{"number":null}"#).is_err());
        let mut field = Some(3);
        assert_eq!(
            (said.number.said(), said.note.said(), Change::<u8>::Keep.said()),
            (Some(1), Some(None), None)
        );
        said.note.apply_to(&mut field);
        assert_eq!(field, None);
    }
}
