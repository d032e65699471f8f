//! When to try again.

use curfew_domain::{Entropy, Timestamp};

/// The longest pause between two tries, in milliseconds: a deletion is tried without limit, at least this often.
const LONGEST_MILLIS: u64 = 60_000;

/// The moment of the next try after `attempts` failures in a row: 1 s, doubled each time up to a minute, of which
/// the upper half is drawn, so that many that failed together don't come back together.
pub(super) fn next_try(attempts: u32, now: Timestamp, entropy: &dyn Entropy) -> Timestamp {
    let full = 1_000_u64.saturating_mul(1_u64 << attempts.min(10)).min(LONGEST_MILLIS);
    let mut bytes = [0_u8; 8];
    entropy.fill(&mut bytes);
    let half = full / 2;
    let drawn = half + u64::from_le_bytes(bytes) % (half + 1);
    now.plus_millis(i64::try_from(drawn).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::SeededEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn pauses_grow_from_half_a_second_to_a_minute_at_most() {
        let entropy = SeededEntropy::new(1);
        for (attempts, least, most) in
            [(0, 500, 1_000), (3, 4_000, 8_000), (6, 30_000, 60_000), (u32::MAX, 30_000, 60_000)]
        {
            for _ in 0..100 {
                let pause = next_try(attempts, NOW, &entropy).unix_millis() - NOW.unix_millis();
                assert!((least..=most).contains(&pause), "{attempts}: {pause}");
            }
        }
    }
}
