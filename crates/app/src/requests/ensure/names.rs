//! What accounts and permission sets are called.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use curfew_domain::{
    AccessRequest, CachedResource, PermissionSetArn, PermissionSetName, ResourceRef, ResourceType, TenantId,
};
use curfew_store::ReadUnit;

use crate::{App, AppError, connection};

use super::Entitlement;

/// So many of the permission sets that share a name are told.
const MOST_TOLD: usize = 10;

/// What some entitlements name.
pub(super) struct Names {
    /// What is shown.
    shown: HashMap<ResourceRef, String>,
    /// Which permission sets that can be asked for have a name: AWS's, or the one that is shown.
    sets: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    pub(super) async fn load(
        app: &App,
        tenant: TenantId,
        entitlements: &[Entitlement],
    ) -> Result<Self, AppError> {
        let unit = app.store.tenant(tenant).read().await?;
        let connection = unit.connection().await?;
        let instance = &connection::usable(connection.as_ref())?.saved.instance;
        let sets = unit.aws_resources_of(instance, ResourceType::AwsPermissionSet).await?;
        let accounts: HashSet<ResourceRef> =
            entitlements.iter().map(|entitlement| entitlement.account.clone().into()).collect();
        let accounts: Vec<ResourceRef> = accounts.into_iter().collect();
        let accounts = unit.aws_resources(instance, &accounts).await?;
        let mut names = Self { shown: HashMap::new(), sets: BTreeMap::new() };
        for set in &sets {
            names.note_set(set);
        }
        let shown = sets.iter().chain(&accounts);
        names.shown = shown.map(|one| (one.resource.clone(), one.shown_name().to_owned())).collect();
        Ok(names)
    }

    fn note_set(&mut self, set: &CachedResource) {
        let Some(known) = set.known() else { return };
        for name in [known.name.as_str(), set.shown_name()] {
            self.sets.entry(name.to_owned()).or_default().insert(set.resource.id().to_owned());
        }
    }

    /// The permission set by that name.
    pub(super) fn permission_set(&self, role: &PermissionSetName) -> Result<PermissionSetArn, AppError> {
        let name = match role {
            PermissionSetName::Arn(arn) => return Ok(arn.clone()),
            PermissionSetName::Name(name) => name,
        };
        let found: Vec<&String> = self.sets.get(name).into_iter().flatten().collect();
        match found[..] {
            [arn] => arn.parse().map_err(|problem| AppError::invalid("role", &problem)),
            [] => Err(AppError::field(
                "role",
                format!("there is no permission set {name}; GET /v1/aws/permission-sets lists them"),
            )),
            [..] => {
                let told: Vec<&str> = found.iter().take(MOST_TOLD).map(|arn| arn.as_str()).collect();
                Err(AppError::field(
                    "role",
                    format!(
                        "several permission sets are called {name}; name one by its ARN: {}",
                        told.join(", ")
                    ),
                ))
            }
        }
    }

    /// What an entitlement is called, as far as its parts are known.
    pub(super) fn of_entitlement(&self, entitlement: &Entitlement) -> String {
        let set = match &entitlement.role {
            PermissionSetName::Arn(arn) => self.shown(arn.clone().into()),
            PermissionSetName::Name(name) => name.clone(),
        };
        format!("{set} in {}", self.shown(entitlement.account.clone().into()))
    }

    fn shown(&self, resource: ResourceRef) -> String {
        self.shown.get(&resource).cloned().unwrap_or_else(|| resource.id().to_owned())
    }
}

/// What the access is called that was asked for.
pub(super) async fn of_request(unit: &ReadUnit, request: &AccessRequest) -> Result<String, AppError> {
    let set = ResourceRef::from(request.permission_set.clone());
    let place = request.account.clone().map_or_else(|| request.resource.clone(), ResourceRef::from);
    let connection = unit.connection().await?;
    let known = match connection.as_ref().and_then(|connection| connection.verified.as_ref()) {
        Some(verified) => unit.aws_resources(&verified.saved.instance, &[set.clone(), place.clone()]).await?,
        None => Vec::new(),
    };
    let shown = |resource: &ResourceRef| {
        let found = known.iter().find(|one| one.resource == *resource);
        found.map_or(resource.id(), CachedResource::shown_name).to_owned()
    };
    Ok(format!("{} in {}", shown(&set), shown(&place)))
}
