//! Everything that a decision looks at, loaded in one unit of work.

use std::sync::Arc;

use curfew_domain::connection::VerifiedConnection;
use curfew_domain::{TenantId, Timestamp, User, UserId};
use curfew_policy::{AccessQuestion, Decision, PersonFacts, decide};
use curfew_store::{ReadUnit, WriteUnit};

use crate::policies::Snapshot;
use crate::settings::TenantSettings;
use crate::{App, AppError, connection, directory};

use super::Asked;
use super::normalise::{Normalised, normalise};
use super::person::Person;

/// More rules than this, counted once for each account, are asked aside, so that other requests go on meanwhile.
const DECIDED_IN_PLACE: usize = 500;

/// What a decision on one request looks at.
pub(super) struct Facts {
    tenant: TenantId,
    pub(super) requester: User,
    pub(super) connection: VerifiedConnection,
    pub(super) normalised: Normalised,
    settings: TenantSettings,
    policies: Arc<Snapshot>,
}

impl Facts {
    /// Loads them: beside the policies, in `unit`. When those have moved between, nothing is written by it
    /// ([`Facts::still_stand`]). Refuses what needs no policy to be refused.
    pub(super) async fn load(
        policies: Arc<Snapshot>,
        unit: &ReadUnit,
        requester: UserId,
        asked: &Asked,
    ) -> Result<Self, AppError> {
        let settings = TenantSettings::load(unit).await?;
        if let Some(duration) = asked.duration {
            check_duration(duration, &settings)?;
        }
        let connection = connection::usable(unit.connection().await?.as_ref())?.clone();
        let requester = unit.user(requester).await?.ok_or(AppError::NotFound("user"))?;
        if !requester.active {
            return Err(AppError::forbidden("whoever asks for access must be active"));
        }
        let normalised = normalise(unit, &connection.saved.instance, asked).await?;
        Ok(Self { tenant: unit.tenant(), requester, connection, normalised, settings, policies })
    }

    /// Who the requester is in Identity Center, as far as the cache knows it now.
    pub(super) async fn person(&self, unit: &ReadUnit, now: Timestamp) -> Result<Person, AppError> {
        let oldest = directory::oldest_believed(now, &self.settings);
        Person::in_cache(unit, &self.connection, &self.requester, oldest).await
    }

    /// Whether they are still what decides: whether, as `unit` sees it, nothing of policies, roles and settings has
    /// moved.
    pub(super) async fn still_stand(&self, unit: &WriteUnit) -> Result<bool, AppError> {
        Ok(unit.version().await? == self.policies.version)
    }

    /// Asks the tenant's policies.
    pub(super) async fn decide(
        &self,
        app: &App,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Decision, AppError> {
        let question = self.question(asked, now);
        let rules = self.policies.policies.rules().saturating_mul(question.targets.len());
        let decision = if rules <= DECIDED_IN_PLACE {
            decide(&self.policies.policies, &question)
        } else {
            let policies = Arc::clone(&self.policies.policies);
            app.policies.labour.of(self.tenant, move || decide(&policies, &question)).await?
        };
        self.tell(&decision);
        Ok(decision)
    }

    /// Tells operators of the decision. A fault denies until somebody mends its rule, so each is logged.
    fn tell(&self, decision: &Decision) {
        let outcome = super::record::outcome(&decision.outcome);
        metrics::counter!("curfew_decisions_total", "outcome" => outcome).increment(1);
        for fault in &decision.faults {
            metrics::counter!("curfew_policy_faults_total").increment(1);
            let (policy, rule) = (fault.policy, fault.rule);
            tracing::error!(tenant_id = %self.tenant, ?policy, ?rule, problem = fault.message, "a rule failed, and forbade");
        }
    }

    /// Whether what AWS told is young enough to approve by without a person.
    fn are_fresh(&self, now: Timestamp) -> bool {
        now < self.normalised.seen_at + self.settings.aws_data_max_age
    }

    /// What policies are told.
    pub(super) fn question(&self, asked: &Asked, now: Timestamp) -> AccessQuestion {
        AccessQuestion {
            person: PersonFacts {
                id: self.requester.id,
                email: self.requester.email.clone(),
                name: self.requester.name.clone(),
                roles: self.requester.roles.iter().cloned().collect(),
                groups: Vec::new(),
                auth_provider: self.requester.auth_provider,
                mfa: false,
            },
            action: asked.action,
            targets: self.normalised.targets.clone(),
            named: self.normalised.named.clone(),
            units: self.normalised.units.clone(),
            duration: asked.duration,
            longest: self.settings.max_grant,
            break_glass: asked.break_glass,
            requested_at: now,
            local: now.local(&self.settings.time_zone),
            mfa: false,
            reason: asked.reason.as_ref().map(ToString::to_string),
            source_ip: asked.source_ip,
            ticket: asked.ticket.clone(),
            facts_are_fresh: self.are_fresh(now),
        }
    }
}

fn check_duration(duration: curfew_domain::Seconds, settings: &TenantSettings) -> Result<(), AppError> {
    let longest = settings.max_grant;
    if (1..=longest.get()).contains(&duration.get()) {
        return Ok(());
    }
    let problem = format!("access is given for 1 to {} seconds", longest.get());
    Err(AppError::field("duration_seconds", problem))
}
