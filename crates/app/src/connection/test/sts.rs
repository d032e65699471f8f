//! The checks that ask STS.

use std::pin::pin;

use curfew_aws::{
    AssumeRole, AwsError, AwsErrorKind, CallerIdentity, Purpose, SessionCredentials, SessionName, Trust,
};
use curfew_domain::connection::CheckName;
use curfew_domain::{ExternalId, PlatformMode, Seconds};
use futures::future::select;

use super::report::{Finding, Report};
use super::run::Run;
use crate::connection::words::aws_said;

/// As short as STS gives them.
const LENGTH: Seconds = Seconds::of(900);

/// What the role said to each `ExternalId` of a rotation.
struct Taken {
    session: SessionCredentials,
    external_id: ExternalId,
    pending: bool,
}

impl Run {
    /// STS gives credentials for the role.
    pub(super) async fn check_assume_role(
        &self,
        report: &mut Report,
        trust: &dyn Trust,
    ) -> Option<SessionCredentials> {
        let work = async {
            match self.assume_with_each(trust).await {
                Ok(taken) => {
                    let message = self.taken_message(&taken);
                    Finding::Good(taken, message)
                }
                Err(error) => self.refused_by_sts(trust, error).await,
            }
        };
        let taken = report.step(CheckName::AssumeRole, work).await?;
        report.tested.external_id = Some(taken.external_id);
        report.tested.takes_pending = taken.pending;
        Some(taken.session)
    }

    /// While a rotation is pending both values are tried, so that the test can say which of them the role takes.
    async fn assume_with_each(&self, trust: &dyn Trust) -> Result<Taken, AwsError> {
        let current = self.assume(trust, Some(&self.external_ids.current)).await;
        let pending = match (&self.external_ids.pending, &current) {
            (Some(pending), Ok(_)) => Some((pending, self.assume(trust, Some(pending)).await)),
            (Some(pending), Err(error)) if error.kind == AwsErrorKind::AccessDenied => {
                Some((pending, self.assume(trust, Some(pending)).await))
            }
            _ => None,
        };
        match (current, pending) {
            (Ok(session), pending) => Ok(Taken {
                session,
                external_id: self.external_ids.current.clone(),
                pending: pending.is_some_and(|(_, answer)| answer.is_ok()),
            }),
            (Err(_), Some((external_id, Ok(session)))) => {
                Ok(Taken { session, external_id: external_id.clone(), pending: true })
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn assume(
        &self,
        trust: &dyn Trust,
        external_id: Option<&ExternalId>,
    ) -> Result<SessionCredentials, AwsError> {
        let ask = AssumeRole {
            role: &self.saved.role,
            external_id,
            session_name: SessionName::new(Purpose::Test, self.tenant),
            duration: LENGTH,
        };
        trust.assume_role(&ask).await
    }

    fn taken_message(&self, taken: &Taken) -> String {
        let role = &self.saved.role;
        match (self.external_ids.pending.is_some(), taken.pending) {
            (false, _) => format!("STS gave credentials for {role}"),
            (true, true) if taken.external_id == self.external_ids.current => {
                format!("{role} takes the current and the pending ExternalId: the rotation can be committed")
            }
            (true, true) => {
                format!("{role} takes the pending ExternalId alone: commit the rotation")
            }
            (true, false) => {
                format!("{role} takes the current ExternalId alone: add the pending one to its trust policy")
            }
        }
    }

    /// STS says the same of a role that isn't there, a principal that isn't trusted and an `ExternalId` that isn't
    /// taken, so all three are named.
    async fn refused_by_sts<T>(&self, trust: &dyn Trust, error: AwsError) -> Finding<T> {
        if error.kind != AwsErrorKind::AccessDenied {
            return Finding::refused(error, &self.saved.region);
        }
        let own = trust.own_identity().await.ok().and_then(|own| own.principal().ok());
        let principal = own.map_or_else(|| "Curfew's own principal".to_owned(), |own| own.to_string());
        let role = &self.saved.role;
        let message = format!(
            "STS does not let Curfew into {role}. Either there is no such role in account {account}, or its trust \
             policy does not list {principal}, or it does not ask for this tenant's ExternalId, or {principal} \
             itself lacks sts:AssumeRole on it. The bootstrap template makes a role that works. {said}",
            account = role.account(),
            said = aws_said(&error),
        );
        Finding::Bad { message, error: Some(error) }
    }

    /// They are of the account and role that were saved.
    pub(super) async fn check_caller_identity(
        &self,
        report: &mut Report,
        trust: &dyn Trust,
        session: &SessionCredentials,
    ) -> Option<()> {
        let mut is_another_role = false;
        let work = async {
            match trust.identity_of(session).await {
                Ok(identity) if self.is_saved_role(&identity) => {
                    Finding::Good((), format!("the credentials are of {}", identity.arn))
                }
                Ok(identity) => {
                    is_another_role = true;
                    Finding::bad(format!(
                        "the credentials are of {}, not of {}: something between Curfew and AWS answers for STS, or \
                         the role's ARN is not the one that was meant",
                        identity.arn, self.saved.role
                    ))
                }
                Err(error) => Finding::refused(error, &self.saved.region),
            }
        };
        let outcome = report.step(CheckName::CallerIdentity, work).await;
        report.tested.is_another_role = is_another_role;
        outcome
    }

    fn is_saved_role(&self, identity: &CallerIdentity) -> bool {
        identity.account == self.saved.role.account() && identity.role_name() == Some(self.saved.role.name())
    }

    /// Without the right `ExternalId` STS refuses. Only a refusal proves it.
    pub(super) async fn check_external_id_enforced(
        &self,
        report: &mut Report,
        trust: &dyn Trust,
    ) -> Option<()> {
        let random = ExternalId::generate(self.entropy.as_ref());
        let mut role_is_open = false;
        let work = async {
            let none = pin!(self.assume(trust, None));
            let another = pin!(self.assume(trust, Some(&random)));
            // The first that is let in proves it: nothing that happens to the other can hide that.
            let refusals = match select(none, another).await.factor_first() {
                (Err(first), other) => other.await.err().map(|second| [first, second]),
                (Ok(_), _) => None,
            };
            role_is_open = refusals.is_none();
            self.judge_enforcement(refusals)
        };
        let outcome = report.step(CheckName::ExternalIdEnforced, work).await;
        report.tested.role_is_open = role_is_open;
        outcome
    }

    fn judge_enforcement(&self, refusals: Option<[AwsError; 2]>) -> Finding<()> {
        let role = &self.saved.role;
        let Some(refusals) = refusals else {
            return self.doubt(format!(
                "{role} can be assumed without this tenant's ExternalId: anyone who learns its ARN could aim another \
                 tenant's Curfew at it. Add the condition StringEquals sts:ExternalId to its trust policy"
            ));
        };
        let unproved = refusals.into_iter().find(|error| error.kind != AwsErrorKind::AccessDenied);
        match unproved {
            None => Finding::Good((), format!("{role} refuses without this tenant's ExternalId")),
            Some(error) => self.doubt(format!(
                "whether {role} insists on the ExternalId could not be proved: test again. {}",
                aws_said(&error)
            )),
        }
    }

    /// With other tenants about, what is not proved is not good enough.
    fn doubt(&self, message: String) -> Finding<()> {
        match self.platform_mode {
            PlatformMode::Multi => Finding::bad(message),
            PlatformMode::Single => Finding::Doubtful((), message),
        }
    }
}
