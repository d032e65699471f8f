//! Values with wildcards, as conditions have them: with regard to case, `*` for any letters, `?` for one.

/// Whether a text fits a pattern.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last star stands, and how far it has reached.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((stands, reached)) = star else { return false };
                star = Some((stands, reached + 1));
                at = stands + 1;
                read = reached + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// "Each of the six colon-delimited components of the ARN is checked separately": a star does not reach past a colon
/// of the first five.
pub(super) fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| like(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_letters_and_case_matters() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abbc"), ("a?c", "abc"), ("*b*", "abc"), ("a*b*c", "aXbbYc")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a?c", "ac"), ("A*", "abc"), ("a*c", "abcd"), ("*a", "ab")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_in_an_arn_stays_in_its_part() {
        let arn = "arn:aws:iam::100000000003:role/aws-reserved/x:y";
        for pattern in [arn, "arn:*:iam::*:role/*", "arn:aws:iam::100000000003:*", "*:*:*:*:*:*"] {
            assert!(arn_like(pattern, arn), "{pattern}");
        }
        for pattern in ["*", "arn:*:role/*", "arn:aws:iam:*", "arn:aws:iam::10000000000?:role/x*"] {
            assert!(!arn_like(pattern, arn), "{pattern}");
        }
    }
}
