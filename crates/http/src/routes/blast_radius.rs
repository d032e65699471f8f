//! How dangerous a role is, read off what it allows.

use curfew_api::{BlastLevel, BlastRadius};
use curfew_domain::{Scope, ScopeSet};

/// What a role with these scopes could do at worst.
pub(super) fn blast_radius(scopes: &ScopeSet) -> BlastRadius {
    let found: Vec<(BlastLevel, &str)> = scopes.iter().filter_map(danger).collect();
    let warnings: Vec<String> = found.iter().map(|(_, warning)| (*warning).to_owned()).collect();
    let level = if found.iter().any(|(level, _)| *level == BlastLevel::Admin) {
        BlastLevel::Admin
    } else if !found.is_empty() {
        BlastLevel::High
    } else if scopes.iter().any(sees_others) {
        BlastLevel::Medium
    } else {
        BlastLevel::Low
    };
    let summary = match level {
        BlastLevel::Low => "Touches nothing but their own requests.",
        BlastLevel::Medium => "Sees what others do, and can do them little harm.",
        BlastLevel::High => "Has a say in others' access, within what policies allow.",
        BlastLevel::Admin => "Can change who gets into AWS, or who may do what here.",
    };
    BlastRadius { level, summary: summary.to_owned(), warnings }
}

/// What whoever has the scope could do harm with. Exhaustive: a new scope has to be thought about.
const fn danger(scope: Scope) -> Option<(BlastLevel, &'static str)> {
    use BlastLevel::{Admin, High};
    match scope {
        Scope::PoliciesWrite => Some((Admin, "can change the rules that decide who gets into AWS")),
        Scope::PoliciesDelete => Some((Admin, "can delete rules that keep people out of AWS")),
        Scope::GroupsUpdate => Some((Admin, "can put people into groups that policies let into AWS")),
        Scope::IntegrationsWrite => Some((Admin, "can change the AWS connection")),
        Scope::RolesUpdate => Some((Admin, "can change what roles allow, up to what they may do themselves")),
        Scope::SettingsWrite => Some((Admin, "can change settings that bound all access")),
        Scope::TenantsWrite => Some((Admin, "can hand the tenant to another owner")),
        Scope::UsersCreate => Some((Admin, "can make accounts, with roles that they have themselves")),
        Scope::UsersUpdate => Some((Admin, "can give the roles that they have themselves")),
        Scope::ApiKeysCreate => Some((High, "can make keys that act in their name")),
        Scope::ApiKeysDelete => Some((High, "can stop what works with anybody's keys")),
        Scope::AwsWrite => Some((High, "can change access levels and ranks that policies look at")),
        Scope::DriftResolve => Some((High, "can have access removed from AWS, or say that it is fine")),
        Scope::GrantsCreate => Some((High, "can give others access by hand")),
        Scope::GrantsDelete => Some((High, "can end anybody's access")),
        Scope::GrantsUpdate => Some((High, "can change anybody's grants")),
        Scope::GroupsDelete => Some((High, "can delete groups, and the roles that they give")),
        Scope::LockdownsCreate => Some((High, "can end everybody's access")),
        Scope::LockdownsDelete => Some((High, "can let people in again who were locked out")),
        Scope::NotificationChannelsWrite => Some((High, "can have what happens here told to others")),
        Scope::RequestsApprove => Some((High, "can approve any request that policies send to a person")),
        Scope::RequestsBreakGlass => Some((High, "can get access in an emergency without approval")),
        Scope::TenantsCreate => Some((High, "can make child tenants")),
        Scope::UsersDelete => Some((High, "can delete people for good, and end their access")),
        Scope::UsersSuspend => Some((High, "can lock people out, and end their access")),
        Scope::ApiKeysRead
        | Scope::AuditRead
        | Scope::AwsRead
        | Scope::DriftRead
        | Scope::GrantsRead
        | Scope::GroupsCreate
        | Scope::GroupsRead
        | Scope::IntegrationsRead
        | Scope::IntegrationsTest
        | Scope::LockdownsRead
        | Scope::NotificationChannelsRead
        | Scope::PoliciesRead
        | Scope::RequestsCreate
        | Scope::RequestsRead
        | Scope::RolesCreate
        | Scope::RolesDelete
        | Scope::RolesRead
        | Scope::SettingsRead
        | Scope::TenantsRead
        | Scope::UsersRead => None,
    }
}

const fn sees_others(scope: Scope) -> bool {
    !matches!(scope, Scope::AwsRead | Scope::RequestsCreate)
}

#[cfg(test)]
mod tests {
    use curfew_domain::BuiltInRole;

    use super::*;

    #[test]
    fn built_in_roles_are_as_dangerous_as_they_are() {
        let level = |role: BuiltInRole| blast_radius(&role.scopes()).level;
        assert_eq!(BuiltInRole::ALL.map(level), [BlastLevel::Low, BlastLevel::High, BlastLevel::Admin]);
        assert!(blast_radius(&BuiltInRole::User.scopes()).warnings.is_empty());
        let reads = [Scope::AuditRead, Scope::AwsRead].into_iter().collect();
        assert_eq!(blast_radius(&reads).level, BlastLevel::Medium);
        assert_eq!(blast_radius(&ScopeSet::default()).level, BlastLevel::Low);
    }
}
