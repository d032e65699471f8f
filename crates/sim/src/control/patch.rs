//! Small changes of the world, as the control endpoint takes them.

use serde::{Deserialize, Serialize};

use crate::world::{
    Account, AccountState, Assignment, CredentialState, Instance, InstanceStatus, Organization, Permissions,
    Role, ServiceControlPolicy, Trust, User, UserStatus, World, WorldError,
};

/// One change of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum Patch {
    /// Assigns by hand.
    Assign {
        /// The instance's ARN.
        instance: String,
        /// What is assigned.
        assignment: Assignment,
    },
    /// Takes an assignment away by hand.
    Unassign {
        /// The instance's ARN.
        instance: String,
        /// What was assigned.
        assignment: Assignment,
    },
    /// Suspends, closes or reactivates an account.
    SetAccountState {
        /// The account.
        account: String,
        /// Its new state.
        state: AccountState,
    },
    /// Moves an account below another root or unit.
    MoveAccount {
        /// The account.
        account: String,
        /// The root or unit.
        parent: String,
    },
    /// Adds an account to the organization of a management account.
    AddAccount {
        /// The organization's management account.
        management_account: String,
        /// The account.
        account: Account,
    },
    /// Adds a user to an instance's directory.
    AddUser {
        /// The instance's ARN.
        instance: String,
        /// The user.
        user: User,
    },
    /// Deletes a user; assignments stay.
    DeleteUser {
        /// The user's id.
        user: String,
    },
    /// Disables or enables a user.
    SetUserStatus {
        /// The user's id.
        user: String,
        /// The new status.
        status: UserStatus,
    },
    /// Adds a role to the organization of its account, or replaces the one with the same ARN.
    PutRole {
        /// The role.
        role: Role,
    },
    /// Deletes a role; its sessions end.
    RemoveRole {
        /// The role's ARN.
        role: String,
    },
    /// Replaces whom a role trusts.
    SetTrust {
        /// The role's ARN.
        role: String,
        /// Whom it trusts.
        trust: Trust,
    },
    /// Replaces what a role may do.
    SetPermissions {
        /// The role's ARN.
        role: String,
        /// What it may do.
        permissions: Permissions,
    },
    /// Adds a service control policy to an organization, or replaces the one of the same name.
    PutPolicy {
        /// The organization's management account.
        management_account: String,
        /// The policy.
        policy: ServiceControlPolicy,
    },
    /// Enables service control policies, or disables them, which detaches all.
    EnablePolicies {
        /// The organization's management account.
        management_account: String,
        /// Whether they are enabled.
        enabled: bool,
    },
    /// Replaces which member accounts may change policies.
    DelegatePolicies {
        /// The organization's management account.
        management_account: String,
        /// The member accounts.
        accounts: Vec<String>,
    },
    /// Moves an instance to another primary region.
    SetPrimaryRegion {
        /// The instance's ARN.
        instance: String,
        /// The region.
        region: String,
    },
    /// Changes an instance's status.
    SetInstanceStatus {
        /// The instance's ARN.
        instance: String,
        /// The new status.
        status: InstanceStatus,
    },
    /// Deletes an instance with all that is in it.
    RemoveInstance {
        /// The instance's ARN.
        instance: String,
    },
    /// Provisions a permission set in an account without an assignment.
    Provision {
        /// The permission set's ARN.
        permission_set: String,
        /// The account.
        account: String,
    },
    /// Makes credentials expire, vanish or work again.
    SetCredentials {
        /// The access key.
        access_key: String,
        /// What AWS says to it.
        state: CredentialState,
    },
}

/// Why a change can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// What it changes isn't there.
    #[error("there is no {what} `{value}`")]
    NotThere {
        /// What it would change.
        what: &'static str,
        /// As it was named.
        value: String,
    },
    /// The world would no longer fit together.
    #[error(transparent)]
    World(#[from] WorldError),
}

impl Patch {
    /// Changes the world.
    pub(super) fn apply(self, world: &mut World) -> Result<(), PatchError> {
        match self {
            Self::Assign { instance, assignment } => {
                in_instance(world, &instance, |i| i.assignments.push(assignment))
            }
            Self::Unassign { instance, assignment } => {
                in_instance(world, &instance, |i| i.assignments.retain(|held| *held != assignment))
            }
            Self::SetAccountState { account, state } => in_account(world, &account, |a| a.state = state),
            Self::MoveAccount { account, parent } => in_account(world, &account, |a| a.parent = parent),
            Self::AddAccount { management_account, account } => {
                add_account(world, &management_account, account)
            }
            Self::AddUser { instance, user } => in_instance(world, &instance, |i| i.users.push(user)),
            Self::DeleteUser { user } => delete_user(world, &user),
            Self::SetUserStatus { user, status } => in_user(world, &user, |u| u.status = status),
            Self::PutRole { role } => put_role(world, role),
            Self::RemoveRole { role } => remove_role(world, &role),
            Self::SetTrust { role, trust } => in_role(world, &role, |r| r.trust = trust),
            Self::SetPermissions { role, permissions } => {
                in_role(world, &role, |r| r.permissions = permissions)
            }
            Self::PutPolicy { management_account, policy } => {
                in_organization(world, &management_account, |o| o.put_policy(policy))
            }
            Self::EnablePolicies { management_account, enabled } => {
                in_organization(world, &management_account, |o| o.enable_policies(enabled))
            }
            Self::DelegatePolicies { management_account, accounts } => {
                in_organization(world, &management_account, |o| o.policy_administrators = accounts)
            }
            Self::SetPrimaryRegion { instance, region } => {
                in_instance(world, &instance, |i| i.primary_region = region)
            }
            Self::SetInstanceStatus { instance, status } => {
                in_instance(world, &instance, |i| i.status = status)
            }
            Self::RemoveInstance { instance } => remove_instance(world, &instance),
            Self::Provision { permission_set, account } => provision(world, &permission_set, account),
            Self::SetCredentials { access_key, state } => set_credentials(world, &access_key, state),
        }
    }
}

fn in_instance(world: &mut World, arn: &str, change: impl FnOnce(&mut Instance)) -> Result<(), PatchError> {
    world.instance_mut(arn).map(change).ok_or_else(|| absent("instance", arn))
}

fn in_organization(
    world: &mut World,
    management_account: &str,
    change: impl FnOnce(&mut Organization),
) -> Result<(), PatchError> {
    let organization = world.organization_mut(management_account);
    organization.map(change).ok_or_else(|| absent("organization", management_account))
}

fn in_account(world: &mut World, id: &str, change: impl FnOnce(&mut Account)) -> Result<(), PatchError> {
    world.account_mut(id).map(change).ok_or_else(|| absent("account", id))
}

fn in_role(world: &mut World, arn: &str, change: impl FnOnce(&mut Role)) -> Result<(), PatchError> {
    world.role_mut(arn).map(change).ok_or_else(|| absent("role", arn))
}

fn in_user(world: &mut World, id: &str, change: impl FnOnce(&mut User)) -> Result<(), PatchError> {
    let mut users = instances_mut(world).flat_map(|instance| &mut instance.users);
    users.find(|user| user.id == id).map(change).ok_or_else(|| absent("user", id))
}

fn add_account(world: &mut World, management_account: &str, account: Account) -> Result<(), PatchError> {
    in_organization(world, management_account, |organization| organization.accounts.push(account))
}

fn delete_user(world: &mut World, id: &str) -> Result<(), PatchError> {
    let instance = instances_mut(world).find(|instance| instance.user(id).is_some());
    let instance = instance.ok_or_else(|| absent("user", id))?;
    instance.users.retain(|user| user.id != id);
    for group in &mut instance.groups {
        group.members.retain(|member| member != id);
    }
    Ok(())
}

fn put_role(world: &mut World, role: Role) -> Result<(), PatchError> {
    if let Some(own) = world.role_mut(&role.arn) {
        *own = role;
        return Ok(());
    }
    let account = role.account().to_owned();
    let mut organizations = world.organizations.iter_mut();
    let organization = organizations.find(|o| o.account(&account).is_some());
    organization.map(|organization| organization.roles.push(role)).ok_or_else(|| absent("account", &account))
}

fn remove_role(world: &mut World, arn: &str) -> Result<(), PatchError> {
    if world.role(arn).is_none() {
        return Err(absent("role", arn));
    }
    for organization in &mut world.organizations {
        organization.roles.retain(|role| role.arn != arn);
    }
    Ok(())
}

fn remove_instance(world: &mut World, arn: &str) -> Result<(), PatchError> {
    if world.instance(arn).is_none() {
        return Err(absent("instance", arn));
    }
    for organization in &mut world.organizations {
        organization.instances.retain(|instance| instance.arn != arn);
    }
    Ok(())
}

fn provision(world: &mut World, arn: &str, account: String) -> Result<(), PatchError> {
    let set = instances_mut(world).flat_map(|i| &mut i.permission_sets).find(|set| set.arn == arn);
    set.map(|set| set.provisioned_in.push(account)).ok_or_else(|| absent("permission set", arn))
}

fn set_credentials(world: &mut World, access_key: &str, state: CredentialState) -> Result<(), PatchError> {
    let own = world.own_credentials.iter_mut().find(|own| own.access_key_id == access_key);
    own.map(|own| own.state = state).ok_or_else(|| absent("access key", access_key))
}

fn instances_mut(world: &mut World) -> impl Iterator<Item = &mut Instance> {
    world.organizations.iter_mut().flat_map(|organization| &mut organization.instances)
}

fn absent(what: &'static str, value: &str) -> PatchError {
    PatchError::NotThere { what, value: value.to_owned() }
}
