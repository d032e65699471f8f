//! A store with people in it.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::testing::{SeededEntropy, TestClock};
use curfew_domain::{Actor, AuditEntryId, Clock, Tenant, TenantId, TenantState, Timestamp, UserId};
use uuid::Uuid;

use super::TestStore;
use crate::Backend;

/// A store with a clock and randomness beside it.
pub struct World<'a> {
    /// The store.
    pub db: &'a TestStore,
    /// Stands still but for a microsecond at each reading.
    pub clock: TestClock,
    /// The same in each run.
    pub entropy: SeededEntropy,
}

impl<'a> World<'a> {
    /// An empty one.
    pub fn new(db: &'a TestStore) -> Self {
        Self { db, clock: TestClock::default(), entropy: SeededEntropy::new(1) }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A tenant that is not in the database yet.
    pub fn new_tenant(&self, slug: &str) -> Tenant {
        let now = self.now();
        Tenant {
            id: TenantId::new(now, &self.entropy),
            parent: None,
            name: "Acme".parse().expect("a name"),
            slug: slug.parse().expect("the database does it"),
            locale: "en".parse().expect("the database does it"),
            owner_email: Some("owner@acme.example".parse().expect("the database does it")),
            owner: None,
            sso_start_url: Some("https://acme.awsapps.com/start".parse().expect("the database does it")),
            sso_region: Some("eu-central-1".parse().expect("the database does it")),
            is_master: true,
            state: TenantState::Active,
            mfa_required: true,
            created_at: now,
            updated_at: now,
        }
    }

    /// A tenant that is.
    pub async fn tenant(&self, slug: &str) -> TenantId {
        let tenant = self.new_tenant(slug);
        let unit = self.db.store.tenant(tenant.id).write().await.expect("the database does it");
        unit.insert_this_tenant(&tenant).await.expect("the database does it");
        unit.commit().await.expect("the database does it");
        tenant.id
    }

    /// Somebody's id.
    pub fn user(&self) -> UserId {
        UserId::new(self.now(), &self.entropy)
    }

    /// Records that `actor` revoked a grant, with a reason.
    pub async fn record(&self, tenant: TenantId, actor: Actor, grant: &str) -> AuditEntryId {
        let entry = NewEntry::new(actor, AuditAction::GrantRevoked, "grant", grant)
            .with("attempts", 1)
            .with_personal("reason", format!("{grant} for Dana"));
        let unit = self.db.store.tenant(tenant).write().await.expect("the database does it");
        let id = unit.record(entry, self.now(), &self.entropy).await.expect("the database does it");
        unit.commit().await.expect("the database does it");
        id
    }

    /// A UUID as SQL writes it, on either database.
    pub fn literal(&self, id: impl Into<Uuid>) -> String {
        let id: Uuid = id.into();
        match self.db.store.backend() {
            Backend::Sqlite => format!("x'{}'", id.simple()),
            Backend::Postgres => format!("'{id}'"),
        }
    }
}
