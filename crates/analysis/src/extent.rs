//! How much rules may name. For each two entities of which one may lie in the other the symbolic compiler writes down what
//! makes them a hierarchy, at once and for each rule, and nothing could end it meanwhile: so this is counted before.

use cedar_policy::Policy as CedarPolicy;

use crate::Why;
use crate::spoken::Spoken;

/// So many entities are named at most: each two of them are looked at.
const MOST_NAMED: usize = 1_000;

/// So many pairs of which one may lie in the other, as a hundred units have. A question about them has 3.3 MB, and eight
/// are what a solver is told.
const MOST_PAIRS: usize = 10_000;

/// What all of these rules name. Refused where one can't be analysed, or where they name too much together.
pub(crate) fn named_within_bounds(rules: &[&CedarPolicy]) -> Result<Spoken, Why> {
    let spoken = Spoken::of(rules)?;
    check(&spoken)?;
    Ok(spoken)
}

fn check(spoken: &Spoken) -> Result<(), Why> {
    let roles = spoken.roles.len().max(spoken.roles_asked_in_both_ways().count());
    let (users, groups) = (spoken.users.len(), spoken.groups.len());
    let (accounts, units, resources) = (spoken.accounts.len(), spoken.units.len(), spoken.resources.len());
    let named = roles + users + groups + accounts + units + resources + spoken.permission_sets.len();
    if named > MOST_NAMED {
        let what = format!("the rules name {named} people, groups, roles and things of AWS");
        return Err(Why::TooLarge(format!("{what}; {MOST_NAMED} can be analysed")));
    }
    let pairs =
        (users + groups) * (groups + roles) + (accounts + units) * units + resources * (accounts + units);
    if pairs > MOST_PAIRS {
        let what = "the rules name too many groups, roles and units together with what may lie in them";
        return Err(Why::TooLarge(format!("{what}: {pairs} pairs; {MOST_PAIRS} can be analysed")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(units: usize, accounts: usize, groups: usize) -> Spoken {
        let all = |count: usize| (0..count).map(|n| n.to_string()).collect();
        Spoken { units: all(units), accounts: all(accounts), groups: all(groups), ..Spoken::default() }
    }

    #[test]
    fn what_may_lie_in_each_other_counts_as_pairs() {
        for fits in [naming(100, 0, 0), naming(10, 900, 0), naming(0, 0, 100), naming(50, 100, 50)] {
            assert_eq!(check(&fits), Ok(()));
        }
        for large in [naming(101, 0, 0), naming(11, 900, 0), naming(0, 1_001, 0), naming(0, 0, 101)] {
            assert!(matches!(check(&large), Err(Why::TooLarge(_))));
        }
    }
}
