//! Whether a world's parts fit together.

use std::collections::BTreeSet;

use super::{Instance, KmsKey, Organization, ServiceControlPolicy, World};
use crate::{protocol::patterns, scp::Document};

/// Why a world can't be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// An id or ARN that AWS would never give.
    #[error("{what} `{value}` is not of AWS's form")]
    Malformed {
        /// What it names.
        what: &'static str,
        /// As it was given.
        value: String,
    },
    /// Two things with one id.
    #[error("{what} `{value}` is there twice")]
    Twice {
        /// What it names.
        what: &'static str,
        /// As it was given.
        value: String,
    },
    /// A reference to something that isn't there.
    #[error("{from} names {what} `{value}`, which is not there")]
    Dangling {
        /// Who refers to it.
        from: String,
        /// What it names.
        what: &'static str,
        /// As it was given.
        value: String,
    },
    /// A policy that AWS would not have taken.
    #[error("the policy `{name}` is not one: {problem}")]
    Policy {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl World {
    /// Checks every id's form, that none is given twice, and that each reference leads somewhere.
    pub fn check(&self) -> Result<(), WorldError> {
        let mut seen = Seen::default();
        for credentials in &self.own_credentials {
            seen.once("access key", &credentials.access_key_id)?;
            form("account", credentials.account(), patterns::ACCOUNT_ID)?;
        }
        self.kms_keys.iter().try_for_each(|key| check_kms_key(key, &mut seen))?;
        self.organizations.iter().try_for_each(|organization| check_organization(organization, &mut seen))
    }
}

#[derive(Default)]
struct Seen(BTreeSet<(&'static str, String)>);

impl Seen {
    fn once(&mut self, what: &'static str, value: &str) -> Result<(), WorldError> {
        if self.0.insert((what, value.to_owned())) {
            return Ok(());
        }
        Err(WorldError::Twice { what, value: value.to_owned() })
    }
}

fn check_kms_key(key: &KmsKey, seen: &mut Seen) -> Result<(), WorldError> {
    form("KMS key", &key.arn, patterns::KEY_ARN)?;
    seen.once("KMS key", &key.arn)?;
    key.aliases.iter().try_for_each(|alias| {
        form("alias of a KMS key", alias, patterns::ALIAS)?;
        seen.once("alias of a KMS key", &key.alias_arn(alias))
    })
}

fn check_organization(organization: &Organization, seen: &mut Seen) -> Result<(), WorldError> {
    form("organization", &organization.id, patterns::ORGANIZATION_ID)?;
    form("root", &organization.root_id, patterns::ROOT_ID)?;
    seen.once("organization", &organization.id)?;
    seen.once("root", &organization.root_id)?;
    let parent = |from: &str, value: &str| {
        let there = organization.root_id == value || organization.units.iter().any(|unit| unit.id == value);
        present(there, from, "parent", value)
    };
    for unit in &organization.units {
        form("organizational unit", &unit.id, patterns::UNIT_ID)?;
        seen.once("organizational unit", &unit.id)?;
        parent(&unit.name, &unit.parent)?;
    }
    for account in &organization.accounts {
        form("account", &account.id, patterns::ACCOUNT_ID)?;
        seen.once("account", &account.id)?;
        parent(&account.name, &account.parent)?;
    }
    let account =
        |from: &str, value: &str| present(organization.account(value).is_some(), from, "account", value);
    account(&organization.id, &organization.management_account)?;
    organization.delegated_administrators.iter().try_for_each(|d| account(&organization.id, &d.account))?;
    organization.policy_administrators.iter().try_for_each(|id| account(&organization.id, id))?;
    for policy in &organization.policies {
        check_policy(policy, &organization.id, seen)?;
        for target in &policy.targets {
            let known = organization.account(target).is_some() || parent(&policy.name, target).is_ok();
            present(known, &policy.name, "target", target)?;
        }
    }
    for role in &organization.roles {
        form("role", &role.arn, patterns::ROLE_ARN)?;
        seen.once("role", &role.arn)?;
        account(&role.arn, role.account())?;
    }
    organization.instances.iter().try_for_each(|instance| {
        account(&instance.arn, &instance.owner_account)?;
        check_instance(organization, instance, seen)
    })
}

fn check_policy(
    policy: &ServiceControlPolicy,
    organization: &str,
    seen: &mut Seen,
) -> Result<(), WorldError> {
    form("policy", &policy.id, patterns::OWN_POLICY_ID)?;
    seen.once("policy", &policy.id)?;
    seen.once("name of a policy", &format!("{organization}/{}", policy.name))?;
    match Document::parse(&policy.content) {
        Ok(_) => Ok(()),
        Err(problem) => Err(WorldError::Policy { name: policy.name.clone(), problem: problem.to_string() }),
    }
}

fn check_instance(
    organization: &Organization,
    instance: &Instance,
    seen: &mut Seen,
) -> Result<(), WorldError> {
    form("instance", &instance.arn, patterns::INSTANCE_ARN)?;
    form("identity store", &instance.identity_store_id, patterns::IDENTITY_STORE_ID)?;
    seen.once("instance", &instance.arn)?;
    seen.once("identity store", &instance.identity_store_id)?;
    for set in &instance.permission_sets {
        form("permission set", &set.arn, patterns::PERMISSION_SET_ARN)?;
        seen.once("permission set", &set.arn)?;
        for account in set.provisioned_in.iter().chain(&set.outdated_in) {
            present(organization.account(account).is_some(), &set.arn, "account", account)?;
        }
    }
    for user in &instance.users {
        form("user", &user.id, patterns::RESOURCE_ID)?;
        seen.once("user", &user.id)?;
    }
    for group in &instance.groups {
        form("group", &group.id, patterns::RESOURCE_ID)?;
        seen.once("group", &group.id)?;
        for member in &group.members {
            present(instance.user(member).is_some(), &group.name, "user", member)?;
        }
    }
    instance.assignments.iter().try_for_each(|a| {
        present(organization.account(&a.account).is_some(), "an assignment", "account", &a.account)?;
        let set = &a.permission_set;
        present(instance.permission_set(set).is_some(), "an assignment", "permission set", set)
    })
}

fn form(what: &'static str, value: &str, pattern: patterns::Pattern) -> Result<(), WorldError> {
    if pattern.admits(value) {
        return Ok(());
    }
    Err(WorldError::Malformed { what, value: value.to_owned() })
}

fn present(there: bool, from: &str, what: &'static str, value: &str) -> Result<(), WorldError> {
    if there {
        return Ok(());
    }
    Err(WorldError::Dangling { from: from.to_owned(), what, value: value.to_owned() })
}
