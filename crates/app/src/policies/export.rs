//! A policy's rules as one Cedar text.

use curfew_domain::policy::{Notice, PolicyRule};
use curfew_domain::{DisplayName, PolicyId, Scope};
use curfew_policy::{laid_out, with_annotations};

use crate::{App, AppError, Caller};

/// A policy's rules, to be saved as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarFile {
    /// A name that is sound on every file system: lower-case letters, digits, dashes, and `.cedar`.
    pub name: String,
    /// The rules, laid out. Read in again as `cedar_policy_set` they are the same rules.
    pub text: String,
    /// The policy's version.
    pub version: u32,
}

/// All of a policy's rules as they were written, by ordinal, each with its notice and, where its sessions are not
/// followed, `@audit_session("false")`.
pub async fn cedar(app: &App, caller: &Caller, id: PolicyId) -> Result<CedarFile, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let policy = unit.policy(id).await?.ok_or(AppError::NotFound("policy"))?;
    drop(unit);
    let (name, version) = (file_name(&policy.name), policy.version);
    let text = app.policies.labour.of(caller.tenant, move || document(&policy.rules)).await?;
    Ok(CedarFile { name, text, version })
}

fn document(rules: &[PolicyRule]) -> String {
    let told = |rule: &PolicyRule| {
        with_annotations(&rule.text, rule.notice.as_ref().map(Notice::as_str), rule.audit_session)
    };
    let told: Vec<String> = rules.iter().map(told).collect();
    laid_out(told.iter().map(String::as_str))
}

/// The name's letters and digits, with a dash for whatever else stands between them.
fn file_name(name: &DisplayName) -> String {
    let words = name.as_str().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut dashed = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    dashed.truncate(60);
    let stem = if dashed.is_empty() { "policy" } else { &dashed };
    format!("{stem}.cedar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_holds_nothing_that_a_header_or_a_file_system_could_take_for_more() {
        let named = |name: &str| file_name(&name.parse().unwrap());
        assert_eq!(named("Write in Prod"), "write-in-prod.cedar");
        assert_eq!(named("../..\\\"; filename=x\u{202e}"), "filename-x.cedar");
        assert_eq!(named("\u{65e5}\u{672c}"), "policy.cedar");
        assert_eq!(named(&"a".repeat(200)).len(), 66);
    }
}
