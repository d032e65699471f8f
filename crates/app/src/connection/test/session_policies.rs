//! Whether sessions can be ended, where the tenant has chosen that. Never a failure: access is taken back without it.

use curfew_aws::{AwsError, AwsErrorKind, SESSION_POLICY_PREFIX, SessionPolicies, SessionPolicy};
use curfew_domain::AccountId;
use curfew_domain::connection::CheckName;

use super::report::{Checked, Finding, Report};
use super::run::Run;
use crate::connection::words::{aws_said, explain};

const NOT_CHOSEN: &str =
    "the setting end_sessions is off: sessions that AWS issued before an access ends live on";

impl Run {
    pub(super) async fn check_session_policies(
        &self,
        report: &Report,
        policies: &dyn SessionPolicies,
        management: Option<&AccountId>,
    ) -> Checked<()> {
        let too_late = || Finding::Doubtful((), not_told("it took too long"));
        let work = async {
            if !self.ends_sessions {
                return Finding::LeftOut((), NOT_CHOSEN.to_owned());
            }
            match policies.find().await {
                Ok(found) => self.described(&found, management),
                Err(error) => Finding::Doubtful((), self.not_found(&error)),
            }
        };
        report.brief_check(self.within / 3, CheckName::SessionPolicies, work, too_late).await
    }

    fn described(&self, found: &[SessionPolicy], management: Option<&AccountId>) -> Finding<()> {
        let (attached, elsewhere): (Vec<_>, Vec<_>) = found.iter().partition(|policy| policy.at_root);
        let names = |policies: &[&SessionPolicy]| {
            policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        if found.is_empty() {
            let message = format!(
                "there is no service control policy {SESSION_POLICY_PREFIX}1, so no session is ended: deploy the \
                 bootstrap template with its option for session policies"
            );
            return Finding::Doubtful((), message);
        }
        if !elsewhere.is_empty() {
            let (of, missing) = (found.len(), names(&elsewhere));
            let message = format!(
                "{} of {of} session policies are attached at the organization's root; attach {missing} to it as well. \
                 Where none is attached, service control policies may have been disabled, which detaches all: enable \
                 them first",
                attached.len()
            );
            return Finding::Doubtful((), message);
        }
        let own = self.saved.role.account();
        let delegated = match management {
            Some(management) if own == *management => String::new(),
            _ => format!(
                ". That {own} may write them by the organization's delegation policy is not tried; the management \
                 account may without one"
            ),
        };
        let attached = attached.len();
        Finding::Good(
            (),
            format!("{attached} session policies are attached at the organization's root{delegated}"),
        )
    }

    fn not_found(&self, error: &AwsError) -> String {
        match error.kind {
            AwsErrorKind::PolicyTypeNotEnabled => format!(
                "the organization has not enabled service control policies, so no session is ended: enable them, and \
                 deploy the bootstrap template with its option for session policies. {}",
                aws_said(error)
            ),
            AwsErrorKind::AccessDenied => format!(
                "the role may not call {}, so no session is ended: deploy the bootstrap template with its option for \
                 session policies, in the management account or in one that the organization's delegation policy lets \
                 manage them. {}",
                error.operation,
                aws_said(error)
            ),
            _ => not_told(&explain(error, &self.saved.region)),
        }
    }
}

fn not_told(why: &str) -> String {
    format!("AWS does not tell which session policies there are. {why}")
}
