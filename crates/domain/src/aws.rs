//! Names that AWS gives: parsed once, then trusted.
//!
//! Shapes follow the service models of SSO Admin, STS and Organizations, but what AWS *lists* is opaque: a
//! permission set's ARN is accepted in every form that AWS or a stand-in is known to send.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::text::text_type;

text_type!(
    /// An AWS account: twelve digits.
    AccountId,
    |text| {
        let sound = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        sound.then_some(()).ok_or_else(|| Invalid::new("an AWS account id has 12 digits"))
    }
);

text_type!(
    /// An IAM role: `arn:aws:iam::123456789012:role/path/name`
    /// (IAM identifiers, "IAM ARNs"; role names `[\w+=,.@-]{1,64}`).
    RoleArn,
    check_role_arn
);

text_type!(
    /// An Identity Center instance: `arn:aws:sso:::instance/ssoins-1234567890abcdef`
    /// (SSO Admin API, `InstanceArn`).
    InstanceArn,
    check_instance_arn
);

text_type!(
    /// A permission set: `arn:aws:sso:::permissionSet/ssoins-…/ps-…`; opaque beyond its prefix.
    PermissionSetArn,
    check_permission_set_arn
);

text_type!(
    /// An organizational unit: `ou-` with the root's id and its own (Organizations API, `OrganizationalUnitId`:
    /// `^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`).
    OuId,
    check_ou_id
);

text_type!(
    /// A service control policy (Organizations API, `PolicyId`: `^p-[0-9a-zA-Z_]{8,128}$`).
    SessionPolicyId,
    |text| {
        let sound = text.strip_prefix("p-").is_some_and(|rest| {
            (8..=128).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        sound.then_some(()).ok_or_else(|| Invalid::new("a policy's id is p- and 8 to 128 letters, digits or _"))
    }
);

text_type!(
    /// A region's code, of a region that exists: `eu-central-1`.
    Region,
    |text| {
        let known = REGIONS.contains(&text);
        known.then_some(()).ok_or_else(|| {
            Invalid::new(format!("'{}' is not an AWS region; one looks like us-east-1", shortened(text)))
        })
    }
);

text_type!(
    /// An identity store: `d-1234567890`, or a UUID in older ones (Identity Store API, `IdentityStoreId`).
    IdentityStoreId,
    |text| check_opaque(text, "an identity store id", 1, 36)
);

text_type!(
    /// A user or group in an identity store (Identity Store API, `ResourceId`: 1 to 47 characters).
    StorePrincipalId,
    |text| check_opaque(text, "an identity store principal id", 1, 47)
);

text_type!(
    /// What proves to a customer's role that Curfew acts for the right tenant; Curfew alone makes it, as a UUID
    /// (STS API, `ExternalId`: 2 to 1,224 of `[\w+=,.@:/-]`).
    ExternalId,
    |text| {
        let sound = uuid::Uuid::try_parse(text).is_ok() && text.len() == 36;
        sound.then_some(()).ok_or_else(|| Invalid::new("an ExternalId is a UUID that Curfew made"))
    }
);

impl ExternalId {
    /// A new one: a random UUID (RFC 9562, version 4).
    pub fn generate(entropy: &dyn crate::Entropy) -> Self {
        let mut bytes = [0_u8; 16];
        entropy.fill(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
    }
}

impl Region {
    /// The partition it belongs to.
    pub fn partition(&self) -> AwsPartition {
        let partition = match self.0.split('-').next() {
            Some("cn") => "aws-cn",
            Some("eusc") => "aws-eusc",
            _ if self.0.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        AwsPartition(partition.to_owned())
    }
}

impl RoleArn {
    /// The account that the role lives in.
    pub fn account(&self) -> AccountId {
        AccountId(self.0.split(':').nth(4).unwrap_or_default().to_owned())
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The partition it belongs to.
    pub fn partition(&self) -> AwsPartition {
        AwsPartition(self.0.split(':').nth(1).unwrap_or("aws").to_owned())
    }
}

impl InstanceArn {
    /// The partition it belongs to.
    pub fn partition(&self) -> AwsPartition {
        AwsPartition(self.0.split(':').nth(1).unwrap_or("aws").to_owned())
    }
}

/// `aws`, `aws-cn`, `aws-us-gov`, …: worlds of AWS that don't mix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AwsPartition(String);

impl AwsPartition {
    /// As it stands in ARNs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AwsPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Regions by their codes (AWS General Reference, "Regions and Zones"; checked against botocore's endpoints).
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn check_opaque(text: &str, what: &str, min: usize, max: usize) -> Result<(), Invalid> {
    let sound =
        (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    sound
        .then_some(())
        .ok_or_else(|| Invalid::new(format!("{what} has {min} to {max} letters, digits and hyphens")))
}

/// Splits `arn:<partition>:<service>:<region>:<account>:<rest>` and checks partition and service.
pub(crate) fn arn_parts<'a>(text: &'a str, service: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, found) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
    // As wide as the contract's patterns: `aws[a-z-]*`.
    let partition_is_sound = partition
        .strip_prefix("aws")
        .is_some_and(|tail| tail.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    (arn == "arn" && partition_is_sound && found == service && text.len() <= 2_048)
        .then_some((region, account, rest))
}

fn check_role_arn(text: &str) -> Result<(), Invalid> {
    let wrong = || Invalid::new("a role ARN looks like arn:aws:iam::123456789012:role/Curfew");
    let (region, account, rest) = arn_parts(text, "iam").ok_or_else(wrong)?;
    let path = rest.strip_prefix("role/").ok_or_else(wrong)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let sound = region.is_empty()
        && account.parse::<AccountId>().is_ok()
        && (1..=64).contains(&name.len())
        && name.bytes().all(in_name)
        && path.len() <= 576
        && path.bytes().all(|b| b.is_ascii_graphic());
    sound.then_some(()).ok_or_else(wrong)
}

/// The contract's pattern: `^arn:aws[a-z-]*:sso:::instance/(sso)?ins-[a-zA-Z0-9.-]{16,32}$`.
fn check_instance_arn(text: &str) -> Result<(), Invalid> {
    let wrong = || Invalid::new("an instance ARN looks like arn:aws:sso:::instance/ssoins-1234567890abcdef");
    let (region, account, rest) = arn_parts(text, "sso").ok_or_else(wrong)?;
    let id = rest.strip_prefix("instance/").ok_or_else(wrong)?;
    let tail = id.strip_prefix("ssoins-").or_else(|| id.strip_prefix("ins-")).ok_or_else(wrong)?;
    let sound = region.is_empty()
        && account.is_empty()
        && (16..=32).contains(&tail.len())
        && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    sound.then_some(()).ok_or_else(wrong)
}

fn check_permission_set_arn(text: &str) -> Result<(), Invalid> {
    let wrong = || {
        Invalid::new(
            "a permission set ARN looks like arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef",
        )
    };
    let (region, account, rest) = arn_parts(text, "sso").ok_or_else(wrong)?;
    let path =
        rest.strip_prefix("permissionSet/").or_else(|| rest.strip_prefix("instance/")).ok_or_else(wrong)?;
    let (instance, set) = path.split_once('/').ok_or_else(wrong)?;
    let sound = region.is_empty()
        && account.is_empty()
        && !instance.is_empty()
        && !set.is_empty()
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.:/@-".contains(&b));
    sound.then_some(()).ok_or_else(wrong)
}

fn check_ou_id(text: &str) -> Result<(), Invalid> {
    let wrong = || Invalid::new("an organizational unit id looks like ou-ab12-11111111");
    let rest = text.strip_prefix("ou-").ok_or_else(wrong)?;
    let (root, own) = rest.split_once('-').ok_or_else(wrong)?;
    let in_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let sound = (4..=32).contains(&root.len())
        && (8..=32).contains(&own.len())
        && root.bytes().all(in_id)
        && own.bytes().all(in_id);
    sound.then_some(()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T: std::str::FromStr>(text: &str) -> bool {
        text.parse::<T>().is_ok()
    }

    #[test]
    fn role_arns() {
        let arn: RoleArn = "arn:aws:iam::123456789012:role/team/Curfew".parse().unwrap();
        assert_eq!(arn.account().as_str(), "123456789012");
        assert_eq!(arn.name(), "Curfew");
        assert_eq!(arn.partition().as_str(), "aws");
        assert!(accepts::<RoleArn>("arn:aws-us-gov:iam::123456789012:role/Curfew"));
        for bad in [
            "",
            "Curfew",
            "arn:aws:iam::12345678901:role/Curfew",
            "arn:aws:iam::123456789012:user/Curfew",
            "arn:aws:iam:us-east-1:123456789012:role/Curfew",
            "arn:awsX:iam::123456789012:role/Curfew",
            "arn:aw:iam::123456789012:role/Curfew",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/Cur few",
            "arn:aws:iam::123456789012:role/Curfew\n",
            "arn:aws:iam::123456789012:role/Curfew\u{0}",
        ] {
            assert!(!accepts::<RoleArn>(bad), "{bad:?}");
        }
    }

    #[test]
    fn instance_arns() {
        assert!(accepts::<InstanceArn>("arn:aws:sso:::instance/ssoins-1234567890abcdef"));
        assert!(accepts::<InstanceArn>("arn:aws-cn:sso:::instance/ins-1234567890abcdef"));
        assert!(accepts::<InstanceArn>("arn:awsx:sso:::instance/ssoins-1234567890abcdef"));
        for bad in [
            "arn:aws:sso:::instance/ssoins-123",
            "arn:aws:sso::123456789012:instance/ssoins-1234567890abcdef",
            "arn:aws:sso:::instance/xins-1234567890abcdef",
            "arn:aws:sso:::instance/ssoins-1234567890abcdef/x",
        ] {
            assert!(!accepts::<InstanceArn>(bad), "{bad}");
        }
    }

    #[test]
    fn permission_sets_come_in_the_forms_that_are_seen() {
        assert!(accepts::<PermissionSetArn>(
            "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
        ));
        assert!(accepts::<PermissionSetArn>(
            "arn:aws:sso:::instance/ssoins-1234567890abcdef/ps-1234567890abcdef"
        ));
        assert!(accepts::<PermissionSetArn>(
            "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/another:form_1"
        ));
        for bad in [
            "arn:aws:sso:::permissionSet/ps-1234567890abcdef",
            "arn:aws:sso:::instance/ssoins-1234567890abcdef",
            "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/",
            "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1\"",
            "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1\u{0}",
            "arn:aws:sso::123456789012:permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef",
        ] {
            assert!(!accepts::<PermissionSetArn>(bad), "{bad:?}");
        }
    }

    #[test]
    fn organizational_units_accounts_and_regions() {
        assert!(accepts::<OuId>("ou-ab12-11111111"));
        assert!(!accepts::<OuId>("ou-ab12"));
        assert!(!accepts::<OuId>("r-ab12"));
        assert!(accepts::<AccountId>("000000000001"));
        assert!(!accepts::<AccountId>("١٢٣٤٥٦٧٨٩٠١٢"));
        assert!(accepts::<Region>("eu-central-1"));
        assert!(!accepts::<Region>("eu-central-9"));
        let partition = |region: &str| region.parse::<Region>().unwrap().partition().as_str().to_owned();
        assert_eq!(partition("eu-central-1"), "aws");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("cn-north-1"), "aws-cn");
    }
}
