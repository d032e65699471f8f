//! What is known of every request, whatever the policies are, and of an account that is asked about: written as Cedar,
//! and asserted.

use std::fmt::Write;

use cedar_policy::{Policy as CedarPolicy, PolicyId};
use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::term_factory::{
    ext_ipaddr_is_v4, ext_ipaddr_prefix_v4, ext_ipaddr_prefix_v6, implies, is_none, is_some, ite, option_get,
    record_get,
};
use curfew_domain::{AuthProvider, OuId, ResourceType, Seconds};
use curfew_policy::{AccountFacts, PermissionSetFacts};

use crate::many::any;
use crate::query::Query;
use crate::scene::{Scene, unsupported};
use crate::spoken::Spoken;
use crate::{Known, Why};

/// Of this many units at most is told how they lie in each other: it takes a supposition for each two.
const MOST_UNITS: usize = 16;

/// Suppositions as rules that match where they are true.
#[derive(Debug, Default)]
pub(crate) struct World {
    all: Vec<CedarPolicy>,
    /// Of each of these, one is true.
    one_of: Vec<Vec<CedarPolicy>>,
}

impl World {
    /// What is true of all requests of this kind, as far as rules speak of it.
    pub(crate) fn of(scene: &Scene, spoken: &Spoken, longest: Seconds) -> Result<Self, Why> {
        let mut world = Self::default();
        for fact in everywhere(longest) {
            world.suppose(&fact)?;
        }
        world.suppose(match scene.resource {
            ResourceType::AwsAccount => "context.account == resource",
            ResourceType::AwsPermissionSet => "context.permission_set == resource",
            ResourceType::AwsOrganizationalUnit => "context.account in resource",
            ResourceType::AwsS3Bucket | ResourceType::AwsRdsInstance | ResourceType::AwsEc2Instance => {
                "resource in context.account"
            }
        })?;
        for role in spoken.roles_asked_in_both_ways() {
            world.suppose(&format!(
                "(principal in Role::{}) == principal.roles.contains({})",
                quoted(role),
                quoted(role)
            ))?;
        }
        world.suppose_one_chain(spoken)?;
        Ok(world)
    }

    /// What is known of one account, and the units above it from the nearest on.
    pub(crate) fn suppose_account(
        &mut self,
        account: &AccountFacts,
        above: &[OuId],
        spoken: &Spoken,
    ) -> Result<(), Why> {
        self.suppose(&format!("context.account == AwsAccount::{}", quoted(account.id.as_str())))?;
        self.suppose(&format!("context.account.name == {}", quoted(&account.name)))?;
        self.suppose(&format!("context.account.is_management == {}", account.is_management))?;
        for (tag, value) in &account.tags {
            let (tag, value) = (quoted(tag), quoted(value));
            self.suppose(&format!(
                "context.account.hasTag({tag}) && context.account.getTag({tag}) == {value}"
            ))?;
        }
        for tag in spoken.tags.iter().filter(|tag| !account.tags.contains_key(*tag)) {
            self.suppose(&format!("!context.account.hasTag({})", quoted(tag)))?;
        }
        for unit in &spoken.units {
            let lies_in = above.iter().any(|above| above.as_str() == unit);
            let not = if lies_in { "" } else { "!" };
            self.suppose(&format!("{not}(context.account in AwsOrganizationalUnit::{})", quoted(unit)))?;
        }
        Ok(())
    }

    /// What is known of permission sets: one of these is asked for.
    pub(crate) fn suppose_permission_sets(&mut self, sets: &[&PermissionSetFacts]) -> Result<(), Why> {
        let each = sets.iter().map(|set| self.fact(&is_set(set))).collect::<Result<Vec<_>, _>>()?;
        self.one_of.push(each);
        Ok(())
    }

    /// Asserts all of this, and that what it and `rules` speak of is a hierarchy.
    pub(crate) fn assert(
        &self,
        known: &Known<'_>,
        query: &mut Query,
        scene: &Scene,
        rules: &[&CedarPolicy],
    ) -> Result<(), Why> {
        for rule in &self.all {
            known.in_time()?;
            query.assert(scene.terms(rule)?.matches);
        }
        for alternatives in &self.one_of {
            let terms = alternatives.iter().map(|rule| Ok(query.name(scene.terms(rule)?.matches)));
            let terms = terms.collect::<Result<Vec<_>, Why>>()?;
            query.assert(any(terms));
        }
        query.assert(asked_from_one_address(scene));
        known.in_time()?;
        let suppositions = self.all.iter().chain(self.one_of.iter().flatten());
        for term in scene.hierarchy(suppositions.chain(rules.iter().copied()))? {
            query.assert(term);
        }
        Ok(())
    }

    /// Units lie in each other as a chain above the account, and what is not above it is not known to a decision.
    fn suppose_one_chain(&mut self, spoken: &Spoken) -> Result<(), Why> {
        if spoken.units.len() > MOST_UNITS {
            return Ok(());
        }
        let units: Vec<String> =
            spoken.units.iter().map(|unit| format!("AwsOrganizationalUnit::{}", quoted(unit))).collect();
        for (number, one) in units.iter().enumerate() {
            for other in &units[number + 1..] {
                self.suppose(&format!(
                    "(if context.account in {one} && context.account in {other}
                      then {one} in {other} || {other} in {one}
                      else !({one} in {other}) || context.account in {one})
                     && (!({other} in {one}) || context.account in {other})"
                ))?;
            }
        }
        Ok(())
    }

    fn suppose(&mut self, fact: &str) -> Result<(), Why> {
        let fact = self.fact(fact)?;
        self.all.push(fact);
        Ok(())
    }

    fn fact(&self, fact: &str) -> Result<CedarPolicy, Why> {
        let text = format!(
            "permit (principal, action, resource) when {{ context has account && context has permission_set && ({fact}) }};"
        );
        let id = PolicyId::new(format!("supposition {}", self.all.len()));
        CedarPolicy::parse(Some(id), &text).map_err(unsupported)
    }
}

fn everywhere(longest: Seconds) -> [String; 6] {
    let providers: Vec<String> = AuthProvider::ALL.iter().map(|provider| quoted(provider.as_str())).collect();
    [
        "context.hour >= 0 && context.hour <= 23".to_owned(),
        r#"["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].contains(context.day_of_week)"#
            .to_owned(),
        format!("context.duration_seconds >= 1 && context.duration_seconds <= {}", longest.get()),
        r#"context.requested_at >= datetime("2020-01-01") && context.requested_at < datetime("2200-01-01")"#.to_owned(),
        format!("[{}].contains(principal.auth_provider)", providers.join(", ")),
        format!(
            "context.permission_set.session_seconds >= 0 && context.permission_set.session_seconds <= {}",
            Seconds::MAX.get()
        ),
    ]
}

fn is_set(set: &PermissionSetFacts) -> String {
    let rank = match set.rank {
        Some(rank) => format!("context.permission_set has rank && context.permission_set.rank == {rank}"),
        None => "!(context.permission_set has rank)".to_owned(),
    };
    format!(
        "(context.permission_set == AwsPermissionSet::{} && context.permission_set.name == {}
          && context.permission_set.session_seconds == {} && {rank})",
        quoted(set.arn.as_str()),
        quoted(&set.name),
        set.session.get()
    )
}

/// A request comes from one address, never from a network of them.
fn asked_from_one_address(scene: &Scene) -> Term {
    let source = record_get(scene.symbols.request.context.clone(), &"source_ip".into());
    let address = option_get(source.clone());
    let of_one = ite(
        ext_ipaddr_is_v4(address.clone()),
        is_none(ext_ipaddr_prefix_v4(address.clone())),
        is_none(ext_ipaddr_prefix_v6(address)),
    );
    implies(is_some(source), of_one)
}

/// A text as Cedar writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            other => {
                // Writing to a string never fails.
                let _ = write!(quoted, "\\u{{{:x}}}", other as u32);
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
