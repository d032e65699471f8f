use std::collections::BTreeMap;
use std::path::Path;

use super::{ConfigProblem, variables};

/// The TOML file that is read when it is there.
const TOML_FILE: &str = "curfew.toml";
const DOTENV_FILE: &str = ".env";

/// Where settings come from, all gathered before any is looked at. What comes first wins: the environment, then
/// `.env`, then the TOML file.
#[derive(Clone, Default)]
pub struct Source {
    values: BTreeMap<String, String>,
}

impl Source {
    /// The process's environment, and `.env` and `curfew.toml` of `directory`.
    pub fn gather(directory: &Path) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let mut values = toml_file(&directory.join(TOML_FILE), &mut problems);
        values.extend(dotenv_file(&directory.join(DOTENV_FILE), &mut problems));
        for variable in variables::ALL {
            match std::env::var(variable.name) {
                Ok(value) => drop(values.insert(variable.name.to_owned(), value)),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    problems.push(ConfigProblem::of(variable, "is not UTF-8 text"));
                }
            }
        }
        if problems.is_empty() { Ok(Self { values }) } else { Err(problems) }
    }

    /// Sets a value, whatever it was: for tests, and for servers within another program.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// What was set; an empty text is as good as nothing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Names alone: values may be secret.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

fn dotenv_file(path: &Path, problems: &mut Vec<ConfigProblem>) -> BTreeMap<String, String> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return BTreeMap::new(),
        Err(error) => {
            problems.push(ConfigProblem::of_file(path, without_values(&error)));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    for line in lines {
        match line {
            Ok((name, value)) => drop(values.insert(name, value)),
            Err(error) => problems.push(ConfigProblem::of_file(path, without_values(&error))),
        }
    }
    values
}

/// dotenvy shows the line it can't read, and that line may hold a secret.
fn without_values(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, at) => format!("a line can't be read, at its character {at}"),
        dotenvy::Error::Io(error) => format!("can't be read: {error}"),
        _ => "can't be read".to_owned(),
    }
}

/// Names as in the environment, in either case; values are texts or whole numbers.
fn toml_file(path: &Path, problems: &mut Vec<ConfigProblem>) -> BTreeMap<String, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => {
            problems.push(ConfigProblem::of_file(path, format!("can't be read: {error}")));
            return BTreeMap::new();
        }
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            problems.push(ConfigProblem::of_file(path, format!("is not TOML: {}", error.message())));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let name = key.to_ascii_uppercase();
        match (variables::ALL.iter().any(|variable| variable.name == name), plain(&value)) {
            (true, Some(text)) => drop(values.insert(name, text)),
            (true, None) => {
                problems
                    .push(ConfigProblem::of_file(path, format!("{key} must be a text or a whole number")));
            }
            (false, _) => problems.push(ConfigProblem::of_file(path, format!("{key} is not a setting"))),
        }
    }
    values
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}
