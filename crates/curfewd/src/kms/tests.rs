use curfew_store::keyring::Keyring;

use super::stand_in::Keys;
use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1";
const GIVEN: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn sources(texts: &[&str]) -> Rotation<MasterKeySource> {
    let mut sources = texts.iter().map(|text| text.parse().unwrap());
    Rotation { current: sources.next().unwrap(), older: sources.collect() }
}

fn here() -> Region {
    "us-east-1".parse().unwrap()
}

fn id(key: &MasterKey) -> String {
    Keyring::new(key, &[]).unwrap().current_key().to_string()
}

async fn ids(texts: &[&str]) -> Vec<String> {
    let resolved = resolve(&sources(texts), &here(), &Keys::named(&[KEY, "alias/curfew"])).await.unwrap();
    resolved.all().map(id).collect()
}

#[tokio::test]
async fn a_key_in_kms_gives_the_same_master_key_each_time_and_another_key_another() {
    assert_eq!(ids(&[KEY]).await, ids(&[KEY]).await);
    assert_ne!(ids(&[KEY]).await, ids(&["alias/curfew"]).await);
}

#[tokio::test]
async fn given_keys_and_those_in_kms_stay_in_their_order() {
    let [in_kms, given] = [ids(&[KEY]).await.remove(0), ids(&[GIVEN]).await.remove(0)];
    assert_eq!(given, id(&GIVEN.parse().unwrap()));
    assert_eq!(ids(&[KEY, GIVEN]).await, [in_kms.clone(), given.clone()]);
    assert_eq!(ids(&[GIVEN, KEY]).await, [given, in_kms]);
}

#[tokio::test]
async fn kms_is_asked_once_for_each_of_its_keys_and_never_for_a_given_one() {
    let keys = Keys::named(&[KEY, "alias/curfew"]);
    resolve(&sources(&[GIVEN]), &here(), &keys).await.unwrap();
    assert_eq!(keys.asked(), 0);
    resolve(&sources(&[KEY, GIVEN, "alias/curfew"]), &here(), &keys).await.unwrap();
    assert_eq!(keys.asked(), 2);
}

#[tokio::test]
async fn a_refusal_names_the_variable_the_key_and_where_it_was_looked_for() {
    for (name, region) in [(KEY, "eu-west-1"), ("alias/curfew", "us-east-1")] {
        let refused = resolve(&sources(&[GIVEN, name]), &here(), &Keys::default()).await.unwrap_err();
        let words = refused.to_string();
        for part in ["CURFEW_MASTER_KEY", name, region, "kms:GenerateMac"] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}

#[test]
fn a_refusal_is_one_line() {
    let message = "no credentials found. Attempted:\n  Environment: not set\n  Profile: none".to_owned();
    let said = AwsError { message, ..AwsError::out_of_time("kms:GenerateMac") };
    let refused = KmsError::Refused {
        key: KEY.parse().unwrap(),
        region: here(),
        source: Box::new(KeyRefused::Call(AwsError { kind: AwsErrorKind::NoCredentials, ..said })),
    };
    assert_eq!(refused.to_string().lines().count(), 1);
    assert!(refused.to_string().ends_with("Environment: not set | Profile: none"), "{refused}");
}

#[test]
fn each_refusal_says_in_its_own_words_what_to_do() {
    let said = AwsError::out_of_time("kms:GenerateMac");
    let call = |kind| KeyRefused::Call(AwsError { kind, ..said.clone() });
    let refusals = [
        (KeyRefused::NotFound(said.clone()), "check the name"),
        (KeyRefused::Disabled(said.clone()), "enable-key"),
        (KeyRefused::InvalidState(said.clone()), "cancel-key-deletion"),
        (KeyRefused::WrongKind(said.clone()), "HMAC_256"),
        (call(AwsErrorKind::AccessDenied), "allow kms:GenerateMac"),
        (call(AwsErrorKind::NoCredentials), "no AWS credentials"),
        (call(AwsErrorKind::CredentialsExpired), "expired"),
        (call(AwsErrorKind::InvalidToken), "check them"),
        (call(AwsErrorKind::ClockSkew), "clock"),
        (call(AwsErrorKind::Garbage), "AWS_ENDPOINT_URL_KMS"),
        (call(AwsErrorKind::Throttled), "in a minute"),
        (call(AwsErrorKind::Timeout), "us-east-1 can't be reached"),
        (call(AwsErrorKind::Validation), "refused"),
    ];
    for (refused, part) in refusals {
        let words = remedy(&refused, &here());
        assert!(words.contains(part), "{part}: {words}");
    }
}
