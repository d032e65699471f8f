//! Logins.

use std::net::IpAddr;
use std::str::FromStr;

use crate::{Invalid, Seconds, SessionId, Timestamp, UserId};

/// How the login is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A JWT in the `Authorization` header.
    Bearer,
    /// The console's cookie.
    Cookie,
}

impl SessionKind {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            SessionKind::Bearer => "bearer",
            SessionKind::Cookie => "cookie",
        }
    }
}

impl FromStr for SessionKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [SessionKind::Bearer, SessionKind::Cookie]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new("a session is bearer or cookie"))
    }
}

/// One login and its refreshes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// How it is carried.
    pub kind: SessionKind,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When its last credential ends.
    pub expires_at: Timestamp,
    /// The end that no refresh moves.
    pub chain_ends_at: Timestamp,
    /// When they signed out, or were signed out.
    pub ended_at: Option<Timestamp>,
    /// Where they signed in from.
    pub source: Option<IpAddr>,
}

impl Session {
    /// Until when a credential given out at `now` lives: `lives` at most, and never beyond the chain's end.
    pub fn next_expiry(&self, now: Timestamp, lives: Seconds) -> Timestamp {
        (now + lives).min(self.chain_ends_at)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn no_refresh_reaches_beyond_the_chains_end() {
        let start = Timestamp::from_micros(1_772_366_400_000_000);
        let session = Session {
            id: SessionId::from_uuid(Uuid::nil()),
            user: UserId::from_uuid(Uuid::nil()),
            kind: SessionKind::Bearer,
            created_at: start,
            expires_at: start + Seconds::of(3_600),
            chain_ends_at: start + Seconds::of(43_200),
            ended_at: None,
            source: None,
        };
        let hour = Seconds::of(3_600);
        assert_eq!(session.next_expiry(start + hour, hour), start + Seconds::of(7_200));
        assert_eq!(session.next_expiry(start + Seconds::of(43_000), hour), session.chain_ends_at);
    }
}
