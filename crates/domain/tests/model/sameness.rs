//! When two states are the same: when nothing that can still happen tells them apart.
//!
//! That is claimed here, and proved by `walk.rs`: what is taken for the same goes on the same way. A moment that is not
//! named here, or a new field, keeps apart what could be taken together, and costs states.

use std::hash::{Hash, Hasher};

use curfew_domain::Timestamp;
use curfew_domain::assignment::Observed;

use super::aws::{Aws, Stage};
use super::grants::has_missed_its_start;
use super::time::{Moments, START};
use super::world::{Doing, Process, State, World};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut world = self.0.clone();
        forget_what_is_over(&mut world);
        number_fences(&mut world);
        see_moments_from_now(&mut world);
        world.hash(hasher);
    }
}

fn forget_what_is_over(world: &mut World) {
    let now = world.now;
    // What has ended stays so, and what has begun knows no more than its end.
    world.row.grants.retain(|grant| grant.is_live(now) || has_missed_its_start(grant, now));
    for grant in &mut world.row.grants {
        grant.decided_at = START;
        if grant.succeeded_at.is_some() {
            grant.start_by = START;
            grant.started_at = Some(START);
            grant.succeeded_at = Some(START);
        }
    }
    let observed = &mut world.row.observed;
    observed.attempts = observed.attempts.min(1);
    observed.claimed_at = observed.claimed_at.map(|_| START);
    observed.present_at = observed.present_at.map(|_| START);
    observed.retry_at = observed.retry_at.map(|at| if at <= now { START } else { at });
    if observed.created_at.is_some() || observed.baseline.is_some_and(|look| look.present) {
        observed.baseline.iter_mut().for_each(|look| look.at = START);
    }
    world.past.unchanged_since_look &= world.has_looked_since_all();
}

/// Of fences only the order counts.
fn number_fences(world: &mut World) {
    let mut fences = Vec::with_capacity(4);
    each_fence(world, &mut |fence| fences.push(*fence));
    fences.sort_unstable();
    fences.dedup();
    each_fence(world, &mut |fence| {
        let nth = fences.partition_point(|known| known < fence);
        *fence = u32::try_from(nth).unwrap_or(u32::MAX);
    });
}

fn each_fence(world: &mut World, act: &mut impl FnMut(&mut u32)) {
    act(&mut world.lease.fence);
    act(&mut world.row.fence);
    world.owner.iter_mut().chain(&mut world.former).for_each(|process| act(&mut process.fence));
}

fn see_moments_from_now(world: &mut World) {
    let (mut dated, mut ordered) = (Vec::with_capacity(32), Vec::with_capacity(8));
    each_dated(world, &mut |moment| dated.push(*moment));
    dated.extend(world.row.observed.gone_at);
    each_ordered(&mut world.row.observed, &mut |moment| ordered.push(*moment));
    let moments = Moments::of(world.now, &dated, &ordered);
    each_dated(world, &mut |moment| *moment = moments.seen_from_now(*moment));
    world.row.observed.gone_at = world.row.observed.gone_at.map(|moment| moments.counted_from(moment));
    each_ordered(&mut world.row.observed, &mut |moment| *moment = moments.in_order(*moment));
}

/// Moments to which some span may be added.
fn each_dated(world: &mut World, act: &mut impl FnMut(&mut Timestamp)) {
    act(&mut world.now);
    world.row.claim_wanted.iter_mut().for_each(&mut *act);
    world.row.due.iter_mut().for_each(&mut *act);
    world.lease.until.iter_mut().for_each(&mut *act);
    for grant in world.row.grants.iter_mut().filter(|grant| grant.succeeded_at.is_none()) {
        act(&mut grant.start_by);
        grant.started_at.iter_mut().for_each(&mut *act);
    }
    world.row.grants.iter_mut().for_each(|grant| grant.expires_at.iter_mut().for_each(&mut *act));
    let observed = &mut world.row.observed;
    observed.in_flight.iter_mut().for_each(|call| act(&mut call.sent_at));
    observed.listed.iter_mut().for_each(|look| act(&mut look.at));
    [&mut observed.created_at, &mut observed.retry_at]
        .into_iter()
        .flatten()
        .filter(|moment| **moment != START)
        .for_each(&mut *act);
    let unmade = observed.baseline.iter_mut().filter(|look| look.at != START);
    unmade.for_each(|look| act(&mut look.at));
    world.owner.iter_mut().chain(&mut world.former).for_each(|process| each_of_process(process, act));
    each_of_aws(&mut world.aws, act);
}

fn each_of_process(process: &mut Process, act: &mut impl FnMut(&mut Timestamp)) {
    process.until.iter_mut().for_each(&mut *act);
    match &mut process.doing {
        Doing::Nothing | Doing::About(_) => {}
        Doing::WrittenDown { sent_at: moment, .. }
        | Doing::Heard { sent_at: moment, .. }
        | Doing::Looked { asked_at: moment, .. }
        | Doing::LookedToClaim { asked_at: moment, .. } => act(moment),
        Doing::Settling { next, comes_back, .. } => next.iter_mut().chain(comes_back).for_each(act),
    }
}

fn each_of_aws(aws: &mut Aws, act: &mut impl FnMut(&mut Timestamp)) {
    aws.lists_lag_until.iter_mut().for_each(&mut *act);
    for change in &mut aws.changes {
        if let Stage::Working { ends_by } = &mut change.stage {
            act(ends_by);
        }
    }
}

/// Moments that are only ever compared with others.
fn each_ordered(observed: &mut Observed, act: &mut impl FnMut(&mut Timestamp)) {
    let moments = [&mut observed.deletion_sent_at, &mut observed.deleted_at, &mut observed.asked_in_vain];
    moments.into_iter().flatten().for_each(act);
}
