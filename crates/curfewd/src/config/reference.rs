use std::fmt::Write;

use super::variables;

const HEAD: &str = "\
# Settings

<!-- Written by `curfewd::config::reference` from the doc comments of `crates/curfewd/src/config/variables.rs`; a test
     compares. `UPDATE_DOCS=1 cargo test -p curfewd` writes it anew. -->

Environment variables. A `.env` and a `curfew.toml` in the working directory are read too: what the environment says
wins, then `.env`. In TOML the names may be in lower case (`server_port = 8080`).

Anything missing or malformed is named, all of it at once, and the program ends with status 2 before it opens its port.

| variable | default | meaning |
| --- | --- | --- |
";

const TAIL: &str = "
`AWS_ENDPOINT_URL*`, credentials, profiles of every kind and proxies (`HTTPS_PROXY`, `NO_PROXY`, …) are read by the AWS
SDK itself, from the environment alone.

Secrets that are not given are made on the first run with SQLite, and kept in `DATABASE.secrets` beside the database,
readable by its owner alone. Keep a copy apart from your backups.
";

/// The reference of all settings, as it stands in `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for variable in variables::ALL {
        let default = variable.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let meaning = variable.meaning.trim().replace('|', "\\|");
        // Writing to a String can't fail.
        let _ = writeln!(text, "| `{}` | {default} | {meaning} |", variable.name);
    }
    text + TAIL
}
