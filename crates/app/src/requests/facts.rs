//! Everything that a decision looks at, loaded in one unit of work.

use std::collections::BTreeSet;
use std::sync::Arc;

use curfew_domain::connection::VerifiedConnection;
use curfew_domain::{TenantId, Timestamp, User, UserId};
use curfew_policy::{AccessQuestion, Decision, PersonFacts, decide};
use curfew_store::{ReadUnit, WriteUnit};

use crate::policies::Snapshot;
use crate::settings::TenantSettings;
use crate::{App, AppError, connection, directory, lockdowns};

use super::Asked;
use super::memory::Memory;
use super::normalise::{Normalised, normalise};
use super::person::Person;
use super::source::Source;

/// More rules than this, counted once for each account, are asked aside, so that other requests go on meanwhile.
const DECIDED_IN_PLACE: usize = 500;

/// What a decision on one request looks at.
pub(super) struct Facts {
    pub(super) requester: User,
    pub(super) connection: VerifiedConnection,
    pub(super) normalised: Normalised,
    memory: Arc<Memory>,
    /// Whether they are remembered, and not read anew.
    recalled: bool,
}

impl Facts {
    /// Reads them, in a unit that sees the tenant as it is now. Refuses what needs no policy to be refused.
    pub(super) async fn load(
        app: &App,
        tenant: TenantId,
        requester: UserId,
        asked: &Asked,
    ) -> Result<(Self, ReadUnit), AppError> {
        let (unit, versions, snapshot) = app.policies.current(&app.store, tenant).await?;
        let memory = app.memories.of(tenant, versions, snapshot);
        let facts = Self::read(Source::Unit(&unit, &memory), Arc::clone(&memory), requester, asked).await?;
        facts.check_lockdowns()?;
        Ok((facts, unit))
    }

    /// Remembers them. Refuses too where something of them is not remembered.
    pub(super) async fn recall(
        memory: Arc<Memory>,
        requester: UserId,
        asked: &Asked,
    ) -> Result<Self, AppError> {
        let facts = Self::read(Source::Memory(&memory), Arc::clone(&memory), requester, asked).await?;
        facts.check_lockdowns()?;
        Ok(Self { recalled: true, ..facts })
    }

    /// Refuses while a lockdown is in force. They stand only with the version that its beginning and its end move.
    fn check_lockdowns(&self) -> Result<(), AppError> {
        let accounts = self.normalised.targets.iter().map(|target| &target.account.id);
        lockdowns::refuse(&self.snapshot().lockdowns, self.requester.id, accounts)
    }

    /// Reads them where `source` is, and remembers them in `memory`, whose versions are that moment's.
    pub(super) async fn read(
        source: Source<'_>,
        memory: Arc<Memory>,
        requester: UserId,
        asked: &Asked,
    ) -> Result<Self, AppError> {
        if let Some(duration) = asked.duration {
            check_duration(duration, &memory.snapshot.settings)?;
        }
        let connection = connection::usable(source.connection().await?.as_ref())?.clone();
        let requester = source.user(requester).await?.ok_or(AppError::NotFound("user"))?;
        if !requester.active {
            return Err(AppError::forbidden("whoever asks for access must be active"));
        }
        let normalised = normalise(source, &connection.saved.instance, asked).await?;
        Ok(Self { requester, connection, normalised, memory, recalled: false })
    }

    /// Who the requester is in Identity Center, as far as the cache knows it now.
    pub(super) async fn person(&self, unit: Option<&ReadUnit>, now: Timestamp) -> Result<Person, AppError> {
        let oldest = directory::oldest_believed(now, &self.memory.snapshot.settings);
        let source = unit.map_or(Source::Memory(&self.memory), |unit| Source::Unit(unit, &self.memory));
        Person::in_cache(source, &self.connection, &self.requester, oldest).await
    }

    /// Whether they are still what decides: whether, as `unit` sees it, nothing of policies, people and settings has
    /// moved; and where they are remembered, nothing of AWS either.
    pub(super) async fn still_stand(&self, unit: &WriteUnit) -> Result<bool, AppError> {
        let (now, then) = (unit.versions().await?, self.memory.versions);
        let stand = if self.recalled { now == then } else { now.rules == then.rules };
        if !stand {
            self.memory.mark_past();
        }
        Ok(stand)
    }

    /// Asks the tenant's policies.
    pub(super) async fn decide(
        &self,
        app: &App,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Decision, AppError> {
        let question = self.question(asked, now);
        let rules = self.snapshot().policies.rules().saturating_mul(question.targets.len());
        if rules <= DECIDED_IN_PLACE {
            return Ok(decide(&self.snapshot().policies, &question));
        }
        let policies = Arc::clone(&self.snapshot().policies);
        app.policies.labour.of(self.memory.tenant, move || decide(&policies, &question)).await
    }

    /// The policies and settings that decide.
    pub(super) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.memory.snapshot
    }

    /// Tells operators of a decision that is written. A fault denies until somebody mends its rule, so each is logged.
    pub(super) fn tell(&self, decision: &Decision) {
        let outcome = super::record::outcome(&decision.outcome);
        metrics::counter!("curfew_decisions_total", "outcome" => outcome).increment(1);
        for fault in &decision.faults {
            metrics::counter!("curfew_policy_faults_total").increment(1);
            let (policy, rule) = (fault.policy, fault.rule);
            tracing::error!(tenant_id = %self.memory.tenant, ?policy, ?rule, problem = fault.message, "a rule failed, and forbade");
        }
    }

    /// What policies are told.
    pub(super) fn question(&self, asked: &Asked, now: Timestamp) -> AccessQuestion {
        question(person_facts(&self.requester), asked, &self.normalised, &self.snapshot().settings, now)
    }
}

/// What policies are told of a person.
pub(super) fn person_facts(person: &User) -> PersonFacts {
    PersonFacts {
        id: person.id,
        email: person.email.clone(),
        name: person.name.clone(),
        roles: person.all_roles().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
        groups: person.memberships.groups.iter().copied().collect(),
        auth_provider: person.auth_provider,
        mfa: false,
    }
}

/// What policies are told of a request, by whoever asks for it.
pub(super) fn question(
    person: PersonFacts,
    asked: &Asked,
    normalised: &Normalised,
    settings: &TenantSettings,
    now: Timestamp,
) -> AccessQuestion {
    AccessQuestion {
        person,
        action: asked.action,
        targets: normalised.targets.clone(),
        named: normalised.named.clone(),
        units: normalised.units.clone(),
        duration: asked.duration,
        longest: settings.max_grant,
        break_glass: asked.break_glass,
        requested_at: now,
        local: now.local(&settings.time_zone),
        mfa: false,
        reason: asked.reason.as_ref().map(ToString::to_string),
        source_ip: asked.source_ip,
        ticket: asked.ticket.clone(),
        // Whether what AWS told is young enough to approve by without a person.
        facts_are_fresh: now < normalised.seen_at + settings.aws_data_max_age,
    }
}

/// Refuses a duration that nobody is given access for.
pub(super) fn check_duration(
    duration: curfew_domain::Seconds,
    settings: &TenantSettings,
) -> Result<(), AppError> {
    let longest = settings.max_grant;
    if (1..=longest.get()).contains(&duration.get()) {
        return Ok(());
    }
    let problem = format!("access is given for 1 to {} seconds", longest.get());
    Err(AppError::field("duration_seconds", problem))
}
