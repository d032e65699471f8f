//! Who sits below whom.

use serde_json::{Value, json};

use super::view;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::{Missing, Refusal},
};

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListOrganizationalUnitsForParent.html>
pub(super) fn list_organizational_units_for_parent(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let parent = call.fields.text("ParentId", patterns::PARENT_ID)?;
    view::check_parent(organization, parent)?;
    let units: Vec<Value> = organization
        .units
        .iter()
        .filter(|unit| unit.parent == parent)
        .map(|unit| {
            json!({
                "Id": unit.id,
                "Arn": view::arn(organization, "ou", &unit.id),
                "Name": unit.name,
                "Path": format!("{}{}/", organization.path_to(&unit.parent), unit.id),
            })
        })
        .collect();
    Ok(listed("OrganizationalUnits", call.page(units, |unit| unit["Id"].to_string(), parent)?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html>: "In the current release, a
/// child can have only a single parent."
pub(super) fn list_parents(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let child = call.fields.text("ChildId", patterns::CHILD_ID)?;
    let account = organization.account(child).map(|account| &account.parent);
    let unit = || organization.units.iter().find(|unit| unit.id == child).map(|unit| &unit.parent);
    let parent = account.or_else(unit).ok_or_else(|| Refusal::NotFound {
        what: Missing::Child,
        message: "You specified child that doesn't exist.".to_owned(),
    })?;
    let kind = if *parent == organization.root_id { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    let parents = vec![json!({ "Id": parent, "Type": kind })];
    Ok(listed("Parents", call.page(parents, |parent| parent["Id"].to_string(), child)?))
}
