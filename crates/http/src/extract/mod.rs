//! What handlers take in. Each refuses with the contract's error body, never with axum's own text.

mod authenticated;
mod body;
mod create;
mod if_match;
mod json;
mod list;
mod nul;
mod path;
mod query;
mod visitor;

pub use authenticated::Authenticated;
pub use create::ApiCreate;
pub use if_match::IfMatch;
pub(crate) use if_match::IfMatchHeader;
pub use json::ApiJson;
pub use list::{ApiList, ListQuery, NoFilters};
pub use path::ApiPath;
pub use query::ApiQuery;
pub(crate) use visitor::Visitor;
