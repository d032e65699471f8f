//! Accounts and units.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use curfew_aws::{AccountFacts, Directory, ParentId, Tags, UnitFacts};
use curfew_domain::{AccountId, Discovered, DiscoveredAttributes, OuId, ResourceRef, ResourceType};

use super::read::{BATCH, Reading, Seen, Stopped};

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
    pub(super) async fn read_organization(&self) -> Result<OrganizationRead, Stopped> {
        let directory = self.turns(&self.organizations, 1).await?;
        let management_account = self.told(directory.organization().await)?.management_account;
        let tree = self.walk().await?;
        let units = self.keep_units(&tree).await?;
        let accounts = self.keep_accounts(&tree, &management_account).await?;
        Ok(OrganizationRead { management_account, accounts, units })
    }

    /// From the root down.
    async fn walk(&self) -> Result<Tree, Stopped> {
        let directory = self.turns(&self.organizations, 1).await?;
        let root = self.told(directory.root().await)?;
        let mut tree = Tree::default();
        let mut ahead = VecDeque::from([(root, Vec::new())]);
        while let Some((parent, around)) = ahead.pop_front() {
            let below = &parent;
            let accounts = |directory: Arc<dyn Directory>, after| async move {
                directory.accounts_below(below, after).await
            };
            let accounts = self.all_pages(&self.organizations, accounts).await?;
            tree.accounts.extend(accounts.into_iter().map(|account| (account, around.clone())));
            let units = |directory: Arc<dyn Directory>, after| async move {
                directory.units_below(below, after).await
            };
            let units = self.all_pages(&self.organizations, units).await?;
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
                tags: Tags::new(),
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
    async fn keep_accounts(&self, tree: &Tree, management: &AccountId) -> Result<u32, Stopped> {
        let accounts = |directory: Arc<dyn Directory>, after| async move { directory.accounts(after).await };
        let accounts = self.all_pages(&self.organizations, accounts).await?;
        let in_use: Vec<_> = accounts.into_iter().filter(|account| account.active).collect();
        for batch in in_use.chunks(BATCH) {
            let mut seen = Vec::with_capacity(batch.len());
            for account in batch {
                let directory = self.turns(&self.organizations, 1).await?;
                let tags = self.told(directory.tags_of_account(&account.id).await)?;
                seen.push(self.account(account, tags, tree, management));
            }
            self.keep(&seen).await?;
        }
        Ok(count(in_use.len()))
    }

    fn account(&self, account: &AccountFacts, tags: Tags, tree: &Tree, management: &AccountId) -> Seen {
        let is_management = account.id == *management;
        let discovered = Discovered {
            name: account.name.clone(),
            units: tree.accounts.get(&account.id).cloned().unwrap_or_default(),
            tags,
            state: Some(account.state.clone()),
            attributes: DiscoveredAttributes {
                is_management,
                out_of_reach: self.out_of_reach_of_delegates(is_management, management),
                ..DiscoveredAttributes::default()
            },
            seen_at: self.app.now(),
            gone_at: None,
        };
        Seen { account: Some(account.id.clone()), resource: account.id.clone().into(), discovered }
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
