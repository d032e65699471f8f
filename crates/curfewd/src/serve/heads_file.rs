use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use curfew_app::audit::heads::HeadSink;

use super::ServeError;
use crate::config::Config;

/// Where heads of the audit log are kept outside the database: a file that is only ever appended to, and the log.
pub(super) struct HeadsFile(Option<PathBuf>);

impl HeadsFile {
    /// Makes the file when it is missing, and sees that it can be appended to.
    pub(super) fn open(config: &Config) -> Result<Self, ServeError> {
        if let Some(file) = &config.audit_heads {
            open(file).map_err(|source| ServeError::Heads { file: file.clone(), source })?;
        }
        Ok(Self(config.audit_heads.clone()))
    }
}

impl HeadSink for HeadsFile {
    fn append(&self, line: &str) -> io::Result<()> {
        tracing::info!(head = line, "audit head was signed");
        let Some(file) = &self.0 else { return Ok(()) };
        // Opened anew each time, so that whoever ships it may move it away.
        let mut file = open(file)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}

fn open(file: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(file)
}
