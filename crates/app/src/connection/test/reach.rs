//! What can't be managed from the role's account. Never a failure.

use curfew_aws::{AwsError, Directory, PageToken};
use curfew_domain::AccountId;
use curfew_domain::connection::CheckName;

use super::report::{Checked, Finding, Report};
use super::run::Run;
use crate::connection::words::aws_said;

/// So many pages of permission sets are counted: 3,500 sets are the quota.
const PAGES: usize = 35;

impl Run {
    pub(super) async fn check_reach(
        &self,
        report: &Report,
        directory: &dyn Directory,
        management: &Result<AccountId, AwsError>,
    ) -> Checked<()> {
        // What was not told, or not in time, is taken as manageable.
        let too_late = || Finding::Doubtful((), not_told("it took too long"));
        let work = self.describe_reach(directory, management);
        report.brief_check(self.within / 3, CheckName::Reach, work, too_late).await
    }

    async fn describe_reach(
        &self,
        directory: &dyn Directory,
        management: &Result<AccountId, AwsError>,
    ) -> Finding<()> {
        let management = match management {
            Ok(management) => management,
            Err(error) => return Finding::Doubtful((), not_told(&aws_said(error))),
        };
        let own = self.saved.role.account();
        if own == *management {
            let message = format!(
                "{own} is the management account: everything can be managed from here; assignments in {own} itself \
                 need the template's option for it"
            );
            return Finding::Good((), message);
        }
        match directory.delegated_administrators().await {
            Ok(delegated) if !delegated.contains(&own) => Finding::Doubtful(
                (),
                format!(
                    "Identity Center is not delegated to account {own}, and {management} is the management account: nothing can be assigned from here"
                ),
            ),
            Ok(_) => self.as_delegate(directory, management).await,
            Err(error) => Finding::Doubtful((), not_told(&aws_said(&error))),
        }
    }

    /// A delegated administrator can't manage what is provisioned in the management account.
    async fn as_delegate(&self, directory: &dyn Directory, management: &AccountId) -> Finding<()> {
        let mut out_of_reach = 0;
        let mut after: Option<PageToken> = None;
        for _ in 0..PAGES {
            let page = directory.sets_provisioned_in(&self.saved.instance, management, after.take()).await;
            match page {
                Ok(page) => {
                    out_of_reach += page.items.len();
                    after = page.next;
                }
                Err(error) => return Finding::Doubtful((), not_told(&aws_said(&error))),
            }
            if after.is_none() {
                break;
            }
        }
        let own = self.saved.role.account();
        Finding::Good(
            (),
            format!(
                "{own} is a delegated administrator: the management account {management}, and the {out_of_reach} \
                 permission sets that are provisioned there, can't be managed from here"
            ),
        )
    }
}

fn not_told(why: &str) -> String {
    format!("AWS does not tell what can't be managed from here, so all is taken as manageable. {why}")
}
