//! A PostgreSQL of a test's own, which it may stop and start under a running server.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::Backend;

/// A private PostgreSQL server; it is stopped and removed when this is dropped.
pub struct Cluster {
    url: String,
    folder: PathBuf,
    _outer: TempDir,
}

impl Cluster {
    /// Starts one, or `None` where PostgreSQL is to be skipped.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one that takes TLS alone from the network, as Amazon RDS does by default.
    pub fn start_with_tls() -> Option<Self> {
        Self::start_with(&[("CURFEW_TEST_POSTGRES_TLS", "on")])
    }

    fn start_with(environment: &[(&str, &str)]) -> Option<Self> {
        Backend::postgresql()?;
        // Short, for a socket's path has 107 bytes, and open to the user postgres, as whom the server runs under root.
        let outer = tempfile::Builder::new().prefix("curfew-pg").tempdir_in("/tmp").expect("a folder");
        open_to_all(outer.path());
        let folder = outer.path().join("pg");
        let url = script("--start", &folder, environment);
        Some(Self { url, folder, _outer: outer })
    }

    /// On this server.
    pub fn backend(&self) -> Backend {
        Backend::Postgresql(self.url.clone())
    }

    /// Stops it at once.
    pub fn stop(&self) {
        script("--stop", &self.folder, &[]);
    }

    /// Starts it again, where it was.
    pub fn resume(&self) {
        script("--resume", &self.folder, &[]);
    }

    /// The certificate that one with TLS shows.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script("--remove", &self.folder, &[]);
    }
}

fn script(what: &str, folder: &std::path::Path, environment: &[(&str, &str)]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/postgres.sh");
    // To a file: the server it leaves running would hold a pipe open.
    let output = tempfile::NamedTempFile::new().expect("a file");
    let status = Command::new(script)
        .arg(what)
        .arg(folder)
        .envs(environment.iter().copied())
        .stdout(output.reopen().expect("a file"))
        .status()
        .expect("tests/postgres.sh");
    assert!(status.success(), "tests/postgres.sh {what}: {status}");
    std::fs::read_to_string(output.path()).expect("its output").trim().to_owned()
}

fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}
