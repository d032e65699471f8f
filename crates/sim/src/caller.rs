//! Who is calling: the signature's access key, led back to a principal and what it may do.

use jiff::Timestamp;

use crate::{
    protocol::{request::WireRequest, signature},
    refusal::Refusal,
    state::{Session, State},
    world::{CredentialState, OwnCredentials, Permissions, Role},
};

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller {
    /// The ARN that `GetCallerIdentity` shows.
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) user_id: String,
    /// The role, where the caller is a session of one.
    pub(crate) role_arn: Option<String>,
    pub(crate) permissions: Permissions,
}

/// Authenticates a call: key, token, expiry, date, scope, signature.
pub(crate) fn authenticate(state: &State, request: &WireRequest, now: Timestamp) -> Result<Caller, Refusal> {
    let access_key = request.access_key.as_deref().ok_or(Refusal::Unsigned)?;
    let held = Held::find(state, access_key).ok_or(Refusal::UnknownCredentials)?;
    held.check_token(request.header("x-amz-security-token"))?;
    signature::check_scope(request)?;
    signature::check_date(request, &state.clock)?;
    if state.world.behaviour.check_signatures {
        signature::check_signature(request, held.secret())?;
    }
    held.check_expiry(now)?;
    Ok(held.caller())
}

/// The account of an access key, whether or not it is used rightly.
pub(crate) fn account_of(state: &State, access_key: &str) -> Option<String> {
    Held::find(state, access_key).map(|held| held.caller().account)
}

/// What is known of an access key.
enum Held<'a> {
    Own(&'a OwnCredentials),
    Session(&'a Session, &'a Role),
}

impl<'a> Held<'a> {
    fn find(state: &'a State, access_key: &str) -> Option<Self> {
        if let Some(session) = state.sessions.get(access_key) {
            return state.world.role(&session.role_arn).map(|role| Self::Session(session, role));
        }
        let own = state.world.own_credentials.iter().find(|own| own.access_key_id == access_key)?;
        (own.state != CredentialState::Unknown).then_some(Self::Own(own))
    }

    fn secret(&self) -> &str {
        match self {
            Self::Own(own) => &own.secret_access_key,
            Self::Session(session, _) => &session.secret_access_key,
        }
    }

    fn check_token(&self, given: Option<&str>) -> Result<(), Refusal> {
        let expected = match self {
            Self::Own(own) => own.session_token.as_deref(),
            Self::Session(session, _) => Some(session.token.as_str()),
        };
        if expected == given { Ok(()) } else { Err(Refusal::UnknownCredentials) }
    }

    fn check_expiry(&self, now: Timestamp) -> Result<(), Refusal> {
        let expired = match self {
            Self::Own(own) => own.state == CredentialState::Expired,
            Self::Session(session, _) => session.expires_at <= now,
        };
        if expired { Err(Refusal::ExpiredToken) } else { Ok(()) }
    }

    fn caller(&self) -> Caller {
        match self {
            Self::Own(own) => Caller {
                arn: own.arn.clone(),
                account: own.account().to_owned(),
                user_id: own.access_key_id.replacen("AKIA", "AIDA", 1),
                role_arn: role_of_session(&own.arn),
                permissions: own.permissions.clone(),
            },
            Self::Session(session, role) => Caller {
                arn: session_arn(role, &session.name),
                account: role.account().to_owned(),
                user_id: format!("{}:{}", role.unique_id(), session.name),
                role_arn: Some(role.arn.clone()),
                permissions: role.permissions.clone(),
            },
        }
    }
}

/// The ARN of a role's session.
pub(crate) fn session_arn(role: &Role, session_name: &str) -> String {
    format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", role.account(), role.name())
}

/// `arn:aws:sts::A:assumed-role/R/S` is a session of `arn:aws:iam::A:role/R`.
fn role_of_session(arn: &str) -> Option<String> {
    let rest = arn.strip_prefix("arn:aws:sts::")?;
    let (account, session) = rest.split_once(":assumed-role/")?;
    let (role, _) = session.split_once('/')?;
    Some(format!("arn:aws:iam::{account}:role/{role}"))
}
