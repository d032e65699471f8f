//! Cursors as callers see them: positions, sealed to the list that gave them out.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use curfew_domain::{Cursor, TenantId};
use curfew_store::keyring::{KeyId, KeyedHash, Keyring, Purpose};

/// One list of one tenant, with the filters it is read with: where a cursor may be used.
#[derive(Debug, Clone, Copy)]
pub struct ListScope<'a> {
    /// Whose list.
    pub tenant: TenantId,
    /// Which: the operation's path.
    pub list: &'a str,
    /// The filters in one canonical text.
    pub filters: &'a str,
}

/// Not a cursor that was given out for this list. Nothing tells whether it is made up, changed or another list's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list with these filters")]
pub struct ForeignCursor;

/// How much of the 32 bytes of the hash goes out: 128 bits.
const MARK_BYTES: usize = 16;
const KEY_ID_BYTES: usize = 4;

/// The opaque form of a position: base64url of `key id | mark | position`, marked with a keyed hash over the
/// position and the list it belongs to.
pub fn seal(keyring: &Keyring, scope: ListScope<'_>, cursor: &Cursor) -> String {
    let hash = keyring.hash(Purpose::Cursor, &marked(scope.tenant.uuid().as_bytes(), &scope, cursor.bytes()));
    let mut sealed = hash.key.get().to_be_bytes().to_vec();
    sealed.extend(&hash.digest[..MARK_BYTES]);
    sealed.extend(cursor.bytes());
    BASE64_URL_SAFE_NO_PAD.encode(sealed)
}

/// The position in `text`, if it was given out for this very list.
pub fn open(keyring: &Keyring, scope: ListScope<'_>, text: &str) -> Result<Cursor, ForeignCursor> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| ForeignCursor)?;
    let (key, rest) = sealed.split_first_chunk::<KEY_ID_BYTES>().ok_or(ForeignCursor)?;
    let (mark, position) = rest.split_first_chunk::<MARK_BYTES>().ok_or(ForeignCursor)?;
    let key = KeyId::from_u32(u32::from_be_bytes(*key));
    let expected = keyring
        .candidates(Purpose::Cursor, &marked(scope.tenant.uuid().as_bytes(), &scope, position))
        .into_iter()
        .find(|hash: &KeyedHash| hash.key == key)
        .ok_or(ForeignCursor)?;
    if subtle::ConstantTimeEq::ct_eq(&expected.digest[..MARK_BYTES], &mark[..]).into() {
        Ok(Cursor::from_bytes(position.to_vec()))
    } else {
        Err(ForeignCursor)
    }
}

/// All that a mark covers.
fn marked<'a>(tenant: &'a [u8; 16], scope: &'a ListScope<'_>, position: &'a [u8]) -> [&'a [u8]; 4] {
    [tenant, scope.list.as_bytes(), scope.filters.as_bytes(), position]
}

#[cfg(test)]
mod tests {
    use curfew_domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn keyring(letter: &str) -> Keyring {
        Keyring::new(&letter.repeat(40).parse().unwrap(), &[]).unwrap()
    }

    fn scope(tenant: u128, list: &'static str, filters: &'static str) -> ListScope<'static> {
        ListScope { tenant: TenantId::from_uuid(Uuid::from_u128(tenant)), list, filters }
    }

    #[test]
    fn a_cursor_opens_for_its_own_list_alone() {
        let keyring = keyring("k");
        let cursor = Cursor::at(Timestamp::from_micros(5), Uuid::from_u128(9));
        let here = scope(1, "/v1/grants", "status=active");
        let text = seal(&keyring, here, &cursor);
        assert_eq!(open(&keyring, here, &text), Ok(cursor));
        for other in [
            scope(2, "/v1/grants", "status=active"),
            scope(1, "/v1/requests", "status=active"),
            scope(1, "/v1/grants", "status=expired"),
            scope(1, "/v1/grantss", "kind=active"),
        ] {
            assert_eq!(open(&keyring, other, &text), Err(ForeignCursor), "{other:?}");
        }
    }

    #[test]
    fn a_cursor_that_was_made_up_or_changed_does_not_open() {
        let keyring = keyring("k");
        let here = scope(1, "/v1/grants", "");
        let text = seal(&keyring, here, &Cursor::from_bytes(vec![1, 2, 3]));
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let changed = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let foreign = seal(&self::keyring("x"), here, &Cursor::from_bytes(vec![1, 2, 3]));
        for bad in ["", "AAAA", "not base64!", &changed, &foreign, &format!("{text}A")] {
            assert_eq!(open(&keyring, here, bad), Err(ForeignCursor), "{bad}");
        }
    }

    #[test]
    fn a_cursor_outlives_a_new_master_key() {
        let old = "k".repeat(40).parse().unwrap();
        let here = scope(1, "/v1/grants", "");
        let cursor = Cursor::from_bytes(vec![7]);
        let text = seal(&Keyring::new(&old, &[]).unwrap(), here, &cursor);
        let rotated = Keyring::new(&"n".repeat(40).parse().unwrap(), &[old]).unwrap();
        assert_eq!(open(&rotated, here, &text), Ok(cursor));
    }
}
