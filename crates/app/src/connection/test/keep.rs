//! What is kept of a test.

use curfew_domain::audit::AuditAction;
use curfew_domain::connection::{CheckName, CheckStatus, Connection, VerifiedConnection};
use curfew_domain::{ExternalId, IdentityStoreId, Timestamp};
use curfew_store::{StoreError, WriteUnit};
use serde_json::json;

use super::checks::connected_elsewhere;
use super::run::{Run, Tested};
use super::tested_entry;
use crate::connection::entry;
use crate::discovery;

/// Whether a test's result counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It was written.
    Written,
    /// What it tested was changed meanwhile: nothing was written.
    Superseded,
}

impl Run {
    /// Writes the result, if what was tested still stands.
    pub(super) async fn keep(&self, tested: &mut Tested) -> Result<Kept, StoreError> {
        let now = self.clock.now();
        let unit = self.store.tenant(self.tenant).write().await?;
        let Some(mut connection) = self.lock_if_it_stands(&unit).await? else { return Ok(Kept::Superseded) };
        let passed = passed(tested);
        let is_verified = passed.is_some();
        match passed {
            Some((external_id, identity_store)) => {
                if let Some(problem) = self.claim(&unit, &connection, now).await? {
                    drop(unit);
                    fail_at_identity_center(tested, &problem);
                    return self.keep_report(tested, now).await;
                }
                let at = now;
                let saved = self.saved.clone();
                connection.verified = Some(VerifiedConnection { saved, identity_store, external_id, at });
                connection.suspended = None;
                connection.pending_proved_at = tested.takes_pending.then_some(now);
                unit.update_connection(&connection, now).await?;
                self.record_verified(&unit, now).await?;
            }
            None => self.suspend_if_shown(&unit, &mut connection, tested, now).await?,
        }
        self.keep_tested(&unit, tested, now).await?;
        unit.commit().await?;
        // A failed test takes nothing from the work that goes on: not the session that deletions live on, either.
        if is_verified {
            self.aws.forget(self.tenant);
            self.nudge.discovery();
        }
        Ok(Kept::Written)
    }

    async fn lock_if_it_stands(&self, unit: &WriteUnit) -> Result<Option<Connection>, StoreError> {
        let connection = unit.lock_connection().await?;
        Ok(connection.filter(|connection| connection.saved_version == self.version))
    }

    /// Takes the instance for this tenant. Says why it can't, although every check passed.
    ///
    /// What is connected now was asked about when the tuple was saved; since then access may have been given there.
    async fn claim(
        &self,
        unit: &WriteUnit,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        if let Some(verified) = &connection.verified
            && connection.leads_elsewhere(&self.saved)
        {
            if unit.has_unfinished_assignments().await? {
                return Ok(Some(still_needed(verified)));
            }
            if unit.session_ends_without_cut_off(now).await? > 0 {
                return Ok(Some(still_denies(verified)));
            }
        }
        Ok((!unit.claim_instance(&self.saved.instance, now).await?).then(connected_elsewhere))
    }

    async fn record_verified(&self, unit: &WriteUnit, now: Timestamp) -> Result<(), StoreError> {
        let verified = entry(self.actor, AuditAction::AwsConnectionVerified, self.tenant)
            .with("sso_instance_arn", self.saved.instance.as_str())
            .with("role_arn", self.saved.role.as_str())
            .with("region", self.saved.region.as_str())
            .with("saved_version", self.version);
        unit.record(verified, now, self.entropy.as_ref()).await?;
        discovery::ask(unit, &self.saved.instance, None, now, self.entropy.as_ref()).await?;
        Ok(())
    }

    /// A test of another role than the verified one shows nothing about that.
    async fn suspend_if_shown(
        &self,
        unit: &WriteUnit,
        connection: &mut Connection,
        tested: &Tested,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(reason) = tested.suspends(self.platform_mode) else { return Ok(()) };
        let is_verified_role =
            connection.verified.as_ref().is_some_and(|verified| verified.saved.role == self.saved.role);
        if !is_verified_role || connection.suspended == Some(reason) {
            return Ok(());
        }
        connection.suspended = Some(reason);
        unit.update_connection(connection, now).await?;
        let suspended = entry(self.actor, AuditAction::AwsConnectionSuspended, self.tenant)
            .with("reason", reason.as_str())
            .with("role_arn", self.saved.role.as_str());
        unit.record(suspended, now, self.entropy.as_ref()).await.map(drop)
    }

    async fn keep_report(&self, tested: &Tested, now: Timestamp) -> Result<Kept, StoreError> {
        let unit = self.store.tenant(self.tenant).write().await?;
        if self.lock_if_it_stands(&unit).await?.is_none() {
            return Ok(Kept::Superseded);
        }
        self.keep_tested(&unit, tested, now).await?;
        unit.commit().await?;
        Ok(Kept::Written)
    }

    /// The report, and in the log that whoever began the test has made it. A second transaction for the log would cost
    /// as much as some of the calls to AWS.
    async fn keep_tested(&self, unit: &WriteUnit, tested: &Tested, now: Timestamp) -> Result<(), StoreError> {
        unit.save_last_test(report(tested, self.version), now).await?;
        let entry = tested_entry(self.actor, self.tenant, self.version, tested).with("superseded", false);
        unit.record(entry, now, self.entropy.as_ref()).await.map(drop)
    }
}

/// What a test that passed has found.
fn passed(tested: &Tested) -> Option<(ExternalId, IdentityStoreId)> {
    let found = tested.external_id.clone().zip(tested.identity_store.clone());
    found.filter(|_| tested.success())
}

/// Nothing else could take back what was given there.
fn still_needed(verified: &VerifiedConnection) -> String {
    format!(
        "assignments are left in what is connected now, {} through {}, and only that can take them back: revoke the \
         grants, wait until they are gone, and test again",
        verified.saved.instance, verified.saved.role
    )
}

/// Whoever is denied there without a cut-off would be for good.
fn still_denies(verified: &VerifiedConnection) -> String {
    format!(
        "sessions are denied without a cut-off in what is connected now, {} through {}, and only that can put one in: \
         wait a moment, and test again",
        verified.saved.instance, verified.saved.role
    )
}

/// It was found sound, and can't be put to use all the same.
fn fail_at_identity_center(tested: &mut Tested, problem: &str) {
    for check in &mut tested.checks {
        if check.name == CheckName::IdentityCenter {
            check.status = CheckStatus::Failed;
            problem.clone_into(&mut check.message);
        } else if check.name > CheckName::IdentityCenter {
            check.status = CheckStatus::Skipped;
            "not counted, since an earlier check failed".clone_into(&mut check.message);
        }
    }
}

fn report(tested: &Tested, version: u64) -> serde_json::Value {
    json!({ "saved_version": version, "success": tested.success(), "checks": tested.checks })
}
