//! What a solver found, as a request that policies can be asked about.
//!
//! Rules see of an entity's id only whether it is one that they name. So an id that no rule names is as good as any
//! other that none names, and those that a solver makes up are replaced by ones of the right form.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use curfew_domain::{
    AccountId, AuthProvider, DayOfWeek, GroupId, LocalMoment, OuId, PermissionSetArn, RoleSlug, Seconds,
    Timestamp, UserId,
};
use curfew_policy::{AccessQuestion, AccountFacts, PermissionSetFacts, PersonFacts, Target, unit_links};

use crate::Known;
use crate::Why;
use crate::moments::moment;
use crate::query::Found;
use crate::reply::Value;
use crate::scene::Scene;
use crate::spoken::Spoken;

/// The request that was found. Where the solver made up what Curfew never tells policies, it is none.
pub(crate) fn question(
    found: &Found,
    scene: &Scene,
    spoken: &Spoken,
    known: &Known<'_>,
) -> Result<AccessQuestion, Why> {
    let reading = Reading { found, spoken };
    let (unit, units) = reading.units()?;
    let local = reading.local()?;
    let requested_at = if spoken.attributes.contains("requested_at") {
        Timestamp::from_micros(reading.number("context requested_at")?.saturating_mul(1_000))
    } else {
        moment(known.now, local, known.zone)
            .ok_or_else(|| Why::NotReplayed("there is no such hour of that day".to_owned()))?
    };
    if requested_at.local(known.zone) != local {
        return Err(Why::NotReplayed("its hour or day is not that of its moment".to_owned()));
    }
    Ok(AccessQuestion {
        person: reading.person()?,
        action: scene.action,
        targets: vec![Target { account: reading.account(unit)?, permission_set: reading.permission_set()? }],
        named: None,
        units,
        duration: Some(seconds(reading.number("context duration_seconds")?)?),
        longest: known.longest,
        break_glass: reading.truth("context break_glass")?,
        requested_at,
        local,
        mfa: reading.truth("context mfa")?,
        reason: reading.optional("context reason")?.map(text).transpose()?,
        source_ip: reading.optional("context source_ip")?.map(address).transpose()?,
        ticket: reading.optional("context ticket")?.map(text).transpose()?,
        facts_are_fresh: true,
    })
}

/// Units, and what each lies in.
type Above = BTreeMap<OuId, Option<OuId>>;

/// What a solver said, by what rules speak of.
struct Reading<'a> {
    found: &'a Found,
    spoken: &'a Spoken,
}

impl Reading<'_> {
    fn person(&self) -> Result<PersonFacts, Why> {
        let id = one_of(&self.entity("user")?, &self.spoken.users, |number| uuid_text(0xa11ce, number))?;
        let roles: Result<Vec<RoleSlug>, Why> = if self.spoken.attributes.contains("roles") {
            let roles = self.value("user roles")?.members().ok_or_else(|| unread("user roles"))?;
            roles.into_iter().map(|role| text(role).and_then(|role| parsed::<RoleSlug>(&role))).collect()
        } else {
            self.memberships("Role", &self.spoken.roles)?.into_iter().map(|role| parsed(&role)).collect()
        };
        let groups = self.memberships("Group", &self.spoken.groups)?;
        Ok(PersonFacts {
            id: parsed::<UserId>(&id)?,
            email: parsed(&sound_address(&self.text("user email")?))?,
            name: parsed(&or_else(self.text("user name")?, "Somebody"))?,
            roles: roles?,
            groups: groups.into_iter().map(|group| parsed::<GroupId>(&group)).collect::<Result<_, _>>()?,
            auth_provider: parsed::<AuthProvider>(&self.text("user auth_provider")?)?,
            mfa: self.truth("user mfa")?,
        })
    }

    fn account(&self, unit: Option<OuId>) -> Result<AccountFacts, Why> {
        let id = self.optional_entity("context account")?;
        let id =
            one_of(&id, &self.spoken.accounts, |number| format!("{:012}", 123_456_789_012_u64 + number))?;
        let mut tags = BTreeMap::new();
        for (number, tag) in self.spoken.tags.iter().enumerate() {
            if self.truth(&format!("has tag {number}"))? {
                tags.insert(tag.clone(), self.text(&format!("tag {number}"))?);
            }
        }
        Ok(AccountFacts {
            id: parsed::<AccountId>(&id)?,
            name: self.text("account name")?,
            tags,
            is_management: self.truth("account is_management")?,
            unit,
        })
    }

    fn permission_set(&self) -> Result<PermissionSetFacts, Why> {
        let arn = self.optional_entity("context permission_set")?;
        let arn = one_of(&arn, &self.spoken.permission_sets, |number| {
            format!("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-{number:016x}")
        })?;
        Ok(PermissionSetFacts {
            arn: parsed::<PermissionSetArn>(&arn)?,
            name: or_else(self.text("set name")?, "PermissionSet"),
            rank: self
                .optional("set rank")?
                .map(|rank| rank.number().ok_or_else(|| unread("rank")))
                .transpose()?,
            session: seconds(self.number("set session_seconds")?)?,
        })
    }

    /// The nearest unit, and all above it: those lie highest that most of the others lie in.
    fn units(&self) -> Result<(Option<OuId>, Above), Why> {
        let mut chain: Vec<(usize, OuId)> = Vec::new();
        let names: Vec<&String> = self.spoken.units.iter().collect();
        for (number, name) in names.iter().enumerate() {
            if !self.truth(&format!("account in unit {number}"))? {
                continue;
            }
            let mut above = 0;
            for other in (0..names.len()).filter(|other| *other != number) {
                above += usize::from(self.truth(&format!("unit {number} in unit {other}"))?);
            }
            chain.push((above, parsed::<OuId>(name)?));
        }
        chain.sort_by_key(|(above, _)| std::cmp::Reverse(*above));
        let chain: Vec<OuId> = chain.into_iter().map(|(_, unit)| unit).collect();
        Ok((chain.first().cloned(), unit_links(&chain).collect()))
    }

    fn local(&self) -> Result<LocalMoment, Why> {
        let day = self.text("context day_of_week")?;
        let day =
            DAYS.into_iter().find(|known| known.as_str() == day).ok_or_else(|| unread("day_of_week"))?;
        let hour = u8::try_from(self.number("context hour")?).map_err(|_| unread("hour"))?;
        Ok(LocalMoment { day_of_week: day, hour })
    }

    fn memberships(&self, kind: &str, names: &BTreeSet<String>) -> Result<Vec<String>, Why> {
        let mut found = Vec::new();
        for (number, name) in names.iter().enumerate() {
            if self.truth(&format!("user in {kind} {number}"))? {
                found.push(name.clone());
            }
        }
        Ok(found)
    }

    fn value(&self, name: &str) -> Result<&Value, Why> {
        self.found.get(name).ok_or_else(|| unread(name))
    }

    fn truth(&self, name: &str) -> Result<bool, Why> {
        self.value(name)?.truth().ok_or_else(|| unread(name))
    }

    fn number(&self, name: &str) -> Result<i64, Why> {
        self.value(name)?.number().ok_or_else(|| unread(name))
    }

    fn text(&self, name: &str) -> Result<String, Why> {
        text(self.value(name)?)
    }

    fn optional(&self, name: &str) -> Result<Option<&Value>, Why> {
        self.value(name)?.optional().map_err(|()| unread(name))
    }

    fn entity(&self, name: &str) -> Result<String, Why> {
        text(self.value(name)?.inner().ok_or_else(|| unread(name))?)
    }

    fn optional_entity(&self, name: &str) -> Result<String, Why> {
        let entity = self.optional(name)?.and_then(Value::inner);
        text(entity.ok_or_else(|| unread(name))?)
    }
}

const DAYS: [DayOfWeek; 7] = [
    DayOfWeek::Monday,
    DayOfWeek::Tuesday,
    DayOfWeek::Wednesday,
    DayOfWeek::Thursday,
    DayOfWeek::Friday,
    DayOfWeek::Saturday,
    DayOfWeek::Sunday,
];

/// The id where a rule names it; else one of the right form that none names.
fn one_of(id: &str, named: &BTreeSet<String>, form: impl Fn(u64) -> String) -> Result<String, Why> {
    if named.contains(id) {
        return Ok(id.to_owned());
    }
    (1..=named.len() as u64 + 1)
        .map(form)
        .find(|made| !named.contains(made))
        .ok_or_else(|| Why::NotReplayed("no id is left".to_owned()))
}

fn uuid_text(space: u64, number: u64) -> String {
    format!("00000000-0000-7000-8000-{:012x}", (space << 16) + number)
}

/// A solver's address is as short as rules let it be. What is added is none that rules are likely to speak of.
fn sound_address(found: &str) -> String {
    let candidates =
        [found.to_owned(), format!("somebody{found}"), format!("{found}somebody@somewhere.example")];
    let sound = candidates.into_iter().find(|address| address.parse::<curfew_domain::Email>().is_ok());
    sound.unwrap_or_else(|| "somebody@somewhere.example".to_owned())
}

fn or_else(found: String, usual: &str) -> String {
    if found.is_empty() { usual.to_owned() } else { found }
}

fn seconds(number: i64) -> Result<Seconds, Why> {
    Seconds::new(number).map_err(|problem| Why::NotReplayed(problem.to_string()))
}

fn text(value: &Value) -> Result<String, Why> {
    value.text().map(str::to_owned).ok_or_else(|| unread("a text"))
}

/// `(V4 bits prefix)` or `(V6 bits prefix)`.
fn address(value: &Value) -> Result<IpAddr, Why> {
    let Value::List(parts) = value else { return Err(unread("source_ip")) };
    let bits = parts.get(1).and_then(Value::bits);
    match (parts.first(), bits) {
        (Some(Value::Atom(kind)), Some(bits)) if kind == "V6" => Ok(Ipv6Addr::from_bits(bits).into()),
        (Some(Value::Atom(kind)), Some(bits)) if kind == "V4" => {
            let bits = u32::try_from(bits).map_err(|_| unread("source_ip"))?;
            Ok(Ipv4Addr::from_bits(bits).into())
        }
        _ => Err(unread("source_ip")),
    }
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Why> {
    text.parse().map_err(|problem| Why::NotReplayed(format!("{text:?} can't be: {problem}")))
}

fn unread(name: &str) -> Why {
    Why::SolverFailed(format!("it did not say what {name} is"))
}
