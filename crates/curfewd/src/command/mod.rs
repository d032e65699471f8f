//! What the program does when it is called.

mod keys;
mod recover;
mod serve;
mod verify;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use curfew_app::with_causes;

use crate::cli::{AuditCommand, Cli, Command};
use crate::config::{self, Source};
use crate::serve::ServeError;
use crate::{Secrets, SystemEntropy};

/// What is wrong with the call itself, or with what was configured. Of `audit`, whatever kept it from looking: 1 says
/// that the log is broken.
const MISTAKE: u8 = 2;

/// How long threads may take to end once all is done: one that asks the system where a name leads can't be broken off,
/// and may wait for a name server for longer than whoever stops the program does.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Does what `arguments` say. The status is 0 when it was done, 2 when a setting is wrong, else 1; `audit verify`
/// and `recover` have their own.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers of this kind too. Nobody is left to be told of a closed output.
            let _ = answer.print();
            return if answer.use_stderr() { MISTAKE.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Command::Openapi = cli.command {
        return print(&curfew_http::openapi());
    }
    let threadless = if let Command::Audit { .. } = cli.command { MISTAKE } else { 1 };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(command(cli.command));
            runtime.shutdown_timeout(LAST_THREADS);
            code
        }
        Err(error) => fail(threadless, &format!("threads can't be started: {error}")),
    }
}

async fn command(command: Command) -> ExitCode {
    let source = match Source::gather(Path::new(".")) {
        Ok(source) => source,
        Err(problems) => return failed(&ServeError::Config(problems)),
    };
    let done = match command {
        Command::Serve { no_reconcile } => serve::serve(&source, !no_reconcile).await,
        Command::Migrate => migrate(&source).await,
        Command::Audit { command } => {
            return audit(&source, command).await.unwrap_or_else(|error| fail(MISTAKE, &error.to_string()));
        }
        Command::Recover { tenant, exclusive_only, keep_sessions, heads, json } => {
            let wish = recover::Wish {
                tenant: tenant.as_deref(),
                exclusive_only,
                keeps_sessions: keep_sessions,
                heads: heads.as_deref(),
                json,
            };
            return recover::run(&source, wish).await.unwrap_or_else(|error| failed(&error));
        }
        Command::Openapi => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn audit(source: &Source, command: AuditCommand) -> Result<ExitCode, ServeError> {
    match command {
        AuditCommand::Verify { heads, keys } => {
            let against = verify::Against { heads: heads.as_deref(), keys: keys.as_deref() };
            Ok(verify::verify(source, against).await?.tell())
        }
        AuditCommand::Keys => Ok(print(&keys::print(source)?)),
    }
}

async fn migrate(source: &Source) -> Result<(), ServeError> {
    let database = config::read_database(source).map_err(ServeError::Config)?;
    if !config::gives_all_secrets(source) {
        Secrets::make_for_new(&database, &SystemEntropy)?;
    }
    crate::serve::migrate(&database).await
}

fn failed(error: &ServeError) -> ExitCode {
    fail(error.exit_status(), &with_causes(error))
}

/// Says why, one line a problem, on the error output.
fn fail(status: u8, problems: &str) -> ExitCode {
    let mut output = std::io::stderr().lock();
    for problem in problems.lines() {
        let _ = writeln!(output, "curfewd: {problem}");
    }
    status.into()
}

/// Prints a whole text, so that `| head` and a full disk are noticed.
fn print(text: &str) -> ExitCode {
    let mut output = std::io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("the output can't be written: {error}")),
    }
}
