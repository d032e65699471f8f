//! Every version that a policy had: what the rules said that decided, whatever became of the policy since.

use curfew_domain::policy::Policy;
use curfew_domain::{DoneBy, PolicyId};
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::entity::policy_version::{ActiveModel, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// A policy as it was, and who made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy with its rules; its `updated_at` says since when.
    pub policy: Policy,
    /// Who made it so.
    pub by: DoneBy,
}

impl ReadUnit {
    /// One version of a policy, also of one that was deleted.
    pub async fn policy_version(
        &self,
        id: PolicyId,
        version: u32,
    ) -> Result<Option<PolicyVersion>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid(), i64::from(version))).one(self.tx()).await?;
        row.map(policy_version).transpose()
    }
}

impl WriteUnit {
    /// Keeps the policy as it is now. Versions are never changed.
    pub(crate) async fn keep_policy_version(&self, policy: &Policy, by: DoneBy) -> Result<(), StoreError> {
        let body = serde_json::to_value(policy)
            .map_err(|problem| StoreError::corrupt("policy_version", policy.id, problem))?;
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            policy_id: Set(policy.id.uuid()),
            version: Set(policy.version.into()),
            body: Set(body),
            made_by: Set(by.to_string()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn policy_version(row: Model) -> Result<PolicyVersion, StoreError> {
    let at = Row { table: "policy_version", id: format!("{}, {}", row.policy_id, row.version) };
    Ok(PolicyVersion { policy: at.json("body", row.body)?, by: at.parse("made_by", &row.made_by)? })
}
