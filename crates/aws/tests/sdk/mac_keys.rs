//! What KMS says, and what it means.

use curfew_aws::{AwsErrorKind, KeyRefused, MacKeys, Signer};
use curfew_domain::{KmsKeyName, Region};
use curfew_sim::world::{CURFEW_KMS_ALIAS, CURFEW_KMS_KEY};
use curfew_sim::{CredentialState, Fault, FaultKind, KeySpec, KeyState, KmsKey, Permissions, World};
use secrecy::ExposeSecret;

use crate::support::{Aws, region};

const MESSAGE: &[u8] = b"a message";

fn home() -> Region {
    "us-east-1".parse().unwrap()
}

/// The MAC by this name, asked for from this region.
async fn mac(aws: &Aws, name: &str, here: &Region) -> Result<Vec<u8>, KeyRefused> {
    let name: KmsKeyName = name.parse().unwrap();
    aws.gateway.hmac_sha_256(&name, here, MESSAGE).await.map(|mac| mac.expose_secret().to_vec())
}

/// What is said once the demo's key was changed.
async fn refused_with(change: impl FnOnce(&mut KmsKey)) -> KeyRefused {
    let aws = Aws::demo().await;
    aws.control().edit(|world| change(world.kms_key_mut(CURFEW_KMS_KEY).unwrap())).unwrap();
    mac(&aws, CURFEW_KMS_KEY, &home()).await.unwrap_err()
}

/// What is said while something goes wrong on the way.
async fn refused_under(fault: FaultKind) -> KeyRefused {
    let aws = Aws::impatient().await;
    aws.control().inject(Fault::on("GenerateMac", fault));
    mac(&aws, CURFEW_KMS_KEY, &home()).await.unwrap_err()
}

#[tokio::test]
async fn a_key_is_used_by_each_of_its_names_where_it_is() {
    let aws = Aws::demo().await;
    let expected = KmsKey::new(CURFEW_KMS_KEY).mac(MESSAGE).unwrap();
    let alias_arn = format!("arn:aws:kms:us-east-1:555500000001:{CURFEW_KMS_ALIAS}");
    for (name, here) in [
        (CURFEW_KMS_KEY, home()),
        (CURFEW_KMS_ALIAS, home()),
        // An ARN says where it is.
        (CURFEW_KMS_KEY, region()),
        (&alias_arn, region()),
    ] {
        assert_eq!(mac(&aws, name, &here).await.unwrap(), expected, "{name}");
    }
    let calls = aws.control().calls_of("GenerateMac");
    assert!(calls.iter().all(|call| call.region == "us-east-1"));
    assert_eq!(calls.len(), 4);
}

#[tokio::test]
async fn a_key_that_is_not_there() {
    let aws = Aws::demo().await;
    for (name, here) in [("alias/another", home()), (CURFEW_KMS_ALIAS, region())] {
        let refused = mac(&aws, name, &here).await.unwrap_err();
        assert!(matches!(refused, KeyRefused::NotFound(_)), "{refused}");
        assert!(refused.said().message.contains(name), "{refused}");
    }
}

#[tokio::test]
async fn a_key_that_is_disabled_or_waits_for_its_deletion() {
    let refused = refused_with(|key| key.state = KeyState::Disabled).await;
    assert!(matches!(refused, KeyRefused::Disabled(_)), "{refused}");
    let refused = refused_with(|key| key.state = KeyState::PendingDeletion).await;
    assert!(matches!(refused, KeyRefused::InvalidState(_)), "{refused}");
    assert_eq!(refused.said().code.as_deref(), Some("KMSInvalidStateException"));
}

#[tokio::test]
async fn a_key_of_another_kind() {
    for spec in [KeySpec::Hmac384, KeySpec::SymmetricDefault] {
        let refused = refused_with(|key| key.spec = spec).await;
        assert!(matches!(refused, KeyRefused::WrongKind(_)), "{spec:?}: {refused}");
    }
}

#[tokio::test]
async fn a_key_that_curfew_may_not_use_is_denied_to_curfew_itself_once() {
    let aws = Aws::demo().await;
    let take_away = |world: &mut World| {
        world.own_credentials[0].permissions = Permissions::all_but(&["kms:*"]);
    };
    aws.control().edit(take_away).unwrap();
    let refused = mac(&aws, CURFEW_KMS_KEY, &home()).await.unwrap_err();
    let said = refused.said();
    assert_eq!((said.kind, said.signer), (AwsErrorKind::AccessDenied, Signer::Curfew));
    assert_eq!(said.operation, "kms:GenerateMac");
    assert!(said.request_id.is_some());
    assert_eq!(aws.control().calls_of("GenerateMac").len(), 1, "a refusal is not repeated");
}

#[tokio::test]
async fn own_credentials_that_expired() {
    let aws = Aws::demo().await;
    aws.control().edit(|world| world.own_credentials[0].state = CredentialState::Expired).unwrap();
    let refused = mac(&aws, CURFEW_KMS_KEY, &home()).await.unwrap_err();
    assert_eq!(refused.said().kind, AwsErrorKind::CredentialsExpired, "{refused}");
}

#[tokio::test]
async fn what_may_happen_to_any_call() {
    let unavailable = FaultKind::Error {
        code: "KeyUnavailableException".to_owned(),
        status: 500,
        message: "not now".to_owned(),
    };
    for (fault, kind) in [
        (FaultKind::Throttle, AwsErrorKind::Throttled),
        (FaultKind::ServerError { status: 500 }, AwsErrorKind::ServerFault),
        (unavailable, AwsErrorKind::ServerFault),
        (FaultKind::DelayReply { ms: 5_000 }, AwsErrorKind::Timeout),
        (FaultKind::LoseReply, AwsErrorKind::ConnectionDropped),
        (FaultKind::Garbage, AwsErrorKind::Garbage),
    ] {
        let refused = refused_under(fault).await;
        assert!(matches!(refused, KeyRefused::Call(_)), "{refused}");
        assert_eq!(refused.said().kind, kind, "{refused}");
        assert_eq!(refused.said().signer, Signer::Curfew);
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_heard_of() {
    let aws = Aws::demo().await;
    aws.control().inject(Fault::on("GenerateMac", FaultKind::ServerError { status: 500 }).once());
    assert!(mac(&aws, CURFEW_KMS_KEY, &home()).await.is_ok());
    assert_eq!(aws.control().calls_of("GenerateMac").len(), 2);
}
