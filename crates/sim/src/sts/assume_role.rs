//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    call::Call, caller::session_arn, entropy, protocol::patterns, refusal::Refusal, state::Session,
    world::Role,
};

/// "… the 1 hour session limit for roles assumed by role chaining".
const CHAINED_SECONDS: i64 = 3600;

/// Gives out credentials of a role, to those whom its trust policy admits.
pub(super) fn assume_role(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let wanted = Wanted::read(call)?;
    let role = admitted(call, &wanted)?.clone();
    let seconds = session_seconds(call, &wanted, &role)?;
    let session = Session {
        role_arn: role.arn.clone(),
        name: wanted.session_name.clone(),
        secret_access_key: STANDARD.encode(entropy::bytes::<30>()),
        token: STANDARD.encode(entropy::bytes::<96>()),
        expires_at: call.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(call.now),
    };
    let access_key = format!("ASIA{}", entropy::letters(16));
    let answer = answer(&role, &session, &access_key);
    call.state.sessions.insert(access_key, session);
    Ok(answer)
}

struct Wanted {
    role_arn: String,
    session_name: String,
    external_id: Option<String>,
    seconds: Option<i64>,
}

impl Wanted {
    fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let fields = call.fields;
        let role_arn = fields.text("RoleArn", patterns::ARN)?.to_owned();
        let session_name = fields.text("RoleSessionName", patterns::SESSION_NAME)?.to_owned();
        let external_id = fields.optional_text("ExternalId", patterns::EXTERNAL_ID)?.map(ToOwned::to_owned);
        let seconds = fields.optional_number("DurationSeconds", 900, 43_200)?;
        if !patterns::ROLE_ARN.admits(&role_arn) {
            return Err(Refusal::invalid(format!("{role_arn} is invalid")));
        }
        Ok(Self { role_arn, session_name, external_id, seconds })
    }
}

/// The role, if it is there and trusts the caller: AWS gives one and the same answer to a wrong
/// ExternalId, a wrong principal and a role that doesn't exist.
fn admitted<'a>(call: &'a Call<'_>, wanted: &Wanted) -> Result<&'a Role, Refusal> {
    let caller = &call.caller;
    let denied = || Refusal::AccessDenied {
        message: format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            caller.arn, wanted.role_arn
        ),
        kms: false,
    };
    let role = call.state.world.role(&wanted.role_arn).ok_or_else(denied)?;
    let principals = [Some(caller.arn.as_str()), caller.role_arn.as_deref()];
    let trusted = principals
        .into_iter()
        .flatten()
        .any(|principal| role.trust.admits(&caller.account, principal, wanted.external_id.as_deref()));
    if !trusted || !caller.permissions.permit("sts:AssumeRole") {
        return Err(denied());
    }
    let organization = call.state.world.organization_of(role.account());
    if organization.is_some_and(|o| o.sts_disabled_regions.iter().any(|region| region == call.region)) {
        return Err(Refusal::RegionDisabled { account: role.account().to_owned() });
    }
    Ok(role)
}

fn session_seconds(call: &Call<'_>, wanted: &Wanted, role: &Role) -> Result<i64, Refusal> {
    let seconds = wanted.seconds.unwrap_or(CHAINED_SECONDS);
    if call.caller.role_arn.is_some() && seconds > CHAINED_SECONDS {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > role.max_session_seconds {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

fn answer(role: &Role, session: &Session, access_key: &str) -> Value {
    json!({
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{}", role.unique_id(), session.name),
            "Arn": session_arn(role, &session.name),
        },
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.token,
            "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "PackedPolicySize": 0,
    })
}
