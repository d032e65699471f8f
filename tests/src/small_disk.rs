//! A disk that is soon full: a few mebibytes of memory, mounted where only the server sees it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Database;

/// Enough for the tables and little more.
const SIZE: &str = "8m";

/// Where the server finds it.
pub(crate) fn mount_point(database: &Database) -> PathBuf {
    database.folder().join("small")
}

/// A database on it.
pub(crate) fn database_url(database: &Database) -> String {
    format!("sqlite://{}", mount_point(database).join("curfew.db").display())
}

/// The program in a mount namespace of its own, as the same process: it can be killed, and the disk goes with it.
pub(crate) fn command(program: &Path, database: &Database) -> Command {
    let mount_point = mount_point(database);
    std::fs::create_dir_all(&mount_point).expect("a folder");
    let mut command = Command::new("unshare");
    // Who is not root may mount where they are root of a user namespace.
    let alone = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|ended| ended.success());
    command.args(if alone { &["--mount"][..] } else { &["--mount", "--map-root-user"] });
    let script = format!(r#"mount -t tmpfs -o size={SIZE} none "$1" && shift && exec "$@""#);
    command.args(["sh", "-c", &script, "sh"]).arg(mount_point).arg(program);
    command
}
