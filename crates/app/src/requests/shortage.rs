//! Where too few people could approve a request: the requester is told at once, and so is whoever reads the log.

use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::{ApprovalRequirement, RequestStatus, Reviewer};
use curfew_domain::{AccessRequest, Scope, Timestamp};
use curfew_store::{PossibleApprovers, ReadUnit};

use crate::AppError;
use crate::roles::roles_with;

/// What the requester is told; nothing where enough people could approve, or none has to.
pub(super) async fn notice(
    unit: &ReadUnit,
    request: &AccessRequest,
    now: Timestamp,
) -> Result<Option<String>, AppError> {
    if request.status(now) != RequestStatus::Pending {
        return Ok(None);
    }
    let roles = roles_with(unit, Scope::RequestsApprove).await?;
    for requirement in &request.requirements {
        let wanted = PossibleApprovers {
            roles: &roles,
            groups: &requirement.groups,
            requester: Some((request.requester, Reviewer::tied_after(now))),
        };
        let found = unit.count_possible_approvers(&wanted, requirement.approvals).await?;
        if found < usize::from(requirement.approvals) {
            tracing::warn!(
                tenant_id = %unit.tenant(), request_id = %request.id, policy_id = %requirement.policy, found,
                "a request came for which there are too few approvers"
            );
            return Ok(Some(words(requirement, found)));
        }
    }
    Ok(None)
}

/// How many people could approve what a policy permits, whoever asks, counted up to as many as have to.
pub(crate) async fn possible_approvers(unit: &ReadUnit, terms: &PolicyTerms) -> Result<usize, AppError> {
    let roles = roles_with(unit, Scope::RequestsApprove).await?;
    let wanted = PossibleApprovers { roles: &roles, groups: &terms.approver_groups, requester: None };
    Ok(unit.count_possible_approvers(&wanted, terms.approvals_required).await?)
}

fn words(requirement: &ApprovalRequirement, found: usize) -> String {
    let out_of =
        if requirement.groups.is_empty() { "" } else { " by members of the policy's approver groups" };
    let found = match found {
        0 => "nobody could give one".to_owned(),
        1 => "one person could give one".to_owned(),
        more => format!("{more} people could give one"),
    };
    format!(
        "As things are, this can't be approved: it needs {}{out_of}, and {found}. Ask an admin.",
        match requirement.approvals {
            1 => "an approval".to_owned(),
            more => format!("{more} approvals"),
        }
    )
}
