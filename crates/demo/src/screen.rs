//! What the tour writes: chapters, sentences, calls with their answers, and what AWS holds.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Standard output, in few colours and only where a person looks at it.
pub(crate) struct Screen {
    out: io::Stdout,
    coloured: bool,
}

/// How a piece of text stands out.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Heading,
    Quiet,
    Good,
    Bad,
    Warning,
    Cloud,
}

impl Tone {
    /// The parameters of "select graphic rendition" (ECMA-48, 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Tone::Heading => "1",
            Tone::Quiet => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warning => "33",
            Tone::Cloud => "36",
        }
    }
}

impl Screen {
    pub(crate) fn new() -> Self {
        let out = io::stdout();
        let coloured = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out, coloured }
    }

    /// Text in a tone.
    pub(crate) fn toned(&self, tone: Tone, text: &str) -> String {
        if self.coloured { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_owned() }
    }

    /// A line.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Where a new part of the story begins.
    pub(crate) fn chapter(&self, title: &str) -> io::Result<()> {
        let rule = "─".repeat(72_usize.saturating_sub(title.chars().count() + 1));
        self.line(&format!("\n{} {}", self.toned(Tone::Heading, title), self.toned(Tone::Quiet, &rule)))
    }

    /// A sentence to the reader.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        wrapped(text).iter().try_for_each(|line| self.line(&format!("  {line}")))
    }

    /// A sentence in a tone.
    pub(crate) fn say_in(&self, tone: Tone, text: &str) -> io::Result<()> {
        wrapped(text).iter().try_for_each(|line| self.line(&format!("  {}", self.toned(tone, line))))
    }

    /// A call as it is sent.
    pub(crate) fn call(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> io::Result<()> {
        let who = self.toned(Tone::Quiet, &format!("{who:>6} →"));
        self.line(&format!("  {who} {method} {path}"))?;
        for line in body.map(shown).unwrap_or_default() {
            self.line(&format!("           {}", self.toned(Tone::Quiet, &line)))?;
        }
        Ok(())
    }

    /// What came back: the status, and what matters of the body.
    pub(crate) fn answer(&self, status: u16, matters: &str) -> io::Result<()> {
        let tone = if (200..300).contains(&status) { Tone::Good } else { Tone::Bad };
        let status = self.toned(tone, &status.to_string());
        self.line(&format!("  {} {status} {matters}", self.toned(Tone::Quiet, "       ←")))
    }

    /// What AWS holds now.
    pub(crate) fn cloud(&self, held: &[String]) -> io::Result<()> {
        let label = self.toned(Tone::Cloud, "   AWS holds");
        if held.is_empty() {
            return self.line(&format!("{label} {}", self.toned(Tone::Cloud, "nothing")));
        }
        held.iter().try_for_each(|one| self.line(&format!("{label} {}", self.toned(Tone::Cloud, one))))
    }
}

/// Lines of at most [`WIDTH`] letters, broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How wide sentences run.
const WIDTH: usize = 98;

/// A body in short: a field a line, long texts cut, passwords never.
fn shown(body: &Value) -> Vec<String> {
    let Some(fields) = body.as_object() else { return vec![body.to_string()] };
    fields
        .iter()
        .flat_map(|(name, value)| match value.as_str() {
            Some(_) if name.contains("password") => vec![format!("{name}: ********")],
            Some(text) if text.contains('\n') => {
                let lines = text.lines().map(|line| format!("  {}", line.trim_end()));
                std::iter::once(format!("{name}:")).chain(lines).collect()
            }
            Some(text) => vec![format!("{name}: {text}")],
            None => vec![format!("{name}: {value}")],
        })
        .collect()
}
