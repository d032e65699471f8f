//! One process a SQLite file.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::OpenError;

/// Held as long as the database is open. It lies in a file of its own, `<database>.lock`, since SQLite locks ranges
/// of the database file itself; the system lets go of it however the process ends. It lies beside the file that a
/// symbolic link leads to, or each of two paths to one file would have a lock of its own.
pub(crate) struct ProcessLock {
    _file: File,
}

impl ProcessLock {
    /// Takes the lock of the database at `path`, which is there, at once or not at all.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let not_writable = |source| OpenError::NotWritable { path: path.to_owned(), source };
        let beside = beside(&path.canonicalize().map_err(not_writable)?);
        let file =
            File::options().create(true).truncate(false).write(true).open(beside).map_err(not_writable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(not_writable(source)),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
