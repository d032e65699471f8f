use curfew_domain::Invalid;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

/// The fewest characters (NIST SP 800-63B, section 5.1.1.2, asks for 8).
const MIN_CHARS: usize = 8;

/// The most: longer ones would only cost time.
const MAX_CHARS: usize = 128;

/// What is known of the person and makes a poor password: their name, address, company.
pub type AboutPerson<'a> = [&'a str];

/// A password that someone wants from now on, and that is good enough.
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Takes 8 to 128 characters that can't be guessed in a million tries by one who knows `about`: zxcvbn's score
    /// of 2 or better. Checked against lists and patterns rather than for kinds of characters, as NIST asks.
    pub fn accept(text: &SecretString, about: &AboutPerson<'_>) -> Result<Self, Invalid> {
        let length = text.expose_secret().chars().count();
        if !(MIN_CHARS..=MAX_CHARS).contains(&length) {
            return Err(Invalid::new(format!("a password has {MIN_CHARS} to {MAX_CHARS} characters")));
        }
        let words: Vec<&str> = about.iter().flat_map(|text| parts(text)).collect();
        let is_their_own = about.iter().any(|about| is_part_of(text.expose_secret(), about));
        if is_their_own || zxcvbn(text.expose_secret(), &words).score() < Score::Two {
            return Err(Invalid::new(
                "this password is too easy to guess; a few words that don't belong together make a better one",
            ));
        }
        Ok(Self(text.clone()))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// A password that someone shows to sign in. One that could never have been accepted is merely wrong, after the
/// same time.
pub struct PresentedPassword(SecretString);

impl PresentedPassword {
    /// Takes anything; what is longer than a password can be is cut, which is wrong all the same.
    pub fn new(text: &SecretString) -> Self {
        let text = text.expose_secret();
        let end = text.char_indices().nth(MAX_CHARS + 1).map_or(text.len(), |(at, _)| at);
        Self(SecretString::from(&text[..end]))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl std::fmt::Debug for PresentedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PresentedPassword(…)")
    }
}

/// Whether a password is a piece of what is known of the person, whatever stands between the letters. zxcvbn, which
/// sees single words, takes `dana.ruiz` for three.
fn is_part_of(password: &str, about: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let password = letters(password);
    !password.is_empty() && letters(about).contains(&password)
}

/// The whole, and its words: `dana.ruiz@acme.example` also counts as dana, ruiz and acme.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    std::iter::once(text).chain(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> bool {
        NewPassword::accept(&SecretString::from(text), &["dana.ruiz@acme.example", "Dana Ruiz"]).is_ok()
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(!accepted("gÖ7#kqz"));
        assert!(accepted("gÖ7#kqzü"));
        assert!(accepted(&"wunder baum ".repeat(10)));
        assert!(!accepted(&"x".repeat(129)));
    }

    #[test]
    fn common_and_personal_passwords_are_refused() {
        for poor in [
            "password",
            "Password1",
            "qwertyuiop",
            "12345678",
            "danaruiz",
            "dana.ruiz",
            "Ruiz-Acme!",
            "dana.ruiz@acme.example",
            "aaaaaaaaaa",
        ] {
            assert!(!accepted(poor), "{poor}");
        }
        for good in ["correct horse battery staple", "t5R#9vLq", "granite-otter-lamp"] {
            assert!(accepted(good), "{good}");
        }
    }

    #[test]
    fn a_presented_password_is_cut_only_where_it_is_wrong_anyway() {
        let longest = "ü".repeat(MAX_CHARS);
        let kept = PresentedPassword::new(&SecretString::from(longest.clone()));
        assert_eq!(kept.secret().expose_secret(), longest);
        let cut = PresentedPassword::new(&SecretString::from("ü".repeat(100_000)));
        assert_eq!(cut.secret().expose_secret().chars().count(), MAX_CHARS + 1);
    }
}
