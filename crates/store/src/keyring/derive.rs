use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyId, MasterKey, Purpose};

/// Separates Curfew's keys from whatever else the same text may be used for.
const SALT: &[u8] = b"curfew-keyring-1";

/// The keys that follow from one master key.
pub(super) struct PurposeKeys {
    id: KeyId,
    keys: [Zeroizing<[u8; 32]>; Purpose::ALL.len()],
}

impl PurposeKeys {
    pub(super) fn derive(master: &MasterKey) -> Self {
        let root = Hkdf::<Sha256>::new(Some(SALT), master.bytes());
        let mut id = [0_u8; 4];
        expand(&root, "key-id", &mut id);
        let keys = Purpose::ALL.map(|purpose| {
            let mut key = Zeroizing::new([0_u8; 32]);
            expand(&root, purpose.label(), key.as_mut_slice());
            key
        });
        Self { id: KeyId::from_u32(u32::from_be_bytes(id)), keys }
    }

    pub(super) const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn key(&self, purpose: Purpose) -> &[u8; 32] {
        // `Purpose::ALL` is in the order of declaration, so a purpose's number is its place.
        &self.keys[purpose as usize]
    }
}

#[expect(
    clippy::expect_used,
    reason = "HKDF-SHA-256 gives up to 8,160 bytes (RFC 5869, section 2.3); these are 32"
)]
fn expand(root: &Hkdf<Sha256>, label: &str, out: &mut [u8]) {
    root.expand(label.as_bytes(), out).expect("at most 32 bytes are asked for");
}
