//! The tables of `docs/states.md`, made of the transition functions themselves: `CURFEW_BLESS=1 cargo nextest run
//! the_tables_of_the_states` writes them anew.

mod assignments;
mod grants;
mod requests;
mod session_ends;

use std::fmt::Write as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");

#[test]
fn the_tables_of_the_states_are_what_the_functions_say() {
    let kept = std::fs::read_to_string(PAGE).unwrap();
    let tables = [
        ("requests", requests::table()),
        ("grants", grants::table()),
        ("assignments", assignments::table()),
        ("session ends", session_ends::table()),
    ];
    let page = tables.iter().fold(kept.clone(), |page, (name, table)| with_table(&page, name, table));
    if std::env::var_os("CURFEW_BLESS").is_some() {
        std::fs::write(PAGE, page).unwrap();
    } else {
        assert_eq!(kept, page, "docs/states.md is not what the functions say: CURFEW_BLESS=1 writes it anew");
    }
}

/// The page with `table` between the marks of `name`.
fn with_table(page: &str, name: &str, table: &Table) -> String {
    let (begins, ends) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&begins).unwrap();
    let (_, after) = rest.split_once(&ends).unwrap();
    format!("{before}{begins}{}{ends}{after}", table.in_markdown())
}

/// Rows of cells below a heading.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        Self { head: head.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    fn in_markdown(&self) -> String {
        let mut text = String::new();
        let rule = vec!["---".to_owned(); self.head.len()];
        for row in [&self.head, &rule].into_iter().chain(&self.rows) {
            assert_eq!(row.len(), self.head.len(), "{row:?}");
            writeln!(text, "| {} |", row.join(" | ")).unwrap();
        }
        text
    }
}
