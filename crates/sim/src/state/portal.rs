//! Sessions of people: what Identity Center's portal gives out, and what stops them from acting.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/userguide/authconcept.html>: "the user continues to have access
//! until the session ends", whatever becomes of the assignment.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Place, State};
use crate::{
    clock::shifted,
    entropy,
    scp::{Attempt, Document},
    world::{
        Account, AccountState, Instance, Organization, PermissionSet, PrincipalType, User, UserStatus, ids,
    },
};

/// Whom to sign in, where and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account.
    pub account: String,
    /// The permission set's ARN.
    pub permission_set: String,
    /// The user's id.
    pub user: String,
}

/// A person's session of a permission set's role in an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSession {
    /// The stand-in's own name for it.
    pub id: String,
    /// Who, where and as what.
    #[serde(flatten)]
    pub of: SignIn,
    /// The role that the permission set is in that account.
    pub role_arn: String,
    /// `aws:TokenIssueTime`.
    #[serde(with = "crate::iso")]
    pub issued_at: Timestamp,
    /// When it ends by itself: after the permission set's session duration.
    #[serde(with = "crate::iso")]
    pub ends_at: Timestamp,
}

/// Whether a session can do something now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum SessionAnswer {
    /// It can, as far as service control policies are concerned.
    Allowed,
    /// It has ended by itself.
    Ended,
    /// A service control policy denies it.
    Denied {
        /// The policy's name.
        policy: String,
        /// The statement's name, or its place in the policy, counted from 1.
        statement: String,
    },
}

/// Why nobody is signed in, or why nothing is said of a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortalError {
    /// What was named isn't there.
    #[error("there is no {what} `{value}`")]
    NotThere {
        /// What it would be.
        what: &'static str,
        /// As it was named.
        value: String,
    },
    /// The person is disabled, or the account not active.
    #[error("{0} is not active")]
    NotActive(String),
    /// The person has no assignment there, neither directly nor by a group.
    #[error("`{user}` is not assigned `{permission_set}` in {account}")]
    NotAssigned {
        /// The user's id.
        user: String,
        /// The permission set's name.
        permission_set: String,
        /// The account.
        account: String,
    },
    /// A policy says something that has a meaning in AWS and none here.
    #[error("the policy `{policy}` can't be judged: {problem}")]
    NotUnderstood {
        /// The policy's name.
        policy: String,
        /// What isn't understood.
        problem: String,
    },
}

impl State {
    /// Gives out a session, as the portal does to whom something is assigned.
    pub(crate) fn sign_in(&mut self, of: SignIn, now: Timestamp) -> Result<PersonSession, PortalError> {
        let session = self.session_of(of, now)?;
        self.person_sessions.push(session.clone());
        Ok(session)
    }

    fn session_of(&self, of: SignIn, now: Timestamp) -> Result<PersonSession, PortalError> {
        let mut instances = self.world.instances();
        let found = instances.find_map(|(organization, instance)| {
            instance.permission_set(&of.permission_set).map(|set| (organization, instance, set))
        });
        let (organization, instance, set) =
            found.ok_or_else(|| absent("permission set", &of.permission_set))?;
        let account = organization.account(&of.account).ok_or_else(|| absent("account", &of.account))?;
        let user = instance.user(&of.user).ok_or_else(|| absent("user", &of.user))?;
        check_active(account, user)?;
        if !self.is_assigned(instance, set, &of) {
            let SignIn { user, account, .. } = of;
            return Err(PortalError::NotAssigned { user, permission_set: set.name.clone(), account });
        }
        let length = set.session_duration.parse::<SignedDuration>();
        let issued_at = self.issued_at(now);
        Ok(PersonSession {
            id: entropy::uuid(),
            role_arn: role_arn(instance, set, &of.account),
            ends_at: shifted(
                issued_at,
                length.map_err(|_| absent("session duration", &set.session_duration))?,
            ),
            issued_at,
            of,
        })
    }

    fn is_assigned(&self, instance: &Instance, set: &PermissionSet, of: &SignIn) -> bool {
        let place = Place {
            instance: instance.arn.clone(),
            account: of.account.clone(),
            permission_set: set.arn.clone(),
        };
        let member = |group: &str| instance.group(group).is_some_and(|g| g.members.contains(&of.user));
        self.book.held_at(&place).any(|(kind, principal)| match kind {
            PrincipalType::User => principal == of.user,
            PrincipalType::Group => member(principal),
        })
    }

    fn issued_at(&self, now: Timestamp) -> Timestamp {
        if !self.world.behaviour.observed.sessions_begin_at_whole_seconds {
            return now;
        }
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Whether a session can do something now.
    pub(crate) fn session_may(
        &self,
        session: &str,
        action: &str,
        now: Timestamp,
    ) -> Result<SessionAnswer, PortalError> {
        let session = self.person_sessions.iter().find(|own| own.id == session);
        let session = session.ok_or_else(|| absent("session", "of that id"))?;
        if session.ends_at <= now {
            return Ok(SessionAnswer::Ended);
        }
        let account = &session.of.account;
        let organization = self.world.organization_of(account).ok_or_else(|| absent("account", account))?;
        self.judged(organization, session, action, now)
    }

    fn judged(
        &self,
        organization: &Organization,
        session: &PersonSession,
        action: &str,
        now: Timestamp,
    ) -> Result<SessionAnswer, PortalError> {
        let SignIn { account, user, .. } = &session.of;
        let account = organization.account(account).ok_or_else(|| absent("account", account))?;
        let attempt = Attempt {
            action,
            user_id: user,
            account: &account.id,
            principal_arn: &session.role_arn,
            issued_at: session.issued_at,
        };
        let lag = SignedDuration::from_millis(self.world.behaviour.policy_lag_ms);
        let mut answer = SessionAnswer::Allowed;
        for policy in organization.policies_above(account) {
            let unclear =
                |problem: String| PortalError::NotUnderstood { policy: policy.name.clone(), problem };
            let content = self.policies_before.content_at(policy, shifted(now, -lag));
            let document = Document::parse(content).map_err(|problem| unclear(problem.to_string()))?;
            let denied = document.denies(attempt).map_err(|problem| unclear(problem.to_string()))?;
            if let (Some(statement), SessionAnswer::Allowed) = (denied, &answer) {
                answer = SessionAnswer::Denied { policy: policy.name.clone(), statement };
            }
        }
        Ok(answer)
    }
}

fn check_active(account: &Account, user: &User) -> Result<(), PortalError> {
    if account.state != AccountState::Active {
        return Err(PortalError::NotActive(format!("the account {}", account.id)));
    }
    if user.status != UserStatus::Enabled {
        return Err(PortalError::NotActive(format!("`{}`", user.user_name)));
    }
    Ok(())
}

/// The role that Identity Center makes of a permission set in an account. The path names the instance's region, but for
/// us-east-1: <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>.
fn role_arn(instance: &Instance, set: &PermissionSet, account: &str) -> String {
    let region = match instance.primary_region.as_str() {
        "us-east-1" => String::new(),
        region => format!("{region}/"),
    };
    let unique = ids::hex_id("reserved-role", &format!("{account}/{}", set.arn), 16);
    format!(
        "arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/{region}AWSReservedSSO_{}_{unique}",
        set.name
    )
}

fn absent(what: &'static str, value: &str) -> PortalError {
    PortalError::NotThere { what, value: value.to_owned() }
}
