//! E-mail domains, which lead a login to its tenant.

use crate::text::text_type;
use crate::{DomainId, Invalid, Timestamp};

text_type!(
    /// An e-mail domain in lower case, such as `acme.example`: dotted labels of letters, digits and inner hyphens,
    /// 253 characters at most (RFC 1035, section 2.3.4).
    DomainName,
    |text| {
        let label_is_sound = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let sound = text.len() <= 253 && text.contains('.') && text.split('.').all(label_is_sound);
        sound.then_some(()).ok_or_else(|| Invalid::new("a domain looks like acme.example, in lower case"))
    }
);

/// A domain that a tenant says is its own; believed once a DNS record proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantDomain {
    /// Its id.
    pub id: DomainId,
    /// The domain.
    pub name: DomainName,
    /// When its record was seen.
    pub verified_at: Option<Timestamp>,
    /// What the record must hold; not a secret.
    pub verification_token: String,
    /// When it was claimed.
    pub created_at: Timestamp,
}

impl TenantDomain {
    /// The name of the TXT record that proves the domain.
    pub fn dns_record(&self) -> String {
        format!("_curfew-verification.{}", self.name)
    }

    /// What that record must hold.
    pub fn dns_value(&self) -> String {
        format!("curfew-verification={}", self.verification_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_dotted_labels_in_lower_case() {
        for good in ["acme.example", "a-b.co.uk", "xn--bcher-kva.example", "1.example"] {
            assert!(good.parse::<DomainName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "acme",
            "Acme.example",
            ".example",
            "a..b",
            "-a.example",
            "a-.example",
            "a b.c",
            "a_b.c",
            "b\u{0}.c",
        ] {
            assert!(bad.parse::<DomainName>().is_err(), "{bad}");
        }
        assert!(format!("{}.example", "a".repeat(64)).parse::<DomainName>().is_err());
    }
}
