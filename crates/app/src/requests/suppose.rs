//! What policies would be told of requests that nobody has made.

use std::collections::BTreeSet;
use std::sync::Arc;

use curfew_domain::{Memberships, TenantId, Timestamp, User};
use curfew_policy::AccessQuestion;
use curfew_store::ReadUnit;

use super::Asked;
use super::facts::Facts;
use super::memory::Memory;
use super::person_name::GroupName;
use super::source::Source;
use super::what_if::{Circumstances, Supposed};
use crate::policies::Snapshot;
use crate::{App, AppError, FieldProblem};

/// What policies would be told, and what would be asked.
pub(crate) struct Told {
    pub(crate) question: AccessQuestion,
    pub(crate) snapshot: Arc<Snapshot>,
    /// Sees the tenant as the snapshot does.
    pub(crate) unit: ReadUnit,
}

/// Reads the facts as for a request of that person, and refuses what a request would be refused for. Nobody is looked up
/// in AWS.
pub(crate) async fn suppose(app: &App, tenant: TenantId, supposed: &Supposed) -> Result<Told, AppError> {
    let (unit, memory) = present(app, tenant).await?;
    let question = question(&unit, &memory, supposed, app.now()).await.map_err(by_its_own_fields)?;
    Ok(Told { question, snapshot: Arc::clone(&memory.snapshot), unit })
}

/// The same of each. They are read in one unit, so give few at a time.
///
/// Problems name their fields below `requests[n]`, counted from `first`, and are told of all of them at once.
pub(crate) async fn questions(
    app: &App,
    tenant: TenantId,
    supposed: &[Supposed],
    first: usize,
) -> Result<Vec<AccessQuestion>, AppError> {
    let (unit, memory) = present(app, tenant).await?;
    let (mut questions, mut problems) = (Vec::with_capacity(supposed.len()), Vec::new());
    for (one, number) in supposed.iter().zip(first..) {
        match question(&unit, &memory, one, app.now()).await {
            Ok(question) => questions.push(question),
            Err(AppError::Invalid(found)) => {
                let place = format!("requests[{number}]");
                problems.extend(found.into_iter().map(|problem| problem.below(&place)));
            }
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(questions) } else { Err(AppError::Invalid(problems)) }
}

/// A unit that sees the tenant as it is now, and what is remembered of that.
pub(super) async fn present(app: &App, tenant: TenantId) -> Result<(ReadUnit, Arc<Memory>), AppError> {
    let (unit, versions, snapshot) = app.policies.current(&app.store, tenant).await?;
    let memory = app.memories.of(tenant, versions, snapshot);
    Ok((unit, memory))
}

async fn question(
    unit: &ReadUnit,
    memory: &Arc<Memory>,
    supposed: &Supposed,
    now: Timestamp,
) -> Result<AccessQuestion, AppError> {
    let person = supposed.person.find(unit).await?;
    let person = person.ok_or_else(|| of_person("there is nobody by that id or e-mail address"))?;
    check_may_ask(&person)?;
    let asked = Asked::supposed(&supposed.what_if);
    let facts = Facts::read(Source::Unit(unit, memory), Arc::clone(memory), person.id, &asked).await?;
    let mut question = facts.question(&asked, now);
    let groups = groups(unit, &supposed.what_if.groups).await?;
    put_into(&mut question, &groups, &supposed.what_if.circumstances, memory);
    Ok(question)
}

pub(super) fn check_may_ask(person: &User) -> Result<(), AppError> {
    if !person.active {
        Err(of_person("is suspended, so nothing that they ask for is decided"))
    } else if !person.email_verified {
        Err(of_person("their e-mail address is not verified; access is given to verified addresses alone"))
    } else {
        Ok(())
    }
}

pub(super) fn of_person(problem: &str) -> AppError {
    AppError::field("requester", problem)
}

/// The groups, with the roles that they give. All that are not there are told, not only the first.
pub(super) async fn groups(unit: &ReadUnit, names: &[GroupName]) -> Result<Memberships, AppError> {
    let (mut groups, mut problems) = (BTreeSet::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match name.find(unit).await? {
            Some(group) => {
                groups.insert(group);
            }
            None => problems.push(FieldProblem {
                path: format!("groups[{index}]"),
                problem: "there is no group by that id or name; GET /v1/groups lists them".to_owned(),
            }),
        }
    }
    if !problems.is_empty() {
        return Err(AppError::Invalid(problems));
    }
    let roles = unit.roles_given_by(&groups).await?;
    Ok(Memberships { groups, roles })
}

/// What is supposed, in the place of what is so.
pub(super) fn put_into(
    question: &mut AccessQuestion,
    besides: &Memberships,
    circumstances: &Circumstances,
    memory: &Memory,
) {
    add_missing(&mut question.person.groups, &besides.groups);
    add_missing(&mut question.person.roles, &besides.roles);
    if let Some(moment) = circumstances.requested_at {
        question.requested_at = moment;
        question.local = moment.local(&memory.snapshot.settings.time_zone);
    }
    if let Some(mfa) = circumstances.mfa {
        question.mfa = mfa;
        question.person.mfa = mfa;
    }
}

fn add_missing<T: Clone + Ord>(all: &mut Vec<T>, more: &BTreeSet<T>) {
    let missing: Vec<T> = more.iter().filter(|one| !all.contains(one)).cloned().collect();
    all.extend(missing);
}

/// A request's fields have other places where one question is put.
fn by_its_own_fields(problem: AppError) -> AppError {
    let AppError::Invalid(fields) = problem else { return problem };
    let place = |path: String| match path.as_str() {
        "requester" => "principal".to_owned(),
        "resource.id" => "resource".to_owned(),
        "permission_set_arn" | "account_id" => format!("context.{path}"),
        _ => path,
    };
    AppError::Invalid(
        fields.into_iter().map(|field| FieldProblem { path: place(field.path), ..field }).collect(),
    )
}
