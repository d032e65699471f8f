//! Which policies name a group.

use std::collections::BTreeSet;

use curfew_domain::{GroupId, PolicyId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use crate::entity::{policy, policy_rule};
use crate::row::Row;
use crate::{ReadUnit, StoreError};

impl ReadUnit {
    /// The policies that name a group, in a rule or as one of those that approve; also those that take no part now.
    pub async fn policies_naming_group(&self, group: GroupId) -> Result<BTreeSet<PolicyId>, StoreError> {
        let mut naming = self.policies_with_rule_naming(group).await?;
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

    /// What is evaluated names groups by their ids, in the one form in which names are replaced.
    async fn policies_with_rule_naming(&self, group: GroupId) -> Result<BTreeSet<PolicyId>, StoreError> {
        let ids: Vec<Uuid> = policy_rule::Entity::find()
            .select_only()
            .column(policy_rule::Column::PolicyId)
            .distinct()
            .filter(policy_rule::Column::TenantId.eq(self.wall()))
            .filter(policy_rule::Column::ResolvedText.contains(format!("Group::\"{group}\"")))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(ids.into_iter().map(PolicyId::from_uuid).collect())
    }
}
