//! A tenant with an organization, people, and policies as a test wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use curfew_app::policies::{NewPolicy, PolicyDetail};
use curfew_app::requests::{self, NewRequest};
use curfew_app::testing::TestApp;
use curfew_app::{AppError, Caller, Once, policies};
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccessLevel, AccessRequest, AccountId, AccountSet, Action, Actor, AuthProvider, BuiltInRole,
    CachedResourceId, CredentialId, Discovered, DiscoveredAttributes, ErrorCode, ExternalId, IdentityUser,
    Memberships, OuId, PermissionSetArn, PlatformMode, ResourceRef, ScopeSet, Seconds, Tenant, TenantId,
    TenantState, User, UserId,
};
use curfew_store::Backend;
use curfew_store::testing::{TestStore, sealed_log};
use uuid::Uuid;

pub(crate) const DEV: &str = "111111111111";
pub(crate) const STAGING: &str = "222222222222";
pub(crate) const PROD: &str = "333333333333";
/// Holds the accounts `DEV` and `STAGING`.
pub(crate) const LAB: &str = "ou-ab12-11111111";
pub(crate) const READ: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa";
pub(crate) const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-bbbbbbbbbbbbbbbb";
pub(crate) const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
pub(crate) const STORE: &str = "d-1234567890";

pub(crate) const PERMIT_ALL: &str = "permit (principal, action, resource);";

/// One tenant and what is around it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) test: TestApp,
    pub(crate) tenant: TenantId,
    pub(crate) admin: Caller,
}

impl World {
    pub(crate) async fn new(db: &TestStore) -> Self {
        Self::beside(TestApp::new(&db.store), 1).await
    }

    /// Tenant number `n` of the same application.
    pub(crate) async fn beside(test: TestApp, n: u8) -> Self {
        Self::founded(test, n, None).await
    }

    /// A child of this one.
    pub(crate) async fn child(&self, n: u8) -> Self {
        Self::founded(self.test.clone(), n, Some(self.tenant)).await
    }

    async fn founded(test: TestApp, n: u8, parent: Option<TenantId>) -> Self {
        let tenant = TenantId::from_uuid(Uuid::from_u128(u128::from(n)));
        let unit = test.app.store.tenant(tenant).write().await.unwrap();
        let now = test.app.now();
        unit.insert_this_tenant(&Tenant {
            id: tenant,
            parent,
            name: format!("Tenant {n}").parse().unwrap(),
            slug: format!("tenant-{n}").parse().unwrap(),
            locale: "en".parse().unwrap(),
            owner_email: None,
            owner: None,
            sso_start_url: None,
            sso_region: None,
            is_master: n == 1,
            state: TenantState::Active,
            mfa_required: false,
            created_at: now,
            updated_at: now,
        })
        .await
        .unwrap();
        unit.insert_connection(&connection(now), now).await.unwrap();
        unit.commit().await.unwrap();
        let world = Self { admin: nobody(tenant), test, tenant };
        world.discover().await;
        let admin = world.person("admin", BuiltInRole::Admin, None).await;
        Self { admin, ..world }
    }

    /// A tenant that came about by the first run, with its admin alone: rounds over all tenants know it.
    pub(crate) async fn set_up(test: TestApp) -> Self {
        let founded = test.set_up(PlatformMode::Single).await;
        Self { tenant: founded.tenant.id, admin: founded.caller, test }
    }

    /// What AWS tells: two accounts in a unit and one outside, a set to read with and one for everything.
    pub(crate) async fn discover(&self) {
        let lab: OuId = LAB.parse().unwrap();
        self.discovered(account(DEV), "Dev", vec![lab.clone()], DiscoveredAttributes::default()).await;
        self.discovered(account(STAGING), "Staging", vec![lab], DiscoveredAttributes::default()).await;
        self.discovered(account(PROD), "Prod", Vec::new(), DiscoveredAttributes::default()).await;
        self.discovered(unit(LAB), "Lab", Vec::new(), DiscoveredAttributes::default()).await;
        for (arn, name, level) in
            [(READ, "ReadOnly", AccessLevel::Read), (ADMIN, "Admin", AccessLevel::Admin)]
        {
            let attributes =
                DiscoveredAttributes { guessed_level: Some(level), ..DiscoveredAttributes::default() };
            self.discovered(set(arn), name, Vec::new(), attributes).await;
        }
    }

    pub(crate) async fn discovered(
        &self,
        resource: ResourceRef,
        name: &str,
        units: Vec<OuId>,
        attributes: DiscoveredAttributes,
    ) {
        let app = &self.test.app;
        let now = app.now();
        let discovered = Discovered {
            name: name.to_owned(),
            units,
            tags: BTreeMap::new(),
            state: None,
            attributes,
            seen_at: now,
            gone_at: None,
        };
        let unit = app.store.tenant(self.tenant).write().await.unwrap();
        let id = CachedResourceId::new(now, app.entropy.as_ref());
        unit.save_discovered(id, &INSTANCE.parse().unwrap(), &resource, None, &discovered).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Somebody whom Identity Center knows, signed in.
    pub(crate) async fn person(&self, name: &str, role: BuiltInRole, set_by: Option<AccountSet>) -> Caller {
        let caller = self.stranger(name, role, set_by).await;
        self.identity_center_knows(name).await;
        caller
    }

    /// So that other admins can go.
    pub(crate) async fn the_admin_can_sign_in(&self) {
        let unit = self.test.app.store.tenant(self.tenant).write().await.unwrap();
        unit.set_password_hash(self.admin.user, "a hash").await.unwrap();
        unit.commit().await.unwrap();
    }

    /// What AWS tells now of a person.
    pub(crate) async fn identity_center_knows(&self, name: &str) {
        let app = &self.test.app;
        let unit = app.store.tenant(self.tenant).write().await.unwrap();
        let now = app.now();
        let known = IdentityUser {
            identity_store: STORE.parse().unwrap(),
            principal: format!("principal-{name}").parse().unwrap(),
            user_name: name.to_owned(),
            email: Some(format!("{name}@acme.example")),
            status: None,
            seen_at: now,
            gone_at: None,
        };
        unit.save_identity_user(&known).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Somebody whom Identity Center doesn't know, signed in.
    pub(crate) async fn stranger(&self, name: &str, role: BuiltInRole, set_by: Option<AccountSet>) -> Caller {
        let app = &self.test.app;
        let now = app.now();
        let user = User {
            id: UserId::new(now, app.entropy.as_ref()),
            email: format!("{name}@acme.example").parse().unwrap(),
            name: name.parse().unwrap(),
            roles: BTreeSet::from([role.slug()]),
            memberships: Memberships::default(),
            custom_scopes: ScopeSet::default(),
            auth_provider: AuthProvider::Local,
            active: true,
            email_verified: true,
            is_owner: false,
            account_set: set_by,
            created_at: now,
            updated_at: now,
        };
        let unit = app.store.tenant(self.tenant).write().await.unwrap();
        unit.insert_user(&user, None).await.unwrap();
        unit.commit().await.unwrap();
        Caller { actor: Actor::Local(user.id), user: user.id, scopes: role.scopes(), ..nobody(self.tenant) }
    }

    /// Gives somebody another address, as a directory would: the old one is free.
    pub(crate) async fn rename(&self, db: &TestStore, user: UserId) {
        let id = match db.store.backend() {
            Backend::Sqlite => format!("x'{}'", user.uuid().simple()),
            Backend::Postgres => format!("'{user}'"),
        };
        let address = format!("was-{user}@acme.example");
        db.tamper(&format!(
            "UPDATE app_user SET email = '{address}', email_folded = '{address}' WHERE id = {id}"
        ))
        .await;
    }

    /// Makes a policy of priority 0 with these statements.
    pub(crate) async fn policy(&self, terms: PolicyTerms, statements: &str) -> PolicyDetail {
        let wanted = new_policy(terms, statements);
        policies::create(&self.test.app, &self.admin, &Once::unkeyed(), wanted).await.unwrap().into_inner()
    }

    pub(crate) async fn submit(
        &self,
        caller: &Caller,
        wanted: NewRequest,
    ) -> Result<AccessRequest, AppError> {
        let made = requests::submit(&self.test.app, caller, &Once::unkeyed(), wanted).await?;
        Ok(made.into_inner())
    }

    /// How many assignments the grants of this tenant are reasons for, by the accounts.
    pub(crate) async fn due_assignments(&self) -> usize {
        let far = self.test.app.now() + Seconds::of(86_400);
        self.test.app.store.due_for(&[self.tenant], far, 1_000).await.unwrap().len()
    }

    /// The audit log's actions, first to last.
    pub(crate) async fn logged(&self) -> Vec<String> {
        self.test.app.store.seal(self.tenant).await.unwrap();
        let entries = sealed_log(&self.test.app.store, self.tenant).await;
        entries.into_iter().map(|entry| entry.body.action.as_str().to_owned()).collect()
    }
}

fn connection(now: curfew_domain::Timestamp) -> Connection {
    let saved = SavedConnection {
        instance: INSTANCE.parse().unwrap(),
        role: "arn:aws:iam::999999999999:role/Curfew".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
    };
    let external_id: ExternalId = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap();
    let identity_store = STORE.parse().unwrap();
    Connection {
        verified: Some(VerifiedConnection {
            saved: saved.clone(),
            identity_store,
            external_id: external_id.clone(),
            at: now,
        }),
        saved: Some(saved),
        saved_version: 1,
        suspended: None,
        external_ids: ExternalIds { current: external_id, pending: None },
        pending_proved_at: None,
    }
}

fn nobody(tenant: TenantId) -> Caller {
    let user = UserId::from_uuid(Uuid::nil());
    Caller {
        tenant,
        actor: Actor::Local(user),
        user,
        scopes: ScopeSet::default(),
        credential: CredentialId::from_uuid(Uuid::nil()),
        session: None,
        source: None,
    }
}

pub(crate) fn account(id: &str) -> ResourceRef {
    id.parse::<AccountId>().unwrap().into()
}

pub(crate) fn unit(id: &str) -> ResourceRef {
    format!("aws_organizational_unit:{id}").parse().unwrap()
}

pub(crate) fn set(arn: &str) -> ResourceRef {
    arn.parse::<PermissionSetArn>().unwrap().into()
}

/// To read in an account, for as long as policies say.
pub(crate) fn to_read(resource: ResourceRef) -> NewRequest {
    NewRequest {
        resource,
        action: Action::Read,
        permission_set: Some(READ.parse().unwrap()),
        account: None,
        reason: Some("to look into INC-7".parse().unwrap()),
        duration: None,
        break_glass: false,
        metadata: serde_json::Map::new(),
    }
}

pub(crate) fn auto() -> PolicyTerms {
    PolicyTerms { mode: ApprovalMode::Auto, ..by_people(1) }
}

pub(crate) fn by_people(approvals: u16) -> PolicyTerms {
    PolicyTerms { approvals_required: approvals, ..PolicyTerms::lasting_up_to(Seconds::of(28_800)) }
}

pub(crate) fn new_policy(terms: PolicyTerms, statements: &str) -> NewPolicy {
    NewPolicy {
        name: "a policy".parse().unwrap(),
        description: None,
        enabled: true,
        priority: 0,
        terms,
        notification_channel: None,
        policy_set: Some(statements.to_owned()),
        rules: Vec::new(),
        why: None,
    }
}

/// The code of a refusal.
pub(crate) fn code<T: Debug>(result: Result<T, AppError>) -> ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(value) => panic!("not refused: {value:?}"),
    }
}

/// The fields that a refusal names.
pub(crate) fn fields<T: Debug>(result: Result<T, AppError>) -> Vec<String> {
    match result {
        Err(AppError::Invalid(fields)) => fields.into_iter().map(|field| field.path).collect(),
        other => panic!("no fields: {other:?}"),
    }
}
