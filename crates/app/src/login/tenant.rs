use curfew_domain::{DomainName, Email, Slug, TenantId};
use curfew_store::UnwalledRead;
use curfew_store::keyring::{KeyedHash, Keyring, Purpose};

use crate::AppError;

/// What leads a login to its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginName<'n> {
    /// The tenant's short name.
    Slug(&'n Slug),
    /// An e-mail domain that the tenant has verified.
    Domain(&'n DomainName),
}

impl LoginName<'_> {
    /// What is kept of it.
    pub(crate) fn hash(self, keyring: &Keyring) -> KeyedHash {
        keyring.hash(Purpose::LoginName, &self.parts())
    }

    fn candidates(self, keyring: &Keyring) -> Vec<KeyedHash> {
        keyring.candidates(Purpose::LoginName, &self.parts())
    }

    fn parts(&self) -> [&[u8]; 2] {
        match self {
            LoginName::Slug(slug) => [b"slug", slug.as_str().as_bytes()],
            LoginName::Domain(domain) => [b"domain", domain.as_str().as_bytes()],
        }
    }

    /// The tenant it leads to.
    pub(super) async fn tenant(
        self,
        unit: &UnwalledRead,
        keyring: &Keyring,
    ) -> Result<Option<TenantId>, AppError> {
        Ok(unit.tenant_by_login_name(&self.candidates(keyring)).await?)
    }
}

/// The tenant that a login means: the slug's, else the verified domain's, else the master, which is the only one
/// there is in `single`.
pub(super) async fn tenant_of(
    unit: &UnwalledRead,
    keyring: &Keyring,
    email: &Email,
    slug: Option<&Slug>,
) -> Result<Option<TenantId>, AppError> {
    if let Some(slug) = slug {
        return LoginName::Slug(slug).tenant(unit, keyring).await;
    }
    if let Ok(domain) = email.domain().parse::<DomainName>() {
        let found = LoginName::Domain(&domain).tenant(unit, keyring).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(unit.installation().await?.master)
}
