//! Erasing people: their texts go, and the chain still verifies.

use curfew_domain::UserId;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::entity::{audit_entry, audit_text, policy_version};
use crate::{StoreError, WriteUnit};

impl WriteUnit {
    /// Erases the texts of what a person did, by whatever credential, and of what was done to them. Answers how many.
    /// What is kept of it beside the log goes as well: why they changed policies, and what they said about requests.
    pub async fn erase_audit_texts_of(&self, person: UserId) -> Result<u64, StoreError> {
        use audit_entry::Column;
        self.erase_request_messages_of(person).await?;
        policy_version::Entity::update_many()
            .col_expr(policy_version::Column::ChangeReason, Expr::value(None::<String>))
            .filter(policy_version::Column::TenantId.eq(self.wall()))
            .filter(policy_version::Column::MadeBy.eq(person.to_string()))
            .exec(self.tx())
            .await?;
        let done_to = Condition::all()
            .add(Column::ResourceType.eq("user"))
            .add(Column::ResourceId.eq(person.to_string()));
        let theirs = Query::select()
            .column(Column::Id)
            .from(audit_entry::Entity)
            .cond_where(Column::TenantId.eq(self.wall()))
            .cond_where(Condition::any().add(Column::PersonId.eq(person.uuid())).add(done_to))
            .to_owned();
        let erased = audit_text::Entity::delete_many()
            .filter(audit_text::Column::TenantId.eq(self.wall()))
            .filter(audit_text::Column::EntryId.in_subquery(theirs))
            .exec(self.tx())
            .await?;
        Ok(erased.rows_affected)
    }

    /// Erases the texts of what was done to such things, by whomever.
    pub(crate) async fn erase_audit_texts_about(
        &self,
        kind: &str,
        ids: &[uuid::Uuid],
    ) -> Result<(), StoreError> {
        use audit_entry::Column;
        let about = Query::select()
            .column(Column::Id)
            .from(audit_entry::Entity)
            .and_where(Column::TenantId.eq(self.wall()))
            .and_where(Column::ResourceType.eq(kind))
            .and_where(Column::ResourceId.is_in(ids.iter().map(ToString::to_string)))
            .to_owned();
        audit_text::Entity::delete_many()
            .filter(audit_text::Column::TenantId.eq(self.wall()))
            .filter(audit_text::Column::EntryId.in_subquery(about))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}
