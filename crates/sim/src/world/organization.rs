//! An AWS organization: its accounts, organizational units, delegated administrators and roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Instance, Role, ServiceControlPolicy, ids};

/// Tags of an account, unit, root or permission set.
pub type Tags = BTreeMap<String, String>;

/// One customer's organization.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// `o-` and ten or more letters and digits.
    pub id: String,
    /// `r-` and four or more letters and digits.
    pub root_id: String,
    /// The account that owns the organization; it is in `accounts` as well.
    pub management_account: String,
    /// All accounts, the management account among them.
    pub accounts: Vec<Account>,
    /// Organizational units, nested by `parent`.
    #[serde(default)]
    pub units: Vec<OrganizationalUnit>,
    /// Tags of the root.
    #[serde(default)]
    pub root_tags: Tags,
    /// Member accounts that services were delegated to.
    #[serde(default)]
    pub delegated_administrators: Vec<DelegatedAdministrator>,
    /// Identity Center instances: the organization's own, and perhaps account instances of members.
    #[serde(default)]
    pub instances: Vec<Instance>,
    /// IAM roles of this organization's accounts that can be assumed.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Regions in which STS is not activated for these accounts.
    #[serde(default)]
    pub sts_disabled_regions: Vec<String>,
    /// Service control policies of its own; AWS's `FullAWSAccess` is attached everywhere besides.
    #[serde(default)]
    pub policies: Vec<ServiceControlPolicy>,
    /// Whether service control policies are enabled in the root. Where not, none is attached to anything.
    #[serde(default = "yes")]
    pub policies_enabled: bool,
    /// Member accounts that the organization's delegation policy lets change policies.
    #[serde(default)]
    pub policy_administrators: Vec<String>,
}

/// An account of an organization.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The address of its root user.
    pub email: String,
    /// Whether it can be used.
    #[serde(default)]
    pub state: AccountState,
    /// The root or the unit that it sits in.
    pub parent: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// IAM has no room for a further role here, so that a new permission set can't be provisioned.
    #[serde(default)]
    pub role_quota_reached: bool,
}

/// The state of an account, which since September 2026 takes the place of its status.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html> (`State`)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// Made, not usable yet.
    PendingActivation,
    /// In use.
    #[default]
    Active,
    /// Stopped by AWS or on its way to being closed.
    Suspended,
    /// Being closed.
    PendingClosure,
    /// Closed.
    Closed,
}

/// An organizational unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationalUnit {
    /// `ou-`, the root's digits, and eight or more of its own.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The root or the unit that it sits in.
    pub parent: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A member account to which services were delegated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegatedAdministrator {
    /// The member account.
    pub account: String,
    /// The services, by their principals (`sso.amazonaws.com`).
    pub service_principals: Vec<String>,
}

/// The service principal under which Identity Center is delegated.
pub(crate) const SSO_PRINCIPAL: &str = "sso.amazonaws.com";

impl Organization {
    /// An organization with its management account alone. The ids come from the name.
    #[must_use]
    pub fn new(name: &str, management_account: &str) -> Self {
        let root_id = format!("r-{}", ids::hex_id("root", name, 4));
        let management = Account::new(management_account, &format!("{name}-management"), &root_id);
        Self {
            id: format!("o-{}", ids::hex_id("organization", name, 10)),
            root_id,
            management_account: management_account.to_owned(),
            accounts: vec![management],
            units: Vec::new(),
            root_tags: Tags::new(),
            delegated_administrators: Vec::new(),
            instances: Vec::new(),
            roles: Vec::new(),
            sts_disabled_regions: Vec::new(),
            policies: Vec::new(),
            policies_enabled: true,
            policy_administrators: Vec::new(),
        }
    }

    /// Adds a unit below the root, or below the unit named `parent`.
    #[must_use]
    pub fn with_unit(mut self, name: &str, parent: Option<&str>) -> Self {
        let digits = self.root_id.trim_start_matches("r-").to_owned();
        let id = format!("ou-{digits}-{}", ids::hex_id("unit", &format!("{}/{name}", self.id), 8));
        let parent = self.parent_named(parent);
        self.units.push(OrganizationalUnit { id, name: name.to_owned(), parent, tags: Tags::new() });
        self
    }

    /// Adds an active account to the root, or to the unit named `parent`.
    #[must_use]
    pub fn with_account(mut self, id: &str, name: &str, parent: Option<&str>) -> Self {
        let parent = self.parent_named(parent);
        self.accounts.push(Account::new(id, name, &parent));
        self
    }

    /// Delegates Identity Center to a member account.
    #[must_use]
    pub fn with_delegated_administrator(mut self, account: &str) -> Self {
        self.delegated_administrators.push(DelegatedAdministrator {
            account: account.to_owned(),
            service_principals: vec![SSO_PRINCIPAL.to_owned()],
        });
        self
    }

    /// Adds an Identity Center instance; without an owner it becomes the organization's own.
    #[must_use]
    pub fn with_instance(mut self, mut instance: Instance) -> Self {
        if instance.owner_account.is_empty() {
            instance.owner_account.clone_from(&self.management_account);
        }
        self.instances.push(instance);
        self
    }

    /// Adds a role of one of its accounts.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a service control policy, giving it an id if it has none.
    #[must_use]
    pub fn with_policy(mut self, policy: ServiceControlPolicy) -> Self {
        self.put_policy(policy);
        self
    }

    /// Adds a service control policy that is attached to the root.
    #[must_use]
    pub fn with_policy_at_root(self, name: &str, content: &str) -> Self {
        let policy = ServiceControlPolicy::new(name, content).attached_to(&self.root_id);
        self.with_policy(policy)
    }

    /// Lets a member account change policies.
    #[must_use]
    pub fn with_policy_administrator(mut self, account: &str) -> Self {
        self.policy_administrators.push(account.to_owned());
        self
    }

    /// Adds a service control policy, or replaces the one of the same name.
    pub fn put_policy(&mut self, mut policy: ServiceControlPolicy) {
        if policy.id.is_empty() {
            policy.id = format!("p-{}", ids::hex_id("policy", &format!("{}/{}", self.id, policy.name), 10));
        }
        self.policies.retain(|own| own.name != policy.name);
        self.policies.push(policy);
    }

    /// Enables or disables service control policies: "all SCPs are automatically detached" then, and stay so.
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/disable-policy-type.html>
    pub fn enable_policies(&mut self, enabled: bool) {
        self.policies_enabled = enabled;
        if !enabled {
            self.policies.iter_mut().for_each(|policy| policy.targets.clear());
        }
    }

    /// A service control policy by its name.
    pub fn policy_named(&self, name: &str) -> Option<&ServiceControlPolicy> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// An account by its id.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// A unit by its name.
    pub fn unit_named(&self, name: &str) -> Option<&OrganizationalUnit> {
        self.units.iter().find(|unit| unit.name == name)
    }

    /// Whether Identity Center is delegated to this account.
    pub fn delegates_identity_center_to(&self, account: &str) -> bool {
        self.delegated_administrators
            .iter()
            .any(|d| d.account == account && d.service_principals.iter().any(|p| p == SSO_PRINCIPAL))
    }

    /// Whether the account may see the organization: the management account or a delegated administrator.
    pub(crate) fn is_administered_by(&self, account: &str) -> bool {
        self.management_account == account
            || self.delegated_administrators.iter().any(|d| d.account == account)
    }

    /// Whether the account may change policies: the management account, or one to which that was delegated.
    pub(crate) fn lets_change_policies(&self, account: &str) -> bool {
        self.management_account == account || self.policy_administrators.iter().any(|own| own == account)
    }

    /// The policies that reach an account from any level: none reaches the management account.
    pub(crate) fn policies_above<'a>(
        &'a self,
        account: &'a Account,
    ) -> impl Iterator<Item = &'a ServiceControlPolicy> {
        let levels = format!("{}{}", self.path_to(&account.parent), account.id);
        let levels: Vec<String> = levels.split('/').map(ToOwned::to_owned).collect();
        let reached = self.policies_enabled && account.id != self.management_account;
        self.policies
            .iter()
            .filter(move |policy| reached && policy.targets.iter().any(|target| levels.contains(target)))
    }

    /// Where an account or unit sits: `o-…/r-…/ou-…/`, without itself.
    pub(crate) fn path_to(&self, parent: &str) -> String {
        let mut above = vec![parent];
        while let Some(unit) = above.last().and_then(|last| self.units.iter().find(|unit| unit.id == *last)) {
            // Parents are checked to be there, not to be free of circles.
            if above.contains(&unit.parent.as_str()) {
                break;
            }
            above.push(&unit.parent);
        }
        above.reverse();
        format!("{}/{}/", self.id, above.join("/"))
    }

    fn parent_named(&self, name: Option<&str>) -> String {
        name.and_then(|name| self.unit_named(name))
            .map_or_else(|| self.root_id.clone(), |unit| unit.id.clone())
    }
}

impl Account {
    /// An active account.
    #[must_use]
    pub fn new(id: &str, name: &str, parent: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            email: format!("{name}@accounts.example"),
            state: AccountState::Active,
            parent: parent.to_owned(),
            tags: Tags::new(),
            role_quota_reached: false,
        }
    }
}

impl AccountState {
    /// The name on the wire of `State`.
    pub(crate) fn as_state(self) -> &'static str {
        match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
        }
    }

    /// The name on the wire of the older `Status`, which knows three values only.
    pub(crate) fn as_status(self) -> &'static str {
        match self {
            Self::PendingActivation | Self::Active => "ACTIVE",
            Self::Suspended | Self::Closed => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
        }
    }
}

fn yes() -> bool {
    true
}
