use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Temporary AWS access that ends on time.
///
/// Settings come from the environment, .env and curfew.toml; docs/configuration.md lists them.
#[derive(Debug, Parser)]
#[command(name = "curfewd", version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API and look after assignments, until SIGTERM.
    ///
    /// Migrates the database first where its role may. To rotate the master key, give `CURFEW_MASTER_KEY=new,old`; drop
    /// the old one when the log says that nothing needs it.
    Serve {
        /// Only answer: leave assignments, discovery and the audit heads to other nodes.
        #[arg(long)]
        no_reconcile: bool,
    },
    /// Bring the database's schema up to this program, and end.
    Migrate,
    /// Compare AWS with a database that was restored from a backup, before a server works with it: 0 all is known, 1 not
    /// all could be compared, 2 a setting or an argument is wrong, 3 something unknown waits for an admin.
    ///
    /// What AWS holds and the database doesn't know becomes a finding of drift, to adopt or to remove; of permission sets
    /// that are exclusive to Curfew it is removed as soon as a server runs. Grants whose access AWS doesn't prove end. All
    /// logins end. It may be run again.
    Recover {
        /// One tenant alone, by its slug or id.
        #[arg(long)]
        tenant: Option<String>,
        /// Look at permission sets alone that are exclusive to Curfew.
        #[arg(long)]
        exclusive_only: bool,
        /// Let logins go on, also those that were ended since the backup.
        #[arg(long)]
        keep_sessions: bool,
        /// The file of signed heads from before the restore: it tells how late it was then, and how far the log went.
        #[arg(long)]
        heads: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the `OpenAPI` description of the API, and end.
    Openapi,
    /// The audit log.
    Audit {
        /// What to do with it.
        #[command(subcommand)]
        command: AuditCommand,
    },
}

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk every tenant's chain: 0 whole, 1 broken, 2 it could not be looked at, 3 whole but its end is not proved.
    ///
    /// The end is proved by signed heads, as far as their keys are known.
    Verify {
        /// The file of signed heads, kept where the database's administrators can't write.
        #[arg(long)]
        heads: Option<PathBuf>,
        /// A file of public keys, as `audit keys` prints them: heads of these alone are believed, and
        /// `CURFEW_SIGNING_KEY` is not needed.
        #[arg(long, requires = "heads")]
        keys: Option<PathBuf>,
    },
    /// Print the public keys of this server's heads, for whoever verifies and must not be able to sign.
    Keys,
}
