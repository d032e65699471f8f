//! A rule that is ready to be kept: its names resolved to ids, and valid by the published schema.

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicySet, PrincipalConstraint, ValidationMode};
use curfew_domain::{GroupId, UserId};

use crate::aws_ids::check_aws_ids;
use crate::lexer::{Kind, Token, tokens};
use crate::problem::Position;
use crate::schema::validator;
use crate::statement::parse_policy;
use crate::{PolicyInvalid, Problem, RuleShape, Statement};

const SCHEMA_HINT: &str = "there are User, Group, Role, AwsAccount, AwsOrganizationalUnit, \
    AwsPermissionSet, AwsS3Bucket, AwsRdsInstance and AwsEc2Instance; context always has duration_seconds, \
    break_glass, requested_at, day_of_week, hour and mfa, and may have permission_set, account, reason, source_ip \
    and ticket";

/// A statement whose names are resolved and which is valid by the published schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// As it was written.
    pub text: String,
    /// With names resolved to ids: this is evaluated.
    pub resolved: String,
    /// Its fields, as written.
    pub shape: RuleShape,
    /// The text of its `@notice`.
    pub notice: Option<String>,
    /// What its `@audit_session` says.
    pub audit_session: Option<bool>,
}

/// A user or group as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PrincipalName {
    /// Which of the two.
    pub kind: NameKind,
    /// What stands there: an e-mail, a group's name, or an id.
    pub name: String,
}

/// What a name is looked up among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// People, by e-mail or id.
    User,
    /// Groups, by name or id.
    Group,
}

/// What a name was resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalId {
    /// A person.
    User(UserId),
    /// A group.
    Group(GroupId),
}

/// Why a name could not be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Nobody has it.
    #[error("is unknown")]
    Unknown,
    /// Several have it.
    #[error("is ambiguous")]
    Ambiguous,
}

impl Statement {
    /// The users and groups that it names, for whoever looks them up.
    pub fn names(&self) -> Vec<PrincipalName> {
        let mut names: Vec<PrincipalName> = Vec::new();
        for mention in mentions(self.text()) {
            if !names.contains(&mention.name) {
                names.push(mention.name);
            }
        }
        names
    }

    /// Puts ids in the place of names, and validates strictly what comes out.
    pub fn resolve(
        &self,
        resolver: impl Fn(&PrincipalName) -> Result<PrincipalId, NameProblem>,
    ) -> Result<Rule, PolicyInvalid> {
        let by_id = Resolved::of(self, resolver)?;
        let place = |offset| self.position(by_id.written_offset(offset));
        let policy = parse_policy(&by_id.text, place)?;
        validate(policy, place)?;
        check_aws_ids(self)?;
        Ok(Rule {
            text: self.text().to_owned(),
            shape: RuleShape::of(self)?,
            notice: self.annotation("notice").map(str::to_owned),
            audit_session: self.audit_session()?,
            resolved: by_id.text,
        })
    }
}

/// What the names in a statement were resolved to, from the text as it was written and its resolved form.
pub fn resolved_names(written: &str, resolved: &str) -> Vec<(PrincipalName, PrincipalId)> {
    let ids = mentions(resolved).into_iter().map(|mention| mention.name.id());
    let names = mentions(written).into_iter().map(|mention| mention.name);
    names.zip(ids).filter_map(|(name, id)| Some((name, id?))).collect()
}

impl PrincipalName {
    /// The id that stands there, if it is one and no name.
    pub fn id(&self) -> Option<PrincipalId> {
        match self.kind {
            NameKind::User => self.name.parse().ok().map(PrincipalId::User),
            NameKind::Group => self.name.parse().ok().map(PrincipalId::Group),
        }
    }
}

/// A `User::"…"` or `Group::"…"` in a text.
struct Mention {
    name: PrincipalName,
    start: usize,
    end: usize,
}

fn mentions(text: &str) -> Vec<Mention> {
    literals(text).into_iter().filter_map(|(kind, id)| mention(text, kind, id)).collect()
}

/// Each `Type::"id"` in a text: the two tokens that say what and which.
pub(crate) fn literals(text: &str) -> Vec<(Token, Token)> {
    let tokens = tokens(text);
    let named = |at: usize| {
        let [kind, path, id] = tokens.get(at..at + 3)? else { return None };
        let is_whole = at == 0 || tokens[at - 1].kind != Kind::Path;
        let is_name = kind.kind == Kind::Identifier && path.kind == Kind::Path && id.kind == Kind::String;
        (is_whole && is_name).then_some((*kind, *id))
    };
    (0..tokens.len()).filter_map(named).collect()
}

fn mention(text: &str, kind: Token, id: Token) -> Option<Mention> {
    let name_kind = match kind.text(text) {
        "User" => NameKind::User,
        "Group" => NameKind::Group,
        _ => return None,
    };
    let id_text = unescaped(id.text(text))?;
    // The older form: a user whose id is `group:engineering`.
    let name = match (name_kind, id_text.strip_prefix("group:")) {
        (NameKind::User, Some(group)) => PrincipalName { kind: NameKind::Group, name: group.to_owned() },
        (kind, _) => PrincipalName { kind, name: id_text },
    };
    Some(Mention { name, start: kind.start, end: id.end })
}

/// What a string token stands for. Cedar unescapes it as part of a policy: its parser of lone entities wants the
/// one normal form, and a name must not slip through by being spelt with escapes.
pub(crate) fn unescaped(token: &str) -> Option<String> {
    let text = format!("permit (principal == User::{token}, action, resource);");
    match Policy::parse(None, text).ok()?.principal_constraint() {
        PrincipalConstraint::Eq(uid) => Some(uid.id().unescaped().to_owned()),
        _ => None,
    }
}

/// A text with its names replaced, and how to find back.
struct Resolved {
    text: String,
    /// For each replacement: where it begins here, how long it is here, where it begins and ends as written.
    replaced: Vec<(usize, usize, usize, usize)>,
}

impl Resolved {
    fn of(
        statement: &Statement,
        resolver: impl Fn(&PrincipalName) -> Result<PrincipalId, NameProblem>,
    ) -> Result<Self, PolicyInvalid> {
        let written = statement.text();
        let (mut text, mut replaced, mut problems) = (String::new(), Vec::new(), Vec::new());
        let mut copied = 0;
        for mention in mentions(written) {
            let id = match resolver(&mention.name) {
                Ok(id) => id,
                Err(problem) => {
                    problems.push(unresolved(&mention.name, problem, statement.position(mention.start)));
                    continue;
                }
            };
            text.push_str(&written[copied..mention.start]);
            let start = text.len();
            text.push_str(&id.to_cedar());
            replaced.push((start, text.len() - start, mention.start, mention.end));
            copied = mention.end;
        }
        text.push_str(&written[copied..]);
        if problems.is_empty() { Ok(Self { text, replaced }) } else { Err(PolicyInvalid(problems)) }
    }

    fn written_offset(&self, offset: usize) -> usize {
        match self.replaced.iter().rev().find(|(start, ..)| *start <= offset) {
            None => offset,
            Some((start, length, from, _)) if offset < start + length => *from,
            Some((start, length, _, to)) => to + (offset - (start + length)),
        }
    }
}

impl PrincipalId {
    fn to_cedar(self) -> String {
        match self {
            PrincipalId::User(id) => format!("User::\"{id}\""),
            PrincipalId::Group(id) => format!("Group::\"{id}\""),
        }
    }
}

fn unresolved(name: &PrincipalName, problem: NameProblem, position: Position) -> Problem {
    let (what, hint) = match name.kind {
        NameKind::User => ("user", "name a user by e-mail, such as User::\"alice@acme.com\", or by id"),
        NameKind::Group => ("group", "name a group such as Group::\"engineering\", or by id"),
    };
    Problem::at(position, format!("the {what} \"{}\" {problem}", name.name.escape_debug()), hint)
}

fn validate(policy: Policy, place: impl Fn(usize) -> Position) -> Result<(), PolicyInvalid> {
    let set = PolicySet::from_policies([policy])
        .map_err(|error| PolicyInvalid(vec![Problem::at(place(0), error.to_string(), SCHEMA_HINT)]))?;
    let result = validator().validate(&set, ValidationMode::Strict);
    let problems: Vec<Problem> = result
        .validation_errors()
        .map(|error| Problem::from_cedar(&DetailedError::from(error), &place, SCHEMA_HINT))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(PolicyInvalid(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: &PrincipalName) -> Result<PrincipalId, NameProblem> {
        Err(NameProblem::Unknown)
    }

    fn valid(text: &str) -> Result<Rule, PolicyInvalid> {
        Statement::one(text)?.resolve(nobody)
    }

    fn number(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    #[test]
    fn names_are_resolved_and_what_was_written_is_kept() {
        let written = "permit (\n  principal in User :: \"group:eng\\u{69}neering\", // team\n  action,\n  resource\n)\n\
                       unless { principal == User::\"alice@acme.com\" && context.hour > 8 };";
        let statement = Statement::one(written).unwrap();
        assert_eq!(
            statement.names(),
            [
                PrincipalName { kind: NameKind::Group, name: "engineering".to_owned() },
                PrincipalName { kind: NameKind::User, name: "alice@acme.com".to_owned() },
            ]
        );
        let rule = statement
            .resolve(|name| match name.kind {
                NameKind::Group => Ok(PrincipalId::Group(GroupId::from_uuid(number(1)))),
                NameKind::User => Ok(PrincipalId::User(UserId::from_uuid(number(2)))),
            })
            .unwrap();
        assert_eq!(rule.text, written);
        assert!(
            rule.resolved.contains("principal in Group::\"00000000-0000-0000-0000-000000000001\", // team")
        );
        assert!(rule.resolved.contains("User::\"00000000-0000-0000-0000-000000000002\""));
    }

    #[test]
    fn what_names_were_resolved_to_is_read_off_both_texts() {
        let written = "permit (principal in User::\"group:ops\", action, resource) when { principal == User::\"a@b.co\" };";
        let rule = Statement::one(written)
            .unwrap()
            .resolve(|name| match name.kind {
                NameKind::Group => Ok(PrincipalId::Group(GroupId::from_uuid(number(1)))),
                NameKind::User => Ok(PrincipalId::User(UserId::from_uuid(number(2)))),
            })
            .unwrap();
        let names = resolved_names(&rule.text, &rule.resolved);
        assert_eq!(names[0].0, PrincipalName { kind: NameKind::Group, name: "ops".to_owned() });
        assert_eq!(names[0].1, PrincipalId::Group(GroupId::from_uuid(number(1))));
        assert_eq!(names[1].1, PrincipalId::User(UserId::from_uuid(number(2))));
    }

    #[test]
    fn a_name_inside_a_string_or_a_longer_path_is_not_one() {
        let text = "@notice(\"ask User::\\\"x\\\"\") permit (principal, action, resource) \
                    when { context.reason == \"Group::x\" };";
        assert!(Statement::one(text).unwrap().names().is_empty());
        let longer = "permit (principal == Acme::User::\"x\", action, resource);";
        assert!(Statement::one(longer).unwrap().names().is_empty());
    }

    #[test]
    fn unknown_and_ambiguous_names_are_told_with_their_place() {
        let text = "permit (principal,\n action, resource)\nwhen { principal in Group::\"ops\" };";
        let PolicyInvalid(problems) = valid(text).unwrap_err();
        assert_eq!((problems[0].line, problems[0].column), (3, 21));
        assert_eq!(problems[0].message, "the group \"ops\" is unknown");
        let ambiguous = Statement::one(text).unwrap().resolve(|_| Err(NameProblem::Ambiguous)).unwrap_err();
        assert_eq!(ambiguous.0[0].message, "the group \"ops\" is ambiguous");
    }

    #[test]
    fn what_the_schema_does_not_know_is_refused_where_it_stands() {
        let cases = [
            ("permit (principal is Robot, action, resource);", "Robot"),
            ("permit (principal, action == Action::\"fly\", resource);", "fly"),
            ("permit (principal, action, resource) when { principal.salary > 1 };", "salary"),
            ("permit (principal, action, resource) when { context.hour == \"9\" };", "Long and String"),
            ("permit (principal, action, resource) when { context.reason like \"x*\" };", "reason"),
        ];
        for (text, expected) in cases {
            let PolicyInvalid(problems) = valid(text).unwrap_err();
            let told = problems
                .iter()
                .any(|problem| problem.message.contains(expected) || problem.hint.contains(expected));
            assert!(told, "{text}: {problems:?}");
            assert!(problems.iter().all(|problem| problem.line == 1 && !problem.hint.is_empty()));
            assert!(problems[0].column > 1, "{problems:?}");
        }
    }

    #[test]
    fn a_position_after_a_resolved_name_is_that_of_the_written_text() {
        let text = "permit (principal == User::\"a@b.co\", action, resource) when { context.nothing };";
        let PolicyInvalid(problems) = Statement::one(text)
            .unwrap()
            .resolve(|_| Ok(PrincipalId::User(UserId::from_uuid(number(1)))))
            .unwrap_err();
        assert_eq!(problems[0].column, text.find("context.nothing").unwrap() + 1, "{problems:?}");
    }

    #[test]
    fn all_of_the_vocabulary_can_be_used() {
        let text = r#"permit (principal is User in Role::"admin", action in [Action::"request_access"],
              resource is AwsAccount in AwsOrganizationalUnit::"ou-ab12-11111111")
            when {
              resource.hasTag("env") && resource.getTag("env") == "dev" && !resource.is_management
              && principal.roles.contains("admin") && principal.auth_provider == "oidc" && principal.mfa
              && context.requested_at < datetime("2030-01-01") && context.day_of_week == "monday"
              && context.hour >= 8 && context.duration_seconds <= 3600 && !context.break_glass && context.mfa
              && context has permission_set && context.permission_set has rank && context.permission_set.rank < 3
              && context.permission_set.session_seconds <= context.duration_seconds
              && context has account && context.account in AwsOrganizationalUnit::"ou-ab12-11111111"
              && context has reason && context.reason like "*INC-*" && context has ticket
              && context has source_ip && context.source_ip.isInRange(ip("10.0.0.0/8"))
            };"#;
        valid(text).unwrap();
    }
}
