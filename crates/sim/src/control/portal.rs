//! People who sign in to accounts, and what their sessions can do.

use super::SimControl;
use crate::state::{PersonSession, PortalError, SessionAnswer, SignIn};

/// What a session is asked to do where nobody says what.
pub(super) const ANYTHING: &str = "s3:ListAllMyBuckets";

impl SimControl {
    /// Signs a person in to an account as the portal would, to whom it is assigned: a session that begins now and
    /// lasts as long as the permission set says, whatever becomes of the assignment.
    pub fn sign_in(&self, who: &SignIn) -> Result<PersonSession, PortalError> {
        self.with(|state| {
            let now = state.settled_now();
            state.sign_in(who.clone(), now)
        })
    }

    /// Everybody's sessions, also those that have ended.
    pub fn person_sessions(&self) -> Vec<PersonSession> {
        self.look(|state| state.person_sessions.clone())
    }

    /// Whether a session can still act in its account: by its end and by the service control policies there. What
    /// these say and isn't understood is an error.
    pub fn can_act(&self, session: &PersonSession) -> Result<bool, PortalError> {
        self.session_may(&session.id, ANYTHING).map(|answer| answer == SessionAnswer::Allowed)
    }

    /// Whether a session can do this (`s3:GetObject`), and if not, what denies it.
    pub fn session_may(&self, session: &str, action: &str) -> Result<SessionAnswer, PortalError> {
        self.look(|state| {
            let now = state.settled_now();
            state.session_may(session, action, now)
        })
    }
}
