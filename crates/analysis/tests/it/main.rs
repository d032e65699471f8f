//! Questions about whole sets of policies, answered by the real solver.

#[cfg(test)]
mod idling;
#[cfg(test)]
mod narrowing;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reaching;
#[cfg(test)]
mod solvers;
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
