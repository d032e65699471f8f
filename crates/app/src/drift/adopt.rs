//! Making access Curfew's that Curfew never gave: with a grant for whoever has it, so that it ends in time.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::audit::NewEntry;
use curfew_domain::connection::VerifiedConnection;
use curfew_domain::{
    AssignmentId, Drift, DriftId, DriftOutcome, GrantId, Reason, ResourceRef, Seconds, StorePrincipalId,
    Timestamp, User,
};
use curfew_store::{ReadUnit, WriteUnit};

use super::{Remedy, connection_to, get, of_a_person, settle};
use crate::requests::{NewGrant, give_what_is_there};
use crate::{App, AppError, Caller};

/// By the rules of access that is given by hand: never to oneself, nothing forbids it, within the tenant's maximum. The
/// person must be known here by the address that Identity Center has of them.
pub(super) async fn adopt(
    app: &App,
    caller: &Caller,
    id: DriftId,
    reason: Reason,
    duration: Seconds,
) -> Result<Drift, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let found = of_a_person(unit.drift_by_id(id).await?)?;
    let verified = connection_to(&unit, &found).await?;
    let grantee = person(&unit, &verified, &found).await?.id;
    drop(unit);
    let wanted = NewGrant {
        grantee,
        resource: ResourceRef::from(found.place.account.clone()),
        permission_set: Some(found.place.permission_set.clone()),
        account: None,
        action: None,
        duration,
        reason: reason.clone(),
    };
    let remedy = Remedy::Adopt { reason, duration };
    let adoption = Adoption { found: &found, verified: &verified, remedy: &remedy };
    give_what_is_there(app, caller, wanted, &adoption).await?;
    get(app, caller, id).await
}

async fn person(ask: &ReadUnit, verified: &VerifiedConnection, found: &Drift) -> Result<User, AppError> {
    let known = ask.identity_user(&verified.identity_store, &found.place.principal).await?;
    let address = known.filter(|known| known.gone_at.is_none()).and_then(|known| known.email);
    let address = address.and_then(|address| address.parse().ok());
    let user = match address {
        Some(address) => ask.user_by_email(&address).await?,
        None => None,
    };
    user.ok_or_else(|| unknown(&found.place.principal))
}

fn unknown(principal: &StorePrincipalId) -> AppError {
    AppError::conflict(format!(
        "nobody here is {principal} of the identity store: make a user with their verified address first, or have \
         the access removed"
    ))
}

/// What makes a grant by hand an adoption.
pub(crate) struct Adoption<'a> {
    found: &'a Drift,
    verified: &'a VerifiedConnection,
    remedy: &'a Remedy,
}

impl Adoption<'_> {
    /// Refuses when the address leads to somebody else by now, or the connection elsewhere.
    pub(crate) fn check_aim(
        &self,
        principal: &StorePrincipalId,
        connection: &VerifiedConnection,
    ) -> Result<(), AppError> {
        if connection.saved != self.verified.saved {
            return Err(AppError::conflict("the AWS connection has changed meanwhile; try again"));
        }
        if *principal == self.found.place.principal {
            Ok(())
        } else {
            Err(unknown(&self.found.place.principal))
        }
    }

    /// In the unit that has made the grant: what AWS holds of its assignment is to be Curfew's, and the finding is settled.
    /// Answers what the log is to say.
    pub(crate) async fn write(
        &self,
        unit: &WriteUnit,
        caller: &Caller,
        grant: GrantId,
        now: Timestamp,
    ) -> Result<NewEntry, AppError> {
        let assignment = self.assignment(unit, grant, now).await?;
        // It may have been settled since it was read, or be over.
        let found = of_a_person(unit.lock_drift(self.found.id).await?)?;
        unit.want_claim(assignment, now).await?;
        unit.decide_drift(found.id, DriftOutcome::Adopted, Some(assignment)).await?;
        unit.end_drift(found.id, now).await?;
        let reason = match self.remedy {
            Remedy::Accept { reason } => reason.clone(),
            Remedy::Remove { reason } | Remedy::Adopt { reason, .. } => Some(reason.clone()),
        };
        let entry = settle(unit, caller, &found, self.remedy, reason, now).await?;
        Ok(entry.with("assignment_id", assignment.to_string()).with("grant_id", grant.to_string()))
    }

    /// The grant's own, which is there by now.
    async fn assignment(
        &self,
        unit: &WriteUnit,
        grant: GrantId,
        now: Timestamp,
    ) -> Result<AssignmentId, AppError> {
        let place = &self.found.place;
        let key = AssignmentKey {
            instance: place.instance.clone(),
            region: self.verified.saved.region.clone(),
            identity_store: self.verified.identity_store.clone(),
            account: place.account.clone(),
            permission_set: place.permission_set.clone(),
            principal: place.principal.clone(),
        };
        let never_used = AssignmentId::from_uuid(grant.uuid());
        Ok(unit.hold_assignment(never_used, &key, now).await?.id)
    }
}
