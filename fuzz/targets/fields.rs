//! Rules in fields.
#![no_main]

#[path = "../checks/fields.rs"]
mod fields;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fields::check(data));
