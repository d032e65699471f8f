use curfew_domain::Entropy;

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    ///
    /// When the system has no randomness: nothing that is made without it could be trusted.
    #[expect(clippy::expect_used, reason = "a server that can't draw a secret must not go on")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}
