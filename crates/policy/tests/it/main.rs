//! The policy crate from its edge. Modules say `cfg(test)` so that clippy knows them for tests.

#[cfg(test)]
mod decisions;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod forbidden;
#[cfg(test)]
mod fuzzed;
#[cfg(test)]
mod one_access;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod warnings;
#[cfg(test)]
mod world;

/// How many cases a property is tried on: as many as said here, or as `PROPTEST_CASES` says.
fn cases(usual: u32) -> proptest::prelude::ProptestConfig {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    proptest::prelude::ProptestConfig {
        cases: said.unwrap_or(usual),
        failure_persistence: None,
        ..Default::default()
    }
}
