//! A question as Cedar's entities, contexts and requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::str::FromStr;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use curfew_domain::{OuId, ResourceType, Seconds};

use crate::index::Names;
use crate::schema::access_schema;
use crate::{AccessQuestion, AccountFacts, NamedResource, PermissionSetFacts, PersonFacts, Target};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What is asked of Cedar for one resource of one target.
pub(crate) struct Point<'q> {
    pub(crate) question: &'q AccessQuestion,
    pub(crate) target: &'q Target,
    pub(crate) resource: EntityUid,
}

impl<'q> Point<'q> {
    /// Each target as its account, and as what was named where that is something else.
    pub(crate) fn all_of(question: &'q AccessQuestion) -> Result<Vec<Point<'q>>, BoxError> {
        let named = question.named.as_ref().map(|named| named_uid(named)).transpose()?;
        let mut points = Vec::new();
        for target in &question.targets {
            let account = uid("AwsAccount", target.account.id.as_str())?;
            for resource in [Some(account), named.clone()].into_iter().flatten() {
                points.push(Point { question, target, resource });
            }
        }
        Ok(points)
    }

    /// All that rules can speak of it as.
    pub(crate) fn names(&self, entities: &Entities) -> Result<Names, BoxError> {
        Ok(Names::of(&self.principal()?, &self.action()?, &self.resource, entities))
    }

    pub(crate) fn principal(&self) -> Result<EntityUid, BoxError> {
        uid("User", &self.question.person.id.to_string())
    }

    pub(crate) fn action(&self) -> Result<EntityUid, BoxError> {
        uid("Action", self.question.action.as_str())
    }

    /// The request that a policy sees which judges by `duration`.
    pub(crate) fn request(&self, duration: Seconds) -> Result<Request, BoxError> {
        let (principal, action) = (self.principal()?, self.action()?);
        let context = self.context(duration)?;
        Ok(Request::new(principal, action, self.resource.clone(), context, Some(access_schema()))?)
    }

    fn context(&self, duration: Seconds) -> Result<Context, BoxError> {
        let question = self.question;
        let moment = format!("{}", question.requested_at);
        let mut pairs = vec![
            ("duration_seconds", RestrictedExpression::new_long(duration.get())),
            ("break_glass", RestrictedExpression::new_bool(question.break_glass)),
            ("requested_at", RestrictedExpression::new_datetime(to_milliseconds(&moment))),
            ("day_of_week", text(question.local.day_of_week.as_str())),
            ("hour", RestrictedExpression::new_long(question.local.hour.into())),
            ("mfa", RestrictedExpression::new_bool(question.mfa)),
            ("permission_set", entity("AwsPermissionSet", self.target.permission_set.arn.as_str())?),
            ("account", entity("AwsAccount", self.target.account.id.as_str())?),
        ];
        let optional = [("reason", &question.reason), ("ticket", &question.ticket)];
        for (name, value) in optional {
            pairs.extend(value.as_deref().map(|value| (name, text(value))));
        }
        let source = question.source_ip.map(|ip| RestrictedExpression::new_ip(ip.to_string()));
        pairs.extend(source.map(|ip| ("source_ip", ip)));
        Ok(Context::from_pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)))?)
    }
}

/// What Cedar is handed first for a question, for whoever compares [`crate::decide`] with Cedar alone. None for a question
/// that can't be put, or that leaves the duration to the policies.
pub fn cedar_question(question: &AccessQuestion) -> Option<(Request, Entities)> {
    let entities = entities(question).ok()?;
    let points = Point::all_of(question).ok()?;
    let request = points.first()?.request(question.duration?).ok()?;
    Some((request, entities))
}

/// Everything that the question's policies can reach, and nothing else.
pub(crate) fn entities(question: &AccessQuestion) -> Result<Entities, BoxError> {
    let mut found = person(&question.person)?;
    let mut seen_sets = BTreeSet::new();
    for target in &question.targets {
        found.push(account(&target.account)?);
        if seen_sets.insert(&target.permission_set.arn) {
            found.push(permission_set(&target.permission_set)?);
        }
    }
    found.extend(units(&question.units, reachable_units(question))?);
    found.extend(question.named.as_ref().map(named).transpose()?.flatten());
    Ok(Entities::from_entities(found, Some(access_schema()))?)
}

/// A person alone, as any question of theirs knows them.
pub(crate) fn entities_of_person(of: &PersonFacts) -> Result<Entities, BoxError> {
    Ok(Entities::from_entities(person(of)?, Some(access_schema()))?)
}

/// Accounts with the units that they lie in and above, and permission sets: as any question that has all of them knows
/// them, whoever asks.
pub(crate) fn entities_of_places<'f>(
    accounts: impl IntoIterator<Item = &'f AccountFacts>,
    sets: impl IntoIterator<Item = &'f PermissionSetFacts>,
    parents: &BTreeMap<OuId, Option<OuId>>,
) -> Result<Entities, BoxError> {
    let (mut found, mut starts) = (Vec::new(), Vec::new());
    for facts in accounts {
        found.push(account(facts)?);
        starts.extend(facts.unit.as_ref());
    }
    for facts in sets {
        found.push(permission_set(facts)?);
    }
    found.extend(units(parents, starts)?);
    Ok(Entities::from_entities(found, Some(access_schema()))?)
}

fn person(person: &PersonFacts) -> Result<Vec<Entity>, BoxError> {
    let roles: Vec<EntityUid> =
        person.roles.iter().map(|role| uid("Role", role.as_str())).collect::<Result<_, _>>()?;
    let groups: Vec<EntityUid> =
        person.groups.iter().map(|group| uid("Group", &group.to_string())).collect::<Result<_, _>>()?;
    let attributes = attributes([
        ("email", text(person.email.as_str())),
        ("name", text(person.name.as_str())),
        ("roles", RestrictedExpression::new_set(person.roles.iter().map(|role| text(role.as_str())))),
        ("auth_provider", text(person.auth_provider.as_str())),
        ("mfa", RestrictedExpression::new_bool(person.mfa)),
    ]);
    let parents = roles.iter().chain(&groups).cloned().collect();
    let mut found = vec![Entity::new(uid("User", &person.id.to_string())?, attributes, parents)?];
    let distinct: HashSet<EntityUid> = roles.into_iter().chain(groups).collect();
    found.extend(distinct.into_iter().map(|uid| Entity::new_no_attrs(uid, HashSet::new())));
    Ok(found)
}

fn account(account: &AccountFacts) -> Result<Entity, BoxError> {
    let attributes = attributes([
        ("name", text(&account.name)),
        ("is_management", RestrictedExpression::new_bool(account.is_management)),
    ]);
    let parents: HashSet<EntityUid> = account.unit.as_ref().map(unit_uid).transpose()?.into_iter().collect();
    let tags = account.tags.iter().map(|(name, value)| (name.clone(), text(value)));
    Ok(Entity::new_with_tags(uid("AwsAccount", account.id.as_str())?, attributes, parents, tags)?)
}

fn permission_set(set: &PermissionSetFacts) -> Result<Entity, BoxError> {
    let mut attributes = attributes([
        ("name", text(&set.name)),
        ("session_seconds", RestrictedExpression::new_long(set.session.get())),
    ]);
    attributes.extend(set.rank.map(|rank| ("rank".to_owned(), RestrictedExpression::new_long(rank))));
    Ok(Entity::new(uid("AwsPermissionSet", set.arn.as_str())?, attributes, HashSet::new())?)
}

/// Permission sets, units and accounts are there already, as what they are.
fn named(named: &NamedResource) -> Result<Option<Entity>, BoxError> {
    match named.resource.kind() {
        ResourceType::AwsAccount | ResourceType::AwsPermissionSet | ResourceType::AwsOrganizationalUnit => {
            Ok(None)
        }
        ResourceType::AwsS3Bucket | ResourceType::AwsRdsInstance | ResourceType::AwsEc2Instance => {
            let account = named.account.as_ref().map(|account| uid("AwsAccount", account.as_str()));
            let parents = account.transpose()?.into_iter().collect();
            Ok(Some(Entity::new_no_attrs(named_uid(named)?, parents)))
        }
    }
}

/// The units that the targets lie in, and the named one.
fn reachable_units(question: &AccessQuestion) -> impl Iterator<Item = &OuId> {
    let starts = question.targets.iter().filter_map(|target| target.account.unit.as_ref());
    let named = question.named.as_ref().and_then(|named| {
        question.units.keys().find(|unit| {
            named.resource.kind() == ResourceType::AwsOrganizationalUnit
                && unit.as_str() == named.resource.id()
        })
    });
    starts.chain(named)
}

/// These units and all above them, each in the one that it lies in. Ends also where the links that were given go in
/// circles.
fn units<'f>(
    parents: &'f BTreeMap<OuId, Option<OuId>>,
    starts: impl IntoIterator<Item = &'f OuId>,
) -> Result<Vec<Entity>, BoxError> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    for start in starts {
        let mut next = Some(start);
        while let Some(unit) = next.filter(|unit| known.insert(*unit)) {
            let parent = parents.get(unit).and_then(Option::as_ref);
            let lies_in = parent.map(unit_uid).transpose()?.into_iter().collect();
            found.push(Entity::new_no_attrs(unit_uid(unit)?, lies_in));
            next = parent;
        }
    }
    Ok(found)
}

fn named_uid(named: &NamedResource) -> Result<EntityUid, BoxError> {
    uid(named.resource.kind().entity_type(), named.resource.id())
}

fn unit_uid(unit: &OuId) -> Result<EntityUid, BoxError> {
    uid("AwsOrganizationalUnit", unit.as_str())
}

pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, BoxError> {
    Ok(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind)?, EntityId::new(id)))
}

fn entity(kind: &str, id: &str) -> Result<RestrictedExpression, BoxError> {
    Ok(RestrictedExpression::new_entity_uid(uid(kind, id)?))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn attributes<const N: usize>(
    pairs: [(&str, RestrictedExpression); N],
) -> HashMap<String, RestrictedExpression> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Cedar's datetimes have milliseconds: `2026-03-01T12:00:00.123Z`.
pub(crate) fn to_milliseconds(moment: &str) -> String {
    match moment.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{}Z", &fraction[..fraction.len().min(3)]),
        None => moment.to_owned(),
    }
}
