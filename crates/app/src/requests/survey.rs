//! What policies would be told of many requests that nobody has made: of everybody for one place, of one person for all
//! places. The facts are read once, in one unit.

use std::sync::Arc;

use curfew_domain::connection::VerifiedConnection;
use curfew_domain::{AccountId, Action, Memberships, PermissionSetArn, Seconds, TenantId, Timestamp, User};
use curfew_policy::{AccessQuestion, PermissionSetFacts, Target};
use curfew_store::ReadUnit;

use super::Asked;
use super::facts::{check_duration, person_facts, question};
use super::memory::Memory;
use super::normalise::{Normalised, normalise};
use super::person_name::{GroupName, PersonName};
use super::places::{AccountPlace, SetPlace, accounts, permission_sets};
use super::source::Source;
use super::suppose::{check_may_ask, groups, of_person, present, put_into};
use super::what_if::{Circumstances, WhatIf};
use crate::policies::Snapshot;
use crate::{App, AppError, FieldProblem, connection};

/// So many people are asked about at once.
const MOST_PEOPLE: u64 = 5_000;

/// Questions to ask, and of which policies.
pub(crate) struct Survey {
    /// Each is asked with each permission set. They differ in the person alone, or in the account.
    pub(crate) questions: Vec<AccessQuestion>,
    pub(crate) sets: Arc<[SetAsked]>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// Whether there is more to ask about.
    pub(crate) is_cut: bool,
}

/// A permission set to ask for.
pub(crate) struct SetAsked {
    facts: PermissionSetFacts,
    is_fresh: bool,
}

impl SetAsked {
    /// The same question, for this permission set.
    pub(crate) fn put_into(&self, question: &AccessQuestion) -> AccessQuestion {
        let mut question = question.clone();
        for target in &mut question.targets {
            target.permission_set = self.facts.clone();
        }
        question.facts_are_fresh &= self.is_fresh;
        question
    }
}

/// What might be asked for, wherever.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIfAnywhere {
    /// What would be done.
    pub action: Action,
    /// How long; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
    /// Groups that the person would be in besides their own.
    pub groups: Vec<GroupName>,
    /// What would be said and so besides. Neither account nor permission set.
    pub circumstances: Circumstances,
}

/// The same request of each person who may ask: active, and with a verified address.
pub(crate) async fn of_everybody(
    app: &App,
    tenant: TenantId,
    account: AccountId,
    set: PermissionSetArn,
    wanted: &WhatIfAnywhere,
) -> Result<Survey, AppError> {
    let (unit, memory) = present(app, tenant).await?;
    let asked = wanted.asked(account, set);
    let connection = usable(&unit, &memory, wanted.duration).await?;
    let source = Source::Unit(&unit, &memory);
    let place = normalise(source, &connection.saved.instance, &asked).await.map_err(by_flat_fields)?;
    let mut people = unit.people_who_may_ask(MOST_PEOPLE + 1).await?;
    drop(unit);
    let is_cut = people.len() as u64 > MOST_PEOPLE;
    people.truncate(usize::try_from(MOST_PEOPLE).unwrap_or(usize::MAX));
    let (now, none) = (app.now(), Memberships::default());
    let question = |person| told((person, &none), &asked, &place, &memory, (&wanted.circumstances, now));
    let questions = people.iter().map(question).collect();
    let sets = place.targets.iter().map(|target| &target.permission_set);
    let sets = sets.map(|set| SetAsked { facts: set.clone(), is_fresh: true }).collect();
    Ok(Survey { questions, sets, snapshot: Arc::clone(&memory.snapshot), is_cut })
}

/// A person's requests for each account and permission set that can be had by this action.
pub(crate) async fn of_everything(
    app: &App,
    tenant: TenantId,
    person: &PersonName,
    wanted: &WhatIfAnywhere,
) -> Result<Survey, AppError> {
    let (unit, memory) = present(app, tenant).await?;
    let person = person.find(&unit).await?;
    let found = person.ok_or_else(|| of_person("there is nobody by that id or e-mail address"));
    let person = found.and_then(|person| check_may_ask(&person).map(|()| person)).map_err(by_flat_fields)?;
    let connection = usable(&unit, &memory, wanted.duration).await?;
    let groups = groups(&unit, &wanted.groups).await?;
    let instance = &connection.saved.instance;
    let (accounts, sets) = (accounts(&unit, instance).await?, permission_sets(&unit, instance).await?);
    drop(unit);
    let mut sets = sets.into_iter().filter(|set| set.can_be_had(wanted.action)).peekable();
    let Some(first) = sets.peek().cloned() else { return Ok(Survey::of_nothing(&memory)) };
    let now = app.now();
    let question = |account: &AccountPlace| {
        let asked = wanted.asked(account.facts.id.clone(), first.facts.arn.clone());
        told((&person, &groups), &asked, &place(account, &first), &memory, (&wanted.circumstances, now))
    };
    let questions = accounts.iter().filter(|account| account.can_be_had).map(question).collect();
    let oldest = memory.snapshot.settings.aws_data_max_age;
    let sets = sets.map(|set| SetAsked { is_fresh: now < set.seen_at + oldest, facts: set.facts }).collect();
    Ok(Survey { questions, sets, snapshot: Arc::clone(&memory.snapshot), is_cut: false })
}

impl Survey {
    fn of_nothing(memory: &Memory) -> Self {
        let snapshot = Arc::clone(&memory.snapshot);
        Self { questions: Vec::new(), sets: Arc::default(), snapshot, is_cut: false }
    }
}

/// Refuses what no request of this kind would get past.
async fn usable(
    unit: &ReadUnit,
    memory: &Memory,
    duration: Option<Seconds>,
) -> Result<VerifiedConnection, AppError> {
    if let Some(duration) = duration {
        check_duration(duration, &memory.snapshot.settings)?;
    }
    Ok(connection::usable(unit.connection().await?.as_ref())?.clone())
}

/// What policies are told of the request for this place of a person, in these groups besides their own, and with their
/// roles.
fn told(
    (person, besides): (&User, &Memberships),
    asked: &Asked,
    place: &Normalised,
    memory: &Memory,
    (circumstances, now): (&Circumstances, Timestamp),
) -> AccessQuestion {
    let mut told = question(person_facts(person), asked, place, &memory.snapshot.settings, now);
    put_into(&mut told, besides, circumstances, memory);
    told
}

fn place(account: &AccountPlace, set: &SetPlace) -> Normalised {
    Normalised {
        targets: vec![Target { account: account.facts.clone(), permission_set: set.facts.clone() }],
        named: None,
        units: account.units.clone(),
        account: Some(account.facts.id.clone()),
        permission_set: set.facts.arn.clone(),
        level: set.level,
        // How old the permission set is, is looked at for each.
        seen_at: account.seen_at,
    }
}

impl WhatIfAnywhere {
    /// Of this account, by this permission set.
    fn asked(&self, account: AccountId, set: PermissionSetArn) -> Asked {
        let circumstances = Circumstances { permission_set: Some(set), ..self.circumstances.clone() };
        Asked::supposed(&WhatIf {
            resource: account.into(),
            action: self.action,
            duration: self.duration,
            groups: Vec::new(),
            circumstances,
        })
    }
}

/// A request's fields have other places where its account and permission set are named by themselves.
fn by_flat_fields(problem: AppError) -> AppError {
    let AppError::Invalid(fields) = problem else { return problem };
    let place = |path: String| match path.as_str() {
        "requester" => "principal".to_owned(),
        "resource.id" => "account_id".to_owned(),
        _ => path,
    };
    AppError::Invalid(
        fields.into_iter().map(|field| FieldProblem { path: place(field.path), ..field }).collect(),
    )
}
