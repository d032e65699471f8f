//! Whether anybody can have access to an account without a person's approval.

use curfew_domain::{AccessLevel, Action, OuId};
use curfew_policy::{
    AccountFacts, CompiledPolicies, Outcome as Says, PermissionSetFacts, decide, unit_links,
};

use crate::example::Examples;
use crate::extent::named_within_bounds;
use crate::outcome::Outcome;
use crate::scene::Scene;
use crate::stage::Stage;
use crate::world::World;
use crate::{Answer, Known, Reached, Why, rules_of};

/// An account that is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// What is known of it.
    pub facts: AccountFacts,
    /// The units that it lies in, the nearest first.
    pub above: Vec<OuId>,
    /// As one of these permission sets, by an action that may carry its level; any set there could be where none is told.
    pub permission_sets: Option<Vec<(PermissionSetFacts, AccessLevel)>>,
    /// By this action; any where none is told.
    pub action: Option<Action>,
}

/// Whether nobody can have access to this account without a person's approval: proved, or refuted by a request that is
/// approved at once, by mode `auto` or as an emergency. What is known of AWS counts as fresh: where it is old, `auto` waits
/// for a person.
pub async fn reaches(known: Known<'_>, policies: &CompiledPolicies, account: &Account) -> Answer<Reached> {
    match reached(known, policies, account).await {
        Ok(None) => Answer::Proved,
        Ok(Some(reached)) => Answer::Refuted(Box::new(reached)),
        Err(why) => Answer::Unknown(why),
    }
}

async fn reached(
    known: Known<'_>,
    policies: &CompiledPolicies,
    account: &Account,
) -> Result<Option<Reached>, Why> {
    let standing = policies.standing();
    let rules = rules_of(&[&standing])?;
    let mut spoken = named_within_bounds(&rules)?;
    // What is told of the account, its example has to have as well.
    spoken.accounts.insert(account.facts.id.as_str().to_owned());
    spoken.tags.extend(account.facts.tags.keys().cloned());
    let sets = account.permission_sets.iter().flatten();
    spoken.permission_sets.extend(sets.map(|(set, _)| set.arn.as_str().to_owned()));
    let mut examples = Examples::new(known, &spoken);
    let mut something_to_have = false;
    for scene in Scene::of_accounts() {
        known.in_time()?;
        let scene = scene?;
        if account.action.is_some_and(|action| action != scene.action) {
            continue;
        }
        let mut world = World::of(&scene, &spoken, known.longest)?;
        world.suppose_account(&account.facts, &account.above, &spoken)?;
        if let Some(sets) = &account.permission_sets {
            let carried = sets.iter().filter(|(_, level)| scene.action.may_carry(*level));
            let carried: Vec<&PermissionSetFacts> = carried.map(|(set, _)| set).collect();
            if carried.is_empty() {
                continue;
            }
            world.suppose_permission_sets(&carried)?;
        }
        something_to_have = true;
        let Stage { mut query, rules: compiled } = Stage::of(&known, &scene, &world, &spoken, &rules)?;
        let says = Outcome::of(&mut query, &compiled, &scene, &standing, None)?;
        query.assert(says.gives_at_once());
        if let Some(reached) =
            examples.find(query, &scene, |asked| replayed(asked, policies, account)).await?
        {
            return Ok(Some(reached));
        }
    }
    if !something_to_have {
        return Err(Why::NothingToHave);
    }
    examples.none()
}

fn replayed(
    asked: curfew_policy::AccessQuestion,
    policies: &CompiledPolicies,
    account: &Account,
) -> Result<Reached, Why> {
    let mut question = asked;
    for target in &mut question.targets {
        target.account = account.facts.clone();
    }
    question.units = unit_links(&account.above).collect();
    let decision = decide(policies, &question);
    match decision.outcome {
        Says::Approved { .. } => Ok(Reached { question, decision }),
        Says::NeedsApproval { .. } | Says::Denied { .. } => {
            Err(Why::NotReplayed("it is not approved at once".to_owned()))
        }
    }
}
