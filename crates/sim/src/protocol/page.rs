//! Pages of lists: by key, so that what is added or removed in between neither repeats nor hides an item.

use base64::{Engine, engine::general_purpose::URL_SAFE};

use super::fields::Paging;
use crate::refusal::Refusal;

/// A page of a list, and the token of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// How to cut a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    /// What a token is bound to: the operation and what it lists.
    pub(crate) listing: &'a str,
    pub(crate) paging: Paging<'a>,
    /// A further limit on the size of a page.
    pub(crate) page_size: Option<usize>,
    /// Whether the list begins with an empty page.
    pub(crate) empty_first: bool,
}

/// Cuts one page out of all items, in the order of their keys.
pub(crate) fn cut<T>(items: Vec<T>, key: impl Fn(&T) -> String, cut: Cut<'_>) -> Result<Page<T>, Refusal> {
    let after = cut.paging.token.map(|token| read_token(token, cut.listing)).transpose()?;
    if cut.empty_first && after.is_none() && !items.is_empty() {
        return Ok(Page { items: Vec::new(), next: Some(token(cut.listing, "")) });
    }
    let mut keyed: Vec<(String, T)> = items
        .into_iter()
        .map(|item| (key(&item), item))
        .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
        .collect();
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    let size = cut.paging.size.min(cut.page_size.unwrap_or(usize::MAX)).max(1);
    let next = (keyed.len() > size).then(|| token(cut.listing, &keyed[size - 1].0));
    keyed.truncate(size);
    Ok(Page { items: keyed.into_iter().map(|(_, item)| item).collect(), next })
}

fn token(listing: &str, last: &str) -> String {
    URL_SAFE.encode(format!("{listing}\n{last}"))
}

fn read_token(token: &str, listing: &str) -> Result<String, Refusal> {
    URL_SAFE
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            text.split_once('\n').filter(|(own, _)| *own == listing).map(|(_, last)| last.to_owned())
        })
        .ok_or_else(|| Refusal::Invalid {
            message: "The provided NextToken is not valid.".to_owned(),
            reason: "INVALID_NEXT_TOKEN",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(token: Option<&str>, size: usize) -> Result<Page<u32>, Refusal> {
        let paging = Paging { size, token };
        let how = Cut { listing: "L", paging, page_size: None, empty_first: false };
        cut(vec![3, 1, 2, 5, 4], ToString::to_string, how)
    }

    #[test]
    fn pages_together_hold_every_item_once() {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let next = page(token.as_deref(), 2).unwrap();
            all.extend(next.items);
            token = next.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(all, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        assert!(page(Some(&token("M", "1")), 2).is_err());
        assert!(page(Some("%%%"), 2).is_err());
    }
}
