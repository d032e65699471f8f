//! What a server has written, and the secrets that must not be in it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

/// The lines of a server's standard output and error, over all its lives, and the secrets known to its clients.
#[derive(Clone, Default)]
pub struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    secrets: Arc<Mutex<Vec<String>>>,
    readers: Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

impl Logs {
    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("nobody panics while holding it").clone()
    }

    /// All lines so far, as one text.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Remembers something that must never be written.
    pub fn keep_out(&self, secret: &str) {
        // A short one could be found by chance.
        if secret.len() >= 8 {
            self.secrets.lock().expect("nobody panics while holding it").push(secret.to_owned());
        }
    }

    /// # Panics
    /// When a secret was written.
    pub fn assert_no_secret(&self) {
        let text = self.text();
        for secret in self.secrets.lock().expect("nobody panics while holding it").iter() {
            assert!(!text.contains(secret.as_str()), "the log holds the secret {secret:?}:\n{text}");
        }
    }

    /// Collects what a process writes until it ends.
    pub(crate) fn follow(&self, output: impl Read + Send + 'static) {
        let lines = self.lines.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines.lock().expect("nobody panics while holding it").push(line);
            }
        });
        self.readers.lock().expect("nobody panics while holding it").push(reader);
    }

    /// Waits for the last line of a process that has ended.
    pub(crate) fn wait_until_read(&self) {
        for reader in self.readers.lock().expect("nobody panics while holding it").drain(..) {
            reader.join().expect("a reader does not panic");
        }
    }
}
