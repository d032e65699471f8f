//! What is written is read back as it was.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use curfew_domain::audit::ChainHash;
use curfew_domain::policy::Notice;
use curfew_domain::session_end::AwsSetName;
use curfew_domain::{
    AccountId, DisplayName, DomainName, Email, ExternalId, GrantId, GroupName, IdentityStoreId, InstanceArn,
    Invalid, Locale, LongText, MessageText, OuId, PermissionSetArn, Reason, Region, ResourceRef,
    ResourceType, RoleArn, RoleSlug, Slug, SsoStartUrl, StorePrincipalId, TenantId, Timestamp, ZoneName,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A value comes back from its text, and from its JSON.
fn reads_back<T>(value: &T) -> Result<(), TestCaseError>
where
    T: FromStr<Err = Invalid> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let read: T = value.to_string().parse().map_err(|problem| TestCaseError::fail(format!("{problem}")))?;
    prop_assert_eq!(&read, value);
    let json = serde_json::to_string(value).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
    Ok(())
}

/// A sound text is taken as it is, and comes back.
fn is_kept<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr<Err = Invalid> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let value: T = text.parse().map_err(|problem| TestCaseError::fail(format!("{text:?}: {problem}")))?;
    prop_assert_eq!(value.to_string(), text);
    reads_back(&value)
}

/// Any text at all is refused, or kept as it is.
fn is_kept_or_refused<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr<Err = Invalid> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    if text.parse::<T>().is_ok() { is_kept::<T>(text) } else { Ok(()) }
}

macro_rules! texts {
    ($($name:ident: $type:ty = $texts:expr;)+) => {
        proptest! {
            $(#[test]
            fn $name(text in $texts) {
                is_kept::<$type>(&text)?;
            })+

            #[test]
            fn anything_is_refused_or_kept_as_it_is(text in any::<String>()) {
                $(is_kept_or_refused::<$type>(&text)?;)+
            }
        }
    };
}

texts! {
    account_ids: AccountId = "[0-9]{12}";
    role_arns: RoleArn =
        "arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([a-z]{1,8}/){0,2}[A-Za-z0-9_+=,.@-]{1,64}";
    instance_arns: InstanceArn = "arn:aws(-cn)?:sso:::instance/(sso)?ins-[A-Za-z0-9.-]{16,32}";
    permission_set_arns: PermissionSetArn =
        "arn:aws:sso:::permissionSet/ssoins-[a-z0-9]{16}/ps-[a-z0-9]{16}";
    set_names: AwsSetName = "[A-Za-z0-9_+=,.@-]{1,32}";
    organizational_unit_ids: OuId = "ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}";
    regions: Region = select(&["eu-west-1", "us-gov-east-1", "cn-north-1", "eusc-de-east-1"][..]);
    identity_store_ids: IdentityStoreId = "d-[0-9a-f]{10}|[A-Za-z0-9-]{1,36}";
    identity_store_principal_ids: StorePrincipalId = "[A-Za-z0-9-]{1,47}";
    external_ids: ExternalId = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    role_slugs: RoleSlug = "[a-z][a-z0-9_-]{0,61}[a-z0-9]";
    domain_names: DomainName = "([a-z0-9]{1,12}\\.){1,3}[a-z]{2,12}";
    zones: ZoneName = select(&["UTC", "Europe/Zurich", "America/Argentina/Ushuaia"][..]);
    slugs: Slug = "[a-z0-9][a-z0-9-]{0,61}[a-z0-9]";
    locales: Locale = "[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?";
    start_urls: SsoStartUrl = "https://[a-z0-9-]{1,30}\\.awsapps\\.com/start";
    emails: Email = "[a-zA-Z0-9.+_-]{1,64}@([a-zA-Z0-9]{1,12}\\.){1,3}[a-z]{2,12}";
    display_names: DisplayName = "[^\\s\\p{C}][^\\p{C}]{0,100}";
    // Characters of any kind but those that can't be seen, such as variation selectors.
    group_names: GroupName = "[\\p{Latin}\\p{Cyrillic}\\p{Han}0-9]([\\p{Latin}\\p{Cyrillic}\\p{Han}0-9 .:'\"/_-]{0,30}[\\p{Latin}0-9])?";
    reasons: Reason = "[^\\s\\p{C}][^\\p{C}\n]{0,100}\n[^\\p{C}]{0,100}";
    messages: MessageText = "[^\\s\\p{C}][^\\p{C}\n]{0,100}\n[^\\p{C}]{0,100}";
    long_texts: LongText = "([^\\p{C}]|[\n\t]){0,200}";
    notices: Notice = "[^\\s\\p{C}]([^\\p{C}]|\n){0,200}";
}

fn resources() -> impl Strategy<Value = (ResourceType, String)> {
    let of = |kind, ids: &'static str| ids.prop_map(move |id| (kind, id));
    prop_oneof![
        of(ResourceType::AwsAccount, "[0-9]{12}"),
        of(ResourceType::AwsPermissionSet, "arn:aws:sso:::permissionSet/ssoins-[a-z0-9]{16}/ps-[a-z0-9]{16}"),
        of(ResourceType::AwsOrganizationalUnit, "ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}"),
    ]
}

proptest! {
    #[test]
    fn ids(bytes in any::<[u8; 16]>()) {
        reads_back(&TenantId::from_uuid(Uuid::from_bytes(bytes)))?;
        reads_back(&GrantId::from_uuid(Uuid::from_bytes(bytes)))?;
    }

    #[test]
    fn moments(micros in 0_i64..253_402_300_800_000_000) {
        reads_back(&Timestamp::from_micros(micros))?;
    }

    #[test]
    fn moments_are_ordered_as_they_are_written(a in 0_i64..253_402_300_800_000_000, b in 0_i64..253_402_300_800_000_000) {
        let (a, b) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn resources_are_read_back((kind, id) in resources()) {
        let resource = ResourceRef::new(kind, &id).unwrap();
        prop_assert_eq!(resource.to_string().parse::<ResourceRef>().unwrap(), resource.clone());
        let json = serde_json::to_string(&resource).unwrap();
        prop_assert_eq!(serde_json::from_str::<ResourceRef>(&json).unwrap(), resource);
    }

    #[test]
    fn hashes(text in "[0-9a-f]{64}") {
        prop_assert_eq!(text.parse::<ChainHash>().unwrap().to_string(), text);
    }
}
