use super::super::observed::{CallOutcome, Phase};
use super::*;

const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

fn at(seconds: u32) -> Timestamp {
    START + Seconds::of(seconds)
}

const UNTIL: Desired = Desired::Present { until: Timestamp::from_micros(9_000_000_000_000) };

fn accepted(id: &str) -> CallOutcome {
    CallOutcome::Accepted { aws_request_id: id.to_owned() }
}

fn lost() -> CallOutcome {
    CallOutcome::Unknown { reason: "timed out".to_owned() }
}

/// Created at 1 s, seen to have succeeded at 3 s.
fn present() -> Observed {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &accepted("c1"), at(2));
    seen.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(3));
    seen
}

#[test]
fn it_looks_before_it_creates() {
    let mut seen = Observed::default();
    assert_eq!(next_step(UNTIL, &seen, at(0)), Step::Look);
    seen.looked(at(0), false);
    assert_eq!(next_step(UNTIL, &seen, at(1)), Step::Create);
}

#[test]
fn standing_access_is_neither_created_nor_deleted() {
    let mut seen = Observed::default();
    seen.looked(at(0), true);
    assert_eq!(seen.phase(), Phase::Standing);
    assert!(matches!(next_step(UNTIL, &seen, at(1)), Step::WaitUntil(_)));
    assert_eq!(next_step(Desired::Absent, &seen, at(1)), Step::EndEpisode);
}

#[test]
fn a_creation_is_asked_after_until_it_ends() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &accepted("c1"), at(1));
    assert!(matches!(next_step(UNTIL, &seen, at(1)), Step::Poll { .. }));
    assert_eq!(seen.phase(), Phase::Creating);
    assert_eq!(present().phase(), Phase::Present);
}

#[test]
fn an_ended_grant_is_deleted_listed_and_only_then_gone() {
    let mut seen = present();
    assert_eq!(next_step(Desired::Absent, &seen, at(10)), Step::Delete);
    seen.sending(CallKind::Delete, at(10));
    assert_eq!(seen.phase(), Phase::Deleting);
    seen.answered(CallKind::Delete, at(10), &accepted("d1"), at(11));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(12));
    assert_eq!(next_step(Desired::Absent, &seen, at(13)), Step::Look);
    seen.looked(at(13), true);
    assert!(matches!(next_step(Desired::Absent, &seen, at(13)), Step::WaitUntil(_)));
    assert_eq!(next_step(Desired::Absent, &seen, at(20)), Step::Delete);
    seen.sending(CallKind::Delete, at(20));
    seen.answered(CallKind::Delete, at(20), &CallOutcome::NoSuchEntitlement, at(21));
    assert_eq!(next_step(Desired::Absent, &seen, at(22)), Step::Look);
    seen.looked(at(22), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(23)), Step::ConcludeGone);
}

#[test]
fn an_ended_grant_is_removed_even_when_aws_lost_the_reply_to_its_creation() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(2));
    assert_eq!(next_step(Desired::Absent, &seen, at(3)), Step::Delete);
    seen.sending(CallKind::Delete, at(3));
    seen.answered(CallKind::Delete, at(3), &CallOutcome::NoSuchEntitlement, at(4));
    seen.looked(at(5), false);
    // The lost creation may still land: absence is not concluded before it has settled.
    assert!(matches!(next_step(Desired::Absent, &seen, at(6)), Step::WaitUntil(_)));
    assert_eq!(next_step(Desired::Absent, &seen, at(11)), Step::Look);
    seen.looked(at(11), true);
    assert_eq!(next_step(Desired::Absent, &seen, at(14)), Step::Delete);
    seen.sending(CallKind::Delete, at(14));
    seen.answered(CallKind::Delete, at(14), &CallOutcome::Succeeded, at(15));
    seen.looked(at(16), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(17)), Step::ConcludeGone);
}

#[test]
fn a_lost_creation_that_never_landed_is_let_go_after_the_settle_time() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(2));
    seen.sending(CallKind::Delete, at(3));
    seen.answered(CallKind::Delete, at(3), &CallOutcome::NoSuchEntitlement, at(4));
    seen.looked(at(899), false);
    assert_ne!(next_step(Desired::Absent, &seen, at(899)), Step::ConcludeGone);
    seen.looked(at(901), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(902)), Step::ConcludeGone);
}

#[test]
fn a_lost_creation_is_looked_for_and_sent_again() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(2));
    assert_eq!(next_step(UNTIL, &seen, at(3)), Step::Look);
    seen.looked(at(3), false);
    assert_eq!(next_step(UNTIL, &seen, at(4)), Step::Create);
    seen.looked(at(5), true);
    assert_eq!(seen.phase(), Phase::Present);
    assert!(seen.in_flight.is_empty());
}

#[test]
fn it_looks_again_four_times_after_gone_and_deletes_what_came_back() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
    seen.looked(at(12), false);
    seen.gone(at(13));
    for (look, after) in LOOKS_AFTER_GONE.into_iter().enumerate() {
        let due = at(13) + after;
        assert_eq!(next_step(Desired::Absent, &seen, due - Seconds::of(1)), Step::WaitUntil(due), "{look}");
        assert_eq!(next_step(Desired::Absent, &seen, due), Step::Look);
        let mut came_back = seen.clone();
        came_back.looked(due, true);
        assert_eq!(next_step(Desired::Absent, &came_back, due + Seconds::of(1)), Step::Delete);
        seen.looked(due, false);
    }
    assert_eq!(next_step(Desired::Absent, &seen, at(100_000)), Step::EndEpisode);
    seen.end_episode();
    assert_eq!(seen.phase(), Phase::Gone);
    assert_eq!(next_step(Desired::Absent, &seen, at(100_000)), Step::Done);
    assert_eq!(next_step(UNTIL, &seen, at(100_000)), Step::Look);
}

#[test]
fn a_new_grant_within_the_episode_creates_without_a_new_baseline() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
    assert_eq!(next_step(UNTIL, &seen, at(12)), Step::Create);
    seen.looked(at(12), false);
    seen.gone(at(13));
    assert_eq!(next_step(UNTIL, &seen, at(14)), Step::Create);
}

#[test]
fn a_lost_deletion_makes_a_wanted_assignment_be_created_again() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &lost(), at(11));
    assert_eq!(next_step(UNTIL, &seen, at(12)), Step::Look);
    seen.looked(at(12), true);
    assert_eq!(next_step(UNTIL, &seen, at(13)), Step::Create);
}

#[test]
fn a_refused_creation_fails_its_grants_and_is_proved_gone() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    let refused = CallOutcome::Refused { reason: "assignee not found".to_owned() };
    seen.answered(CallKind::Create, at(1), &refused, at(2));
    assert_eq!(next_step(UNTIL, &seen, at(3)), Step::GiveUp);
    assert_eq!(next_step(Desired::Absent, &seen, at(3)), Step::Delete);
    seen.gone(at(9));
    assert_eq!(next_step(UNTIL, &seen, at(10)), Step::Create);
}

#[test]
fn nothing_is_tried_before_its_back_off_ends() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(
        CallKind::Delete,
        at(10),
        &CallOutcome::Again { reason: "Rate exceeded".to_owned() },
        at(11),
    );
    seen.back_off(at(20));
    assert_eq!(next_step(Desired::Absent, &seen, at(12)), Step::WaitUntil(at(20)));
    assert_eq!(next_step(Desired::Absent, &seen, at(20)), Step::Delete);
}

/// Created at 1 s and accepted, but AWS never tells how it ended.
fn hanging() -> Observed {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &accepted("c1"), at(1));
    seen
}

#[test]
fn a_creation_that_aws_never_ends_does_not_keep_the_deletion() {
    let seen = hanging();
    assert!(matches!(next_step(Desired::Absent, &seen, at(60)), Step::Poll { .. }));
    assert_eq!(next_step(Desired::Absent, &seen, at(61)), Step::Delete);
}

#[test]
fn a_creation_that_can_not_be_asked_after_keeps_the_deletion_for_a_minute_at_most() {
    let mut seen = hanging();
    seen.back_off(at(300));
    assert_eq!(next_step(Desired::Absent, &seen, at(30)), Step::WaitUntil(at(61)));
    assert_eq!(next_step(Desired::Absent, &seen, at(61)), Step::Delete);
}

#[test]
fn a_creation_that_aws_never_ends_is_let_go_after_the_settle_time() {
    let mut seen = hanging();
    assert!(matches!(next_step(UNTIL, &seen, at(900)), Step::Poll { .. }));
    assert_eq!(next_step(UNTIL, &seen, at(901)), Step::Look);
    seen.looked(at(901), false);
    assert_eq!(next_step(UNTIL, &seen, at(902)), Step::Create);
}

#[test]
fn a_deletion_that_aws_never_ends_is_sent_again_after_the_settle_time() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &accepted("d1"), at(11));
    assert!(matches!(next_step(Desired::Absent, &seen, at(909)), Step::Poll { .. }));
    assert_eq!(next_step(Desired::Absent, &seen, at(910)), Step::Delete);
}

#[test]
fn a_deletion_that_aws_takes_and_never_speaks_of_is_proved_by_a_list() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(2_000));
    seen.answered(CallKind::Delete, at(2_000), &accepted("d1"), at(2_001));
    seen.answered(CallKind::Delete, at(2_000), &lost(), at(2_002));
    assert_eq!(next_step(Desired::Absent, &seen, at(2_003)), Step::Look);
    let mut still_there = seen.clone();
    still_there.looked(at(2_003), true);
    assert_eq!(next_step(Desired::Absent, &still_there, at(2_004)), Step::Delete);
    seen.looked(at(2_003), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(2_004)), Step::ConcludeGone);
    seen.gone(at(2_004));
    assert!(seen.in_flight.is_empty());
}

#[test]
fn what_was_removed_by_hand_is_seen_though_the_deletion_is_refused() {
    let refused = CallOutcome::Refused { reason: "explicit deny".to_owned() };
    let mut seen = present();
    for deletion in [10, 1_000] {
        seen.sending(CallKind::Delete, at(deletion));
        seen.answered(CallKind::Delete, at(deletion), &refused, at(deletion));
        seen.back_off(at(deletion + 60));
        assert_eq!(next_step(Desired::Absent, &seen, at(deletion + 1)), Step::WaitUntil(at(deletion + 60)));
        assert_eq!(next_step(Desired::Absent, &seen, at(deletion + 60)), Step::Look);
        seen.looked(at(deletion + 60), false);
        // A list may lag behind the creation: it proves nothing before that has settled.
        let next = if deletion == 10 { Step::Delete } else { Step::ConcludeGone };
        assert_eq!(next_step(Desired::Absent, &seen, at(deletion + 61)), next);
    }
}

/// Whether it is called gone before the creation that was lost at `lost_at` can't land any more, and then is.
fn gone_only_when_settled(mut seen: Observed, lost_at: u32) {
    seen.looked(at(lost_at + 20), false);
    let next = next_step(Desired::Absent, &seen, at(lost_at + 21));
    assert_ne!(next, Step::ConcludeGone, "{seen:?}");
    seen.looked(at(lost_at + 900), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(lost_at + 901)), Step::ConcludeGone);
}

#[test]
fn a_lost_creation_has_not_landed_because_a_second_one_did() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(2));
    seen.looked(at(3), false);
    seen.sending(CallKind::Create, at(4));
    seen.answered(CallKind::Create, at(4), &accepted("c2"), at(4));
    seen.answered(CallKind::Create, at(4), &CallOutcome::Succeeded, at(5));
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(12));
    gone_only_when_settled(seen, 1);
}

#[test]
fn a_lost_creation_has_not_landed_because_an_earlier_one_was_deleted() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &lost(), at(11));
    seen.sending(CallKind::Create, at(13));
    seen.answered(CallKind::Create, at(13), &lost(), at(14));
    seen.sending(CallKind::Delete, at(16));
    seen.answered(CallKind::Delete, at(16), &CallOutcome::Succeeded, at(17));
    gone_only_when_settled(seen, 13);
}

#[test]
fn a_lost_creation_has_not_landed_because_a_list_still_shows_what_was_deleted_before() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
    seen.sending(CallKind::Create, at(12));
    seen.answered(CallKind::Create, at(12), &lost(), at(13));
    seen.looked(at(14), true);
    seen.sending(CallKind::Delete, at(15));
    seen.answered(CallKind::Delete, at(15), &CallOutcome::NoSuchEntitlement, at(16));
    gone_only_when_settled(seen, 12);
}

#[test]
fn a_lost_creation_has_not_landed_because_a_list_still_shows_what_was_proved_gone() {
    let mut seen = present();
    seen.sending(CallKind::Delete, at(10));
    seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
    seen.looked(at(12), false);
    seen.gone(at(13));
    seen.sending(CallKind::Create, at(14));
    seen.answered(CallKind::Create, at(14), &lost(), at(15));
    seen.looked(at(16), true);
    seen.sending(CallKind::Delete, at(17));
    seen.answered(CallKind::Delete, at(17), &CallOutcome::NoSuchEntitlement, at(18));
    gone_only_when_settled(seen, 14);
}

#[test]
fn a_creation_that_aws_refused_to_take_leaves_the_lost_one_the_only_one() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &CallOutcome::Again { reason: "slowly".to_owned() }, at(2));
    seen.sending(CallKind::Create, at(3));
    seen.answered(CallKind::Create, at(3), &lost(), at(4));
    seen.sending(CallKind::Delete, at(5));
    seen.answered(CallKind::Delete, at(5), &CallOutcome::Succeeded, at(6));
    seen.looked(at(7), false);
    assert_eq!(next_step(Desired::Absent, &seen, at(8)), Step::ConcludeGone);
}

#[test]
fn what_put_the_creation_off_does_not_put_the_deletion_off() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(1));
    seen.back_off(at(60));
    assert_eq!(next_step(UNTIL, &seen, at(2)), Step::WaitUntil(at(60)));
    assert_eq!(next_step(Desired::Absent, &seen, at(2)), Step::Delete);
    seen.sending(CallKind::Delete, at(2));
    assert_eq!((seen.attempts, seen.retry_at), (0, None));
}

#[test]
fn a_creation_that_meets_what_a_lost_one_made_is_looked_for() {
    let mut seen = Observed::default();
    seen.looked(at(0), false);
    seen.sending(CallKind::Create, at(1));
    seen.answered(CallKind::Create, at(1), &lost(), at(2));
    // The list lags.
    seen.looked(at(3), false);
    seen.sending(CallKind::Create, at(4));
    let exists = CallOutcome::Again { reason: "the assignment already exists".to_owned() };
    seen.answered(CallKind::Create, at(4), &exists, at(5));
    assert_eq!(next_step(UNTIL, &seen, at(6)), Step::Look);
    seen.looked(at(6), true);
    assert_eq!(seen.phase(), Phase::Present);
}
