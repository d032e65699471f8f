//! The walk finds what was done to a chain, and nothing else.

use curfew_domain::audit::{self, AuditAction, ChainHead, NewEntry};
use curfew_domain::testing::SeededEntropy;
use curfew_domain::{Actor, Seconds};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));

fn chain(length: u64) -> Vec<SealedEntry> {
    let entropy = SeededEntropy::new(1);
    let user = UserId::from_uuid(Uuid::from_u128(2));
    let mut last = ChainHash::START;
    let mut entries = Vec::new();
    for sequence in 1..=length {
        let now = Timestamp::from_micros(1_000_000) + Seconds::of(60);
        let new = NewEntry::new(Actor::Local(user), AuditAction::GrantCreated, "grant", sequence)
            .with_personal("reason", format!("because of {sequence}"));
        let written = audit::write(TENANT, new, now, &entropy).unwrap();
        let previous = last;
        last = previous.next(TENANT, sequence, &written.body);
        entries.push(SealedEntry {
            id: written.id,
            sealed: Sealed { sequence, hash: last, previous },
            body: written.body,
            created_at: now,
            actor_id: user.to_string(),
            person: Some(user),
            action: "grant.created".to_owned(),
            resource_type: "grant".to_owned(),
            resource_id: sequence.to_string(),
            texts: KeptTexts { sound: written.personal, unreadable: Vec::new() },
        });
    }
    entries
}

fn head(entry: &SealedEntry) -> ChainHead {
    let Sealed { sequence, hash, .. } = entry.sealed;
    ChainHead { tenant: TENANT, sequence, hash, at: Timestamp::from_micros(0) }
}

fn walk(entries: &[SealedEntry], heads: &[ChainHead]) -> Verification {
    let mut walk = ChainWalk::new(TENANT);
    for head in heads {
        walk.head(head.sequence, Some(head.hash));
    }
    for entry in entries {
        walk.entry(entry);
    }
    walk.end(0)
}

/// What somebody who may write everything would do after a change: compute the chain anew.
fn reseal(entries: &mut [SealedEntry]) {
    let mut last = ChainHash::START;
    for (entry, sequence) in entries.iter_mut().zip(1..) {
        let hash = last.next(TENANT, sequence, &entry.body);
        entry.sealed = Sealed { sequence, hash, previous: last };
        last = hash;
    }
}

#[test]
fn an_untouched_chain_is_sound_with_and_without_heads() {
    let entries = chain(5);
    let alone = walk(&entries, &[]);
    assert!(alone.is_sound() && alone.not_headed.is_none(), "{alone:?}");
    let headed = walk(&entries, &[head(&entries[1]), head(&entries[3])]);
    assert!(headed.is_sound(), "{headed:?}");
    assert_eq!((headed.sealed, headed.not_headed), (5, Some(1)));
}

#[test]
fn an_inserted_entry_is_found_even_when_its_own_hash_is_right() {
    let mut entries = chain(4);
    let mut forged = entries[1].clone();
    forged.sealed.sequence = 3;
    forged.sealed.previous = entries[1].sealed.hash;
    forged.sealed.hash = forged.sealed.previous.next(TENANT, 3, &forged.body);
    entries[2].sealed.sequence = 4;
    entries[3].sealed.sequence = 5;
    entries.insert(2, forged);
    let findings = walk(&entries, &[]).findings;
    assert!(
        findings.iter().any(|found| matches!(found, Finding::Unlinked { sequence: 4, .. })),
        "{findings:?}"
    );
}

#[test]
fn swapped_entries_are_found() {
    let mut entries = chain(4);
    entries[1].sealed.sequence = 3;
    entries[2].sealed.sequence = 2;
    entries.swap(1, 2);
    let findings = walk(&entries, &[]).findings;
    assert!(
        findings.iter().any(|found| matches!(found, Finding::Unlinked { sequence: 2, .. })),
        "{findings:?}"
    );
}

#[test]
fn a_cut_tail_shows_against_a_head_alone() {
    let entries = chain(5);
    assert!(walk(&entries[..3], &[]).is_sound());
    let cut = walk(&entries[..3], &[head(&entries[4])]);
    assert_eq!(cut.findings, vec![Finding::TailCut { last: 3, head: 5 }]);
    let gone = walk(&[], &[head(&entries[4])]);
    assert_eq!(gone.findings, vec![Finding::TailCut { last: 0, head: 5 }]);
}

#[test]
fn a_chain_computed_anew_shows_against_a_head_alone() {
    let entries = chain(5);
    let heads = [head(&entries[4])];
    let mut forged = entries;
    forged.remove(2);
    let replacement = chain(1).remove(0);
    forged.push(replacement);
    reseal(&mut forged);
    assert!(!walk(&forged, &heads).is_sound());
    assert!(walk(&forged, &heads).findings.contains(&Finding::OtherThanHead { sequence: 5 }));
}

#[test]
fn of_two_heads_of_one_entry_that_differ_neither_hides_the_other() {
    let (kept, mut forged) = (chain(5), chain(5));
    forged[4].body = forged[4].body.replace("grant.created", "grant.revoked");
    "grant.revoked".clone_into(&mut forged[4].action);
    reseal(&mut forged);
    let (first, second) = (head(&kept[4]), head(&forged[4]));
    for heads in [[first, second], [second, first]] {
        for entries in [&kept, &forged] {
            assert_eq!(walk(entries, &heads).findings, vec![Finding::OtherThanHead { sequence: 5 }]);
        }
        let cut = [Finding::TailCut { last: 4, head: 5 }, Finding::OtherThanHead { sequence: 5 }];
        assert_eq!(walk(&kept[..4], &heads).findings, cut);
    }
    assert!(walk(&kept, &[first, first]).is_sound(), "a head that is repeated contradicts nothing");
}

#[test]
fn a_changed_text_is_found_and_an_erased_one_is_counted() {
    let mut entries = chain(3);
    entries[1].texts.sound[0].text = "because of nothing".to_owned();
    entries[2].texts.sound.clear();
    let verification = walk(&entries, &[]);
    let changed = Finding::TextChanged { entry: entries[1].id, name: "reason".to_owned() };
    assert_eq!((verification.findings, verification.erased_texts), (vec![changed], 1));
}

#[test]
fn one_wrong_entry_does_not_accuse_those_after_it() {
    let mut entries = chain(6);
    entries[2].body = entries[2].body.replace("grant.created", "grant.revoked");
    let expected = Finding::Changed { sequence: 3, entry: entries[2].id, what: "its body" };
    assert_eq!(walk(&entries, &[]).findings, vec![expected]);
}

#[test]
fn an_entry_whose_place_is_none_accuses_itself_alone() {
    let entries = chain(4);
    let mut walk = ChainWalk::new(TENANT);
    walk.head(2, Some(entries[1].sealed.hash));
    walk.entry(&entries[0]);
    walk.misplaced(2, entries[1].id);
    walk.entry(&entries[2]);
    walk.entry(&entries[3]);
    let expected = Finding::Changed { sequence: 2, entry: entries[1].id, what: "its place in the chain" };
    let found = walk.end(0);
    assert_eq!((found.findings, found.sealed), (vec![expected], 4));
}

#[test]
fn findings_are_bounded() {
    let mut entries = chain(1_100);
    for entry in &mut entries {
        entry.action.clear();
    }
    assert_eq!(walk(&entries, &[]).findings.len(), MOST_FINDINGS);
}

proptest! {
    #[test]
    fn whatever_single_column_is_changed_it_is_found(at in 0_usize..4, column in 0..9) {
        let mut entries = chain(4);
        let entry = &mut entries[at];
        match column {
            0 => entry.id = AuditEntryId::from_uuid(Uuid::from_u128(77)),
            1 => entry.body.push(' '),
            2 => entry.created_at = entry.created_at + Seconds::of(1),
            3 => "system".clone_into(&mut entry.actor_id),
            4 => entry.person = None,
            5 => "grant.revoked".clone_into(&mut entry.action),
            6 => "user".clone_into(&mut entry.resource_type),
            7 => "x".clone_into(&mut entry.resource_id),
            _ => entry.sealed.hash = ChainHash::from_bytes([7; 32]),
        }
        prop_assert!(!walk(&entries, &[]).is_sound());
    }

    #[test]
    fn whatever_is_removed_from_the_midst_is_found(from in 0_usize..4, count in 1_usize..4) {
        let mut entries = chain(8);
        entries.drain(from..from + count);
        let expected = Finding::Removed { from: from as u64 + 1, to: (from + count) as u64 };
        prop_assert_eq!(walk(&entries, &[]).findings, vec![expected]);
    }
}
