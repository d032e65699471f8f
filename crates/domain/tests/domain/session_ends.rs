//! Whatever has to be denied, and however many policies there are: each text is sound, and each deny stands once.

use std::collections::BTreeSet;

use curfew_domain::session_end::{
    Arrangement, Deny, PLACEHOLDER, POLICY_CHARACTERS, Sessions, arrange, document,
};
use curfew_domain::{SessionEndId, Timestamp};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

/// One to deny, with what it takes to say so.
#[derive(Debug, Clone)]
struct One {
    id: SessionEndId,
    sessions: Sessions,
    asked_at: Timestamp,
    cut_off: Option<Timestamp>,
    place: Option<String>,
}

impl One {
    fn deny(&self) -> Deny<'_> {
        Deny {
            id: self.id,
            sessions: &self.sessions,
            cut_off: self.cut_off,
            asked_at: self.asked_at,
            place: self.place.as_deref(),
        }
    }
}

fn ones(most: usize) -> impl Strategy<Value = Vec<One>> {
    let one = (
        0_u64..1_000_000_000_000,
        1_usize..=32,
        any::<u128>(),
        0_i64..100_000,
        proptest::option::of(0_i64..100_000),
        proptest::option::of(0_usize..12),
    );
    proptest::collection::vec(one, 0..most).prop_map(|all| {
        let made = all.into_iter().enumerate().map(|(n, (account, set, principal, asked, cut, place))| One {
            id: SessionEndId::from_uuid(Uuid::from_u128(u128::try_from(n).unwrap())),
            sessions: Sessions {
                account: format!("{account:012}").parse().unwrap(),
                set: "Set_".repeat(8)[..set].parse().unwrap(),
                principal: format!("9067a8b1c2-{}", Uuid::from_u128(principal)).parse().unwrap(),
                partition: "eu-central-1".parse::<curfew_domain::Region>().unwrap().partition(),
            },
            asked_at: Timestamp::from_micros(asked * 1_000_000),
            cut_off: cut.map(|cut| Timestamp::from_micros(cut * 1_000_000)),
            place: place.map(named),
        });
        made.collect()
    })
}

fn named(n: usize) -> String {
    format!("curfew-sessions-{n}")
}

fn arranged(policies: usize, ones: &[One]) -> Arrangement {
    let names: Vec<String> = (0..policies).map(named).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    arrange(&names, &ones.iter().map(One::deny).collect::<Vec<_>>())
}

fn of<'a>(ones: &'a [One], ids: &[SessionEndId]) -> Vec<Deny<'a>> {
    ids.iter().map(|id| ones.iter().find(|one| one.id == *id).unwrap().deny()).collect()
}

/// The same, where each knows its place now.
fn settled(mut ones: Vec<One>, arrangement: &Arrangement) -> Vec<One> {
    ones.retain(|one| !arrangement.left_out.contains(&one.id));
    for one in &mut ones {
        let place = arrangement.policies.iter().find(|(_, ids)| ids.contains(&one.id));
        one.place = place.map(|(name, _)| name.clone());
    }
    ones
}

proptest! {
    // Each case renders many texts.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_deny_stands_in_one_policy_or_is_told_to_be_left_out(ones in ones(90), policies in 0_usize..4) {
        let arrangement = arranged(policies, &ones);
        prop_assert_eq!(arrangement.policies.len(), policies);
        let mut all: Vec<_> = arrangement.policies.values().flatten().copied().collect();
        all.extend(&arrangement.left_out);
        prop_assert_eq!(all.len(), ones.len());
        let told: BTreeSet<_> = all.into_iter().collect();
        prop_assert_eq!(told, ones.iter().map(|one| one.id).collect());
        for ids in arrangement.policies.values() {
            let denies = of(&ones, ids);
            let text = document(&denies);
            prop_assert!(text.chars().count() <= POLICY_CHARACTERS);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read["Statement"].as_array().unwrap().len(), ids.len().max(1));
        }
    }

    #[test]
    fn what_stands_somewhere_stays_there(ones in ones(60), more in ones(30), policies in 1_usize..4) {
        let before = arranged(policies, &ones);
        let mut kept = settled(ones, &before);
        prop_assert_eq!(&arranged(policies, &kept).policies, &before.policies, "it is the same whenever it is asked");
        let held = kept.clone();
        kept.extend(more.into_iter().enumerate().map(|(n, one)| One {
            id: SessionEndId::from_uuid(Uuid::from_u128(1_000 + u128::try_from(n).unwrap())),
            place: None,
            ..one
        }));
        let after = arranged(policies, &kept);
        for one in &held {
            let stays = one.place.as_ref().is_some_and(|place| after.policies[place].contains(&one.id));
            prop_assert!(stays || after.left_out.contains(&one.id));
        }
    }

    #[test]
    fn a_cut_off_moves_nothing(ones in ones(60), policies in 1_usize..4) {
        let untimed: Vec<One> = ones.into_iter().map(|one| One { cut_off: None, ..one }).collect();
        let before = arranged(policies, &untimed);
        let kept = settled(untimed, &before);
        let timed: Vec<One> =
            kept.into_iter().map(|one| One { cut_off: Some(one.asked_at), ..one }).collect();
        prop_assert_eq!(arranged(policies, &timed).policies, before.policies);
    }

    #[test]
    fn the_oldest_goes_first(ones in ones(90), policies in 1_usize..3) {
        let new: Vec<One> = ones.into_iter().map(|one| One { place: None, ..one }).collect();
        let arrangement = arranged(policies, &new);
        let age = |id: &SessionEndId| new.iter().find(|one| one.id == *id).map(|one| (one.asked_at, one.id));
        let youngest_out = arrangement.left_out.iter().map(age).max();
        let oldest_in = arrangement.policies.values().flatten().map(age).min();
        if let (Some(out), Some(held)) = (youngest_out, oldest_in) {
            prop_assert!(out < held);
        }
    }
}

#[test]
fn a_policy_without_denies_says_something_harmless() {
    assert_eq!(document(&[]), PLACEHOLDER);
    let read: Value = serde_json::from_str(PLACEHOLDER).unwrap();
    assert_eq!(read["Statement"][0]["Condition"]["StringEquals"]["identitystore:UserId"], "nobody");
}

#[test]
fn a_deny_names_one_person_one_set_and_one_account() {
    let one = One {
        id: SessionEndId::from_uuid(Uuid::nil()),
        sessions: Sessions {
            account: "123456789012".parse().unwrap(),
            set: "ReadOnly".parse().unwrap(),
            principal: "a1b2".parse().unwrap(),
            partition: "us-gov-west-1".parse::<curfew_domain::Region>().unwrap().partition(),
        },
        asked_at: Timestamp::from_micros(1),
        cut_off: Some(Timestamp::from_micros(1_772_366_436_000_000)),
        place: None,
    };
    let read: Value = serde_json::from_str(&document(&[one.deny()])).unwrap();
    let expected = serde_json::json!({
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {
            "StringEquals": { "identitystore:UserId": "a1b2" },
            "ArnLike": {
                "aws:PrincipalArn": "arn:aws-us-gov:iam::123456789012:role/aws-reserved/sso.amazonaws.com/\
                    *AWSReservedSSO_ReadOnly_????????????????"
            },
            "DateLessThan": { "aws:TokenIssueTime": "2026-03-01T12:00:36Z" },
        },
    });
    assert_eq!(read["Statement"], serde_json::json!([expected]));
    let untimed = One { cut_off: None, ..one };
    let read: Value = serde_json::from_str(&document(&[untimed.deny()])).unwrap();
    assert_eq!(read["Statement"][0]["Condition"].get("DateLessThan"), None);
}
