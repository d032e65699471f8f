//! What is shown of assignments and changes.

use serde::{Deserialize, Serialize};

use crate::{
    state::{ChangeKind, State},
    world::{Assignment, PrincipalType},
};

/// An assignment as a person would name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentView {
    /// The instance's ARN.
    pub instance: String,
    /// The assignment.
    #[serde(flatten)]
    pub assignment: Assignment,
    /// The permission set's name.
    pub permission_set_name: Option<String>,
    /// The user's name or the group's.
    pub principal_name: Option<String>,
}

/// A creation or deletion in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// AWS's request id.
    pub request_id: String,
    /// What it does.
    pub kind: ChangeKind,
    /// The instance's ARN.
    pub instance: String,
    /// The assignment.
    #[serde(flatten)]
    pub assignment: Assignment,
}

pub(super) fn assignments(state: &State) -> Vec<AssignmentView> {
    let instances = state.world.instances().map(|(_, instance)| instance);
    instances
        .flat_map(|instance| {
            state.book.held(&instance.arn).into_iter().map(|assignment| {
                let set = instance.permission_set(&assignment.permission_set);
                let id = assignment.principal_id.as_str();
                let principal_name = match assignment.principal_type {
                    PrincipalType::User => instance.user(id).map(|user| user.user_name.clone()),
                    PrincipalType::Group => instance.group(id).map(|group| group.name.clone()),
                };
                AssignmentView {
                    instance: instance.arn.clone(),
                    permission_set_name: set.map(|set| set.name.clone()),
                    principal_name,
                    assignment,
                }
            })
        })
        .collect()
}

pub(super) fn changes_in_progress(state: &State) -> Vec<ChangeView> {
    let open = state.changes.open().iter();
    open.map(|change| ChangeView {
        request_id: change.id.clone(),
        kind: change.kind,
        instance: change.instance.clone(),
        assignment: change.assignment.clone(),
    })
    .collect()
}
