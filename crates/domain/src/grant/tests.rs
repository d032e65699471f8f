use super::*;

const DECIDED: Timestamp = Timestamp::from_micros(1_000_000_000_000);
const HOUR: Seconds = Seconds::of(3_600);

fn at(seconds: u32) -> Timestamp {
    DECIDED + Seconds::of(seconds)
}

#[test]
fn a_grant_that_never_starts_is_over_after_fifteen_minutes() {
    let grant = GrantTimes::decided(DECIDED, HOUR);
    assert!(grant.is_live(at(899)));
    assert!(!grant.is_live(at(900)));
    assert!(grant.missed_its_start(at(900)));
    assert_eq!(grant.status(at(900)), GrantStatus::Expired);
}

#[test]
fn a_grant_is_over_at_the_first_of_its_ends() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10));
    assert_eq!(grant.over_at(), at(3_610));
    assert_eq!(grant.failed(at(20)).over_at(), at(20));
    assert_eq!(grant.failed(at(20)).revoked(at(30)).unwrap().over_at(), at(20));
    assert_eq!(grant.failed(at(9_000)).over_at(), at(3_610));
}

#[test]
fn the_end_is_written_before_the_first_call_and_counts_from_success() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10));
    assert_eq!(grant.expires_at, Some(at(3_610)));
    assert_eq!(grant.started(at(100)), grant);
    let grant = grant.succeeded(at(40));
    assert_eq!(grant.expires_at, Some(at(3_640)));
    assert_eq!(grant.succeeded(at(80)), grant);
}

#[test]
fn a_late_success_moves_the_end_by_five_minutes_at_most() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10)).succeeded(at(800));
    assert_eq!(grant.expires_at, Some(at(3_910)));
}

#[test]
fn a_success_after_the_end_does_not_bring_it_back() {
    let grant = GrantTimes::decided(DECIDED, Seconds::of(5)).started(at(10));
    assert_eq!(grant.succeeded(at(15)), grant);
    assert!(!grant.is_live(at(15)));
}

#[test]
fn what_has_ended_can_not_be_revoked() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0));
    let revoked = grant.revoked(at(1)).unwrap();
    assert!(!revoked.is_live(at(2)));
    assert_eq!(revoked.revoked(at(2)), Err(AlreadyEnded { status: GrantStatus::Revoked }));
    assert_eq!(grant.revoked(at(3_600)), Err(AlreadyEnded { status: GrantStatus::Expired }));
}

#[test]
fn an_ended_grant_is_revoking_until_its_last_assignment_is_gone_or_needed_by_another() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0)).revoked(at(1)).unwrap();
    let view = |phase, needed_by_another| AssignmentView { phase, needed_by_another };
    let status = |views: &[AssignmentView]| grant.provisioning(at(2), views.iter().copied());
    assert_eq!(
        status(&[view(Phase::Gone, false), view(Phase::Deleting, false)]),
        ProvisioningStatus::Revoking
    );
    assert_eq!(status(&[view(Phase::Gone, false), view(Phase::Present, true)]), ProvisioningStatus::Revoked);
    assert_eq!(status(&[view(Phase::Standing, false)]), ProvisioningStatus::Revoked);
}

#[test]
fn the_least_advanced_assignment_speaks_for_a_live_grant() {
    let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0));
    let view = |phase| AssignmentView { phase, needed_by_another: false };
    let status = |phases: &[Phase]| grant.provisioning(at(2), phases.iter().map(|phase| view(*phase)));
    assert_eq!(status(&[Phase::Present, Phase::Unseen]), ProvisioningStatus::Pending);
    assert_eq!(status(&[Phase::Present, Phase::Creating]), ProvisioningStatus::Provisioning);
    assert_eq!(status(&[Phase::Present, Phase::Standing]), ProvisioningStatus::Successful);
}

#[test]
fn an_extension_moves_the_end_by_as_much_as_the_whole_is_longer() {
    let two_hours = Seconds::of(7_200);
    let waiting = GrantTimes::decided(DECIDED, HOUR);
    let extended = waiting.extended(two_hours, at(5)).unwrap();
    assert_eq!((extended.expires_at, extended.start_by), (None, waiting.start_by));
    assert_eq!(extended.started(at(10)), waiting.started(at(10)).extended(two_hours, at(11)).unwrap());
    let begun = waiting.started(at(10)).succeeded(at(40));
    let extended = begun.extended(two_hours, at(3_639)).unwrap();
    assert_eq!(extended.expires_at, Some(at(7_240)));
    assert_eq!(extended, waiting.started(at(10)).extended(two_hours, at(20)).unwrap().succeeded(at(40)));
}

#[test]
fn an_extension_before_a_late_success_moves_the_end_no_further_than_allowed() {
    let started = GrantTimes::decided(DECIDED, HOUR).started(at(10));
    let extended = started.extended(Seconds::of(7_200), at(20)).unwrap().succeeded(at(800));
    assert_eq!(extended.expires_at, Some(at(10) + Seconds::of(7_200) + END_MAY_MOVE_BY));
}

#[test]
fn what_is_over_or_has_failed_is_not_brought_back() {
    let long = Seconds::of(36_000);
    let begun = GrantTimes::decided(DECIDED, HOUR).started(at(0)).succeeded(at(1));
    let ended = |status| Err(NotExtended::Ended(AlreadyEnded { status }));
    assert_eq!(begun.extended(long, at(3_601)), ended(GrantStatus::Expired));
    assert_eq!(begun.revoked(at(5)).unwrap().extended(long, at(6)), ended(GrantStatus::Revoked));
    assert_eq!(begun.failed(at(5)).extended(long, at(6)), Err(NotExtended::Failed));
    let late = GrantTimes::decided(DECIDED, HOUR).started(at(0));
    assert_eq!(late.extended(long, at(900)), Err(NotExtended::Failed));
    assert_eq!(GrantTimes::decided(DECIDED, HOUR).extended(long, at(900)), ended(GrantStatus::Expired));
    let shorter = begun.extended(HOUR, at(5));
    assert_eq!(shorter, Err(NotExtended::LastsAsLong { duration: HOUR }));
}

#[test]
fn the_end_is_told_ten_minutes_or_a_fifth_before_it() {
    let lasting = |seconds| GrantTimes::decided(DECIDED, Seconds::of(seconds)).started(at(0));
    assert_eq!(lasting(3_600).told_at(), None);
    assert_eq!(lasting(3_600).succeeded(at(0)).told_at(), Some(at(3_000)));
    assert_eq!(lasting(600).succeeded(at(0)).told_at(), Some(at(480)));
    assert_eq!(lasting(4).succeeded(at(0)).told_at(), Some(at(4)), "too short to be told of");
}

/// All that a grant may have been through by the tenth minute.
fn lives() -> Vec<GrantTimes> {
    let waiting = GrantTimes::decided(DECIDED, HOUR);
    let short = GrantTimes::decided(DECIDED, Seconds::of(300)).started(at(1)).succeeded(at(2));
    let begun = [waiting, waiting.started(at(10)), waiting.started(at(10)).succeeded(at(20)), short];
    let over = |times: GrantTimes| [Some(times), Some(times.failed(at(30))), times.revoked(at(30)).ok()];
    begun.into_iter().flat_map(over).flatten().collect()
}

#[test]
fn an_extension_never_shortens_never_revives_and_never_gives_more_than_the_whole() {
    for times in lives() {
        for (now, total) in [(0, 1), (0, 3_600), (40, 3_601), (250, 7_200), (600, 7_200), (950, 9_000)] {
            let (now, total) = (at(now), Seconds::of(total));
            let Ok(extended) = times.extended(total, now) else { continue };
            assert!(times.is_live(now) && extended.is_live(now), "{times:?}");
            assert_eq!(extended.duration, total);
            assert!(extended.ends_at() >= times.ends_at() && total > times.duration);
            let (before, after) = (times.expires_at, extended.expires_at);
            assert_eq!(after, before.map(|end| end + total.less(times.duration)));
            let kept = GrantTimes { duration: times.duration, expires_at: times.expires_at, ..extended };
            assert_eq!(kept, times, "nothing else changes");
        }
    }
}
