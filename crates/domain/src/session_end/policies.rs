//! The text of the policies, and which deny stands in which.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{SessionEndId, Timestamp};

use super::Sessions;

/// The most characters that a service control policy has, white space counted (Organizations, "Quotas").
pub const POLICY_CHARACTERS: usize = 10_240;

/// What a policy says that has nothing to deny: it denies somebody who can't be, for a policy has to say something.
pub const PLACEHOLDER: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Nobody","Effect":"Deny","Action":"*","Resource":"*","#,
    r#""Condition":{"StringEquals":{"identitystore:UserId":"nobody"}}}]}"#
);

const HEAD: &str = r#"{"Version":"2012-10-17","Statement":["#;
const TAIL: &str = "]}";

/// The suffix that a role of a permission set ends in: 16 characters (a role's name has 64 at most: `AWSReservedSSO_`, the
/// set's 32, `_`, and these). With a `*` in its place, `Read` would also mean the set `Read_All`.
const ANY_SUFFIX: &str = "????????????????";

/// A deny that is to stand in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deny<'a> {
    /// Of which session end.
    pub id: SessionEndId,
    /// Which sessions.
    pub sessions: &'a Sessions,
    /// Those that were issued before; all, without one.
    pub cut_off: Option<Timestamp>,
    /// When it was decided: the oldest goes first.
    pub asked_at: Timestamp,
    /// The policy that holds it, as far as is known.
    pub place: Option<&'a str>,
}

/// Which deny stands where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// By the names of the policies, all of them: what each denies, oldest first.
    pub policies: BTreeMap<String, Vec<SessionEndId>>,
    /// What there is no room for, oldest first.
    pub left_out: Vec<SessionEndId>,
}

/// Puts each deny into one policy. It stays where it is, if that policy is there; a new one comes into the first that has
/// room. Where none has, the oldest goes. Pure, total, and the same whenever it is asked again.
pub fn arrange(policies: &[&str], denies: &[Deny<'_>]) -> Arrangement {
    let mut shelves: Vec<Shelf<'_>> = policies.iter().map(|name| Shelf::empty(name)).collect();
    let mut by_age: Vec<Piece<'_>> = denies.iter().map(Piece::of).collect();
    by_age.sort_unstable_by_key(Piece::age);
    let mut homeless = Vec::new();
    // The newest first, so that of a policy that holds too much the oldest go.
    for piece in by_age.into_iter().rev() {
        match shelves.iter_mut().find(|shelf| Some(shelf.name) == piece.place && shelf.has_room(&piece)) {
            Some(shelf) => shelf.put(piece),
            None => homeless.push(piece),
        }
    }
    let mut left_out = Vec::new();
    for piece in homeless.into_iter().rev() {
        make_room(&mut shelves, piece, &mut left_out);
    }
    left_out.sort_unstable();
    Arrangement {
        policies: shelves.into_iter().map(|shelf| (shelf.name.to_owned(), shelf.ids())).collect(),
        left_out: left_out.into_iter().map(|(_, id)| id).collect(),
    }
}

/// Puts it in, after as many of the oldest as are in its way; if it is the oldest itself, it goes.
fn make_room<'a>(shelves: &mut [Shelf<'a>], piece: Piece<'a>, left_out: &mut Vec<Age>) {
    loop {
        if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.has_room(&piece)) {
            return shelf.put(piece);
        }
        let full = shelves.iter_mut().filter(|shelf| shelf.oldest().is_some_and(|age| age < piece.age()));
        match full.min_by_key(|shelf| shelf.oldest()) {
            Some(shelf) => left_out.extend(shelf.take_oldest()),
            None => return left_out.push(piece.age()),
        }
    }
}

/// When it was decided; the id tells those of one moment apart.
type Age = (Timestamp, SessionEndId);

/// A deny, and how many characters it takes.
struct Piece<'a> {
    age: Age,
    place: Option<&'a str>,
    room: usize,
}

impl<'a> Piece<'a> {
    fn of(deny: &'a Deny<'_>) -> Self {
        Self { age: (deny.asked_at, deny.id), place: deny.place, room: deny.room() }
    }

    fn age(&self) -> Age {
        self.age
    }
}

/// A policy as it is filled.
struct Shelf<'a> {
    name: &'a str,
    holds: Vec<Piece<'a>>,
    characters: usize,
}

impl<'a> Shelf<'a> {
    fn empty(name: &'a str) -> Self {
        Self { name, holds: Vec::new(), characters: HEAD.len() + TAIL.len() }
    }

    fn has_room(&self, piece: &Piece<'_>) -> bool {
        self.characters + piece.room <= POLICY_CHARACTERS
    }

    fn put(&mut self, piece: Piece<'a>) {
        self.characters += piece.room;
        let place = self.holds.partition_point(|held| held.age < piece.age);
        self.holds.insert(place, piece);
    }

    fn oldest(&self) -> Option<Age> {
        self.holds.first().map(Piece::age)
    }

    fn take_oldest(&mut self) -> Option<Age> {
        let oldest = (!self.holds.is_empty()).then(|| self.holds.remove(0))?;
        self.characters -= oldest.room;
        Some(oldest.age)
    }

    fn ids(&self) -> Vec<SessionEndId> {
        self.holds.iter().map(|piece| piece.age.1).collect()
    }
}

impl Deny<'_> {
    /// How many characters it takes with its comma: as many as it will with a cut-off, so that it never outgrows its place.
    fn room(&self) -> usize {
        let timed = Deny { cut_off: Some(self.cut_off.unwrap_or(self.asked_at)), ..*self };
        timed.statement().to_string().chars().count() + 1
    }

    fn statement(&self) -> Value {
        let Sessions { account, set, principal, partition } = self.sessions;
        // In some regions the role's path names the region, in some it does not (IAM Identity Center, "Referencing
        // permission sets").
        let role = format!(
            "arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{set}_{ANY_SUFFIX}"
        );
        let mut condition = json!({
            "StringEquals": { "identitystore:UserId": principal.as_str() },
            "ArnLike": { "aws:PrincipalArn": role },
        });
        if let Some(cut_off) = self.cut_off {
            condition["DateLessThan"] = json!({ "aws:TokenIssueTime": cut_off.in_whole_seconds() });
        }
        json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition })
    }
}

/// The whole text of a policy that denies these, in their order.
pub fn document<'a>(denies: impl IntoIterator<Item = &'a Deny<'a>>) -> String {
    let statements: Vec<String> = denies.into_iter().map(|deny| deny.statement().to_string()).collect();
    if statements.is_empty() {
        return PLACEHOLDER.to_owned();
    }
    format!("{HEAD}{}{TAIL}", statements.join(","))
}
