//! Accounts and units.

use std::collections::{HashMap, VecDeque};

use curfew_aws::{Directory, ParentId, UnitFacts};
use curfew_domain::{AccountId, Discovered, DiscoveredAttributes, OuId, ResourceRef, ResourceType};

use super::read::{Reading, Seen, Stopped};

/// What the organization holds.
pub(super) struct OrganizationRead {
    pub(super) management_account: AccountId,
    pub(super) accounts: u32,
    pub(super) units: u32,
}

/// Where everything lies: the units around it, the nearest first.
#[derive(Default)]
struct Tree {
    units: Vec<(UnitFacts, Vec<OuId>)>,
    accounts: HashMap<AccountId, Vec<OuId>>,
}

impl Reading<'_> {
    pub(super) async fn read_organization(
        &self,
        directory: &dyn Directory,
    ) -> Result<OrganizationRead, Stopped> {
        self.organizations.turns(1).await;
        let management_account = self.told(directory.organization().await)?.management_account;
        let tree = self.walk(directory).await?;
        let units = self.keep_units(&tree).await?;
        let accounts = self.keep_accounts(directory, &tree, &management_account).await?;
        Ok(OrganizationRead { management_account, accounts, units })
    }

    /// From the root down.
    async fn walk(&self, directory: &dyn Directory) -> Result<Tree, Stopped> {
        self.organizations.turns(1).await;
        let root = self.told(directory.root().await)?;
        let mut tree = Tree::default();
        let mut ahead = VecDeque::from([(root, Vec::new())]);
        while let Some((parent, around)) = ahead.pop_front() {
            let accounts =
                self.all_pages(&self.organizations, |after| directory.accounts_below(&parent, after)).await?;
            tree.accounts.extend(accounts.into_iter().map(|account| (account, around.clone())));
            let units =
                self.all_pages(&self.organizations, |after| directory.units_below(&parent, after)).await?;
            for unit in units {
                let within = [vec![unit.id.clone()], around.clone()].concat();
                ahead.push_back((ParentId::Unit(unit.id.clone()), within));
                tree.units.push((unit, around.clone()));
            }
        }
        Ok(tree)
    }

    async fn keep_units(&self, tree: &Tree) -> Result<u32, Stopped> {
        let mut seen = Vec::with_capacity(tree.units.len());
        for (unit, around) in &tree.units {
            // Its id has been read as one, so it is sound here too.
            let Ok(resource) = ResourceRef::new(ResourceType::AwsOrganizationalUnit, unit.id.as_str()) else {
                continue;
            };
            let discovered = Discovered {
                name: unit.name.clone(),
                units: around.clone(),
                tags: curfew_aws::Tags::new(),
                state: None,
                attributes: DiscoveredAttributes::default(),
                seen_at: self.app.now(),
                gone_at: None,
            };
            seen.push(Seen { resource, account: None, discovered });
        }
        self.keep(&seen).await?;
        Ok(count(seen.len()))
    }

    /// Accounts that are not in use are passed over, as if they were not there.
    async fn keep_accounts(
        &self,
        directory: &dyn Directory,
        tree: &Tree,
        management: &AccountId,
    ) -> Result<u32, Stopped> {
        let accounts = self.all_pages(&self.organizations, |after| directory.accounts(after)).await?;
        let mut seen = Vec::new();
        for account in accounts.into_iter().filter(|account| account.active) {
            self.organizations.turns(1).await;
            let tags = self.told(directory.tags_of_account(&account.id).await)?;
            let is_management = account.id == *management;
            let discovered = Discovered {
                name: account.name,
                units: tree.accounts.get(&account.id).cloned().unwrap_or_default(),
                tags,
                state: Some(account.state),
                attributes: DiscoveredAttributes {
                    is_management,
                    out_of_reach: self.out_of_reach_of_delegates(is_management, management),
                    ..DiscoveredAttributes::default()
                },
                seen_at: self.app.now(),
                gone_at: None,
            };
            seen.push(Seen { account: Some(account.id.clone()), resource: account.id.into(), discovered });
        }
        self.keep(&seen).await?;
        Ok(count(seen.len()))
    }

    /// A delegated administrator can't manage the management account.
    fn out_of_reach_of_delegates(&self, is_management: bool, management: &AccountId) -> Option<String> {
        let own = self.verified.saved.role.account();
        (is_management && own != *management).then(|| {
            format!("the management account can't be managed from the delegated administrator {own}")
        })
    }
}

pub(super) fn count(seen: usize) -> u32 {
    u32::try_from(seen).unwrap_or(u32::MAX)
}
