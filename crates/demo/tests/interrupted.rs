//! `curfew-demo` as a program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_curfew-demo");

#[test]
fn who_interrupts_the_tour_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo =
        Command::new(PROGRAM).env("TMPDIR", temporary.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(demo.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("Curfew itself answers at")));
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1, "its database is there");
    let interrupt = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    // Whoever stops reading stops what is written too.
    let rest = std::thread::spawn(move || said.count());
    assert!(demo.wait().unwrap().success());
    rest.join().unwrap();
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}
