//! What is assigned, since when, and what was: lists that lag read the past.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::world::{Assignment, PrincipalType};

/// Assignments of all instances, with their history.
#[derive(Default)]
pub(crate) struct AssignmentBook(BTreeMap<Place, Vec<Span>>);

/// Where assignments are listed: a permission set in an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) instance: String,
    pub(crate) account: String,
    pub(crate) permission_set: String,
}

struct Span {
    principal_type: PrincipalType,
    principal_id: String,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl AssignmentBook {
    /// Whether this is assigned.
    pub(crate) fn holds(&self, instance: &str, assignment: &Assignment) -> bool {
        self.spans(instance, assignment)
            .is_some_and(|spans| spans.iter().any(|span| span.is_open_for(assignment)))
    }

    /// Assigns it, unless it is assigned already.
    pub(crate) fn add(&mut self, instance: &str, assignment: &Assignment, at: Timestamp) {
        let spans = self.0.entry(Place::of(instance, assignment)).or_default();
        if spans.iter().any(|span| span.is_open_for(assignment)) {
            return;
        }
        let Assignment { principal_type, principal_id, .. } = assignment.clone();
        spans.push(Span { principal_type, principal_id, from: at, until: None });
    }

    /// Takes it away; false when it wasn't there.
    pub(crate) fn remove(&mut self, instance: &str, assignment: &Assignment, at: Timestamp) -> bool {
        let spans = self.0.entry(Place::of(instance, assignment)).or_default();
        let Some(span) = spans.iter_mut().find(|span| span.is_open_for(assignment)) else { return false };
        span.until = Some(at);
        true
    }

    /// Who was assigned at a place at an instant.
    pub(crate) fn listed(&self, place: &Place, at: Timestamp) -> Vec<(PrincipalType, String)> {
        self.0
            .get(place)
            .into_iter()
            .flatten()
            .filter(|span| span.from <= at && span.until.is_none_or(|until| until > at))
            .map(|span| (span.principal_type, span.principal_id.clone()))
            .collect()
    }

    /// Everything that is assigned in an instance.
    pub(crate) fn held(&self, instance: &str) -> Vec<Assignment> {
        self.places(instance)
            .flat_map(|(place, spans)| {
                spans.iter().filter(|span| span.until.is_none()).map(|span| Assignment {
                    account: place.account.clone(),
                    permission_set: place.permission_set.clone(),
                    principal_type: span.principal_type,
                    principal_id: span.principal_id.clone(),
                })
            })
            .collect()
    }

    /// Who is assigned at a place.
    pub(crate) fn held_at(&self, place: &Place) -> impl Iterator<Item = (PrincipalType, &str)> {
        let open = self.0.get(place).into_iter().flatten().filter(|span| span.until.is_none());
        open.map(|span| (span.principal_type, span.principal_id.as_str()))
    }

    /// Whether anybody is assigned this permission set in this account.
    pub(crate) fn is_occupied(&self, place: &Place) -> bool {
        self.held_at(place).next().is_some()
    }

    fn spans(&self, instance: &str, assignment: &Assignment) -> Option<&Vec<Span>> {
        self.0.get(&Place::of(instance, assignment))
    }

    fn places(&self, instance: &str) -> impl Iterator<Item = (&Place, &Vec<Span>)> {
        let first =
            Place { instance: instance.to_owned(), account: String::new(), permission_set: String::new() };
        let instance = instance.to_owned();
        self.0.range(first..).take_while(move |(place, _)| place.instance == instance)
    }
}

impl Place {
    /// Where this assignment is.
    pub(crate) fn of(instance: &str, assignment: &Assignment) -> Self {
        Self {
            instance: instance.to_owned(),
            account: assignment.account.clone(),
            permission_set: assignment.permission_set.clone(),
        }
    }
}

impl Span {
    fn is_open_for(&self, assignment: &Assignment) -> bool {
        self.until.is_none()
            && self.principal_type == assignment.principal_type
            && self.principal_id == assignment.principal_id
    }
}
