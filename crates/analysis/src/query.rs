//! What is asserted, and what is to be told where it can be.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy_symcc::term::{Term, TermVar};
use cedar_policy_symcc::{CedarSymCompiler, ResetMode, term_factory};
use tokio::time::Instant;

use crate::Why;
use crate::reply::{Reply, Value};
use crate::scene::{Scene, unsupported};
use crate::solver::{Scribe, Solver};

/// Begins the names of what is to be told.
const TOLD: &str = "told ";

/// A question under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    asserts: Vec<Term>,
    names: usize,
}

/// What was found to be impossible. Rules that speak of no action are asked the same in the kinds of all of them.
#[derive(Debug, Default)]
pub(crate) struct Settled(BTreeSet<Vec<Term>>);

/// What the solver found, by name.
#[derive(Debug)]
pub(crate) struct Found(HashMap<String, Value>);

impl Query {
    pub(crate) fn assert(&mut self, term: Term) {
        self.asserts.push(term);
    }

    /// A short name for a long term: what is put together of names stays small.
    pub(crate) fn name(&mut self, term: Term) -> Term {
        if matches!(term, Term::Prim(_) | Term::Var(_)) {
            return term;
        }
        self.names += 1;
        let name = format!("named {}", self.names);
        self.named(&name, term)
    }

    /// What is to be told of.
    pub(crate) fn tell(&mut self, name: &str, term: Term) {
        self.named(&format!("{TOLD}{name}"), term);
    }

    fn named(&mut self, name: &str, term: Term) -> Term {
        let variable = Term::Var(TermVar { id: name.into(), ty: term.type_of() });
        self.asserts.push(term_factory::eq(variable.clone(), term));
        variable
    }

    /// Whether it can be so, and what then is.
    pub(crate) async fn ask(
        self,
        scene: &Scene,
        settled: &mut Settled,
        solver: &Solver,
        end: Instant,
    ) -> Result<Option<Found>, Why> {
        if Instant::now() >= end {
            return Err(Why::TimedOut);
        }
        if self.asserts.contains(&false.into()) || settled.0.contains(&self.asserts) {
            return Ok(None);
        }
        let found = self.clone().put(scene, solver, end).await?;
        if found.is_none() {
            settled.0.insert(self.asserts);
        }
        Ok(found)
    }

    async fn put(self, scene: &Scene, solver: &Solver, end: Instant) -> Result<Option<Found>, Why> {
        let scribe = CedarSymCompiler::new(Scribe::default()).map_err(unsupported)?;
        let mut compiler = scribe.with_reset_mode(ResetMode::Comment);
        // The scribe never knows the answer: what matters is what it took down.
        match compiler.check_unsat_raw(Arc::new(self.asserts), &scene.symbols).await {
            Ok(true) => return Ok(None),
            Ok(false) | Err(cedar_policy_symcc::err::Error::SolverUnknown) => {}
            Err(problem) => return Err(unsupported(problem)),
        }
        let script = std::mem::take(&mut compiler.solver_mut().0);
        if script.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t')) {
            return Err(Why::Unsupported(
                "the rules hold characters that can't be told to a solver".to_owned(),
            ));
        }
        let told = told(&String::from_utf8_lossy(&script));
        let symbols: Vec<String> = told.keys().cloned().collect();
        match solver.ask(&script, &symbols, end).await? {
            Reply::Unsatisfiable => Ok(None),
            Reply::Satisfiable(values) => {
                let named = values
                    .into_iter()
                    .filter_map(|(symbol, value)| Some((told.get(&symbol)?.clone(), value)));
                Ok(Some(Found(named.collect())))
            }
        }
    }
}

impl Found {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The script's symbols of what is to be told: each is declared below a comment that holds its name.
fn told(script: &str) -> HashMap<String, String> {
    let lines: Vec<&str> = script.lines().collect();
    let of = |pair: &[&str]| {
        let name: String = serde_json::from_str(pair[0].strip_prefix("; ")?).ok()?;
        let symbol = pair[1].strip_prefix("(declare-const ")?.split(' ').next()?;
        Some((symbol.to_owned(), name.strip_prefix(TOLD)?.to_owned()))
    };
    lines.windows(2).filter_map(of).collect()
}
