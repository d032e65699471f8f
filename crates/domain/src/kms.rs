//! What names a key in AWS KMS.

use crate::aws::arn_parts;
use crate::text::text_type;
use crate::{AccountId, Invalid, Region};

text_type!(
    /// A key in AWS KMS, by its own ARN (`arn:aws:kms:REGION:ACCOUNT:key/ID`), by an alias' ARN
    /// (`arn:aws:kms:REGION:ACCOUNT:alias/NAME`), or by an alias alone (`alias/NAME`), which is looked for in the
    /// caller's own account and region (KMS API, `KeyId`). KMS takes a key's id alone, too; Curfew does not: nothing
    /// in it says that it is one.
    KmsKeyName,
    check_kms_key_name
);

/// KMS API, `AliasNameType`: 1 to 256 characters with `alias/`.
const ALIAS_BYTES: usize = 256;

/// An id is a UUID, or `mrk-` and 32 hexadecimal digits in several regions. Other forms are left to KMS to judge.
const KEY_ID_BYTES: usize = 128;

impl KmsKeyName {
    /// Whether a text means to name a key, be it right or wrong.
    pub fn is_meant_by(text: &str) -> bool {
        let begins =
            |prefix: &str| text.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix));
        begins("arn:") || begins("alias/")
    }

    /// Where the key is; none for an alias without an ARN.
    pub fn region(&self) -> Option<Region> {
        arn_parts(self.as_str(), "kms").and_then(|(region, _, _)| region.parse().ok())
    }
}

/// No problem shows the text: it may be a secret that was put in the wrong place.
fn check_kms_key_name(text: &str) -> Result<(), Invalid> {
    let wrong = || {
        Invalid::new(
            "a key in KMS is named by arn:aws:kms:REGION:ACCOUNT:key/ID, arn:aws:kms:REGION:ACCOUNT:alias/NAME or \
             alias/NAME",
        )
    };
    let Some((region, account, key)) = arn_parts(text, "kms") else {
        return is_alias(text).then_some(()).ok_or_else(wrong);
    };
    if region.parse::<Region>().is_err() {
        return Err(Invalid::new("the ARN of a key in KMS names an AWS region, such as us-east-1"));
    }
    if account.parse::<AccountId>().is_err() {
        return Err(Invalid::new("the ARN of a key in KMS names an AWS account, by 12 digits"));
    }
    (is_key(key) || is_alias(key)).then_some(()).ok_or_else(wrong)
}

fn is_key(text: &str) -> bool {
    let in_id = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    text.strip_prefix("key/")
        .is_some_and(|id| (1..=KEY_ID_BYTES).contains(&id.len()) && id.bytes().all(in_id))
}

fn is_alias(text: &str) -> bool {
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b":/_-".contains(&b);
    text.len() <= ALIAS_BYTES
        && text.strip_prefix("alias/").is_some_and(|name| !name.is_empty() && name.bytes().all(in_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn a_key_is_named_by_its_arn_or_by_an_alias_and_stays_as_it_was_written() {
        for (text, region) in [
            (KEY, Some("eu-central-1")),
            (
                "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
                Some("us-east-1"),
            ),
            ("arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/curfew/master", Some("us-gov-west-1")),
            ("arn:aws-cn:kms:cn-north-1:123456789012:alias/curfew", Some("cn-north-1")),
            ("alias/curfew-master_key", None),
        ] {
            let name: KmsKeyName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(name.region().as_ref().map(Region::as_str), region);
        }
    }

    #[test]
    fn nothing_else_is_a_name_and_no_problem_shows_it() {
        for bad in [
            "",
            "hunter2",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "key/hunter2",
            "alias/",
            "alias/hunter 2",
            "Alias/hunter2",
            "arn:aws:kms:us-east-1:123456789012:key/",
            "arn:aws:kms:us-east-1:123456789012:key/hunter2/x",
            "arn:aws:kms:us-east-1:123456789012:hunter2",
            "arn:aws:kms:us-east-1:12345:key/hunter2",
            "arn:aws:kms:hunter2:123456789012:key/1",
            "arn:aws:kms::123456789012:key/hunter2",
            "arn:aws:iam::123456789012:role/hunter2",
            "arn:azure:kms:us-east-1:123456789012:key/hunter2",
            &format!("alias/{}", "a".repeat(251)),
        ] {
            let problem = bad.parse::<KmsKeyName>().unwrap_err().to_string();
            assert!(!problem.contains("hunter2"), "{bad}: {problem}");
        }
    }

    #[test]
    fn what_is_meant_to_name_a_key_is_known_however_wrong_it_is() {
        for meant in [KEY, "arn:", "ARN:aws:iam::1:role/x", "alias/", "ALIAS/x"] {
            assert!(KmsKeyName::is_meant_by(meant), "{meant}");
        }
        for other in ["", "ar", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "ärn:", "aliased/x"] {
            assert!(!KmsKeyName::is_meant_by(other), "{other}");
        }
    }
}
