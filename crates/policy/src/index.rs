//! Rules by what their scopes speak of. Cedar alone would try every rule; here it is handed those that can match.
//!
//! A rule whose scope does not fit is false without an error, whatever its conditions say: Cedar looks at the scope first
//! (Cedar's "Authorization" and "Policy syntax" pages). So what is left out changes neither what determines a decision nor
//! what errs.

#[cfg(test)]
mod against_plain;

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Entities, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};

/// Something that speaks of a principal, an action and a resource.
pub(crate) trait Scoped {
    /// Of which ones.
    fn scopes(&self) -> &Scopes;
}

/// What a rule's scope speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes {
    principal: Key,
    action: ActionConstraint,
    resource: Key,
}

/// One constraint of a scope, as it is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Any,
    Is(EntityTypeName),
    Exactly(EntityUid),
    Within(EntityUid),
    IsWithin(EntityTypeName, EntityUid),
}

/// Rules by the principal that they speak of, then by the resource. A clone shares all that it does not change.
#[derive(Debug)]
pub(crate) struct RuleIndex<R>(HashMap<Key, Arc<ByResource<R>>>);

type ByResource<R> = HashMap<Key, Arc<Vec<Arc<R>>>>;

/// How many rules speak of each principal.
#[derive(Debug, Default)]
pub(crate) struct PrincipalCounts(HashMap<Key, usize>);

/// All that a request can be spoken of as.
#[derive(Debug)]
pub(crate) struct Names {
    principal: Vec<Key>,
    /// The action and the groups that it is in.
    action: Vec<EntityUid>,
    resource: Vec<Key>,
}

impl Scopes {
    /// Those of a policy.
    pub(crate) fn of(policy: &Policy) -> Self {
        let principal = match policy.principal_constraint() {
            PrincipalConstraint::Any => Key::Any,
            PrincipalConstraint::Is(kind) => Key::Is(kind),
            PrincipalConstraint::Eq(uid) => Key::Exactly(uid),
            PrincipalConstraint::In(uid) => Key::Within(uid),
            PrincipalConstraint::IsIn(kind, uid) => Key::IsWithin(kind, uid),
        };
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Any => Key::Any,
            ResourceConstraint::Is(kind) => Key::Is(kind),
            ResourceConstraint::Eq(uid) => Key::Exactly(uid),
            ResourceConstraint::In(uid) => Key::Within(uid),
            ResourceConstraint::IsIn(kind, uid) => Key::IsWithin(kind, uid),
        };
        Self { principal, action: policy.action_constraint(), resource }
    }

    /// Whether they speak of the request's action.
    pub(crate) fn speak_of_action(&self, names: &Names) -> bool {
        match &self.action {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => names.action.first() == Some(uid),
            ActionConstraint::In(uids) => uids.iter().any(|uid| names.action.contains(uid)),
        }
    }
}

impl PrincipalCounts {
    /// Of these scopes.
    pub(crate) fn of<'s>(scopes: impl Iterator<Item = &'s Scopes>) -> Self {
        let mut counts = HashMap::new();
        for scope in scopes {
            *counts.entry(scope.principal.clone()).or_default() += 1;
        }
        Self(counts)
    }

    /// How many speak of the request's principal.
    pub(crate) fn fitting(&self, names: &Names) -> usize {
        names.principal.iter().filter_map(|key| self.0.get(key)).sum()
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.0.values().sum()
    }
}

impl Names {
    /// Those of a request, with what `entities` knows to be above it.
    pub(crate) fn of(
        principal: &EntityUid,
        action: &EntityUid,
        resource: &EntityUid,
        entities: &Entities,
    ) -> Self {
        let above = entities.ancestors(action).into_iter().flatten().cloned();
        Self {
            principal: keys(principal, entities),
            action: std::iter::once(action.clone()).chain(above).collect(),
            resource: keys(resource, entities),
        }
    }
}

/// What finds the constraints that fit `uid`.
fn keys(uid: &EntityUid, entities: &Entities) -> Vec<Key> {
    let kind = uid.type_name();
    let within = std::iter::once(uid).chain(entities.ancestors(uid).into_iter().flatten());
    let within = within.flat_map(|uid| [Key::Within(uid.clone()), Key::IsWithin(kind.clone(), uid.clone())]);
    [Key::Any, Key::Is(kind.clone()), Key::Exactly(uid.clone())].into_iter().chain(within).collect()
}

impl<R> Default for RuleIndex<R> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<R> Clone for RuleIndex<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Scoped> RuleIndex<R> {
    /// Takes a rule in.
    pub(crate) fn insert(&mut self, rule: Arc<R>) {
        let Scopes { principal, resource, .. } = rule.scopes().clone();
        let by_resource = Arc::make_mut(self.0.entry(principal).or_default());
        Arc::make_mut(by_resource.entry(resource).or_default()).push(rule);
    }

    /// Lets go of this very rule.
    pub(crate) fn remove(&mut self, rule: &Arc<R>) {
        let Scopes { principal, resource, .. } = rule.scopes();
        let Some(by_resource) = self.0.get_mut(principal).map(Arc::make_mut) else { return };
        let Some(rules) = by_resource.get_mut(resource).map(Arc::make_mut) else { return };
        rules.retain(|known| !Arc::ptr_eq(known, rule));
        if rules.is_empty() {
            by_resource.remove(resource);
        }
        if by_resource.is_empty() {
            self.0.remove(principal);
        }
    }

    /// The rules whose scope fits, each once, in no order.
    pub(crate) fn candidates<'i>(&'i self, names: &Names) -> impl Iterator<Item = &'i Arc<R>> {
        self.of_any_action(names).filter(|rule| rule.scopes().speak_of_action(names))
    }

    /// The rules whose scope fits but for the action, each once, in no order.
    pub(crate) fn of_any_action<'i>(&'i self, names: &Names) -> impl Iterator<Item = &'i Arc<R>> {
        self.of_both(names).flat_map(|rules| rules.iter())
    }

    /// The rules that can fit some principal's request for this resource and action.
    pub(crate) fn of_resource<'i>(&'i self, names: &Names) -> impl Iterator<Item = &'i Arc<R>> {
        let by_resource = self.0.values();
        let rules = by_resource.flat_map(|rules| names.resource.iter().filter_map(|key| rules.get(key)));
        rules.flat_map(|rules| rules.iter()).filter(|rule| rule.scopes().speak_of_action(names))
    }

    /// The rules that can fit this principal's request for some resource, by this action.
    pub(crate) fn of_principal<'i>(&'i self, names: &Names) -> impl Iterator<Item = &'i Arc<R>> {
        let by_resource = names.principal.iter().filter_map(|key| self.0.get(key));
        let rules = by_resource.flat_map(|rules| rules.values());
        rules.flat_map(|rules| rules.iter()).filter(|rule| rule.scopes().speak_of_action(names))
    }

    /// How many rules there are.
    pub(crate) fn len(&self) -> usize {
        self.0.values().flat_map(|rules| rules.values()).map(|rules| rules.len()).sum()
    }

    /// How many rules can fit at most, whatever the action.
    pub(crate) fn count(&self, names: &Names) -> usize {
        self.of_both(names).map(Vec::len).sum()
    }

    /// The rules of each principal and resource that the request is called by.
    fn of_both<'i>(&'i self, names: &Names) -> impl Iterator<Item = &'i Vec<Arc<R>>> {
        names
            .principal
            .iter()
            .filter_map(|key| self.0.get(key))
            .flat_map(|by_resource| names.resource.iter().filter_map(|key| by_resource.get(key)))
            .map(Arc::as_ref)
    }
}
