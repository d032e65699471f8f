//! Which grants a list shows. States are derived from moments here as in `domain`, so that a filter and what is
//! shown agree: a test holds the two together.

use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::{AccountId, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};

use crate::entity::access_grant::Column;

/// Which grants a list shows. Everything that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// What the grantee is entitled to now.
    pub status: Option<GrantStatus>,
    /// Who has the access.
    pub grantee: Option<UserId>,
    /// What AWS holds of it now.
    pub provisioning: Option<ProvisioningStatus>,
    /// An account that it gives access to.
    pub account: Option<AccountId>,
}

impl GrantFilter {
    pub(super) fn condition(&self, now: Timestamp) -> Condition {
        Condition::all()
            .add_option(self.status.map(|status| has_status(status, now)))
            .add_option(self.grantee.map(|grantee| Column::GranteeId.eq(grantee.uuid())))
            .add_option(self.provisioning.map(|status| has_provisioning(status, now)))
            .add_option(self.account.as_ref().map(gives_access_to))
    }
}

/// `GrantTimes::status`, for the database.
fn has_status(status: GrantStatus, now: Timestamp) -> Condition {
    let all = Condition::all();
    match status {
        GrantStatus::Revoked => all.add(Column::RevokedAt.is_not_null()),
        GrantStatus::Expired => all.add(Column::RevokedAt.is_null()).add(ends(now, "<=")),
        GrantStatus::Active => all.add(Column::RevokedAt.is_null()).add(ends(now, ">")),
    }
}

/// `GrantTimes::provisioning`, for the database.
fn has_provisioning(status: ProvisioningStatus, now: Timestamp) -> Condition {
    let active = || has_status(GrantStatus::Active, now);
    let alive = || active().add(Column::FailedAt.is_null());
    let ended = || active().not();
    let over = format!("(a.phase IN ('unseen', 'gone', 'standing') OR {})", needed_by_another(now));
    let not_begun = "a.phase IN ('unseen', 'gone')";
    let moving = "a.phase IN ('creating', 'deleting')";
    match status {
        ProvisioningStatus::Pending => {
            alive().add(Condition::any().add(none_has("1 = 1")).add(one_has(not_begun)))
        }
        ProvisioningStatus::Provisioning => alive().add(none_has(not_begun)).add(one_has(moving)),
        ProvisioningStatus::Successful => {
            alive().add(none_has(not_begun)).add(none_has(moving)).add(one_has("1 = 1"))
        }
        ProvisioningStatus::Failed => active().add(Column::FailedAt.is_not_null()),
        ProvisioningStatus::Revoking => Condition::all().add(ended()).add(one_has(&format!("NOT {over}"))),
        ProvisioningStatus::Revoked => Condition::all().add(ended()).add(none_has(&format!("NOT {over}"))),
    }
}

/// An organizational unit's accounts are those of its assignments.
pub(super) fn gives_access_to(account: &AccountId) -> Condition {
    // Twelve digits, by its type: nothing to escape.
    Condition::any()
        .add(Column::AccountId.eq(account.as_str()))
        .add(one_has(&format!("a.account_id = '{account}'")))
}

fn ends(now: Timestamp, comparison: &str) -> Expr {
    Expr::cust(format!(
        "COALESCE(access_grant.expires_at, access_grant.start_by) {comparison} {}",
        now.micros()
    ))
}

/// Whether one of the grant's assignments `a`, by its link `l`, is as said.
fn one_has(what: &str) -> Expr {
    Expr::cust(format!(
        "EXISTS (SELECT 1 FROM grant_assignment l JOIN assignment a \
         ON a.tenant_id = l.tenant_id AND a.id = l.assignment_id \
         WHERE l.tenant_id = access_grant.tenant_id AND l.grant_id = access_grant.id AND {what})"
    ))
}

fn none_has(what: &str) -> Condition {
    Condition::all().add(one_has(what)).not()
}

fn needed_by_another(now: Timestamp) -> String {
    format!(
        "EXISTS (SELECT 1 FROM grant_assignment o JOIN access_grant g \
         ON g.tenant_id = o.tenant_id AND g.id = o.grant_id \
         WHERE o.tenant_id = l.tenant_id AND o.assignment_id = l.assignment_id AND o.grant_id <> l.grant_id \
         AND g.revoked_at IS NULL AND g.failed_at IS NULL AND COALESCE(g.expires_at, g.start_by) > {})",
        now.micros()
    )
}
