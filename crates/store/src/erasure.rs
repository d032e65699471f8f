//! Erasing a person: who they were and what they wrote goes, and what was done stays, under their id.

use curfew_domain::UserId;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::json;

use crate::entity::{
    access_grant, access_request, api_key, app_user, approval, credential, decision, finding, lockdown,
    notification, request_message, session,
};
use crate::{StoreError, WriteUnit};

/// What a key is called once its maker is erased: they may have given it their own name.
const KEY_OF_NOBODY: &str = "a deleted user's key";

/// So many ids are named in one statement.
const CHUNK: usize = 500;

impl WriteUnit {
    /// Erases a user: their row with roles, groups and logins, whatever lets them in, and every text that is theirs or
    /// told of them. End what they have going before; nobody gets their id again.
    pub async fn erase_user(&self, user: UserId) -> Result<(), StoreError> {
        self.erase_audit_texts_of(user).await?;
        self.erase_what_they_asked(user).await?;
        self.erase_what_they_decided(user).await?;
        self.erase_what_was_said_of_requests(user).await?;
        self.erase_what_others_were_told(user).await?;
        self.erase_what_lets_in(user).await?;
        app_user::Entity::delete_by_id((self.wall(), user.uuid())).exec(self.tx()).await?;
        Ok(())
    }

    /// Their requests and grants, with what policies were told of them.
    async fn erase_what_they_asked(&self, user: UserId) -> Result<(), StoreError> {
        use access_request::Column;
        let nothing = || Expr::value(None::<String>);
        access_request::Entity::update_many()
            .col_expr(Column::Reason, nothing())
            .col_expr(Column::DecisionReasoning, nothing())
            .col_expr(Column::SourceIp, nothing())
            .col_expr(Column::Metadata, Expr::value(json!({})))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequesterId.eq(user.uuid()))
            .exec(self.tx())
            .await?;
        access_grant::Entity::update_many()
            .col_expr(access_grant::Column::RevokeReason, nothing())
            .col_expr(access_grant::Column::Metadata, Expr::value(json!({})))
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::GranteeId.eq(user.uuid()))
            .exec(self.tx())
            .await?;
        // Their hash stays in what is kept: it was salted, and the log goes on to prove the rest.
        decision::Entity::update_many()
            .col_expr(decision::Column::Personal, Expr::value(None::<serde_json::Value>))
            .filter(decision::Column::TenantId.eq(self.wall()))
            .filter(decision::Column::RequestId.in_subquery(self.requests_of(user)))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Why they decided on others' requests, ended others' grants, and locked down what.
    async fn erase_what_they_decided(&self, user: UserId) -> Result<(), StoreError> {
        let (nothing, by) = (|| Expr::value(None::<String>), user.to_string());
        access_request::Entity::update_many()
            .col_expr(access_request::Column::DecisionReasoning, nothing())
            .filter(access_request::Column::TenantId.eq(self.wall()))
            .filter(access_request::Column::DecidedBy.eq(by.as_str()))
            .exec(self.tx())
            .await?;
        let on_theirs = approval::Column::RequestId.in_subquery(self.requests_of(user));
        approval::Entity::update_many()
            .col_expr(approval::Column::Reasoning, nothing())
            .filter(approval::Column::TenantId.eq(self.wall()))
            .filter(Condition::any().add(approval::Column::ApproverId.eq(user.uuid())).add(on_theirs))
            .exec(self.tx())
            .await?;
        access_grant::Entity::update_many()
            .col_expr(access_grant::Column::RevokeReason, nothing())
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::RevokedBy.eq(by.as_str()))
            .exec(self.tx())
            .await?;
        finding::Entity::update_many()
            .col_expr(finding::Column::ResolveReason, nothing())
            .filter(finding::Column::TenantId.eq(self.wall()))
            .filter(finding::Column::ResolvedBy.eq(by.as_str()))
            .exec(self.tx())
            .await?;
        let theirs = lockdown::Column::CreatedBy.eq(user.uuid());
        lockdown::Entity::update_many()
            .col_expr(lockdown::Column::Reason, nothing())
            .filter(lockdown::Column::TenantId.eq(self.wall()))
            .filter(Condition::any().add(theirs).add(lockdown::Column::Subject.eq(by)))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// What anybody wrote of their requests, and what they said of others' emergencies.
    async fn erase_what_was_said_of_requests(&self, user: UserId) -> Result<(), StoreError> {
        let of = request_message::Column::RequestId.in_subquery(self.requests_of(user));
        request_message::Entity::update_many()
            .col_expr(request_message::Column::Content, Expr::value(""))
            .col_expr(request_message::Column::Metadata, Expr::value(json!({})))
            .filter(request_message::Column::TenantId.eq(self.wall()))
            .filter(of)
            .exec(self.tx())
            .await?;
        let by = Expr::col(access_request::Column::Review).cast_as("TEXT").like(format!("%\"{user}\"%"));
        let reviewed = access_request::Entity::find()
            .filter(access_request::Column::TenantId.eq(self.wall()))
            .filter(access_request::Column::Review.is_not_null())
            .filter(Condition::any().add(access_request::Column::RequesterId.eq(user.uuid())).add(by))
            .all(self.tx())
            .await?;
        for request in reviewed {
            self.erase_words_of_review(request).await?;
        }
        Ok(())
    }

    async fn erase_words_of_review(&self, request: access_request::Model) -> Result<(), StoreError> {
        let Some(mut review) = request.review else { return Ok(()) };
        if let Some(reasoning) = review.pointer_mut("/word/reasoning") {
            *reasoning = serde_json::Value::Null;
        }
        access_request::Entity::update_many()
            .col_expr(access_request::Column::Review, Expr::value(review))
            .filter(access_request::Column::TenantId.eq(self.wall()))
            .filter(access_request::Column::Id.eq(request.id))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// What others wrote of their requests, grants and lockdowns, in the log; and notifications, which name whose request
    /// or grant it is that they tell of. What they were told themselves goes with their row.
    async fn erase_what_others_were_told(&self, user: UserId) -> Result<(), StoreError> {
        let theirs = [
            ("request", self.requests_of(user)),
            ("grant", self.grants_of(user)),
            ("lockdown", self.lockdowns_of(user)),
        ];
        for (kind, ids) in theirs {
            let ids: Vec<uuid::Uuid> = self.ids(ids).await?;
            for some in ids.chunks(CHUNK) {
                self.erase_audit_texts_about(kind, some).await?;
                notification::Entity::delete_many()
                    .filter(notification::Column::TenantId.eq(self.wall()))
                    .filter(notification::Column::ResourceId.is_in(some.iter().map(ToString::to_string)))
                    .exec(self.tx())
                    .await?;
            }
        }
        Ok(())
    }

    async fn ids(&self, of: SelectStatement) -> Result<Vec<uuid::Uuid>, StoreError> {
        let statement = self.tx().get_database_backend().build(&of);
        let rows = self.tx().query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// Logins go with the user's row.
    async fn erase_what_lets_in(&self, user: UserId) -> Result<(), StoreError> {
        let of = |table: SelectStatement| credential::Column::SubjectId.in_subquery(table);
        let sessions = Query::select()
            .column(session::Column::Id)
            .from(session::Entity)
            .and_where(session::Column::TenantId.eq(self.wall()))
            .and_where(session::Column::UserId.eq(user.uuid()))
            .to_owned();
        let keys = Query::select()
            .column(api_key::Column::Id)
            .from(api_key::Entity)
            .and_where(api_key::Column::TenantId.eq(self.wall()))
            .and_where(api_key::Column::CreatedBy.eq(user.uuid()))
            .to_owned();
        let links = credential::Column::SubjectId.eq(user.uuid());
        credential::Entity::delete_many()
            .filter(credential::Column::TenantId.eq(self.wall()))
            .filter(Condition::any().add(of(sessions)).add(of(keys)).add(links))
            .exec(self.tx())
            .await?;
        api_key::Entity::update_many()
            .col_expr(api_key::Column::Name, Expr::value(KEY_OF_NOBODY))
            .filter(api_key::Column::TenantId.eq(self.wall()))
            .filter(api_key::Column::CreatedBy.eq(user.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    fn lockdowns_of(&self, user: UserId) -> SelectStatement {
        Query::select()
            .column(lockdown::Column::Id)
            .from(lockdown::Entity)
            .and_where(lockdown::Column::TenantId.eq(self.wall()))
            .and_where(lockdown::Column::Subject.eq(user.to_string()))
            .to_owned()
    }

    fn grants_of(&self, user: UserId) -> SelectStatement {
        Query::select()
            .column(access_grant::Column::Id)
            .from(access_grant::Entity)
            .and_where(access_grant::Column::TenantId.eq(self.wall()))
            .and_where(access_grant::Column::GranteeId.eq(user.uuid()))
            .to_owned()
    }

    fn requests_of(&self, user: UserId) -> SelectStatement {
        Query::select()
            .column(access_request::Column::Id)
            .from(access_request::Entity)
            .and_where(access_request::Column::TenantId.eq(self.wall()))
            .and_where(access_request::Column::RequesterId.eq(user.uuid()))
            .to_owned()
    }
}
