//! Bounded text. U+0000 is refused everywhere: PostgreSQL can't hold it.

/// Why a value was refused, in words for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Invalid {
    problem: String,
}

impl Invalid {
    /// A refusal; `problem` says what is wrong and what would be right.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into() }
    }
}

/// Declares a newtype over `String` whose only way in is a check: `FromStr`, `TryFrom<String>`, `Display`,
/// `AsRef<str>` and serde all go through it.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was accepted.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let check: fn(&str) -> Result<(), $crate::Invalid> = $check;
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

/// Length in characters within `min..=max`, and no control characters but, where `multiline`, tab and line ends.
pub(crate) fn check_text(
    text: &str,
    what: &str,
    min: usize,
    max: usize,
    multiline: bool,
) -> Result<(), Invalid> {
    let length = text.chars().count();
    if length < min || length > max {
        return Err(Invalid::new(format!("{what} must have {min} to {max} characters, not {length}")));
    }
    let refused = |c: char| c.is_control() && !(multiline && matches!(c, '\n' | '\r' | '\t'));
    if let Some(c) = text.chars().find(|&c| refused(c)) {
        return Err(Invalid::new(format!(
            "{what} must not contain the control character U+{:04X}",
            c as u32
        )));
    }
    if min > 0 && text.trim().is_empty() {
        return Err(Invalid::new(format!("{what} must not be blank")));
    }
    Ok(())
}

/// Refuses characters that can't be seen, or that turn what is beside them around: with them, two names look the same.
pub(crate) fn check_visible(text: &str, what: &str) -> Result<(), Invalid> {
    match text.chars().find(|&c| is_hidden(c)) {
        None => Ok(()),
        Some(c) => Err(Invalid::new(format!(
            "{what} must not contain U+{:04X}, which can't be seen: two names would look the same",
            c as u32
        ))),
    }
}

/// Unicode's `Default_Ignorable_Code_Point`, in which all controls of direction are, and the two separators of lines.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

text_type!(
    /// A name shown to people: 1 to 200 characters on one line.
    DisplayName,
    |text| check_text(text, "a name", 1, 200, false)
);
text_type!(
    /// Why access is asked for, given or taken: 1 to 2,000 characters.
    Reason,
    |text| check_text(text, "a reason", 1, 2_000, true)
);
text_type!(
    /// A description or note: at most 10,000 characters, possibly none.
    LongText,
    |text| check_text(text, "a text", 0, 10_000, true)
);
text_type!(
    /// An e-mail address as it was given (RFC 5321 lengths). Compare with [`Email::folded`]: the whole address
    /// is taken as case-insensitive, as identity providers do.
    Email,
    check_email
);

impl Email {
    /// The lower-case form: the one that is unique in a tenant and that logins are looked up by.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// What stands after the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit('@').next().unwrap_or_default().to_lowercase()
    }
}

fn check_email(text: &str) -> Result<(), Invalid> {
    let wrong = || Invalid::new("an e-mail address looks like name@example.com, at most 254 characters");
    if text.len() > 254 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong());
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let domain_is_sound = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    let local_is_sound =
        !local.is_empty() && local.len() <= 64 && !local.contains(['@', '<', '>', '"', ',', ';']);
    if domain_is_sound && local_is_sound { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_nul() {
        assert!("Dana Ruiz".parse::<DisplayName>().is_ok());
        for bad in ["", "   ", "a\u{0}b", "a\nb"] {
            assert!(bad.parse::<DisplayName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_email_has_a_local_part_and_a_dotted_domain() {
        for good in ["a@b.co", "dana.ruiz+x@acme.example"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in ["", "a", "@b.co", "a@b", "a b@c.de", "a@-b.co", "a@b..co", "<a@b.co>"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_email_is_compared_without_case() {
        let email: Email = "Dana@ACME.example".parse().unwrap();
        assert_eq!(email.folded(), "dana@acme.example");
        assert_eq!(email.domain(), "acme.example");
    }
}
