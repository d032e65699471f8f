//! Solvers that are not there, hang, die or talk nonsense: the question stays open, and nothing is left running.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::*;
use curfew_analysis::{Answer, Known, Solver, Why, Widened};
use curfew_domain::ZoneName;
use curfew_policy::CompiledPolicies;
use tokio::time::Instant;

/// A directory that is gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("curfew-analysis-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A solver that does this.
    fn solver(&self, script: &str) -> PathBuf {
        let path = self.0.join("cvc5");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What comes of a change that is wider, asked of this solver for so long.
async fn answer(program: &Path, patience: Duration) -> Answer<Widened> {
    let solver = Solver::find(Some(program), "", 1).unwrap();
    let (zone, before) = (ZoneName::utc(), CompiledPolicies::default());
    let after = CompiledPolicies::new(&[policy(1, 0, "permit (principal, action, resource);")]);
    let end = Instant::now() + patience;
    let known = Known { solver: &solver, longest: LONGEST, now: now(), zone: &zone, end };
    curfew_analysis::narrows(known, &before, &after).await
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_solver_is_looked_for_where_programs_are() {
    let directory = Directory::new("found");
    directory.solver("true");
    let path = format!("/nowhere:{}", directory.0.display());
    assert!(Solver::find(None, &path, 1).is_some());
    assert!(Solver::find(None, "/nowhere", 1).is_none());
    assert!(Solver::find(Some(Path::new("/nowhere/cvc5")), &path, 1).is_none());
}

#[tokio::test]
async fn a_solver_that_fails_leaves_the_question_open() {
    let directory = Directory::new("fails");
    for script in [
        "exit 3",
        "cat > /dev/null; exit 0",
        "echo hello",
        "yes",
        "kill -9 $$",
        "cat > /dev/null; echo sat",
        "echo sat; echo '((t1 true'",
        "echo sat; echo '((t1 true))'",
        "head -c 3000000 /dev/zero",
        "cat > /dev/null; echo unsat; kill -11 $$",
        "cat > /dev/null; echo unsat; echo '(error \"out of memory\")'; exit 1",
        "yes unsat",
    ] {
        let answer = answer(&directory.solver(script), LONG).await;
        assert!(matches!(answer, Answer::Unknown(Why::SolverFailed(_))), "{script}: {answer:?}");
    }
    let undecided = answer(&directory.solver("cat > /dev/null; echo unknown"), LONG).await;
    assert_eq!(undecided, Answer::Unknown(Why::Undecided));
}

#[tokio::test]
async fn a_solver_that_hangs_is_ended_and_nothing_of_it_is_left() {
    let directory = Directory::new("hangs");
    let pid = directory.0.join("pid");
    let program = directory.solver(&format!("echo $$ > {}; exec sleep 1000", pid.display()));
    assert_eq!(answer(&program, Duration::from_secs(2)).await, Answer::Unknown(Why::TimedOut));
    let pid = std::fs::read_to_string(pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the solver is still there");
}

#[tokio::test]
async fn a_solver_that_says_yes_to_everything_proves_nothing_that_is_wrong() {
    let directory = Directory::new("lies");
    // It answers as the real one does, to another question.
    let real = std::env::var("PATH").unwrap();
    let real =
        std::env::split_paths(&real).map(|path| path.join("cvc5")).find(|file| file.is_file()).unwrap();
    let program = directory.solver(&format!("grep -v '^(assert' | {} \"$@\"", real.display()));
    let answer = answer(&program, LONG).await;
    assert!(matches!(answer, Answer::Unknown(_) | Answer::Refuted(_)), "{answer:?}");
}

#[tokio::test]
async fn nothing_is_built_any_more_once_the_answer_should_be_there() {
    let directory = Directory::new("late");
    let solver = Solver::find(Some(&directory.solver("echo unsat")), "", 1).unwrap();
    let (zone, end) = (ZoneName::utc(), Instant::now());
    let known = Known { solver: &solver, longest: LONGEST, now: now(), zone: &zone, end };
    let rules =
        "permit (principal, action, resource);\n\nforbid (principal, action, resource) when { false };";
    let (some, none) = (CompiledPolicies::new(&[policy(1, 0, rules)]), CompiledPolicies::default());
    // It takes no solver to see that what permits nothing is narrower.
    assert_eq!(curfew_analysis::narrows(known, &some, &none).await, Answer::Unknown(Why::TimedOut));
    let told = curfew_analysis::idle_rules(known, &some, None).await.unwrap();
    let whys: Vec<&Why> = told.untold.iter().map(|rule| &rule.why).collect();
    assert_eq!(whys, [&Why::TimedOut, &Why::TimedOut], "{told:?}");
}
