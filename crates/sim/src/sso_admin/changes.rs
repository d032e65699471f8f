//! Creating and deleting assignments: both are accepted first and end later.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html>,
//! <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteAccountAssignment.html>

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    reach::{self, Reached},
    statuses,
};
use crate::{
    call::Call,
    entropy,
    faults::FaultKind,
    protocol::patterns,
    refusal::{Missing, Refusal},
    state::{Change, ChangeKind, ChangeStatus, Ending},
    world::{Assignment, MissingDeletion, Observed, PermissionSet, PrincipalType},
};

/// Asks for an assignment.
pub(super) fn create_account_assignment(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let change = accept(call, ChangeKind::Creation)?;
    Ok(json!({ "AccountAssignmentCreationStatus": statuses::shown(&change) }))
}

/// Asks for an assignment to go.
pub(super) fn delete_account_assignment(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let change = accept(call, ChangeKind::Deletion)?;
    Ok(json!({ "AccountAssignmentDeletionStatus": statuses::shown(&change) }))
}

fn accept(call: &mut Call<'_>, kind: ChangeKind) -> Result<Change, Refusal> {
    let change = asked_for(call, kind)?;
    call.state.changes.begin(change.clone());
    Ok(change)
}

/// The change that a call asks for, if nothing stands against it.
fn asked_for(call: &Call<'_>, kind: ChangeKind) -> Result<Change, Refusal> {
    let reached = reach::reach(call)?;
    let set = reached.permission_set(call)?;
    let assignment = read_assignment(call, set)?;
    reached.check_account(&assignment.account)?;
    check_delegation(call, reached, set, &assignment)?;
    // What is being created is not there yet: a deletion that races it meets the conflict, not that.
    check_free(call, reached, &assignment)?;
    check_there(call, reached, &assignment, kind)?;
    if kind == ChangeKind::Creation {
        check_outstanding(call, reached)?;
    }
    Ok(Change {
        id: entropy::uuid(),
        kind,
        instance: reached.instance.arn.clone(),
        ending: ending(call, reached, &assignment)?,
        assignment,
        created_at: call.now,
        status: ChangeStatus::InProgress,
    })
}

fn read_assignment(call: &Call<'_>, set: &PermissionSet) -> Result<Assignment, Refusal> {
    let fields = call.fields;
    fields.text("TargetType", patterns::TARGET_TYPE)?;
    let principal_type = match fields.text("PrincipalType", patterns::PRINCIPAL_TYPE)? {
        "GROUP" => PrincipalType::Group,
        _ => PrincipalType::User,
    };
    Ok(Assignment {
        account: fields.text("TargetId", patterns::ACCOUNT_ID)?.to_owned(),
        permission_set: set.arn.clone(),
        principal_type,
        principal_id: fields.text("PrincipalId", patterns::PRINCIPAL_ID)?.to_owned(),
    })
}

/// "A delegated administrator can't manage permission sets that are provisioned in the management account":
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html>.
fn check_delegation(
    call: &Call<'_>,
    reached: Reached<'_>,
    set: &PermissionSet,
    assignment: &Assignment,
) -> Result<(), Refusal> {
    let Reached { organization, instance } = reached;
    let management = organization.management_account.as_str();
    let managed_from_owner = call.caller.account == instance.owner_account;
    let touches_management = assignment.account == management
        || (observed(call).explicit_deny_reaches_members
            && call.state.is_provisioned(instance, set, management));
    if managed_from_owner || !touches_management {
        return Ok(());
    }
    let (caller, action) = (&call.caller.arn, call.service.action(call.operation));
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {} with an explicit deny in a resource-based policy",
        set.arn
    );
    Err(Refusal::AccessDenied { message, kms: false })
}

/// What a duplicate, an unknown principal or a missing assignment meets at once, where it doesn't meet it later.
fn check_there(
    call: &Call<'_>,
    reached: Reached<'_>,
    assignment: &Assignment,
    kind: ChangeKind,
) -> Result<(), Refusal> {
    let Observed { duplicates_succeed, unknown_principals_fail_later, missing_deletion, .. } = observed(call);
    let instance = reached.instance;
    let assigned = call.state.book.holds(&instance.arn, assignment);
    let not_found = |message: String| Err(Refusal::NotFound { what: Missing::Resource, message });
    match kind {
        ChangeKind::Creation if assigned && !duplicates_succeed => {
            Err(Refusal::Conflict { message: "The assignment already exists".to_owned() })
        }
        ChangeKind::Creation
            if !unknown_principals_fail_later
                && !instance.knows(assignment.principal_type, &assignment.principal_id) =>
        {
            not_found(format!(
                "{} not found: {}",
                assignment.principal_type.as_str(),
                assignment.principal_id
            ))
        }
        ChangeKind::Deletion if !assigned && missing_deletion == MissingDeletion::Refused => {
            not_found(format!("AccountAssignment not found for principal {}", assignment.principal_id))
        }
        ChangeKind::Creation | ChangeKind::Deletion => Ok(()),
    }
}

/// "The previous write did not have time to propagate": `ConflictException` in the API reference.
fn check_free(call: &Call<'_>, reached: Reached<'_>, assignment: &Assignment) -> Result<(), Refusal> {
    let whole_account = observed(call).one_change_per_account;
    let busy = call.state.changes.open().iter().any(|open| {
        open.instance == reached.instance.arn
            && open.assignment.account == assignment.account
            && (whole_account || open.assignment == *assignment)
    });
    if busy {
        let message = "There is a conflicting operation in process for the account. Try again later.";
        return Err(Refusal::Conflict { message: message.to_owned() });
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>: outstanding asynchronous calls.
fn check_outstanding(call: &Call<'_>, reached: Reached<'_>) -> Result<(), Refusal> {
    let Some(most) = call.state.world.behaviour.limits.outstanding_creations else { return Ok(()) };
    let outstanding = call
        .state
        .changes
        .open()
        .iter()
        .filter(|open| open.kind == ChangeKind::Creation && open.instance == reached.instance.arn)
        .count();
    if outstanding < most {
        return Ok(());
    }
    if observed(call).outstanding_creations_throttle {
        return Err(Refusal::Throttled);
    }
    let message = "The number of outstanding CreateAccountAssignment calls is at its quota".to_owned();
    Err(Refusal::QuotaExceeded { message })
}

/// When and how the change will end: the last fault that strikes it decides.
fn ending(call: &Call<'_>, reached: Reached<'_>, assignment: &Assignment) -> Result<Ending, Refusal> {
    let takes = SignedDuration::from_millis(call.state.world.behaviour.assignment_ms);
    let at = call.now.saturating_add(takes).unwrap_or(call.now);
    let mut ending = match missing_iam_rights(call, reached, assignment)? {
        Some(reason) => Ending::Fails(at, reason),
        None => Ending::Due(at),
    };
    for fault in call.faults {
        match fault {
            FaultKind::FailChange { reason } => ending = Ending::Fails(at, reason.clone()),
            FaultKind::HangChange => ending = Ending::Held,
            _ => {}
        }
    }
    Ok(ending)
}

/// In the management account the caller itself needs `iam:` rights:
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/iam-auth-access-using-id-policies.html>.
fn missing_iam_rights(
    call: &Call<'_>,
    reached: Reached<'_>,
    assignment: &Assignment,
) -> Result<Option<String>, Refusal> {
    const NEEDED: [&str; 3] = ["iam:CreateRole", "iam:AttachRolePolicy", "iam:GetSAMLProvider"];
    let in_management = assignment.account == reached.organization.management_account;
    let missing = NEEDED.into_iter().find(|action| !call.caller.permissions.permit(action));
    let Some(action) = missing.filter(|_| in_management) else { return Ok(None) };
    let role = format!("arn:aws:iam::{}:role/aws-reserved/sso.amazonaws.com/*", assignment.account);
    let refusal = Refusal::not_authorized(&call.caller.arn, action, &role);
    if observed(call).missing_iam_rights_fail_later {
        return Ok(Some(format!("Received a 403 status error: Access denied by IAM. {refusal}")));
    }
    Err(refusal)
}

fn observed(call: &Call<'_>) -> Observed {
    call.state.world.behaviour.observed
}
