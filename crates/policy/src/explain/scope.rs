//! Whom, what and which actions a rule speaks of.

use cedar_policy::{
    ActionConstraint, Entities, EntityUid, Policy, PrincipalConstraint, Request, ResourceConstraint,
};

use super::Part;

/// A rule's scope, to be held against many requests.
#[derive(Debug)]
pub(super) struct RuleScope {
    principal: PrincipalConstraint,
    action: ActionConstraint,
    resource: ResourceConstraint,
}

impl RuleScope {
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            principal: policy.principal_constraint(),
            action: policy.action_constraint(),
            resource: policy.resource_constraint(),
        }
    }

    /// The first part that does not fit, the action last: whoever asks why can choose another action, and neither who
    /// they are nor what they want.
    pub(super) fn misfit(&self, request: &Request, entities: &Entities) -> Option<Part> {
        if !self.fits_principal(request.principal()?, entities) {
            Some(Part::Principal)
        } else if !self.fits_resource(request.resource()?, entities) {
            Some(Part::Resource)
        } else if !self.fits_action(request.action()?, entities) {
            Some(Part::Action)
        } else {
            None
        }
    }

    fn fits_principal(&self, principal: &EntityUid, entities: &Entities) -> bool {
        match &self.principal {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Eq(uid) => principal == uid,
            PrincipalConstraint::In(uid) => is_in(principal, uid, entities),
            PrincipalConstraint::Is(kind) => principal.type_name() == kind,
            PrincipalConstraint::IsIn(kind, uid) => {
                principal.type_name() == kind && is_in(principal, uid, entities)
            }
        }
    }

    fn fits_resource(&self, resource: &EntityUid, entities: &Entities) -> bool {
        match &self.resource {
            ResourceConstraint::Any => true,
            ResourceConstraint::Eq(uid) => resource == uid,
            ResourceConstraint::In(uid) => is_in(resource, uid, entities),
            ResourceConstraint::Is(kind) => resource.type_name() == kind,
            ResourceConstraint::IsIn(kind, uid) => {
                resource.type_name() == kind && is_in(resource, uid, entities)
            }
        }
    }

    fn fits_action(&self, action: &EntityUid, entities: &Entities) -> bool {
        match &self.action {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => action == uid,
            ActionConstraint::In(uids) => uids.iter().any(|uid| is_in(action, uid, entities)),
        }
    }
}

/// Cedar's `in`.
fn is_in(below: &EntityUid, above: &EntityUid, entities: &Entities) -> bool {
    below == above || entities.is_ancestor_of(above, below)
}
