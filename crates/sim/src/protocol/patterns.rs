//! The forms of AWS's identifiers, from the service models (botocore 1.44.8), each for the whole value.

use std::sync::LazyLock;

use regex_lite::Regex;

/// A form that a value must have.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    regex: &'static LazyLock<Option<Regex>>,
    /// The pattern as AWS's messages show it.
    pub(crate) text: &'static str,
    /// Least and greatest length in letters.
    pub(crate) length: (usize, usize),
}

impl Pattern {
    /// Whether a value has this form.
    pub(crate) fn admits(&self, value: &str) -> bool {
        let (least, greatest) = self.length;
        let length = value.chars().count();
        length >= least && length <= greatest && self.regex.as_ref().is_none_or(|regex| regex.is_match(value))
    }
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $least:literal..=$greatest:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) const $name: Pattern = Pattern {
                regex: {
                    static REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(concat!("^(?:", $text, ")$")).ok());
                    &REGEX
                },
                text: $text,
                length: ($least, $greatest),
            };
        )*

        #[cfg(test)]
        const ALL: &[Pattern] = &[$($name),*];
    };
}

patterns! {
    /// Twelve digits.
    ACCOUNT_ID = r"[0-9]{12}", 12..=12;
    /// SSO Admin `InstanceArn`.
    INSTANCE_ARN = r"arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}", 10..=1224;
    /// SSO Admin `PermissionSetArn`.
    PERMISSION_SET_ARN = r"arn:aws(-[a-z]{1,5}){0,3}:sso:::permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16}", 10..=1224;
    /// SSO Admin `TaggableResourceArn`.
    TAGGABLE_ARN = r"arn:aws(-[a-z]{1,5}){0,3}:sso::.+", 10..=2048;
    /// SSO Admin `UUId`.
    REQUEST_ID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", 36..=36;
    /// SSO Admin `PrincipalId`.
    PRINCIPAL_ID = r"([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}", 1..=47;
    /// SSO Admin `TargetType`.
    TARGET_TYPE = r"AWS_ACCOUNT", 1..=64;
    /// SSO Admin `PrincipalType`.
    PRINCIPAL_TYPE = r"USER|GROUP", 1..=64;
    /// SSO Admin `RegionScope`.
    REGION_SCOPE = r"CURRENT_REGION|ALL_REGIONS", 1..=64;
    /// SSO Admin `StatusValues`.
    CHANGE_STATUS = r"IN_PROGRESS|FAILED|SUCCEEDED", 1..=64;
    /// SSO Admin `ProvisioningStatus`.
    PROVISIONING_STATUS = r"LATEST_PERMISSION_SET_PROVISIONED|LATEST_PERMISSION_SET_NOT_PROVISIONED", 1..=64;
    /// SSO Admin `Token`.
    TOKEN = r"[-a-zA-Z0-9+=/_]*", 0..=2048;
    /// Identity Store `NextToken`.
    STORE_TOKEN = r"[-a-zA-Z0-9+=/:_]*", 1..=65535;
    /// Organizations `NextToken`.
    ANY_TOKEN = r"[\s\S]*", 0..=100_000;
    /// Identity Store `IdentityStoreId`, bare or as an ARN.
    IDENTITY_STORE_ID = r"(arn:aws[a-z-]*:identitystore::[0-9]{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", 1..=93;
    /// Identity Store `ResourceId`, bare or as an ARN.
    RESOURCE_ID = r"(arn:aws[a-z-]*:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}", 1..=100;
    /// Identity Store `SensitiveStringType` and others: any text.
    TEXT = r"[\s\S]+", 1..=1024;
    /// Organizations `OrganizationId`.
    ORGANIZATION_ID = r"o-[a-z0-9]{10,32}", 12..=34;
    /// Organizations `RootId`.
    ROOT_ID = r"r-[0-9a-z]{4,32}", 6..=34;
    /// Organizations `OrganizationalUnitId`.
    UNIT_ID = r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", 16..=68;
    /// Organizations `ParentId`.
    PARENT_ID = r"(r-[0-9a-z]{4,32})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})", 1..=100;
    /// Organizations `ChildId`.
    CHILD_ID = r"([0-9]{12})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})", 1..=100;
    /// Organizations `TaggableResourceId`.
    TAGGABLE_ID = r"(r-[0-9a-z]{4,32})|([0-9]{12})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})|(p-[0-9a-zA-Z_]{8,128})|(rp-[0-9a-zA-Z_]{4,128})|(rt-[0-9a-zA-Z_]{8,32})", 1..=130;
    /// Organizations `PolicyId`.
    POLICY_ID = r"p-[0-9a-zA-Z_]{8,128}", 1..=130;
    /// The id of a policy that AWS did not make itself: the end of Organizations `PolicyArn`.
    OWN_POLICY_ID = r"p-[0-9a-z]{10,32}", 12..=34;
    /// Organizations `PolicyType`.
    POLICY_TYPE = r"(SERVICE_CONTROL|RESOURCE_CONTROL|TAG|BACKUP|AISERVICES_OPT_OUT|CHATBOT|SECURITYHUB|INSPECTOR|UPGRADE_ROLLOUT|BEDROCK|S3|NETWORK_SECURITY_DIRECTOR)_POLICY|DECLARATIVE_POLICY_EC2", 1..=64;
    /// Organizations `PolicyName`.
    POLICY_NAME = r"[\s\S]*", 1..=128;
    /// Organizations `PolicyDescription`.
    POLICY_DESCRIPTION = r"[\s\S]*", 0..=512;
    /// Organizations `PolicyContent`; its limit has an error of its own.
    POLICY_CONTENT = r"[\s\S]*", 1..=1_048_576;
    /// Organizations `ServicePrincipal`.
    SERVICE_PRINCIPAL = r"[\w+=,.@-]*", 1..=128;
    /// KMS `KeyIdType`.
    KEY_NAME = r"[\s\S]+", 1..=2048;
    /// KMS `MacAlgorithmSpec`.
    MAC_ALGORITHM = r"HMAC_SHA_(224|256|384|512)", 1..=64;
    /// Bytes in base64, one at least.
    BASE64 = r"[A-Za-z0-9+/]+={0,2}", 1..=1_048_576;
    /// The ARN of a key in KMS.
    KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+", 20..=2048;
    /// KMS `AliasNameType`, with the beginning that all have.
    ALIAS = r"alias/[a-zA-Z0-9:/_-]+", 7..=256;
    /// A role that can be assumed.
    ROLE_ARN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", 20..=2048;
    /// STS `arnType`.
    ARN = r"[\s\S]+", 20..=2048;
    /// STS `roleSessionNameType`.
    SESSION_NAME = r"[\w+=,.@-]*", 2..=64;
    /// STS `externalIdType`.
    EXTERNAL_ID = r"[\w+=,.@:\/-]*", 2..=1224;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in ALL {
            assert!(pattern.regex.is_some(), "{}", pattern.text);
        }
    }
}
