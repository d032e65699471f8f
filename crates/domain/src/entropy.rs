/// Where randomness comes from: the operating system in earnest, a seeded generator in tests.
pub trait Entropy: Send + Sync {
    /// Fills the whole slice with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}
