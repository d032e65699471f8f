//! When a message that did not arrive is sent again.

use curfew_domain::{Entropy, Timestamp};

/// The pauses after each failure, in seconds: some three days together.
const PAUSES: [u32; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The moment of the next try after so many failures; none where it was tried often enough. Up to a tenth is added, drawn
/// each time, so that many that failed together don't come back together.
pub(super) fn next_try(failures: u32, now: Timestamp, entropy: &dyn Entropy) -> Option<Timestamp> {
    let pause = PAUSES.get(usize::try_from(failures.checked_sub(1)?).ok()?)?;
    let millis = u64::from(*pause) * 1_000;
    let mut bytes = [0_u8; 8];
    entropy.fill(&mut bytes);
    let drawn = millis + u64::from_le_bytes(bytes) % (millis / 10 + 1);
    Some(now.plus_millis(i64::try_from(drawn).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::SeededEntropy;

    use super::*;

    #[test]
    fn pauses_grow_until_it_is_given_up_after_three_days() {
        let (entropy, now) = (SeededEntropy::new(1), Timestamp::from_micros(1_000_000_000));
        let mut pauses = Vec::new();
        let mut failures = 1;
        while let Some(next) = next_try(failures, now, &entropy) {
            pauses.push(next.since(now).as_secs());
            failures += 1;
        }
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!(pauses.len(), 9);
        assert!((5..=6).contains(&pauses[0]));
        let days = pauses.iter().sum::<u64>() / 86_400;
        assert_eq!(days, 3, "{pauses:?}");
        assert_eq!(next_try(0, now, &entropy), None);
    }
}
