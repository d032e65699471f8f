//! What grants say of AWS's sessions.

use std::collections::{BTreeMap, HashSet};

use curfew_domain::session_end::SessionEndTimes;
use curfew_domain::{InstanceArn, PermissionSetArn, ResourceRef, Seconds};
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::entity::assignment;
use crate::entity::session_end::{Column, Entity};
use crate::row::Row;
use crate::{ReadUnit, StoreError};

use super::times_of;

/// So many permission sets are looked up at once.
const SETS: usize = 200;

/// How long the sessions of permission sets last, as far as AWS has told.
pub(crate) type SessionLengths = BTreeMap<(String, String), Seconds>;

impl ReadUnit {
    /// The ends of these assignments' sessions, oldest first.
    pub(crate) async fn session_ends_of(
        &self,
        assignments: SelectStatement,
    ) -> Result<BTreeMap<Uuid, Vec<SessionEndTimes>>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::AssignmentId.in_subquery(assignments))
            .order_by_asc(Column::AskedAt)
            .order_by_asc(Column::Id)
            .all(self.tx())
            .await?;
        let mut ends: BTreeMap<Uuid, Vec<SessionEndTimes>> = BTreeMap::new();
        for row in &rows {
            ends.entry(row.assignment_id).or_default().push(times_of(row)?);
        }
        Ok(ends)
    }

    /// How long AWS's sessions of these assignments last.
    pub(crate) async fn session_lengths(
        &self,
        assignments: impl Iterator<Item = &assignment::Model>,
    ) -> Result<SessionLengths, StoreError> {
        let mut by_instance: BTreeMap<&str, HashSet<ResourceRef>> = BTreeMap::new();
        for row in assignments {
            let at = Row { table: "assignment", id: row.id };
            let set: PermissionSetArn = at.parse("permission_set_arn", &row.permission_set_arn)?;
            by_instance.entry(&row.instance_arn).or_default().insert(ResourceRef::from(set));
        }
        let mut lengths = SessionLengths::new();
        for (instance, sets) in by_instance {
            let at = Row { table: "assignment", id: instance };
            let instance: InstanceArn = at.parse("instance_arn", instance)?;
            let sets: Vec<ResourceRef> = sets.into_iter().collect();
            for chunk in sets.chunks(SETS) {
                for set in self.aws_resources(&instance, chunk).await? {
                    let lasts = set.discovered.and_then(|discovered| discovered.attributes.session);
                    let key = (instance.to_string(), set.resource.id().to_owned());
                    lengths.extend(lasts.map(|lasts| (key, lasts)));
                }
            }
        }
        Ok(lengths)
    }
}

/// Under what the length of an assignment's sessions is found.
pub(crate) fn length_of(row: &assignment::Model) -> (String, String) {
    (row.instance_arn.clone(), row.permission_set_arn.clone())
}

/// Whether what stands in the way of the policies matters to what is said of these.
pub(crate) fn asks_for_policies(ends: &BTreeMap<Uuid, Vec<SessionEndTimes>>) -> bool {
    ends.values().flatten().any(|end| end.over.is_none())
}
