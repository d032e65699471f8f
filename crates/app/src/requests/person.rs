//! The person behind a request, as Identity Center knows them.

use curfew_domain::connection::VerifiedConnection;
use curfew_domain::{StorePrincipalId, TenantId, Timestamp, User};

use crate::{App, AppError, directory};

use super::source::Source;

/// A person that the cache may or may not know.
pub(super) enum Person {
    /// Known.
    Known(StorePrincipalId),
    /// To be looked up in AWS, once no transaction is open.
    Unknown,
}

impl Person {
    /// Looks into the cache, by the verified address. What AWS told up to `oldest` is as good as unknown.
    pub(super) async fn in_cache(
        source: Source<'_>,
        connection: &VerifiedConnection,
        person: &User,
        oldest: Timestamp,
    ) -> Result<Self, AppError> {
        if !person.email_verified {
            return Err(refused(
                "your e-mail address is not verified; access is given to verified addresses alone",
            ));
        }
        let found = source.person(&connection.identity_store, &person.email, oldest).await?;
        Ok(found.map_or(Person::Unknown, |found| Person::Known(found.principal)))
    }

    /// Who they are in Identity Center. Nobody else gets the access: without one match the request is refused before
    /// anybody approves it.
    pub(super) async fn principal(
        self,
        app: &App,
        tenant: TenantId,
        connection: &VerifiedConnection,
        person: &User,
    ) -> Result<StorePrincipalId, AppError> {
        if let Person::Known(principal) = self {
            return Ok(principal);
        }
        let found = directory::principal_of(app, tenant, &person.email).await?;
        match found.filter(|principal| principal.identity_store == connection.identity_store) {
            Some(principal) => Ok(principal.id),
            None => Err(refused(&format!(
                "Identity Center knows nobody, or several, by the address {}",
                person.email
            ))),
        }
    }
}

fn refused(problem: &str) -> AppError {
    AppError::field("requester_id", problem)
}
