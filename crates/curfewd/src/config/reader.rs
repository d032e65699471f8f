use std::fmt::Display;
use std::str::FromStr;

use curfew_domain::{Invalid, KmsKeyName, Seconds};

use super::variables::Variable;
use super::{ConfigProblem, Rotation, Source};

/// Reads settings one by one, and gathers everything that is wrong with them.
pub(super) struct Reader<'s> {
    source: &'s Source,
    problems: Vec<ConfigProblem>,
}

impl<'s> Reader<'s> {
    pub(super) fn of(source: &'s Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// Notes a problem.
    pub(super) fn refuse(&mut self, variable: &Variable, problem: impl Display) {
        self.problems.push(ConfigProblem::of(variable, problem));
    }

    /// The setting or its default, as text.
    pub(super) fn text(&self, variable: &Variable) -> Option<&'s str> {
        self.source.get(variable.name).or(variable.default)
    }

    /// The setting or its default, read by `read`; none when neither is there, or it is wrong.
    pub(super) fn read_with<T>(
        &mut self,
        variable: &Variable,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        match read(self.text(variable)?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.refuse(variable, format!("is not valid: {problem}"));
                None
            }
        }
    }

    /// The setting or its default, read as what it is.
    pub(super) fn read<T: FromStr<Err: Display>>(&mut self, variable: &Variable) -> Option<T> {
        self.read_with(variable, |text| text.parse().map_err(|error: T::Err| Invalid::new(error.to_string())))
    }

    /// Whether it was set.
    pub(super) fn is_set(&self, variable: &Variable) -> bool {
        self.source.get(variable.name).is_some()
    }

    /// A secret that can't be in KMS, or several; see [`Reader::secrets_with`].
    pub(super) fn secrets<T: FromStr<Err: Display>>(&mut self, variable: &Variable) -> Option<Rotation<T>> {
        self.secrets_with(variable, |secret| {
            if KmsKeyName::is_meant_by(secret) {
                return Err(Invalid::new(
                    "only CURFEW_MASTER_KEY can be in KMS; give the secret itself, or file:PATH",
                ));
            }
            secret.parse().map_err(|error: T::Err| Invalid::new(error.to_string()))
        })
    }

    /// A secret, or several, separated by commas, each read by `read`; `file:PATH` is read from there. None when it is
    /// not set, or wrong.
    pub(super) fn secrets_with<T>(
        &mut self,
        variable: &Variable,
        read: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Rotation<T>> {
        let text = self.source.get(variable.name)?;
        let mut secrets = Vec::new();
        for part in text.split(',').map(str::trim) {
            match contents(part).and_then(|secret| read(secret.trim())) {
                Ok(secret) => secrets.push(secret),
                Err(problem) => self.refuse(variable, format!("is not valid: {problem}")),
            }
        }
        Rotation::of(secrets)
    }

    /// The value, unless something was wrong: then everything that was.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<ConfigProblem>> {
        self.problems.sort();
        self.problems.dedup();
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

fn contents(text: &str) -> Result<String, Invalid> {
    let Some(path) = text.strip_prefix("file:") else { return Ok(text.to_owned()) };
    std::fs::read_to_string(path)
        .map_err(|error| Invalid::new(format!("the file {path} can't be read: {error}")))
}

/// `30s`, `45m`, `1h`, or a number of seconds, between `least` and `most`.
pub(super) fn duration(text: &str, least: Seconds, most: Seconds) -> Result<Seconds, Invalid> {
    let wrong = || Invalid::new("a length of time is a number of seconds, or one such as 30s, 45m or 1h");
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        _ => (text, 1),
    };
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(unit).map(Seconds::of).ok_or_else(wrong)?;
    if (least..=most).contains(&seconds) {
        return Ok(seconds);
    }
    Err(Invalid::new(format!("it must be between {} and {} seconds", least.get(), most.get())))
}

/// A whole number within bounds.
pub(super) fn number<T>(text: &str, least: T, most: T) -> Result<T, Invalid>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let wrong = || Invalid::new(format!("it must be a whole number from {least} to {most}"));
    let number: T = text.parse().map_err(|_| wrong())?;
    if number >= least && number <= most { Ok(number) } else { Err(wrong()) }
}
