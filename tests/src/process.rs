//! The program as a process: how it is found, started and waited for.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::fresh::fresh_bytes;
use crate::{Database, Logs, PATIENCE};

/// How a program ended that was not expected to go on.
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote.
    pub output: String,
}

pub(crate) fn run_to_end(
    arguments: &[&str],
    environment: &BTreeMap<String, String>,
    database: &Database,
) -> Ended {
    let logs = Logs::default();
    let mut process = Command::new(program()).args(arguments).envs_only(environment, database).follow(&logs);
    let status = wait_for_end(&mut process, &logs);
    logs.wait_until_read();
    Ended { status, output: logs.text() }
}

/// How the program is started, always.
pub(crate) trait Launch {
    fn envs_only(&mut self, environment: &BTreeMap<String, String>, database: &Database) -> &mut Self;
    fn follow(&mut self, logs: &Logs) -> Child;
}

impl Launch for Command {
    fn envs_only(&mut self, environment: &BTreeMap<String, String>, database: &Database) -> &mut Self {
        self.env_clear().envs(environment).current_dir(database.folder())
    }

    fn follow(&mut self, logs: &Logs) -> Child {
        let spawned = self.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = spawned.expect("curfewd starts");
        logs.follow(process.stdout.take().expect("piped"));
        logs.follow(process.stderr.take().expect("piped"));
        process
    }
}

pub(crate) fn wait_for_end(process: &mut Child, logs: &Logs) -> ExitStatus {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = process.try_wait().expect("it is ours") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = process.kill();
    let _ = process.wait();
    panic!("curfewd does not end:\n{}", logs.text());
}

/// The program under test: built by the same command, into the folder of this program or, where this is a test,
/// the one above.
///
/// # Panics
/// When it is not there.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let found =
        this.ancestors().skip(1).take(2).map(|folder| folder.join("curfewd")).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!(
            "there is no curfewd near {}: run `make test`, or `cargo build --workspace --all-targets` first",
            this.display()
        )
    })
}

/// A port that was free a moment ago, below the range from which the kernel lends ports to clients.
///
/// # Panics
/// When none is found.
pub fn free_port() -> u16 {
    let start = u16::from_le_bytes(fresh_bytes()) % 10_000 + 10_000;
    (start..start + 500)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port below 20,500")
}
