//! What the index hands to Cedar decides as all rules would: over generated schemas, entities, rules and requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, Entity, EntityUid, Policy, PolicyId,
    PolicySet, Request, Response, RestrictedExpression, Schema,
};
use proptest::prelude::*;

use super::{Names, RuleIndex, Scoped, Scopes};

/// Requests that are put to each generated world.
const REQUESTS: usize = 400;

/// Worlds that are generated: with their requests the cases that are compared. `PROPTEST_CASES` says another number.
const WORLDS: u32 = 250;

const TYPES: usize = 5;
const IDS: usize = 5;
const ACTIONS: usize = 6;

struct Rule {
    policy: Policy,
    scopes: Scopes,
}

impl Scoped for Rule {
    fn scopes(&self) -> &Scopes {
        &self.scopes
    }
}

/// Choices, read one after the other; when they are used up, always the first.
struct Tape<'t>(std::slice::Iter<'t, u8>);

impl Tape<'_> {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % count
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }
}

/// A schema, and entities and rules that know it.
struct World {
    schema: Schema,
    entities: Entities,
    rules: Vec<Policy>,
}

impl World {
    fn of(tape: &mut Tape<'_>) -> Self {
        let above: Vec<Vec<usize>> =
            (0..TYPES).map(|kind| (kind..TYPES).filter(|_| tape.once_in(2)).collect()).collect();
        let text = schema_text(&above, tape);
        let schema = Schema::from_str(&text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        let found = entities(&above, tape);
        let entities = Entities::from_entities(found, Some(&schema)).unwrap();
        let rules = (0..tape.below(30)).map(|number| rule(number, tape)).collect();
        Self { schema, entities, rules }
    }
}

/// Every type has the attribute `n`, and may have `maybe`. Actions lie in those of higher numbers.
fn schema_text(above: &[Vec<usize>], tape: &mut Tape<'_>) -> String {
    let list = |names: Vec<String>| {
        if names.is_empty() { String::new() } else { format!(" in [{}]", names.join(", ")) }
    };
    let mut text = String::new();
    for (kind, parents) in above.iter().enumerate() {
        let parents = list(parents.iter().map(|parent| format!("T{parent}")).collect());
        let _ = writeln!(text, "entity T{kind}{parents} {{ n: Long, maybe?: Long }};");
    }
    let all = (0..TYPES).map(|kind| format!("T{kind}")).collect::<Vec<_>>().join(", ");
    for action in 0..ACTIONS {
        let groups = (action + 1..ACTIONS).filter(|_| tape.once_in(3));
        let groups = list(groups.map(|group| format!("\"a{group}\"")).collect());
        let _ = writeln!(
            text,
            "action \"a{action}\"{groups} appliesTo {{ principal: [{all}], resource: [{all}], context: {{ n: Long, maybe?: Long }} }};"
        );
    }
    text
}

fn uid(kind: usize, id: usize) -> EntityUid {
    format!("T{kind}::\"e{id}\"").parse().unwrap()
}

/// Some of the ids that rules and requests name; each lies in ones of its types' parents, without circles.
fn entities(above: &[Vec<usize>], tape: &mut Tape<'_>) -> Vec<Entity> {
    let mut found = Vec::new();
    for (kind, parents) in above.iter().enumerate() {
        for id in (0..IDS).filter(|_| !tape.once_in(4)).collect::<Vec<_>>() {
            let mut lies_in = HashSet::new();
            for &parent in parents {
                let lowest = if parent == kind { id + 1 } else { 0 };
                lies_in.extend((lowest..IDS).filter(|_| tape.once_in(3)).map(|other| uid(parent, other)));
            }
            let long = |value| RestrictedExpression::new_long(value);
            let mut attributes = HashMap::from([("n".to_owned(), long(i64::try_from(id).unwrap()))]);
            if tape.once_in(2) {
                attributes.insert("maybe".to_owned(), long(1));
            }
            found.push(Entity::new(uid(kind, id), attributes, lies_in).unwrap());
        }
    }
    found
}

/// A rule of any form of scope, with conditions that hold, fail, or err.
fn rule(number: usize, tape: &mut Tape<'_>) -> Policy {
    const CONDITIONS: [&str; 12] = [
        "",
        "",
        "",
        "when { principal.n > 1 }",
        "when { resource.n == context.n }",
        "unless { context.n > 2 }",
        "when { principal in resource }",
        // These err where there is no such attribute, or no such entity.
        "when { principal.maybe == 1 }",
        "when { context.maybe == 1 }",
        "unless { resource.maybe == 1 }",
        // And these by what they compute.
        "when { context.n + 9223372036854775807 > 0 }",
        "when { context.n > 1 && principal.nothing }",
    ];
    let effect = tape.of(&["permit", "permit", "forbid"]);
    let (principal, action, resource) = (scope("principal", tape), action(tape), scope("resource", tape));
    let condition = tape.of(&CONDITIONS);
    let text = format!("{effect} ({principal}, {action}, {resource}) {condition};");
    Policy::parse(Some(PolicyId::new(format!("r{number}"))), &text)
        .unwrap_or_else(|error| panic!("{text}\n{error:?}"))
}

fn scope(variable: &str, tape: &mut Tape<'_>) -> String {
    let (kind, id) = (tape.below(TYPES), tape.below(IDS));
    match tape.below(6) {
        0 => variable.to_owned(),
        1 => format!("{variable} == {}", uid(kind, id)),
        2 | 3 => format!("{variable} in {}", uid(kind, id)),
        4 => format!("{variable} is T{kind}"),
        _ => format!("{variable} is T{} in {}", tape.below(TYPES), uid(kind, id)),
    }
}

fn action(tape: &mut Tape<'_>) -> String {
    let one = |tape: &mut Tape<'_>| format!("Action::\"a{}\"", tape.below(ACTIONS));
    match tape.below(4) {
        0 => "action".to_owned(),
        1 => format!("action == {}", one(tape)),
        2 => format!("action in {}", one(tape)),
        _ => format!("action in [{}, {}]", one(tape), one(tape)),
    }
}

fn request(schema: &Schema, tape: &mut Tape<'_>) -> Request {
    let long = |value| RestrictedExpression::new_long(value);
    let mut context = vec![("n".to_owned(), long(i64::try_from(tape.below(5)).unwrap()))];
    if tape.once_in(2) {
        context.push(("maybe".to_owned(), long(1)));
    }
    let action = format!("Action::\"a{}\"", tape.below(ACTIONS)).parse().unwrap();
    let (principal, resource) =
        (uid(tape.below(TYPES), tape.below(IDS)), uid(tape.below(TYPES), tape.below(IDS)));
    Request::new(principal, action, resource, Context::from_pairs(context).unwrap(), Some(schema)).unwrap()
}

/// All that a response says.
fn said(response: &Response) -> (Decision, BTreeSet<String>, BTreeMap<String, String>) {
    let reasons = response.diagnostics().reason().map(ToString::to_string).collect();
    let errors = response.diagnostics().errors().map(|AuthorizationError::PolicyEvaluationError(error)| {
        (error.policy_id().to_string(), error.to_string())
    });
    (response.decision(), reasons, errors.collect())
}

fn by_index(index: &RuleIndex<Rule>, request: &Request, entities: &Entities) -> (Response, usize) {
    let (Some(principal), Some(action), Some(resource)) =
        (request.principal(), request.action(), request.resource())
    else {
        panic!("the request names all three");
    };
    let names = Names::of(principal, action, resource, entities);
    let candidates: Vec<Policy> = index.candidates(&names).map(|rule| rule.policy.clone()).collect();
    let count = candidates.len();
    // Fails where a rule is found twice.
    let set = PolicySet::from_policies(candidates).unwrap();
    (Authorizer::new().is_authorized(request, &set, entities), count)
}

fn ready(policy: &Policy) -> Arc<Rule> {
    Arc::new(Rule { policy: policy.clone(), scopes: Scopes::of(policy) })
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 2_000)
}

fn cases(usual: u32) -> ProptestConfig {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: said.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(WORLDS))]

    #[test]
    fn the_index_decides_as_all_rules_do(tape in tape()) {
        let mut tape = Tape(tape.iter());
        let world = World::of(&mut tape);
        let mut index = RuleIndex::default();
        for policy in &world.rules {
            index.insert(ready(policy));
        }
        let all = PolicySet::from_policies(world.rules.iter().cloned()).unwrap();
        for _ in 0..REQUESTS {
            let request = request(&world.schema, &mut tape);
            let plain = Authorizer::new().is_authorized(&request, &all, &world.entities);
            let (indexed, count) = by_index(&index, &request, &world.entities);
            prop_assert_eq!(said(&indexed), said(&plain), "{:?}", request);
            prop_assert!(count <= world.rules.len());
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn what_was_taken_out_is_as_if_it_had_never_been_in(tape in tape()) {
        let mut tape = Tape(tape.iter());
        let world = World::of(&mut tape);
        let mut index = RuleIndex::default();
        let rules: Vec<Arc<Rule>> = world.rules.iter().map(ready).collect();
        for rule in &rules {
            index.insert(Arc::clone(rule));
        }
        let before = index.clone();
        let (out, left): (Vec<_>, Vec<_>) = rules.iter().partition(|_| tape.once_in(2));
        for rule in out {
            index.remove(rule);
        }
        let of_left = PolicySet::from_policies(left.iter().map(|rule| rule.policy.clone())).unwrap();
        let of_all = PolicySet::from_policies(world.rules.iter().cloned()).unwrap();
        for _ in 0..10 {
            let request = request(&world.schema, &mut tape);
            let plain = |set| said(&Authorizer::new().is_authorized(&request, set, &world.entities));
            prop_assert_eq!(said(&by_index(&index, &request, &world.entities).0), plain(&of_left));
            prop_assert_eq!(said(&by_index(&before, &request, &world.entities).0), plain(&of_all));
        }
        for rule in left {
            index.remove(rule);
        }
        prop_assert!(index.0.is_empty(), "nothing is left behind");
    }
}
