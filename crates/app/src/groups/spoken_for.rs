use std::collections::BTreeSet;

use curfew_domain::{Group, GroupName, PolicyId, Scope};
use curfew_policy::{NameKind, PrincipalId, resolved_names};
use curfew_store::WriteUnit;
use serde_json::{Map, Value};

use crate::{AppError, Caller};

/// Refuses a name by which a saved rule means another group. The rule itself would go on to mean that one; but whoever sends
/// its text again, to change something else, would have the name looked up anew, and give away what it says.
pub(super) async fn refuse_spoken_for(
    unit: &WriteUnit,
    caller: &Caller,
    group: &Group,
) -> Result<(), AppError> {
    let wanted = group.name.folded();
    let mut speaking: BTreeSet<PolicyId> = BTreeSet::new();
    for (policy, written, resolved) in unit.rules_with_names().await? {
        if may_hold(&written, &wanted) && means_another(&written, &resolved, group, &wanted) {
            speaking.insert(policy);
        }
    }
    if speaking.is_empty() {
        return Ok(());
    }
    let name = &group.name;
    let message = format!(
        "rules mean another group by the name {name}, which it had when they were saved: write its name of today into them \
         first"
    );
    if !caller.may(Scope::PoliciesRead) {
        return Err(AppError::conflict(message));
    }
    let ids: Vec<String> = speaking.iter().map(PolicyId::to_string).collect();
    Err(AppError::Conflict { message, details: Map::from_iter([("policies".to_owned(), Value::from(ids))]) })
}

/// Whether a name can stand in a text: as it is, or with escapes.
fn may_hold(written: &str, folded: &str) -> bool {
    written.contains('\\') || written.to_lowercase().contains(folded)
}

fn means_another(written: &str, resolved: &str, group: &Group, wanted: &str) -> bool {
    resolved_names(written, resolved).into_iter().any(|(spoken, id)| {
        let name = spoken.name.parse::<GroupName>().map(|name| name.folded());
        spoken.kind == NameKind::Group
            && id != PrincipalId::Group(group.id)
            && name.is_ok_and(|name| name == wanted)
    })
}
