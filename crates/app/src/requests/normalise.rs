//! One access has one name: whatever is named comes down to accounts and a permission set.

use std::collections::BTreeMap;

use curfew_domain::{
    AccessLevel, AccountId, CachedResource, Discovered, InstanceArn, OuId, PermissionSetArn, ResourceRef,
    ResourceType, Seconds, Timestamp,
};
use curfew_policy::{AccountFacts, NamedResource, PermissionSetFacts, Target, unit_links};

use crate::AppError;

use super::Asked;
use super::source::Source;

/// AWS's own default session duration of a permission set (SSO Admin API, `SessionDuration`: one hour).
const USUAL_SESSION: Seconds = Seconds::of(3_600);

/// What a request comes down to, with what policies may look at.
#[derive(Debug, Clone)]
pub(super) struct Normalised {
    /// The accounts, by their ids, each with the permission set.
    pub(super) targets: Vec<Target>,
    /// What was named, where it is no account.
    pub(super) named: Option<NamedResource>,
    /// The units that matter, and what each lies in.
    pub(super) units: BTreeMap<OuId, Option<OuId>>,
    /// The one account; none for an organizational unit.
    pub(super) account: Option<AccountId>,
    /// The permission set.
    pub(super) permission_set: PermissionSetArn,
    /// How much it can do.
    pub(super) level: AccessLevel,
    /// When AWS told the oldest of all this.
    pub(super) seen_at: Timestamp,
}

/// Brings a request down to its triples, by what AWS told. What was only pushed, or is gone, can't be asked for.
pub(super) async fn normalise(
    source: Source<'_>,
    instance: &InstanceArn,
    asked: &Asked,
) -> Result<Normalised, AppError> {
    let arn = permission_set_of(asked)?;
    let cache = Cache::load(source, instance, &arn, asked).await?;
    let set = cache.permission_set(&arn, asked).await?;
    let accounts = cache.accounts(asked).await?;
    let mut found = Found { units: BTreeMap::new(), seen_at: set.seen_at };
    let facts = set_facts(arn, &set);
    let mut targets = Vec::with_capacity(accounts.len());
    for account in &accounts {
        found.look_at(&account.discovered);
        let account = account_facts(account)?;
        targets.push(Target { account, permission_set: facts.clone() });
    }
    targets.sort_by(|a, b| a.account.id.cmp(&b.account.id));
    let is_unit = asked.resource.kind() == ResourceType::AwsOrganizationalUnit;
    let account = targets.first().map(|target| target.account.id.clone()).filter(|_| !is_unit);
    if is_unit {
        found.look_at(&cache.known(&asked.resource, "resource.id").await?.discovered);
    }
    Ok(Normalised {
        targets,
        named: named(&asked.resource, account.as_ref()),
        units: found.units,
        account,
        permission_set: facts.arn,
        level: set.cached.access_level(),
        seen_at: found.seen_at,
    })
}

fn permission_set_of(asked: &Asked) -> Result<PermissionSetArn, AppError> {
    if asked.resource.kind() == ResourceType::AwsPermissionSet {
        return asked.resource.id().parse().map_err(|problem| AppError::invalid("resource.id", &problem));
    }
    asked.permission_set.clone().ok_or_else(|| {
        AppError::field(
            "permission_set_arn",
            format!("a request for {} names a permission set", asked.resource.kind()),
        )
    })
}

fn named(resource: &ResourceRef, account: Option<&AccountId>) -> Option<NamedResource> {
    let is_account = resource.kind() == ResourceType::AwsAccount;
    (!is_account).then(|| NamedResource { resource: resource.clone(), account: account.cloned() })
}

/// The cache, as far as a request looks into it.
struct Cache<'a> {
    source: Source<'a>,
    instance: &'a InstanceArn,
    /// What the request names, read at once.
    named: Vec<CachedResource>,
}

/// A resource that AWS told of.
pub(super) struct Known {
    pub(super) resource: ResourceRef,
    pub(super) cached: CachedResource,
    discovered: Discovered,
}

impl std::ops::Deref for Known {
    type Target = Discovered;

    fn deref(&self) -> &Discovered {
        &self.discovered
    }
}

impl<'a> Cache<'a> {
    async fn load(
        source: Source<'a>,
        instance: &'a InstanceArn,
        set: &PermissionSetArn,
        asked: &Asked,
    ) -> Result<Self, AppError> {
        let mut names = vec![ResourceRef::from(set.clone()), asked.resource.clone()];
        names.extend(asked.account.clone().map(ResourceRef::from));
        Ok(Self { source, instance, named: source.resources(instance, &names).await? })
    }

    async fn known(&self, resource: &ResourceRef, field: &str) -> Result<Known, AppError> {
        let cached = match self.named.iter().find(|named| named.resource == *resource) {
            Some(named) => Some(named.clone()),
            None => self.source.resources(self.instance, std::slice::from_ref(resource)).await?.pop(),
        };
        cached.and_then(known).ok_or_else(|| {
            let problem = "AWS has not told of it; a discovery (POST /v1/aws/sync) may find it";
            AppError::field(field, format!("{} is not known: {problem}", resource.id()))
        })
    }

    async fn permission_set(&self, arn: &PermissionSetArn, asked: &Asked) -> Result<Known, AppError> {
        let resource = ResourceRef::from(arn.clone());
        let field = if asked.resource == resource { "resource.id" } else { "permission_set_arn" };
        let set = self.known(&resource, field).await?;
        let level = set.cached.access_level();
        if !asked.action.may_carry(level) {
            let problem = format!(
                "{} can't carry {}, whose access level is {}",
                asked.action,
                set.name,
                level.as_str()
            );
            return Err(AppError::field("action", problem));
        }
        within_reach(&set, field)?;
        Ok(set)
    }

    async fn accounts(&self, asked: &Asked) -> Result<Vec<Known>, AppError> {
        let account = match asked.resource.kind() {
            ResourceType::AwsOrganizationalUnit => return self.accounts_below(asked).await,
            ResourceType::AwsAccount => return Ok(vec![self.account(&asked.resource, "resource.id").await?]),
            ResourceType::AwsPermissionSet => asked.account.clone().ok_or_else(|| {
                AppError::field("account_id", "a request for a permission set names the account")
            })?,
            ResourceType::AwsS3Bucket | ResourceType::AwsRdsInstance | ResourceType::AwsEc2Instance => {
                let inside = self.known(&asked.resource, "resource.id").await?;
                inside.cached.account.ok_or_else(|| {
                    AppError::field("resource.id", "AWS has not told which account it is in")
                })?
            }
        };
        let field = if asked.resource.kind() == ResourceType::AwsPermissionSet {
            "account_id"
        } else {
            "resource.id"
        };
        Ok(vec![self.account(&ResourceRef::from(account), field).await?])
    }

    async fn account(&self, resource: &ResourceRef, field: &str) -> Result<Known, AppError> {
        let account = self.known(resource, field).await?;
        if !is_active(&account) {
            let state = account.state.as_deref().unwrap_or_default();
            return Err(AppError::field(field, format!("the account is {state} in AWS")));
        }
        within_reach(&account, field)?;
        Ok(account)
    }

    /// Every account below the unit now; those that AWS has closed or suspended are left out.
    async fn accounts_below(&self, asked: &Asked) -> Result<Vec<Known>, AppError> {
        let all = self.source.resources_of(self.instance, ResourceType::AwsAccount).await?;
        let below = |account: &Known| account.units.iter().any(|unit| unit.as_str() == asked.resource.id());
        let found: Vec<Known> = all.into_iter().filter_map(known).filter(below).filter(is_active).collect();
        if found.is_empty() {
            return Err(AppError::field("resource.id", "there is no active account below this unit"));
        }
        for account in &found {
            within_reach(account, "resource.id")?;
        }
        Ok(found)
    }
}

pub(super) fn known(cached: CachedResource) -> Option<Known> {
    let discovered = cached.known()?.clone();
    Some(Known { resource: cached.resource.clone(), cached, discovered })
}

pub(super) fn is_active(account: &Known) -> bool {
    account.state.as_deref().is_none_or(|state| state == "ACTIVE")
}

pub(super) fn within_reach(known: &Known, field: &str) -> Result<(), AppError> {
    match &known.attributes.out_of_reach {
        Some(why) => {
            Err(AppError::field(field, format!("{} can't be assigned from here: {why}", known.name)))
        }
        None => Ok(()),
    }
}

/// What was gathered while looking.
struct Found {
    units: BTreeMap<OuId, Option<OuId>>,
    seen_at: Timestamp,
}

impl Found {
    fn look_at(&mut self, discovered: &Discovered) {
        self.seen_at = self.seen_at.min(discovered.seen_at);
        self.units.extend(unit_links(&discovered.units));
    }
}

pub(super) fn account_facts(account: &Known) -> Result<AccountFacts, AppError> {
    Ok(AccountFacts {
        id: account.resource.id().parse().map_err(|problem| AppError::invalid("resource.id", &problem))?,
        name: account.name.clone(),
        tags: account.tags.clone(),
        is_management: account.attributes.is_management,
        unit: account.units.first().cloned(),
    })
}

pub(super) fn set_facts(arn: PermissionSetArn, set: &Known) -> PermissionSetFacts {
    let pushed = set.cached.pushed.as_ref();
    PermissionSetFacts {
        arn,
        name: set.name.clone(),
        rank: pushed.and_then(|pushed| pushed.rank).map(i64::from),
        session: set.attributes.session.unwrap_or(USUAL_SESSION),
    }
}
