//! The SMT solver: a program of its own, started anew for each question.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cedar_policy_symcc::solver::{Decision, SolverError};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::Why;
use crate::reply::{Reply, Said};

/// How long one question takes at most; what is harder is not answered.
const LONGEST: Duration = Duration::from_secs(8);

/// How much memory a solver takes at most, in KiB.
const MOST_MEMORY: &str = "1500000";

/// How much of what a solver says is read, in bytes. Our questions ask for a few values.
const MOST_SAID: u64 = 1 << 20;

/// How large a question may be, in bytes. Larger ones take a solver longer than anybody waits.
const LARGEST: usize = 8 << 20;

/// What is searched for, where nobody says which program it is.
const USUAL: &str = "cvc5";

/// Where to find a solver, and how many of them may run at once.
#[derive(Debug, Clone)]
pub struct Solver {
    program: PathBuf,
    turns: Arc<Semaphore>,
}

impl Solver {
    /// The solver at this path; else `cvc5`, in the directories that `path` (as the environment's `PATH`) names. None where
    /// there is no such file. At most `at_once` of them run together.
    pub fn find(program: Option<&Path>, path: &str, at_once: usize) -> Option<Self> {
        let found = match program {
            Some(program) => Some(program.to_owned()),
            None => {
                std::env::split_paths(path).map(|directory| directory.join(USUAL)).find(|file| file.is_file())
            }
        };
        let program = found.filter(|file| file.is_file())?;
        Some(Self { program, turns: Arc::new(Semaphore::new(at_once.max(1))) })
    }

    /// Whether what `script` asserts can be true, and for which values of these names.
    ///
    /// The program is gone when this returns, and is killed when nobody waits for it any more.
    pub(crate) async fn ask(&self, script: &[u8], names: &[String], end: Instant) -> Result<Reply, Why> {
        if script.len() > LARGEST {
            return Err(Why::TooLarge("the rules make too large a question".to_owned()));
        }
        let turn = timeout_at(end, self.turns.acquire()).await.map_err(|_| Why::TimedOut)?;
        let _turn = turn.map_err(|closed| Why::SolverFailed(closed.to_string()))?;
        let end = end.min(Instant::now() + LONGEST);
        // Values are asked for in a question of their own: to ask for them where there are none is an error, and `unsat` is
        // believed only where it is all that was said.
        match self.once(script, &[], end).await? {
            Reply::Satisfiable(_) if !names.is_empty() => self.once(script, names, end).await,
            reply => Ok(reply),
        }
    }

    async fn once(&self, script: &[u8], names: &[String], end: Instant) -> Result<Reply, Why> {
        let mut child = self.start(end)?;
        let said = timeout_at(end, talk(&mut child, &with_values(script, names))).await;
        if matches!(said, Ok(Ok(_))) {
            // How it ends is part of what it says.
            let _ = timeout_at(end, child.wait()).await;
        }
        let (ended_well, status) = stop(&mut child).await;
        match said {
            Err(_) => Err(Why::TimedOut),
            Ok(Err(problem)) => Err(Why::SolverFailed(problem.to_string())),
            Ok(Ok(said)) => Reply::read(&said, ended_well, &status),
        }
    }

    fn start(&self, end: Instant) -> Result<Child, Why> {
        let patience = end.saturating_duration_since(Instant::now()).as_millis().max(1);
        // The shell sets the limit and becomes the solver: no other process is left when that one is killed.
        Command::new("/bin/sh")
            .args(["-c", r#"ulimit -v "$1" && shift && exec "$@""#, "solver", MOST_MEMORY])
            .arg(&self.program)
            // Patterns with something in the middle need what it calls experimental; it is the same theory of strings.
            .args(["--lang=smt2", "--strings-exp", "--produce-models", &format!("--tlimit={patience}")])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|problem| Why::SolverFailed(problem.to_string()))
    }
}

fn with_values(script: &[u8], names: &[String]) -> Vec<u8> {
    let mut whole = script.to_vec();
    if !names.is_empty() {
        whole.extend_from_slice(format!("(get-value ({}))\n", names.join(" ")).as_bytes());
    }
    whole.extend_from_slice(b"(exit)\n");
    whole
}

/// Tells it all, and hears it out.
async fn talk(child: &mut Child, script: &[u8]) -> std::io::Result<Said> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let tell = async move {
        match stdin {
            // One that ends before it has heard all has said why, or said nothing.
            Some(mut stdin) => stdin.write_all(script).await.is_ok(),
            None => false,
        }
    };
    let hear = async move {
        let mut said = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(MOST_SAID).read_to_end(&mut said).await?;
        }
        Ok(String::from_utf8_lossy(&said).into_owned())
    };
    let (heard_all, text): (bool, std::io::Result<String>) = tokio::join!(tell, hear);
    Ok(Said { text: text?, heard_all })
}

/// Ends it, if it has not ended, and takes its last word, so that nothing of it is left. Tells whether it ended well, by
/// itself, and how.
async fn stop(child: &mut Child) -> (bool, String) {
    if let Ok(Some(status)) = child.try_wait() {
        return (status.success(), status.to_string());
    }
    let _ = child.start_kill();
    let status = child.wait().await;
    (false, status.map_or_else(|problem| problem.to_string(), |status| status.to_string()))
}

/// Takes down what the symbolic compiler would tell a solver.
#[derive(Debug, Default)]
pub(crate) struct Scribe(pub(crate) Vec<u8>);

impl cedar_policy_symcc::solver::Solver for Scribe {
    fn smtlib_input(&mut self) -> &mut (dyn AsyncWrite + Unpin + Send) {
        &mut self.0
    }

    async fn enable_models(&mut self) -> Result<(), SolverError> {
        Ok(())
    }

    async fn check_sat(&mut self) -> Result<Decision, SolverError> {
        self.0.extend_from_slice(b"(check-sat)\n");
        Ok(Decision::Unknown)
    }

    async fn check_sat_with_model(
        &mut self,
    ) -> Result<cedar_policy_symcc::solver::DecisionWithModel, SolverError> {
        self.check_sat().await?;
        Ok(cedar_policy_symcc::solver::DecisionWithModel::Unknown)
    }
}
