//! Time and randomness for tests: moved by hand, and repeatable.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::{Clock, Entropy, Seconds, Timestamp};

/// A clock that moves only when it is told to, and by a microsecond at each reading.
#[derive(Debug)]
pub struct TestClock {
    micros: AtomicI64,
    leaps_by: AtomicI64,
    has_leapt: AtomicBool,
}

impl TestClock {
    /// A clock that stands at `start`.
    pub const fn at(start: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(start.micros()),
            leaps_by: AtomicI64::new(0),
            has_leapt: AtomicBool::new(false),
        }
    }

    /// Has somebody set it forward when it is read next.
    pub fn leap_when_read(&self, by: Seconds) {
        self.leaps_by.store(by.get() * 1_000_000, Ordering::SeqCst);
    }

    /// Where it has leapt to is right.
    pub fn trust(&self) {
        self.has_leapt.store(false, Ordering::SeqCst);
    }

    /// Moves it forward a little.
    pub fn advance_millis(&self, by: u32) {
        self.micros.fetch_add(i64::from(by) * 1_000, Ordering::SeqCst);
    }

    /// Moves it forward.
    pub fn advance(&self, by: Seconds) {
        self.micros.fetch_add(by.get() * 1_000_000, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    /// Stands at 2026-03-01T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_micros(1_772_366_400_000_000))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let leaps_by = self.leaps_by.swap(0, Ordering::SeqCst);
        self.has_leapt.fetch_or(leaps_by > 0, Ordering::SeqCst);
        Timestamp::from_micros(self.micros.fetch_add(leaps_by + 1, Ordering::SeqCst) + leaps_by + 1)
    }

    fn has_leapt(&self) -> bool {
        self.has_leapt.load(Ordering::SeqCst)
    }
}

/// Bytes that follow from a seed: the same seed, the same ids (SplitMix64).
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let state =
            self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
