//! What can be asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Invalid, OuId, PermissionSetArn};

/// The kinds of resources that a request may name; their names are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    /// A whole account.
    AwsAccount,
    /// A permission set, in an account that is named beside it.
    AwsPermissionSet,
    /// Every account below an organizational unit.
    AwsOrganizationalUnit,
    /// A bucket, in the account that the cache knows it in.
    AwsS3Bucket,
    /// A database instance.
    AwsRdsInstance,
    /// A virtual machine.
    AwsEc2Instance,
}

impl ResourceType {
    /// All of them.
    pub const ALL: [ResourceType; 6] = [
        ResourceType::AwsAccount,
        ResourceType::AwsPermissionSet,
        ResourceType::AwsOrganizationalUnit,
        ResourceType::AwsS3Bucket,
        ResourceType::AwsRdsInstance,
        ResourceType::AwsEc2Instance,
    ];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResourceType::AwsAccount => "aws_account",
            ResourceType::AwsPermissionSet => "aws_permission_set",
            ResourceType::AwsOrganizationalUnit => "aws_organizational_unit",
            ResourceType::AwsS3Bucket => "aws_s3_bucket",
            ResourceType::AwsRdsInstance => "aws_rds_instance",
            ResourceType::AwsEc2Instance => "aws_ec2_instance",
        }
    }

    /// The Cedar entity type of the published schema.
    pub const fn entity_type(self) -> &'static str {
        match self {
            ResourceType::AwsAccount => "AwsAccount",
            ResourceType::AwsPermissionSet => "AwsPermissionSet",
            ResourceType::AwsOrganizationalUnit => "AwsOrganizationalUnit",
            ResourceType::AwsS3Bucket => "AwsS3Bucket",
            ResourceType::AwsRdsInstance => "AwsRdsInstance",
            ResourceType::AwsEc2Instance => "AwsEc2Instance",
        }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ResourceType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(ResourceType::as_str).join(", ");
            Invalid::new(format!("a resource type is one of {known}"))
        })
    }
}

/// A resource by type and id; the id's form belongs to its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawRef", into = "RawRef")]
pub struct ResourceRef {
    kind: ResourceType,
    id: String,
}

impl ResourceRef {
    /// Checks that `id` has the form of `kind` (api.md, "ResourceRef").
    pub fn new(kind: ResourceType, id: &str) -> Result<Self, Invalid> {
        match kind {
            ResourceType::AwsAccount => drop(id.parse::<AccountId>()?),
            ResourceType::AwsPermissionSet => drop(id.parse::<PermissionSetArn>()?),
            ResourceType::AwsOrganizationalUnit => drop(id.parse::<OuId>()?),
            ResourceType::AwsS3Bucket => check_bucket(id)?,
            ResourceType::AwsRdsInstance => check_rds(id)?,
            ResourceType::AwsEc2Instance => check_ec2(id)?,
        }
        Ok(Self { kind, id: id.to_owned() })
    }

    /// What kind it is.
    pub const fn kind(&self) -> ResourceType {
        self.kind
    }

    /// AWS's own id of it.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl From<AccountId> for ResourceRef {
    fn from(account: AccountId) -> Self {
        Self { kind: ResourceType::AwsAccount, id: account.into() }
    }
}

impl From<PermissionSetArn> for ResourceRef {
    fn from(set: PermissionSetArn) -> Self {
        Self { kind: ResourceType::AwsPermissionSet, id: set.into() }
    }
}

/// `type:id`, as the contract's `evaluate` takes it.
impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl FromStr for ResourceRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (kind, id) = text
            .split_once(':')
            .ok_or_else(|| Invalid::new("a resource is written type:id, such as aws_account:123456789012"))?;
        Self::new(kind.parse()?, id)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRef {
    r#type: String,
    id: String,
}

impl TryFrom<RawRef> for ResourceRef {
    type Error = Invalid;

    fn try_from(raw: RawRef) -> Result<Self, Invalid> {
        Self::new(raw.r#type.parse()?, &raw.id)
    }
}

impl From<ResourceRef> for RawRef {
    fn from(resource: ResourceRef) -> Self {
        Self { r#type: resource.kind.as_str().to_owned(), id: resource.id }
    }
}

/// S3 user guide, "General purpose bucket naming rules": 3 to 63 of lower-case letters, digits, dots, hyphens.
fn check_bucket(id: &str) -> Result<(), Invalid> {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let sound = (3..=63).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
        && edge(id.bytes().next())
        && edge(id.bytes().last());
    sound
        .then_some(())
        .ok_or_else(|| Invalid::new("a bucket name has 3 to 63 lower-case letters, digits, dots and hyphens"))
}

fn check_rds(id: &str) -> Result<(), Invalid> {
    let wrong = || Invalid::new("a DB instance ARN looks like arn:aws:rds:us-east-1:123456789012:db:name");
    let parts: Vec<&str> = id.split(':').collect();
    let [arn, partition, service, region, account, db, name] = parts[..] else { return Err(wrong()) };
    let sound = arn == "arn"
        && (partition == "aws" || partition.starts_with("aws-"))
        && service == "rds"
        && region.parse::<crate::Region>().is_ok()
        && account.parse::<AccountId>().is_ok()
        && db == "db"
        && (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    sound.then_some(()).ok_or_else(wrong)
}

fn check_ec2(id: &str) -> Result<(), Invalid> {
    let hex = id.strip_prefix("i-").unwrap_or_default();
    let sound =
        matches!(hex.len(), 8 | 17) && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    sound.then_some(()).ok_or_else(|| Invalid::new("an instance id looks like i-0123456789abcdef0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_own_form_of_id() {
        for good in [
            "aws_account:123456789012",
            "aws_permission_set:arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef",
            "aws_organizational_unit:ou-ab12-11111111",
            "aws_s3_bucket:my-bucket",
            "aws_rds_instance:arn:aws:rds:us-east-1:123456789012:db:orders",
            "aws_ec2_instance:i-0123456789abcdef0",
        ] {
            assert_eq!(good.parse::<ResourceRef>().unwrap().to_string(), good);
        }
        for bad in
            ["aws_account:1", "aws_account", "gcp_project:x", "aws_s3_bucket:My", "aws_ec2_instance:i-xyz"]
        {
            assert!(bad.parse::<ResourceRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reference_in_json_refuses_unknown_fields() {
        let good = r#"{"type":"aws_account","id":"123456789012"}"#;
        let resource: ResourceRef = serde_json::from_str(good).unwrap();
        assert_eq!(serde_json::to_string(&resource).unwrap(), good);
        assert!(
            serde_json::from_str::<ResourceRef>(r#"{"type":"aws_account","id":"123456789012","x":1}"#)
                .is_err()
        );
    }
}
