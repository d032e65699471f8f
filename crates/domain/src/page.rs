//! Pages of lists: by position (keyset), so that what is inserted meanwhile moves nothing.

use uuid::Uuid;

use crate::{Invalid, Timestamp};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The position of the last item, when more follow.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts a page out of up to `limit + 1` rows: the one too many says that more follow.
    pub fn cut(mut rows: Vec<T>, limit: PageLimit, position: impl FnOnce(&T) -> Cursor) -> Self {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next = if more { rows.last().map(position) } else { None };
        Self { items: rows, next }
    }

    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: PageLimit,
    /// The position after which it begins; none: at the start.
    pub after: Option<Cursor>,
}

/// How many items a page has at most: 1 to 250.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The most that can be asked for.
    pub const MAX: PageLimit = PageLimit(250);

    /// A limit within bounds.
    pub fn new(limit: u16) -> Result<Self, Invalid> {
        if (1..=Self::MAX.0).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(Invalid::new("a limit is a whole number from 1 to 250"))
        }
    }

    /// As a number of rows.
    pub const fn rows(self) -> usize {
        self.0 as usize
    }

    /// How many rows to read: one more than are shown, to see whether more follow.
    pub const fn rows_to_read(self) -> u64 {
        self.0 as u64 + 1
    }
}

impl Default for PageLimit {
    /// 50.
    fn default() -> Self {
        Self(50)
    }
}

/// A position in a list: the sort key of one of its items, in a form that the list itself chooses.
///
/// Callers see it sealed to tenant, list and filters, so a list only ever meets its own positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The position of an item in a list by time, then id.
    pub fn at(moment: Timestamp, id: Uuid) -> Self {
        Self(moment.micros().to_be_bytes().into_iter().chain(*id.as_bytes()).collect())
    }

    /// Time and id, in a list by time and id.
    pub fn moment_and_id(&self) -> Option<(Timestamp, Uuid)> {
        let (moment, id) = self.0.split_first_chunk::<8>()?;
        let moment = Timestamp::from_micros(i64::from_be_bytes(*moment));
        Some((moment, Uuid::from_slice(id).ok()?))
    }

    /// A position of a list with another order.
    pub const fn from_bytes(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The position's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_as_it_was_written() {
        let (moment, id) = (Timestamp::from_micros(1_772_366_400_000_001), Uuid::from_u128(7));
        assert_eq!(Cursor::at(moment, id).moment_and_id(), Some((moment, id)));
        assert_eq!(Cursor::from_bytes(vec![1, 2, 3]).moment_and_id(), None);
    }

    #[test]
    fn a_page_says_that_more_follow_only_when_they_do() {
        let limit = PageLimit::new(2).unwrap();
        let position = |row: &u8| Cursor::from_bytes(vec![*row]);
        assert_eq!(Page::cut(vec![1, 2], limit, position).next, None);
        let page = Page::cut(vec![1, 2, 3], limit, position);
        assert_eq!((page.items, page.next), (vec![1, 2], Some(Cursor::from_bytes(vec![2]))));
    }

    #[test]
    fn a_limit_is_between_1_and_250() {
        assert!(PageLimit::new(0).is_err());
        assert!(PageLimit::new(251).is_err());
        assert_eq!(PageLimit::new(250), Ok(PageLimit::MAX));
    }
}
