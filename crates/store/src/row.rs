//! From raw columns to domain types.

use std::str::FromStr;

use curfew_domain::{Scope, ScopeSet, Timestamp};
use sea_orm::{ActiveValue, Value};

use crate::StoreError;
use crate::keyring::{KeyId, KeyedHash};

/// A row being read: parses its columns, and names the row where one is corrupt.
pub(crate) struct Row<Id> {
    pub(crate) table: &'static str,
    pub(crate) id: Id,
}

impl<Id: ToString> Row<Id> {
    /// A text column that holds a domain value.
    pub(crate) fn parse<T: FromStr>(&self, column: &str, text: &str) -> Result<T, StoreError>
    where
        T::Err: std::fmt::Display,
    {
        text.parse().map_err(|problem: T::Err| self.corrupt(column, problem))
    }

    /// The same, where the column may be null.
    pub(crate) fn parse_some<T: FromStr>(
        &self,
        column: &str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError>
    where
        T::Err: std::fmt::Display,
    {
        text.map(|text| self.parse(column, text)).transpose()
    }

    /// A column of JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        column: &str,
        value: serde_json::Value,
    ) -> Result<T, StoreError> {
        serde_json::from_value(value).map_err(|problem| self.corrupt(column, problem))
    }

    /// A column of scopes. One that this program does not know gives nothing: a later one may have written it, before
    /// whoever runs Curfew went back to this.
    pub(crate) fn scopes(&self, column: &str, value: serde_json::Value) -> Result<ScopeSet, StoreError> {
        let names: Vec<String> = self.json(column, value)?;
        let known: ScopeSet = names.iter().filter_map(|name| name.parse::<Scope>().ok()).collect();
        let unknown: Vec<&String> = names.iter().filter(|name| name.parse::<Scope>().is_err()).collect();
        if !unknown.is_empty() {
            let (table, id) = (self.table, self.id.to_string());
            tracing::warn!(table, id, ?unknown, "scopes that this program does not know give nothing");
        }
        Ok(known)
    }

    /// A column of exactly `N` bytes.
    pub(crate) fn bytes<const N: usize>(&self, column: &str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
        bytes.try_into().map_err(|_| self.corrupt(column, format!("{} bytes instead of {N}", bytes.len())))
    }

    /// A keyed hash from its two columns.
    pub(crate) fn keyed_hash(&self, key: i64, digest: &[u8]) -> Result<KeyedHash, StoreError> {
        let key = u32::try_from(key).map_err(|problem| self.corrupt("key_id", problem))?;
        Ok(KeyedHash { key: KeyId::from_u32(key), digest: self.bytes("hash", digest)? })
    }

    /// A column that only ever counts up.
    pub(crate) fn count(&self, column: &str, number: i64) -> Result<u64, StoreError> {
        u64::try_from(number).map_err(|problem| self.corrupt(column, problem))
    }

    /// What is wrong with the row.
    pub(crate) fn corrupt(&self, column: &str, problem: impl std::fmt::Display) -> StoreError {
        StoreError::corrupt(self.table, self.id.to_string(), format!("{column}: {problem}"))
    }
}

/// What an update does with a column: nothing, unless its value is another. What somebody else changes at the same
/// time is then not overwritten with what was read before.
pub(crate) fn changed<T: PartialEq + Into<Value>>(before: T, after: T) -> ActiveValue<T> {
    if before == after { ActiveValue::NotSet } else { ActiveValue::Set(after) }
}

/// A moment out of a column that may be null.
pub(crate) fn moment(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// A moment for a column that may be null.
pub(crate) fn micros(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::micros)
}

/// A number that never gets near the column's end.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
