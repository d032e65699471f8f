use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PageBody<T: ToSchema> {
    /// What is on it, newest first unless the operation says otherwise.
    pub data: Vec<T>,
    /// Where the next page begins, to be sent back as `cursor`; opaque. Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

impl<T: ToSchema> PageBody<T> {
    /// A page, and where the next begins if there is one.
    pub fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        let has_more = next_cursor.is_some();
        Self { data, next_cursor, has_more }
    }
}

/// A list that is never long enough for pages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListBody<T: ToSchema> {
    /// All of it.
    pub data: Vec<T>,
}
