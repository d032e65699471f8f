//! Reading answers in tests: what is not there fails the test and shows what was.

use serde_json::Value;

/// Fields that a test counts on.
pub trait Json {
    /// A field's text.
    fn text(&self, field: &str) -> String;
    /// A field's list.
    fn list(&self, field: &str) -> Vec<Value>;
    /// A field of each entry of `data`, as text.
    fn column(&self, field: &str) -> Vec<String>;
}

impl Json for Value {
    #[track_caller]
    fn text(&self, field: &str) -> String {
        match self.get(field).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => panic!("no text `{field}` in {self:#}"),
        }
    }

    #[track_caller]
    fn list(&self, field: &str) -> Vec<Value> {
        match self.get(field).and_then(Value::as_array) {
            Some(list) => list.clone(),
            None => panic!("no list `{field}` in {self:#}"),
        }
    }

    #[track_caller]
    fn column(&self, field: &str) -> Vec<String> {
        self.list("data").iter().map(|entry| entry.text(field)).collect()
    }
}
