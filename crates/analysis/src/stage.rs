//! One kind of request with everything that is so in it, before anything is asked.

use cedar_policy::Policy as CedarPolicy;

use crate::outcome::Compiled;
use crate::query::Query;
use crate::scene::Scene;
use crate::spoken::Spoken;
use crate::world::World;
use crate::{Known, Why};

/// What questions about the same rules have in common. Each is asked of a copy.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) query: Query,
    pub(crate) rules: Compiled,
}

impl Stage {
    /// Compiles `rules`, and asserts the world.
    pub(crate) fn of(
        known: &Known<'_>,
        scene: &Scene,
        world: &World,
        spoken: &Spoken,
        rules: &[&CedarPolicy],
    ) -> Result<Self, Why> {
        let mut query = Query::default();
        let rules_compiled = Compiled::of(known, &mut query, scene, spoken, rules)?;
        world.assert(known, &mut query, scene, rules)?;
        Ok(Self { query, rules: rules_compiled })
    }
}
