//! Accounts and units.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use curfew_aws::{AccountFacts, Directory, ParentId, Tags, UnitFacts};
use curfew_domain::{AccountId, Discovered, DiscoveredAttributes, OuId, ResourceRef, ResourceType};

use super::read::{BATCH, Reading, Seen, Stopped, unless_gone};

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

/// A place in the tree whose contents are still to be listed.
struct Branch {
    id: ParentId,
    /// What AWS told of it, where it is no root.
    unit: Option<UnitFacts>,
    /// The units around it.
    around: Vec<OuId>,
}

/// What is directly below a branch.
struct Below {
    accounts: Vec<AccountId>,
    units: Vec<UnitFacts>,
}

impl Reading<'_> {
    pub(super) async fn read_organization(&self) -> Result<OrganizationRead, Stopped> {
        let question = |directory: Arc<dyn Directory>| async move { directory.organization().await };
        let organization = self.ask(&self.organizations, 1, question).await?;
        let management_account = organization.management_account;
        let accounts = |directory: Arc<dyn Directory>, after| async move { directory.accounts(after).await };
        let accounts = self.all_pages(&self.organizations, accounts).await?;
        // Those that are not in use are passed over, as if they were not there.
        let in_use: Vec<_> = accounts.into_iter().filter(|account| account.active).collect();
        let tree = self.walk_to(&in_use).await?;
        let units = self.keep_units(&tree).await?;
        let accounts = self.keep_accounts(&in_use, &tree, &management_account).await?;
        Ok(OrganizationRead { management_account, accounts, units })
    }

    /// The tree that all these accounts are in. Whoever is moved during a walk may not be met on it, so it is done once
    /// more where one is missing.
    async fn walk_to(&self, accounts: &[AccountFacts]) -> Result<Tree, Stopped> {
        let tree = self.walk().await?;
        if accounts.iter().all(|account| tree.accounts.contains_key(&account.id)) {
            return Ok(tree);
        }
        self.walk().await
    }

    /// From the root down.
    async fn walk(&self) -> Result<Tree, Stopped> {
        let question = |directory: Arc<dyn Directory>| async move { directory.root().await };
        let root = self.ask(&self.organizations, 1, question).await?;
        let mut tree = Tree::default();
        let mut ahead = VecDeque::from([Branch { id: root, unit: None, around: Vec::new() }]);
        while let Some(branch) = ahead.pop_front() {
            let Some(below) = self.below(&branch).await? else { continue };
            let within = branch.within();
            tree.accounts.extend(below.accounts.into_iter().map(|account| (account, within.clone())));
            ahead.extend(below.units.into_iter().map(|unit| Branch {
                id: ParentId::Unit(unit.id.clone()),
                unit: Some(unit),
                around: within.clone(),
            }));
            tree.units.extend(branch.unit.map(|unit| (unit, branch.around)));
        }
        Ok(tree)
    }

    /// None of a unit that has been deleted meanwhile: it was empty.
    async fn below(&self, branch: &Branch) -> Result<Option<Below>, Stopped> {
        let parent = &branch.id;
        let accounts = |directory: Arc<dyn Directory>, after| async move {
            directory.accounts_below(parent, after).await
        };
        let units =
            |directory: Arc<dyn Directory>, after| async move { directory.units_below(parent, after).await };
        let below = async {
            Ok::<_, Stopped>(Below {
                accounts: self.all_pages(&self.organizations, accounts).await?,
                units: self.all_pages(&self.organizations, units).await?,
            })
        };
        match branch.unit {
            Some(_) => unless_gone(below.await),
            None => below.await.map(Some),
        }
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

    async fn keep_accounts(
        &self,
        in_use: &[AccountFacts],
        tree: &Tree,
        management: &AccountId,
    ) -> Result<u32, Stopped> {
        let mut kept = 0;
        for batch in in_use.chunks(BATCH) {
            let mut seen = Vec::with_capacity(batch.len());
            for account in batch {
                seen.extend(self.read_account(account, tree, management).await?);
            }
            self.keep(&seen).await?;
            kept += seen.len();
        }
        Ok(count(kept))
    }

    /// None of an account of which it is not known where it lies: what a rule forbids in a unit must not be permitted
    /// because an account seems to be in none.
    async fn read_account(
        &self,
        account: &AccountFacts,
        tree: &Tree,
        management: &AccountId,
    ) -> Result<Option<Seen>, Stopped> {
        let Some(units) = tree.accounts.get(&account.id) else { return Ok(None) };
        let id = &account.id;
        let question = |directory: Arc<dyn Directory>| async move { directory.tags_of_account(id).await };
        let tags = unless_gone(self.ask(&self.organizations, 1, question).await)?;
        Ok(tags.map(|tags| self.account(account, units.clone(), tags, management)))
    }

    fn account(&self, account: &AccountFacts, units: Vec<OuId>, tags: Tags, management: &AccountId) -> Seen {
        let is_management = account.id == *management;
        let discovered = Discovered {
            name: account.name.clone(),
            units,
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

impl Branch {
    /// The units around what is directly below it.
    fn within(&self) -> Vec<OuId> {
        self.unit.iter().map(|unit| unit.id.clone()).chain(self.around.iter().cloned()).collect()
    }
}

pub(super) fn count(seen: usize) -> u32 {
    u32::try_from(seen).unwrap_or(u32::MAX)
}
