//! Whom an event concerns.

use std::collections::BTreeSet;

use curfew_domain::audit::EntryBody;
use curfew_domain::request::{RequestStatus, Reviewer};
use curfew_domain::{AccessRequest, ActorType, Event, Grant, PersonalChannel, Scope, Timestamp, UserId};
use curfew_store::{PossibleApprovers, ReadUnit};

use crate::AppError;
use crate::roles::roles_with;

/// The most people who are told of one event.
const MOST: u16 = 500;

/// What an entry is about, as far as it says who is concerned.
#[derive(Debug)]
pub(super) enum Subject {
    /// A request.
    Request(Box<AccessRequest>),
    /// A grant.
    Grant(Box<Grant>),
    /// Something else.
    Other,
}

impl Subject {
    /// Whoever has the access, or asked for it.
    pub(super) fn person(&self) -> Option<UserId> {
        match self {
            Subject::Request(request) => Some(request.requester),
            Subject::Grant(grant) => Some(grant.grantee),
            Subject::Other => None,
        }
    }

    /// What the entry names, as it is kept now.
    pub(super) async fn of(unit: &ReadUnit, entry: &EntryBody, now: Timestamp) -> Result<Self, AppError> {
        Ok(match (entry.resource_type.as_str(), entry.resource_id.as_str()) {
            ("request", id) => match id.parse() {
                Ok(id) => {
                    unit.request(id).await?.map_or(Subject::Other, |found| Subject::Request(Box::new(found)))
                }
                Err(_) => Subject::Other,
            },
            ("grant", id) => match id.parse() {
                Ok(id) => {
                    let found = unit.grant(id, now).await?;
                    found.map_or(Subject::Other, |view| Subject::Grant(Box::new(view.grant)))
                }
                Err(_) => Subject::Other,
            },
            _ => Subject::Other,
        })
    }
}

/// Everybody who is told of an event in the console: those whom it concerns, who are active, want to be told, and did not
/// do it themselves.
pub(super) async fn audience(
    unit: &ReadUnit,
    entry: &EntryBody,
    event: Event,
    subject: &Subject,
    now: Timestamp,
) -> Result<BTreeSet<UserId>, AppError> {
    let mut people = concerned(unit, event, subject, now).await?;
    if let Some(actor) = person_who_did(entry) {
        people.remove(&actor);
    }
    if people.is_empty() {
        return Ok(people);
    }
    let mut people = unit.active_among(&people).await?;
    for person in unit.who_wants_no(event, PersonalChannel::InApp, &people).await? {
        people.remove(&person);
    }
    Ok(people)
}

async fn concerned(
    unit: &ReadUnit,
    event: Event,
    subject: &Subject,
    now: Timestamp,
) -> Result<BTreeSet<UserId>, AppError> {
    let theirs = || subject.person().into_iter();
    Ok(match event {
        Event::RequestPending => match subject {
            Subject::Request(request) => possible_approvers(unit, request, now).await?,
            Subject::Grant(_) | Subject::Other => BTreeSet::new(),
        },
        Event::RequestApproved
        | Event::RequestDenied
        | Event::RequestExpired
        | Event::RequestCancelled
        | Event::GrantActive
        | Event::GrantExpiringSoon
        | Event::GrantExpired
        | Event::GrantRevoked => theirs().collect(),
        Event::RequestBreakGlass | Event::RequestReviewOwed => {
            let mut admins = holders(unit, Scope::RequestsApprove).await?;
            admins.retain(|person| subject.person() != Some(*person));
            admins
        }
        Event::GrantFailed => theirs().chain(holders(unit, Scope::GrantsUpdate).await?).collect(),
        Event::DriftDetected | Event::RevocationOverdue => holders(unit, Scope::DriftRead).await?,
        Event::LockdownStarted | Event::LockdownEnded => holders(unit, Scope::LockdownsRead).await?,
    })
}

/// Everybody active who may do what a scope names.
async fn holders(unit: &ReadUnit, scope: Scope) -> Result<BTreeSet<UserId>, AppError> {
    let roles = roles_with(unit, scope).await?;
    let anybody = PossibleApprovers { roles: &roles, groups: &[], requester: None };
    Ok(unit.possible_approvers(&anybody, MOST).await?)
}

/// Whose approval a request waits for: nobody's once it is decided.
async fn possible_approvers(
    unit: &ReadUnit,
    request: &AccessRequest,
    now: Timestamp,
) -> Result<BTreeSet<UserId>, AppError> {
    let mut people = BTreeSet::new();
    if request.status(now) != RequestStatus::Pending {
        return Ok(people);
    }
    let roles = roles_with(unit, Scope::RequestsApprove).await?;
    for requirement in &request.requirements {
        let wanted = PossibleApprovers {
            roles: &roles,
            groups: &requirement.groups,
            requester: Some((request.requester, Reviewer::tied_after(now))),
        };
        people.extend(unit.possible_approvers(&wanted, MOST).await?);
    }
    let most = usize::from(MOST);
    Ok(people.into_iter().filter(|person| !request.reviewers().contains(person)).take(most).collect())
}

/// A key acts as its maker.
fn person_who_did(entry: &EntryBody) -> Option<UserId> {
    match entry.actor_type {
        ActorType::System => None,
        ActorType::ApiKey => entry.on_behalf_of,
        ActorType::Oidc | ActorType::Local => entry.actor_id.parse().ok(),
    }
}
