//! What has to be told of a world for a request to be made of it: see `witness`.

use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use cedar_policy_symcc::term::{Term, TermPrim};
use cedar_policy_symcc::term_factory::{app, ext_datetime_val, option_get, record_get, set_member};

use crate::Why;
use crate::query::Query;
use crate::scene::Scene;
use crate::spoken::Spoken;

/// Has everything told that a request is made of.
pub(crate) fn tell(query: &mut Query, scene: &Scene, spoken: &Spoken) -> Result<(), Why> {
    let telling = Telling { scene };
    let (principal, context) =
        (scene.symbols.request.principal.clone(), scene.symbols.request.context.clone());
    query.tell("user", principal.clone());
    for field in ["email", "name", "roles", "auth_provider", "mfa"] {
        query.tell(&format!("user {field}"), telling.attribute("User", &principal, field)?);
    }
    for field in CONTEXT {
        query.tell(&format!("context {field}"), record_get(context.clone(), &field.into()));
    }
    query.tell("context requested_at", ext_datetime_val(record_get(context.clone(), &"requested_at".into())));
    let account = option_get(record_get(context.clone(), &"account".into()));
    let set = option_get(record_get(context, &"permission_set".into()));
    for field in ["name", "is_management"] {
        query.tell(&format!("account {field}"), telling.attribute("AwsAccount", &account, field)?);
    }
    for field in ["name", "rank", "session_seconds"] {
        query.tell(&format!("set {field}"), telling.attribute("AwsPermissionSet", &set, field)?);
    }
    telling.tell_tags(query, &account, spoken)?;
    for (kind, names) in [("Role", &spoken.roles), ("Group", &spoken.groups)] {
        for (number, name) in names.iter().enumerate() {
            query.tell(&format!("user in {kind} {number}"), telling.lies_in("User", &principal, kind, name)?);
        }
    }
    for (number, name) in spoken.units.iter().enumerate() {
        let unit = telling.lies_in("AwsAccount", &account, UNIT, name)?;
        query.tell(&format!("account in unit {number}"), unit);
        for (other, above) in spoken.units.iter().enumerate().filter(|(_, above)| *above != name) {
            let this = Term::from(uid(UNIT, name)?);
            query.tell(&format!("unit {number} in unit {other}"), telling.lies_in(UNIT, &this, UNIT, above)?);
        }
    }
    Ok(())
}

const UNIT: &str = "AwsOrganizationalUnit";

const CONTEXT: [&str; 10] = [
    "duration_seconds",
    "break_glass",
    "day_of_week",
    "hour",
    "mfa",
    "permission_set",
    "account",
    "reason",
    "source_ip",
    "ticket",
];

struct Telling<'a> {
    scene: &'a Scene,
}

impl Telling<'_> {
    fn attribute(&self, kind: &str, of: &Term, field: &str) -> Result<Term, Why> {
        let attributes = self.scene.symbols.entities.attrs(&type_name(kind)?).ok_or_else(|| no_such(kind))?;
        Ok(record_get(app(attributes.clone(), of.clone()), &field.into()))
    }

    fn lies_in(&self, kind: &str, this: &Term, above: &str, name: &str) -> Result<Term, Why> {
        let entities = &self.scene.symbols.entities;
        let ancestors = entities.ancestors_of_type(&type_name(kind)?, &type_name(above)?);
        let ancestors = ancestors.ok_or_else(|| no_such(above))?;
        Ok(set_member(uid(above, name)?.into(), app(ancestors.clone(), this.clone())))
    }

    fn tell_tags(&self, query: &mut Query, account: &Term, spoken: &Spoken) -> Result<(), Why> {
        let tags = self.scene.symbols.entities.tags(&type_name("AwsAccount")?);
        let tags = tags.and_then(Option::as_ref).ok_or_else(|| no_such("AwsAccount"))?;
        for (number, tag) in spoken.tags.iter().enumerate() {
            let tag = Term::Prim(TermPrim::String(tag.as_str().into()));
            query.tell(&format!("has tag {number}"), tags.has_tag(account.clone(), tag.clone()));
            query.tell(&format!("tag {number}"), tags.get_tag_unchecked(account.clone(), tag));
        }
        Ok(())
    }
}

fn no_such(kind: &str) -> Why {
    Why::Unsupported(format!("the schema does not know {kind} as it did"))
}

fn type_name(kind: &str) -> Result<EntityTypeName, Why> {
    EntityTypeName::from_str(kind).map_err(|problem| Why::Unsupported(problem.to_string()))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Why> {
    Ok(EntityUid::from_type_name_and_id(type_name(kind)?, EntityId::new(id)))
}
