//! An example of what is asked for, that policies themselves bear out.

use cedar_policy_symcc::term_factory::not;
use curfew_policy::AccessQuestion;

use crate::outcome::context;
use crate::query::{Query, Settled};
use crate::scene::Scene;
use crate::spoken::Spoken;
use crate::{Known, Why, telling, witness};

/// Looks for examples in one kind of request after the other.
pub(crate) struct Examples<'a> {
    known: Known<'a>,
    spoken: &'a Spoken,
    settled: Settled,
    /// Why an example that was found does not hold.
    doubt: Option<Why>,
}

impl<'a> Examples<'a> {
    pub(crate) fn new(known: Known<'a>, spoken: &'a Spoken) -> Self {
        Self { known, spoken, settled: Settled::default(), doubt: None }
    }

    /// One of `scene` that `replay` bears out. None where there is none, or none that holds.
    pub(crate) async fn find<T>(
        &mut self,
        query: Query,
        scene: &Scene,
        replay: impl Fn(AccessQuestion) -> Result<T, Why>,
    ) -> Result<Option<T>, Why> {
        let (mut query, known) = (query, self.known);
        telling::tell(&mut query, scene, self.spoken)?;
        let Some(found) = query.clone().ask(scene, &mut self.settled, known.solver, known.end).await? else {
            return Ok(None);
        };
        // One without an emergency and without a second factor says more to people. That there is none, or that none is
        // found in time, doesn't matter.
        query.assert(not(context(scene, "break_glass")));
        query.assert(not(context(scene, "mfa")));
        let plain = query.ask(scene, &mut self.settled, known.solver, known.end).await;
        for found in plain.ok().flatten().into_iter().chain([found]) {
            match witness::question(&found, scene, self.spoken, &known).and_then(&replay) {
                Ok(example) => return Ok(Some(example)),
                // Another kind of request may show it where this one's example does not hold.
                Err(why) => self.doubt = Some(why),
            }
        }
        Ok(None)
    }

    /// None was found. Refused where one was, and did not hold.
    pub(crate) fn none<T>(self) -> Result<Option<T>, Why> {
        self.doubt.map_or(Ok(None), Err)
    }
}
