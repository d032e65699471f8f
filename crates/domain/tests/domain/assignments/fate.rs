//! What happens by fate: the same seed, the same story.

use curfew_domain::Timestamp;

/// `SplitMix64`.
pub(super) struct Fate(u64);

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Whether something happens that happens so often in a thousand times.
    pub(super) fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.next() % 1_000 < in_a_thousand
    }

    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        self.next() % (most + 1)
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = choices.len() as u64;
        choices[usize::try_from(self.next() % count).unwrap()]
    }
}

pub(super) fn millis_after(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_micros(moment.micros() + millis * 1_000)
}
