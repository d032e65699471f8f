use curfew_domain::TenantId;
use curfew_domain::testing::SeededEntropy;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::*;

fn master(letter: char) -> MasterKey {
    letter.to_string().repeat(44).parse().unwrap()
}

fn keyring(current: char, older: &[char]) -> Keyring {
    let older: Vec<_> = older.iter().copied().map(master).collect();
    Keyring::new(&master(current), &older).unwrap()
}

fn place(tenant: u128, column: &'static str) -> SealedColumn {
    SealedColumn { tenant: TenantId::from_uuid(Uuid::from_u128(tenant)), column }
}

const COLUMN: &str = "oidc_config.client_secret";

#[test]
fn a_short_master_key_is_refused() {
    assert!("x".repeat(31).parse::<MasterKey>().is_err());
    assert!("x".repeat(32).parse::<MasterKey>().is_ok());
}

#[test]
fn the_same_master_key_twice_is_refused() {
    assert!(Keyring::new(&master('a'), &[master('a')]).is_err());
    assert!(Keyring::new(&master('a'), &[master('b'), master('b')]).is_err());
}

#[test]
fn every_purpose_has_a_key_of_its_own() {
    let ring = keyring('a', &[]);
    let digests: std::collections::HashSet<_> =
        Purpose::ALL.into_iter().map(|purpose| ring.hash(purpose, &[b"same"]).digest).collect();
    assert_eq!(digests.len(), Purpose::ALL.len());
}

#[test]
fn a_sealed_text_opens_only_in_its_place() {
    let ring = keyring('a', &[]);
    let sealed = ring.seal(place(1, COLUMN), &SecretString::from("s3cret"), &SeededEntropy::new(1));
    assert_eq!(ring.open(place(1, COLUMN), &sealed).unwrap().expose_secret(), "s3cret");
    assert_eq!(ring.open(place(2, COLUMN), &sealed).unwrap_err(), OpenError::Refused);
    assert_eq!(ring.open(place(1, "channel.url"), &sealed).unwrap_err(), OpenError::Refused);
}

#[test]
fn a_rotation_reseals_and_then_does_without_the_old_key() {
    let before = keyring('a', &[]);
    let sealed = before.seal(place(1, COLUMN), &SecretString::from("s3cret"), &SeededEntropy::new(1));
    let during = keyring('b', &['a']);
    let renewed = during.reseal(place(1, COLUMN), &sealed, &SeededEntropy::new(2)).unwrap().unwrap();
    assert_eq!(during.reseal(place(1, COLUMN), &renewed, &SeededEntropy::new(3)), Ok(None));
    let after = keyring('b', &[]);
    assert_eq!(after.open(place(1, COLUMN), &renewed).unwrap().expose_secret(), "s3cret");
    assert_eq!(
        after.open(place(1, COLUMN), &sealed).unwrap_err(),
        OpenError::UnknownKey(before.current_key())
    );
}

#[test]
fn a_hash_is_found_under_an_older_key_and_called_stale() {
    let kept = keyring('a', &[]).hash(Purpose::Credential, &[b"token"]);
    let ring = keyring('b', &['a']);
    assert!(ring.candidates(Purpose::Credential, &[b"token"]).contains(&kept));
    assert!(!ring.candidates(Purpose::Credential, &[b"tokem"]).contains(&kept));
    assert!(!ring.candidates(Purpose::Csrf, &[b"token"]).contains(&kept));
    assert!(ring.is_stale(kept.key));
    assert!(!keyring('b', &[]).candidates(Purpose::Credential, &[b"token"]).contains(&kept));
}

#[test]
fn parts_of_what_is_hashed_are_told_apart() {
    let ring = keyring('a', &[]);
    assert_ne!(ring.hash(Purpose::LoginName, &[b"a", b"bc"]), ring.hash(Purpose::LoginName, &[b"ab", b"c"]));
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let key = master('q');
    let ring = Keyring::new(&key, &[]).unwrap();
    let sealed = ring.seal(place(1, COLUMN), &SecretString::from("zebra"), &SeededEntropy::new(1));
    for shown in [format!("{key:?}"), format!("{ring:?}"), format!("{sealed:?}")] {
        assert!(!shown.contains("qq") && !shown.contains("zebra"), "{shown}");
    }
}

proptest! {
    #[test]
    fn what_is_sealed_comes_back(text in ".{0,200}", tenant: u128, seed: u64) {
        let ring = keyring('a', &[]);
        let sealed = ring.seal(place(tenant, COLUMN), &SecretString::from(text.clone()), &SeededEntropy::new(seed));
        let stored = SealedText::from_bytes(sealed.as_bytes().to_vec());
        let opened = ring.open(place(tenant, COLUMN), &stored).unwrap();
        prop_assert_eq!(opened.expose_secret(), &text);
    }

    #[test]
    fn a_changed_byte_is_noticed(text in ".{0,40}", at: prop::sample::Index, flip in 1_u8..) {
        let ring = keyring('a', &[]);
        let sealed = ring.seal(place(1, COLUMN), &SecretString::from(text), &SeededEntropy::new(1));
        let mut bytes = sealed.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(ring.open(place(1, COLUMN), &SealedText::from_bytes(bytes)).is_err());
    }

    #[test]
    fn whatever_is_stored_opening_it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(keyring('a', &[]).open(place(1, COLUMN), &SealedText::from_bytes(bytes)).is_err());
    }
}
