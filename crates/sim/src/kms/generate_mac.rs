//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html>

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    call::Call,
    protocol::patterns,
    refusal::{KeyUnusable, Missing, Refusal},
    world::{KeyState, KmsKey},
};

/// "Specify a message of up to 4,096 bytes."
const MOST_BYTES: usize = 4096;

/// Makes a MAC with a key that is of the algorithm's kind.
pub(super) fn generate_mac(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let name = call.fields.text("KeyId", patterns::KEY_NAME)?;
    let algorithm = call.fields.text("MacAlgorithm", patterns::MAC_ALGORITHM)?;
    let message = call.fields.blob("Message", MOST_BYTES)?;
    let key = used(call, name)?;
    check_state(key)?;
    let wrong = |message| Refusal::KeyUnusable { why: KeyUnusable::Usage, message };
    let Some(own) = key.spec.mac_algorithm() else {
        return Err(wrong(format!(
            "{} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.",
            key.arn
        )));
    };
    if algorithm != own {
        return Err(wrong(format!(
            "Algorithm {algorithm} is incompatible with key spec {}.",
            key.spec.as_str()
        )));
    }
    let mac = STANDARD.encode(key.mac(&message).unwrap_or_default());
    Ok(json!({ "KeyId": key.arn, "Mac": mac, "MacAlgorithm": algorithm }))
}

/// The key, if it is in this region and the caller may use it. Nobody is let into another account's keys here: that
/// would be said in a key's own policy.
fn used<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a KmsKey, Refusal> {
    let account = &call.caller.account;
    let key = call
        .state
        .world
        .kms_keys
        .iter()
        .find(|key| key.region() == call.region && key.is_named(name, account));
    let Some(key) = key else {
        let message = format!("Key or alias '{name}' does not exist in {}", call.region);
        return Err(Refusal::NotFound { what: Missing::Resource, message });
    };
    if key.account() != account {
        return Err(Refusal::not_authorized(&call.caller.arn, "kms:GenerateMac", &key.arn));
    }
    call.authorize(&key.arn)?;
    Ok(key)
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
fn check_state(key: &KmsKey) -> Result<(), Refusal> {
    let unusable =
        |why, state: &str| Err(Refusal::KeyUnusable { why, message: format!("{} is {state}.", key.arn) });
    match key.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => unusable(KeyUnusable::Disabled, "disabled"),
        KeyState::PendingDeletion => unusable(KeyUnusable::State, "pending deletion"),
        KeyState::PendingImport => unusable(KeyUnusable::State, "pending import"),
    }
}
