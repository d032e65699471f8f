//! What is said about a request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{check_text, text_type};
use crate::{DoneBy, Invalid, RequestId, RequestMessageId, Timestamp};

text_type!(
    /// What somebody says about a request: 1 to 4,000 characters.
    MessageText,
    |text| check_text(text, "a message", 1, 4_000, true)
);

/// Something that was said about a request. It is never changed, but what it says can be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestMessage {
    /// Its id.
    pub id: RequestMessageId,
    /// About which request.
    pub request: RequestId,
    /// As what they said it.
    pub author_type: AuthorType,
    /// Who said it; a key counts as its maker.
    pub author: DoneBy,
    /// What they said; none once it is erased.
    pub content: Option<MessageText>,
    /// Whatever is kept with it.
    pub metadata: Map<String, Value>,
    /// When.
    pub created_at: Timestamp,
}

/// As what somebody speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorType {
    /// The requester.
    User,
    /// Somebody who may decide requests.
    Approver,
    /// Curfew.
    System,
    /// A program that reads and writes in words.
    Ai,
}

impl AuthorType {
    /// All of them.
    pub const ALL: [AuthorType; 4] =
        [AuthorType::User, AuthorType::Approver, AuthorType::System, AuthorType::Ai];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            AuthorType::User => "user",
            AuthorType::Approver => "approver",
            AuthorType::System => "system",
            AuthorType::Ai => "ai",
        }
    }
}

impl std::str::FromStr for AuthorType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new("an author is one of user, approver, system, ai"))
    }
}
