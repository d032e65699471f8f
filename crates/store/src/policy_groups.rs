//! Which policies name a group.

use std::collections::BTreeSet;

use curfew_domain::{GroupId, PolicyId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use crate::entity::{policy, policy_rule};
use crate::row::Row;
use crate::{ReadUnit, StoreError};

impl ReadUnit {
    /// The policies that have a group's members approve; also those that take no part now.
    pub async fn policies_approved_by_group(&self, group: GroupId) -> Result<BTreeSet<PolicyId>, StoreError> {
        let mut naming = BTreeSet::new();
        let terms: Vec<(Uuid, Value)> = policy::Entity::find()
            .select_only()
            .columns([policy::Column::Id, policy::Column::ApproverGroups])
            .filter(policy::Column::TenantId.eq(self.wall()))
            .into_tuple()
            .all(self.tx())
            .await?;
        for (id, groups) in terms {
            let groups: Vec<GroupId> = Row { table: "policy", id }.json("approver_groups", groups)?;
            if groups.contains(&group) {
                naming.insert(PolicyId::from_uuid(id));
            }
        }
        Ok(naming)
    }

    /// The rules that name somebody or a group otherwise than by id, as they were written and as they are evaluated. Also of
    /// policies that take no part now.
    pub async fn rules_with_names(&self) -> Result<Vec<(PolicyId, String, String)>, StoreError> {
        let rules: Vec<(Uuid, String, String)> = policy_rule::Entity::find()
            .select_only()
            .columns([
                policy_rule::Column::PolicyId,
                policy_rule::Column::WrittenText,
                policy_rule::Column::ResolvedText,
            ])
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(
                Expr::col(policy_rule::Column::WrittenText).ne(Expr::col(policy_rule::Column::ResolvedText)),
            )
            .into_tuple()
            .all(self.tx())
            .await?;
        let told = |(policy, written, resolved)| (PolicyId::from_uuid(policy), written, resolved);
        Ok(rules.into_iter().map(told).collect())
    }

    /// What is evaluated of the rules in which a group's id stands, in the one form in which names are replaced; in a
    /// comment too. Also of policies that take no part now.
    pub async fn rules_mentioning_group(
        &self,
        group: GroupId,
    ) -> Result<Vec<(PolicyId, String)>, StoreError> {
        let rules: Vec<(Uuid, String)> = policy_rule::Entity::find()
            .select_only()
            .columns([policy_rule::Column::PolicyId, policy_rule::Column::ResolvedText])
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(policy_rule::Column::ResolvedText.contains(format!("Group::\"{group}\"")))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(rules.into_iter().map(|(policy, text)| (PolicyId::from_uuid(policy), text)).collect())
    }
}
