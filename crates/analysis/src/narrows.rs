//! Whether a change gives nothing that was not given before.

use curfew_policy::{AccessQuestion, CompiledPolicies, Decision, Outcome as Says, Shift, decide};

use crate::example::Examples;
use crate::extent::named_within_bounds;
use crate::outcome::Outcome;
use crate::scene::Scene;
use crate::stage::Stage;
use crate::world::World;
use crate::{Answer, Known, Why, Widened, longest_of, rules_of};

/// Whether `after` gives nothing that `before` does not give: no other access, none on easier terms, none that lasts
/// longer, named or not, and none whose sessions are no longer followed.
pub async fn narrows(
    known: Known<'_>,
    before: &CompiledPolicies,
    after: &CompiledPolicies,
) -> Answer<Widened> {
    match widened(known, before, after).await {
        Ok(None) => Answer::Proved,
        Ok(Some(widened)) => Answer::Refuted(Box::new(widened)),
        Err(why) => Answer::Unknown(why),
    }
}

async fn widened(
    known: Known<'_>,
    before: &CompiledPolicies,
    after: &CompiledPolicies,
) -> Result<Option<Widened>, Why> {
    let (standing, drafted) = (before.standing(), after.standing());
    let known = Known { longest: longest_of(&[&standing, &drafted]), ..known };
    let rules = rules_of(&[&standing, &drafted])?;
    let spoken = named_within_bounds(&rules)?;
    let mut examples = Examples::new(known, &spoken);
    for scene in Scene::of_accounts() {
        known.in_time()?;
        let scene = scene?;
        let world = World::of(&scene, &spoken, known.longest)?;
        let Stage { mut query, rules: compiled } = Stage::of(&known, &scene, &world, &spoken, &rules)?;
        let before_says = Outcome::of(&mut query, &compiled, &scene, &standing, None)?;
        let after_says = Outcome::of(&mut query, &compiled, &scene, &drafted, None)?;
        query.assert(after_says.exceeds(&before_says));
        if let Some(widened) = examples.find(query, &scene, |asked| replayed(asked, before, after)).await? {
            return Ok(Some(widened));
        }
    }
    examples.none()
}

fn replayed(
    asked: AccessQuestion,
    before: &CompiledPolicies,
    after: &CompiledPolicies,
) -> Result<Widened, Why> {
    let old = AccessQuestion { facts_are_fresh: false, ..asked.clone() };
    let unnamed = AccessQuestion { duration: None, ..asked.clone() };
    for question in [asked, old, unnamed] {
        let (was, is) = (decide(before, &question), decide(after, &question));
        if is_wider(&was, &is) {
            return Ok(Widened { question, before: was, after: is });
        }
    }
    Err(Why::NotReplayed("both give the same".to_owned()))
}

fn is_wider(was: &Decision, is: &Decision) -> bool {
    let gives_more = matches!(Shift::between(&was.outcome, &is.outcome), Shift::Wider | Shift::Other);
    let is_given = !matches!(is.outcome, Says::Denied { .. });
    gives_more || (is_given && was.audit_session && !is.audit_session)
}
