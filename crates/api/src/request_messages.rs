use curfew_domain::{AuthorType, MessageText, RequestId, RequestMessageId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Something that somebody says about a request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "content": "Which ticket is this for?" }))]
pub struct NewRequestMessage {
    /// It.
    #[schema(value_type = String, min_length = 1, max_length = 4000)]
    pub content: MessageText,
    /// Whatever is to be kept with it, 16 KiB at most.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// Something that was said about a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019539b8-7a3b-7c4d-8e5f-0123456789ab", "request_id": "019539b8-1a3b-7c4d-8e5f-0123456789ab",
    "author_type": "approver", "author_id": "019539b7-1a3b-7c4d-8e5f-0123456789ab",
    "content": "Which ticket is this for?", "metadata": {}, "created_at": "2026-03-01T12:00:00.000000Z"
}))]
pub struct RequestMessage {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: RequestMessageId,
    /// About which request.
    #[schema(value_type = Uuid)]
    pub request_id: RequestId,
    /// Who speaks: `user` is the requester.
    #[schema(value_type = AuthorTypeSchema)]
    pub author_type: AuthorType,
    /// The user, or `system`.
    pub author_id: String,
    /// What they say; empty once it is erased.
    pub content: String,
    /// What is kept with it.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// As what somebody speaks.
#[derive(ToSchema)]
#[schema(as = AuthorType, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum AuthorTypeSchema {
    User,
    Approver,
    System,
    Ai,
}

impl From<curfew_domain::RequestMessage> for RequestMessage {
    fn from(message: curfew_domain::RequestMessage) -> Self {
        Self {
            id: message.id,
            request_id: message.request,
            author_type: message.author_type,
            author_id: message.author.to_string(),
            content: message.content.map(String::from).unwrap_or_default(),
            metadata: message.metadata,
            created_at: message.created_at,
        }
    }
}
