use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
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
        // What a full disk or a power cut left torn stays as it is, and takes no other line with it.
        let torn = ends_torn(&mut file)?;
        let start = if torn { "\n" } else { "" };
        file.write_all(format!("{start}{line}\n").as_bytes())?;
        file.sync_data()
    }
}

fn open(file: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).append(true).open(file)
}

/// Whether the last line has no end.
fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
