//! Past requests as policies were told of them, to be asked again.

use std::collections::BTreeMap;

use curfew_domain::{Cursor, Page, PageRequest, RequestId, Timestamp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::access_request;
use crate::entity::decision::{Column, Entity};
use crate::{ReadUnit, StoreError};

/// The first time that policy was asked about a request. Its JSON is not parsed yet: there may be much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDecision {
    /// About which request.
    pub request: RequestId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What policy said, in a word.
    pub outcome: String,
    /// What policies were told, as [`crate::DecisionRecord::context`].
    pub context: String,
    /// What of it is personal, as [`crate::DecisionRecord::personal`]; none once it is erased.
    pub personal: Option<String>,
}

type Told = (Uuid, String, String, Option<String>);

impl ReadUnit {
    /// The first decisions of the requests that were made at `from` or later, and before `to`; newest request first.
    pub async fn past_decisions(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        page: &PageRequest,
    ) -> Result<Page<PastDecision>, StoreError> {
        use access_request::Column as Request;
        let rows: Vec<(Uuid, i64)> = access_request::Entity::find()
            .select_only()
            .columns([Request::Id, Request::CreatedAt])
            .filter(Request::TenantId.eq(self.wall()))
            .filter(
                sea_orm::Condition::all()
                    .add_option(from.map(|from| Request::CreatedAt.gte(from.micros())))
                    .add_option(to.map(|to| Request::CreatedAt.lt(to.micros()))),
            )
            .filter(crate::page::after((Request::CreatedAt, Request::Id), page))
            .order_by_desc(Request::CreatedAt)
            .order_by_desc(Request::Id)
            .limit(page.limit.rows_to_read())
            .into_tuple()
            .all(self.tx())
            .await?;
        let at = |last: &(Uuid, i64)| Cursor::at(Timestamp::from_micros(last.1), last.0);
        let requests = Page::cut(rows, page.limit, at);
        let mut told = self.first_told(&requests.items).await?;
        let decision = |(id, asked_at): (Uuid, i64)| {
            let (_, outcome, context, personal) = told.remove(&id)?;
            let (request, asked_at) = (RequestId::from_uuid(id), Timestamp::from_micros(asked_at));
            Some(PastDecision { request, asked_at, outcome, context, personal })
        };
        // Each request has one: they are written together.
        Ok(Page { items: requests.items.into_iter().filter_map(decision).collect(), next: requests.next })
    }

    async fn first_told(&self, requests: &[(Uuid, i64)]) -> Result<BTreeMap<Uuid, Told>, StoreError> {
        if requests.is_empty() {
            return Ok(BTreeMap::new());
        }
        let text = |column| Expr::col((Entity, column)).cast_as(Alias::new("text"));
        let rows: Vec<Told> = Entity::find()
            .select_only()
            .columns([Column::RequestId, Column::Outcome])
            .expr_as(text(Column::Context), "context")
            .expr_as(text(Column::Personal), "personal")
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequestId.is_in(requests.iter().map(|(id, _)| *id)))
            .filter(Expr::exists(self.an_earlier_one()).not())
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(rows.into_iter().map(|row| (row.0, row)).collect())
    }

    /// Policy was asked about the same request before.
    fn an_earlier_one(&self) -> SelectStatement {
        const EARLIER: &str = "earlier";
        let when = |table: fn(Column) -> Expr| Expr::tuple([table(Column::CreatedAt), table(Column::Id)]);
        Query::select()
            .column((EARLIER, Column::Id))
            .from_as(Entity, EARLIER)
            .and_where(Expr::col((EARLIER, Column::TenantId)).eq(self.wall()))
            .and_where(Expr::col((EARLIER, Column::RequestId)).equals((Entity, Column::RequestId)))
            .and_where(
                when(|column| Expr::col((EARLIER, column))).lt(when(|column| Expr::col((Entity, column)))),
            )
            .to_owned()
    }
}
