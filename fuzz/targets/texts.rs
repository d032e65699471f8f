//! Rules as text.
#![no_main]

#[path = "../checks/texts.rs"]
mod texts;
#[path = "../../crates/policy/tests/it/world.rs"]
#[expect(dead_code, reason = "the tests of crates/policy use all of it")]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| texts::check(data));
