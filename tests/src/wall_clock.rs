//! A wall clock of a process's own, which a test sets while the process runs. The process itself has no part in it:
//! libfaketime (<https://github.com/wolfcw/libfaketime>) answers in place of the system. Time that has passed
//! (`CLOCK_MONOTONIC`) is the machine's, as on a machine whose clock is set.

use std::path::{Path, PathBuf};

/// Which file says how far off it is.
#[derive(Debug, Clone)]
pub(crate) struct WallClock(PathBuf);

impl WallClock {
    /// One that is right, for the process that listens on this port.
    ///
    /// # Panics
    /// Where libfaketime is not installed.
    pub(crate) fn right(folder: &Path, port: u16) -> Self {
        let clock = Self(folder.join(format!("wall-clock-{port}")));
        clock.set(0);
        clock
    }

    /// Sets it, so many seconds ahead of the machine's or, below zero, behind.
    pub(crate) fn set(&self, seconds_ahead: i64) {
        // At once: the process reads it all the time.
        let written = self.0.with_extension("new");
        std::fs::write(&written, format!("{seconds_ahead:+}\n")).expect("a file");
        std::fs::rename(&written, &self.0).expect("a file");
    }

    /// What its process is started with.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}

/// Where the package puts it depends on the architecture.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = folders
        .chain([PathBuf::from("/usr/lib")])
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    found.expect("libfaketime: run `make test`, or `apt-get install faketime` first")
}
