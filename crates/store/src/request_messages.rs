//! What is said about requests.

use curfew_domain::{
    Cursor, Page, PageRequest, RequestId, RequestMessage, RequestMessageId, Timestamp, UserId,
};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use crate::entity::request_message::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// What was said about a request, newest first.
    pub async fn request_messages(
        &self,
        request: RequestId,
        page: &PageRequest,
    ) -> Result<Page<RequestMessage>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequestId.eq(request.uuid()))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let messages: Vec<RequestMessage> = rows.into_iter().map(message).collect::<Result<_, _>>()?;
        Ok(Page::cut(messages, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    /// One message.
    pub async fn request_message(&self, id: RequestMessageId) -> Result<Option<RequestMessage>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        row.map(message).transpose()
    }

    /// How much was said about a request.
    pub async fn count_request_messages(&self, request: RequestId) -> Result<u64, StoreError> {
        let said = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequestId.eq(request.uuid()));
        Ok(said.count(self.tx()).await?)
    }
}

impl WriteUnit {
    /// Keeps a message.
    pub async fn insert_request_message(&self, message: &RequestMessage) -> Result<(), StoreError> {
        let content = message.content.as_ref().map_or("", |content| content.as_str());
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(message.id.uuid()),
            request_id: Set(message.request.uuid()),
            author_type: Set(message.author_type.as_str().to_owned()),
            author_id: Set(message.author.to_string()),
            content: Set(content.to_owned()),
            metadata: Set(Value::Object(message.metadata.clone())),
            created_at: Set(message.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Empties what a person said: that they said something, and when, stays.
    pub(crate) async fn erase_request_messages_of(&self, person: UserId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Content, Expr::value(""))
            .col_expr(Column::Metadata, Expr::value(Value::Object(serde_json::Map::new())))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AuthorId.eq(person.to_string()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

fn message(row: Model) -> Result<RequestMessage, StoreError> {
    let at = Row { table: "request_message", id: row.id };
    let content = Some(row.content.as_str()).filter(|content| !content.is_empty());
    Ok(RequestMessage {
        id: RequestMessageId::from_uuid(row.id),
        request: RequestId::from_uuid(row.request_id),
        author_type: at.parse("author_type", &row.author_type)?,
        author: at.parse("author_id", &row.author_id)?,
        content: at.parse_some("content", content)?,
        metadata: at.json("metadata", row.metadata)?,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
