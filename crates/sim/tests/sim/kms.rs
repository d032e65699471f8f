//! `GenerateMac`.

use base64::{Engine, engine::general_purpose::STANDARD};
use curfew_sim::{
    KeySpec, KeyState, KmsKey, Permissions, WorldError,
    world::{CURFEW_KMS_ALIAS, CURFEW_KMS_KEY},
};
use serde_json::{Value, json};

use crate::support::{Caller, still};

fn ask(key: &str) -> Value {
    json!({ "KeyId": key, "MacAlgorithm": "HMAC_SHA_256", "Message": STANDARD.encode("hello") })
}

#[tokio::test]
async fn a_key_makes_the_same_mac_of_a_message_by_each_of_its_names() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    let id = CURFEW_KMS_KEY.rsplit('/').next().unwrap();
    let alias_arn = format!("arn:aws:kms:us-east-1:555500000001:{CURFEW_KMS_ALIAS}");
    let expected = KmsKey::new(CURFEW_KMS_KEY).mac(b"hello").unwrap();
    assert_eq!(expected.len(), 32);
    for name in [CURFEW_KMS_KEY, CURFEW_KMS_ALIAS, id, &alias_arn] {
        let answer = curfew.kms("GenerateMac", &ask(name)).await.ok();
        assert_eq!(answer["KeyId"], CURFEW_KMS_KEY);
        assert_eq!(answer["MacAlgorithm"], "HMAC_SHA_256");
        assert_eq!(answer["Mac"], STANDARD.encode(&expected));
    }
    let other = json!({ "KeyId": CURFEW_KMS_KEY, "MacAlgorithm": "HMAC_SHA_256", "Message": "aGVsbG8h" });
    assert_ne!(curfew.kms("GenerateMac", &other).await.ok()["Mac"], STANDARD.encode(&expected));
}

#[tokio::test]
async fn a_key_is_in_one_region_and_account_alone() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    let not_found = (400, "NotFoundException".to_owned());
    for name in [
        "alias/another",
        "5f8d1c1e-0000-0000-0000-000000000000",
        "arn:aws:kms:us-east-1:555500000001:key/another",
        "arn:aws:kms:us-east-1:555500000001:alias/another",
    ] {
        assert_eq!(curfew.kms("GenerateMac", &ask(name)).await.refusal(), not_found, "{name}");
    }
    let elsewhere = curfew.in_region("eu-west-1");
    assert_eq!(elsewhere.kms("GenerateMac", &ask(CURFEW_KMS_KEY)).await.refusal(), not_found);
    let acme = Caller::delegated(&sim).await.in_region("us-east-1");
    assert_eq!(acme.kms("GenerateMac", &ask(CURFEW_KMS_ALIAS)).await.refusal(), not_found);
    let denied = (400, "AccessDeniedException".to_owned());
    assert_eq!(acme.kms("GenerateMac", &ask(CURFEW_KMS_KEY)).await.refusal(), denied);
}

#[tokio::test]
async fn a_caller_needs_the_right_to_use_it() {
    let sim = still().await;
    let take_away = |world: &mut curfew_sim::World| {
        world.own_credentials[0].permissions = Permissions::all_but(&["kms:GenerateMac"]);
    };
    sim.control().edit(take_away).unwrap();
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    let reply = curfew.kms("GenerateMac", &ask(CURFEW_KMS_ALIAS)).await;
    assert_eq!(reply.refusal(), (400, "AccessDeniedException".to_owned()));
    assert!(reply.message().contains("kms:GenerateMac on resource: arn:aws:kms:"), "{}", reply.message());
}

#[tokio::test]
async fn a_key_that_can_not_be_used_is_refused_by_its_state() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    for (state, code) in [
        (KeyState::Disabled, "DisabledException"),
        (KeyState::PendingDeletion, "KMSInvalidStateException"),
        (KeyState::PendingImport, "KMSInvalidStateException"),
    ] {
        sim.control().edit(|world| world.kms_key_mut(CURFEW_KMS_KEY).unwrap().state = state).unwrap();
        let refusal = curfew.kms("GenerateMac", &ask(CURFEW_KMS_KEY)).await.refusal();
        assert_eq!(refusal, (400, code.to_owned()));
    }
}

#[tokio::test]
async fn a_key_makes_macs_of_its_own_kind_alone() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    let specs = [
        (KeySpec::Hmac224, "HMAC_SHA_224", 28),
        (KeySpec::Hmac384, "HMAC_SHA_384", 48),
        (KeySpec::Hmac512, "HMAC_SHA_512", 64),
        (KeySpec::SymmetricDefault, "", 0),
    ];
    for (spec, algorithm, length) in specs {
        sim.control().edit(|world| world.kms_key_mut(CURFEW_KMS_KEY).unwrap().spec = spec).unwrap();
        let refusal = curfew.kms("GenerateMac", &ask(CURFEW_KMS_KEY)).await.refusal();
        assert_eq!(refusal, (400, "InvalidKeyUsageException".to_owned()), "{spec:?}");
        if length > 0 {
            let mut right = ask(CURFEW_KMS_KEY);
            right["MacAlgorithm"] = json!(algorithm);
            let answer = curfew.kms("GenerateMac", &right).await.ok();
            assert_eq!(STANDARD.decode(answer["Mac"].as_str().unwrap()).unwrap().len(), length);
        }
    }
}

#[tokio::test]
async fn malformed_parameters_are_refused() {
    let sim = still().await;
    let curfew = Caller::curfew(&sim).in_region("us-east-1");
    let with = |name: &str, value: Value| {
        let mut parameters = ask(CURFEW_KMS_KEY);
        parameters[name] = value;
        parameters
    };
    for (parameters, code) in [
        (with("KeyId", Value::Null), "ValidationException"),
        (with("Message", Value::Null), "ValidationException"),
        (with("Message", json!("")), "ValidationException"),
        (with("Message", json!(STANDARD.encode([0_u8; 4097]))), "ValidationException"),
        (with("Message", json!("abc")), "SerializationException"),
        (with("MacAlgorithm", json!("HMAC_MD5")), "ValidationException"),
    ] {
        let refusal = curfew.kms("GenerateMac", &parameters).await.refusal();
        assert_eq!(refusal, (400, code.to_owned()), "{parameters}");
    }
    curfew.kms("GenerateMac", &with("Message", json!(STANDARD.encode([0_u8; 4096])))).await.ok();
    let decrypt = curfew.kms("Decrypt", &json!({})).await.refusal();
    assert_eq!(decrypt, (400, "UnknownOperationException".to_owned()));
}

#[tokio::test]
async fn keys_that_do_not_fit_together_are_no_world() {
    let sim = still().await;
    let add = |key: KmsKey| sim.control().edit(|world| world.kms_keys.push(key));
    assert!(matches!(add(KmsKey::new(CURFEW_KMS_KEY)), Err(WorldError::Twice { .. })));
    let second = KmsKey::new("arn:aws:kms:us-east-1:555500000001:key/second");
    let with_first_alias = second.clone().with_alias(CURFEW_KMS_ALIAS);
    assert!(matches!(add(with_first_alias), Err(WorldError::Twice { .. })));
    assert!(matches!(add(second.clone().with_alias("curfew")), Err(WorldError::Malformed { .. })));
    assert!(matches!(add(KmsKey::new("second")), Err(WorldError::Malformed { .. })));
    let with_own = second.of_spec(KeySpec::Hmac512).with_alias("alias/second");
    assert!(add(with_own).is_ok());
}
