//! The program, run in a directory of its own.

use std::io::{BufRead, BufReader, Read, Seek};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a run may take before the test gives up: far longer than any should, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with a database, or one to come.
pub(crate) struct Place {
    directory: TempDir,
    port: u16,
}

/// How a run of the program ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) output: String,
}

/// A running server.
pub(crate) struct Running {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), port: free_port() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_curfewd"));
        command
            .args(arguments)
            .env_clear()
            .env("SERVER_PORT", self.port.to_string())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Nobody listens there: no test of this crate has an AWS.
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .envs(environment.iter().copied())
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut written = tempfile::tempfile().unwrap();
        let mut process = self
            .command(arguments, environment)
            .stdout(written.try_clone().unwrap())
            .stderr(written.try_clone().unwrap())
            .spawn()
            .unwrap();
        let status = end_of(&mut process);
        let mut output = String::new();
        written.rewind().unwrap();
        written.read_to_string(&mut output).unwrap();
        assert!(!output.contains("panicked"), "{output}");
        let status = status.unwrap_or_else(|| panic!("it does not end: {output}"));
        Ended { status: status.code().expect("no signal"), output }
    }

    /// Starts the server, and waits until it listens.
    pub(crate) fn serve(&self, environment: &[(&str, &str)]) -> Running {
        let mut process = self
            .command(&["serve"], environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut running = Running { output: BufReader::new(process.stdout.take().unwrap()), process };
        running.wait_for("server is listening");
        running
    }
}

impl Running {
    /// Reads its log up to the line that says so.
    pub(crate) fn wait_for(&mut self, message: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended without saying {message:?}");
            if line.contains(message) {
                return line;
            }
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn status(mut self) -> i32 {
        let status = self.process.wait().unwrap();
        status.code().expect("no signal")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for a process that should end by itself; none when it does not.
fn end_of(process: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = process.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    None
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
