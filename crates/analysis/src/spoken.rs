//! What rules speak of by name: which entities, texts and tags a question's world must be exact about.

use std::collections::BTreeSet;

use cedar_policy::Policy as CedarPolicy;
use curfew_domain::RoleSlug;
use serde_json::Value;

use crate::Why;

/// So often at most a rule does what may have no value. The symbolic compiler writes down the rest of the rule twice for
/// each time, and nothing could end it meanwhile.
const MOST_FALLIBLE: usize = 8;

/// The schema's attributes that may be absent.
const OPTIONAL: [&str; 6] = ["permission_set", "account", "reason", "source_ip", "ticket", "rank"];

/// Everything that rules name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spoken {
    pub(crate) roles: BTreeSet<String>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) users: BTreeSet<String>,
    pub(crate) accounts: BTreeSet<String>,
    pub(crate) units: BTreeSet<String>,
    pub(crate) permission_sets: BTreeSet<String>,
    /// Buckets and the like, that lie in accounts.
    pub(crate) resources: BTreeSet<String>,
    /// Every text that is written out.
    pub(crate) texts: BTreeSet<String>,
    /// The tags that are looked at.
    pub(crate) tags: BTreeSet<String>,
    /// What is looked at of entities and of the context.
    pub(crate) attributes: BTreeSet<String>,
}

impl Spoken {
    /// What all of these name. Refused where one can't be analysed.
    pub(crate) fn of(rules: &[&CedarPolicy]) -> Result<Self, Why> {
        let mut spoken = Self::default();
        rules.iter().try_for_each(|rule| spoken.hear(rule))?;
        Ok(spoken)
    }

    /// What rules name as a role and may ask for among a person's roles, where they ask in both ways.
    pub(crate) fn roles_asked_in_both_ways(&self) -> impl Iterator<Item = &str> {
        let asked_in_both = !self.roles.is_empty() && self.attributes.contains("roles");
        let all = self.roles.union(&self.texts).filter(move |_| asked_in_both);
        all.filter(|role| role.parse::<RoleSlug>().is_ok()).map(String::as_str)
    }

    /// Takes in what `rule` names. Refuses one that asks what an entity that it names has, or lies in: whether a decision
    /// knows that entity depends on what is asked for, and the symbolic compiler takes every entity to be known.
    fn hear(&mut self, rule: &CedarPolicy) -> Result<(), Why> {
        let json = rule.to_json().map_err(|problem| Why::Unsupported(problem.to_string()))?;
        self.walk(&json).map_err(|()| {
            let what = "asks about an entity that it names itself, which can't be analysed";
            Why::Unsupported(format!("rule {} {what}", rule.id()))
        })?;
        if !has_plain_names(&json) {
            let what = "names a field of a record otherwise than by a plain word, which can't be analysed";
            return Err(Why::Unsupported(format!("rule {} {what}", rule.id())));
        }
        match fallible(&json) {
            0..=MOST_FALLIBLE => Ok(()),
            many => {
                let what = "computes, or looks at what may be absent";
                let most = format!("{many} times; {MOST_FALLIBLE} can be analysed");
                Err(Why::TooLarge(format!("rule {} {what}, {most}", rule.id())))
            }
        }
    }

    fn walk(&mut self, json: &Value) -> Result<(), ()> {
        match json {
            Value::Array(members) => members.iter().try_for_each(|member| self.walk(member)),
            Value::Object(fields) => {
                for (name, inner) in fields {
                    match name.as_str() {
                        "entity" | "__entity" => self.entity(inner),
                        "Value" => self.literal(inner),
                        operator if asks_of_an_entity(operator, inner) => self.access(operator, inner)?,
                        _ => {}
                    }
                    self.walk(inner)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn access(&mut self, operator: &str, operands: &Value) -> Result<(), ()> {
        let left = operands.get("left").ok_or(())?;
        if !is_path(left) {
            return Err(());
        }
        if let Some(tag) = operands.get("right").and_then(|right| right.get("Value")).and_then(Value::as_str)
            && operator.ends_with("Tag")
        {
            self.tags.insert(tag.to_owned());
        }
        self.attributes.extend(operands.get("attr").and_then(Value::as_str).map(str::to_owned));
        Ok(())
    }

    fn literal(&mut self, value: &Value) {
        if let Some(text) = value.as_str() {
            self.texts.insert(text.to_owned());
        }
    }

    fn entity(&mut self, entity: &Value) {
        let of = |field| entity.get(field).and_then(Value::as_str);
        let (Some(kind), Some(id)) = (of("type"), of("id")) else { return };
        let names = match kind {
            "Role" => &mut self.roles,
            "Group" => &mut self.groups,
            "User" => &mut self.users,
            "AwsAccount" => &mut self.accounts,
            "AwsOrganizationalUnit" => &mut self.units,
            "AwsPermissionSet" => &mut self.permission_sets,
            "AwsS3Bucket" | "AwsRdsInstance" | "AwsEc2Instance" => &mut self.resources,
            _ => return,
        };
        names.insert(id.to_owned());
    }
}

/// How often it does what may have no value: computes, or looks at what may be absent.
fn fallible(json: &Value) -> usize {
    match json {
        Value::Array(members) => members.iter().map(fallible).sum(),
        Value::Object(fields) => {
            let of_field = |(name, inner): (&String, &Value)| match name.as_str() {
                "+" | "-" | "*" | "neg" | "getTag" | "offset" | "durationSince" | "toDate" => {
                    1 + fallible(inner)
                }
                "." => {
                    let attribute = inner.get("attr").and_then(Value::as_str).unwrap_or_default();
                    usize::from(OPTIONAL.contains(&attribute)) + fallible(inner)
                }
                _ => fallible(inner),
            };
            fields.iter().map(of_field).sum()
        }
        _ => 0,
    }
}

/// Whether the records that it writes out have fields that are named by plain words: the symbolic compiler writes the names
/// into a question's comments as they are.
fn has_plain_names(json: &Value) -> bool {
    match json {
        Value::Array(members) => members.iter().all(has_plain_names),
        Value::Object(fields) => fields.iter().all(|(name, inner)| {
            let names = inner.as_object().filter(|_| name == "Record");
            names.is_none_or(|fields| fields.keys().all(|name| is_plain(name))) && has_plain_names(inner)
        }),
        _ => true,
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether it asks what an entity has, or lies in.
fn asks_of_an_entity(operator: &str, operands: &Value) -> bool {
    match operator {
        "." | "has" | "hasTag" | "getTag" => true,
        // In a scope, and behind `is`, it has no left side.
        "in" => operands.get("left").is_some(),
        "is" => operands.get("in").is_some(),
        _ => false,
    }
}

/// Whether it is `principal`, `resource`, `context` or something in them, step by step: those are always known.
fn is_path(json: &Value) -> bool {
    json.get("Var").is_some() || json.get(".").and_then(|inner| inner.get("left")).is_some_and(is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Result<Spoken, Why> {
        let mut spoken = Spoken::default();
        spoken.hear(&CedarPolicy::parse(None, text).unwrap())?;
        Ok(spoken)
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        let spoken = heard(
            r#"permit (principal in Role::"admin", action == Action::"read", resource in AwsOrganizationalUnit::"ou-1")
            when { [Group::"g"].contains(Group::"h") && resource.hasTag("env") && resource.getTag("env") == "dev" }
            when { principal is User in Role::"user" }
            unless { context.account in [AwsAccount::"1", AwsAccount::"2"] || context.requested_at.toTime() > duration("1h") };"#,
        )
        .unwrap();
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&spoken.roles), "admin user");
        assert_eq!(names(&spoken.groups), "g h");
        assert_eq!(names(&spoken.units), "ou-1");
        assert_eq!(names(&spoken.accounts), "1 2");
        assert_eq!(names(&spoken.tags), "env");
        assert!(spoken.texts.contains("dev") && spoken.attributes.contains("requested_at"));
    }

    #[test]
    fn a_record_whose_fields_are_no_plain_words_is_refused() {
        let comparing = |name: &str| {
            format!("permit (principal, action, resource) when {{ {{{name}: 1}} == {{{name}: 1}} }};")
        };
        assert!(heard(&comparing("plain_1")).is_ok());
        for odd in [r#""a\rb""#, r#""a\n(assert false)""#, r#""a b""#, r#""""#, r#""\u{e9}""#] {
            assert!(matches!(heard(&comparing(odd)), Err(Why::Unsupported(_))), "{odd}");
        }
    }

    #[test]
    fn a_rule_that_asks_about_an_entity_that_it_names_is_refused() {
        for wrong in [
            r#"User::"1".mfa"#,
            r#"AwsAccount::"1" has name"#,
            r#"AwsAccount::"1".hasTag("env")"#,
            r#"(if context.mfa then principal else User::"1").mfa"#,
            r#"User::"1" in Role::"admin""#,
            r#"User::"1" is User in Role::"admin""#,
        ] {
            let text = format!("permit (principal, action, resource) when {{ {wrong} }};");
            assert!(matches!(heard(&text), Err(Why::Unsupported(_))), "{wrong}");
        }
    }
}
