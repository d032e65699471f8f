//! What the reconciler keeps: leases, due rows, assignments and what was seen of them.

use std::time::Duration;

use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome, Observed, Phase};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{
    AccountId, Action, AssignmentCallId, AssignmentId, Grant, GrantId, NodeId, Seconds, TenantId, Timestamp,
};
use curfew_store::testing::{TestStore, World};
use curfew_store::{AssignmentCall, Backend, StoreError, StoreOptions, on_both_databases};

const LEASE: Duration = Duration::from_hours(1);

/// 66,000 rows: SQLite has no series built in.
const SQLITE_SERIES: &str = "json_each('[0' || replace(printf('%.*c', 65999, 'x'), 'x', ',0') || ']')";

fn key(principal: &str) -> AssignmentKey {
    AssignmentKey {
        instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        identity_store: "d-1234567890".parse().unwrap(),
        account: "123456789012".parse().unwrap(),
        permission_set: "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
            .parse()
            .unwrap(),
        principal: principal.parse().unwrap(),
    }
}

async fn assignment(world: &World<'_>, tenant: TenantId, key: &AssignmentKey) -> AssignmentId {
    let now = world.now();
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let id = unit.hold_assignment(AssignmentId::new(now, &world.entropy), key, now).await.unwrap().id;
    unit.commit().await.unwrap();
    id
}

async fn touch(world: &World<'_>, tenant: TenantId, id: AssignmentId, at: Timestamp) {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    unit.touch_due(id, at).await.unwrap();
    unit.commit().await.unwrap();
}

async fn settle(
    world: &World<'_>,
    tenant: TenantId,
    id: AssignmentId,
    generation: u64,
    next: Option<Timestamp>,
) -> bool {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let written = unit.settle_due(id, generation, next, None).await.unwrap();
    unit.commit().await.unwrap();
    written
}

async fn generation(world: &World<'_>, tenant: TenantId, id: AssignmentId) -> u64 {
    let unit = world.db.store.tenant(tenant).read().await.unwrap();
    unit.assignment_work(id).await.unwrap().unwrap().generation
}

fn seconds(count: u32) -> Timestamp {
    Timestamp::from_micros(0) + Seconds::of(count)
}

async fn grant(world: &World<'_>, tenant: TenantId, assignment: AssignmentId) -> GrantId {
    let now = world.now();
    let grant = Grant {
        id: GrantId::new(now, &world.entropy),
        request: None,
        grantee: world.user(),
        resource: "aws_account:123456789012".parse().unwrap(),
        action: Action::Read,
        account: Some("123456789012".parse::<AccountId>().unwrap()),
        permission_set: key("p-1").permission_set,
        times: GrantTimes::decided(now, Seconds::of(3_600)),
        revoked_by: None,
        revoke_reason: None,
        failure: None,
        audit_enabled: true,
        metadata: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
    };
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    unit.insert_grant(&grant).await.unwrap();
    unit.link_grant(grant.id, assignment).await.unwrap();
    unit.commit().await.unwrap();
    grant.id
}

on_both_databases! {
    async fn the_same_access_is_one_assignment_whose_aim_is_frozen(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let first = assignment(&world, tenant, &key("p-1")).await;
        let moved = AssignmentKey {
            region: "us-east-1".parse().unwrap(),
            identity_store: "d-0000000000".parse().unwrap(),
            ..key("p-1")
        };
        assert_eq!(assignment(&world, tenant, &moved).await, first);
        assert_ne!(assignment(&world, tenant, &key("p-2")).await, first);
        let unit = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(unit.assignment_work(first).await.unwrap().unwrap().key, key("p-1"));
    }

    async fn two_tenants_may_hold_the_same_key_apart(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let (mine, other) =
            (assignment(&world, ours, &key("p-1")).await, assignment(&world, theirs, &key("p-1")).await);
        assert_ne!(mine, other);
        let unit = db.store.tenant(ours).write().await.unwrap();
        assert_eq!(unit.assignment_work(other).await.unwrap(), None);
        let refused = unit.save_observed(other, &Observed::default(), 9, world.now()).await;
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    }

    async fn touching_only_ever_brings_the_due_time_nearer(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let mut generations = Vec::new();
        for (at, due) in [(50, 50), (20, 20), (90, 20)] {
            touch(&world, tenant, id, seconds(at)).await;
            assert_eq!(db.store.next_due(&[tenant], seconds(0)).await.unwrap(), Some(seconds(due)));
            generations.push(generation(&world, tenant, id).await);
        }
        assert_eq!(generations[2], generations[0] + 2);
    }

    async fn an_owners_back_off_never_overwrites_a_revocation(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        touch(&world, tenant, id, seconds(10)).await;
        let read = generation(&world, tenant, id).await;
        touch(&world, tenant, id, seconds(5)).await;
        assert!(!settle(&world, tenant, id, read, Some(seconds(900))).await);
        assert!(!settle(&world, tenant, id, read, None).await);
        assert_eq!(db.store.next_due(&[tenant], seconds(0)).await.unwrap(), Some(seconds(5)));

        let read = generation(&world, tenant, id).await;
        assert!(settle(&world, tenant, id, read, Some(seconds(900))).await);
        assert_eq!(db.store.next_due(&[tenant], seconds(0)).await.unwrap(), Some(seconds(900)));
        assert!(settle(&world, tenant, id, read, None).await);
        assert_eq!(db.store.next_due(&[tenant], seconds(0)).await.unwrap(), None);
        let node = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.tenants_without_owner(node).await.unwrap(), vec![]);
    }

    async fn nobody_touches_or_settles_another_tenants_due_row(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let id = assignment(&world, theirs, &key("p-1")).await;
        touch(&world, theirs, id, seconds(50)).await;
        touch(&world, ours, id, seconds(1)).await;
        assert!(!settle(&world, ours, id, 1, None).await);
        assert_eq!(db.store.next_due(&[theirs], seconds(0)).await.unwrap(), Some(seconds(50)));
        assert_eq!(db.store.next_due(&[ours], seconds(0)).await.unwrap(), None);
    }

    async fn only_what_is_due_and_owned_is_given_out_the_longest_due_first(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let mut expected = Vec::new();
        for (tenant, principal, at) in [(ours, "p-1", 30), (ours, "p-2", 10), (ours, "p-3", 31), (theirs, "p-4", 5)] {
            let id = assignment(&world, tenant, &key(principal)).await;
            touch(&world, tenant, id, seconds(at)).await;
            expected.push(id);
        }
        let due = db.store.due_for(&[ours], seconds(30), 10).await.unwrap();
        let ids: Vec<_> = due.iter().map(|due| due.assignment).collect();
        assert_eq!(ids, vec![expected[1], expected[0]]);
        assert_eq!(db.store.due_for(&[], seconds(30), 10).await.unwrap(), vec![]);
        assert_eq!(db.store.due_for(&[ours, theirs], seconds(60), 2).await.unwrap().len(), 2);
    }

    async fn tenants_take_turns_before_the_rest_of_one_is_given_out(db: &TestStore) {
        let world = World::new(db);
        let (busy, quiet) = (world.tenant("busy").await, world.tenant("quiet").await);
        let mut first = Vec::new();
        for (tenant, principal, at) in [(busy, "p-1", 1), (busy, "p-2", 2), (busy, "p-3", 3), (quiet, "p-4", 9)] {
            let id = assignment(&world, tenant, &key(principal)).await;
            touch(&world, tenant, id, seconds(at)).await;
            first.push(id);
        }
        let due = db.store.due_for(&[busy, quiet], seconds(10), 3).await.unwrap();
        let ids: Vec<_> = due.iter().map(|due| due.assignment).collect();
        assert_eq!(ids, vec![first[0], first[3], first[1]]);
        assert_eq!(db.store.backlog(&[busy, quiet], seconds(2)).await.unwrap(), 2);
        assert_eq!(db.store.next_due(&[busy, quiet], seconds(3)).await.unwrap(), Some(seconds(9)));
    }

    async fn what_is_to_be_taken_back_goes_before_what_is_to_be_given(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let mut ids = Vec::new();
        for (tenant, principal, at) in [(ours, "p-1", 1), (ours, "p-2", 2), (ours, "p-3", 3), (theirs, "p-4", 1)] {
            let id = assignment(&world, tenant, &key(principal)).await;
            touch(&world, tenant, id, seconds(at)).await;
            ids.push(id);
        }
        let order = async |now| -> Vec<_> {
            let due = db.store.due_for(&[ours, theirs], seconds(now), 10).await.unwrap();
            due.into_iter().map(|due| due.assignment).collect()
        };
        // The owner has said until when the third may stay; and then somebody ends the second.
        let unit = db.store.tenant(ours).write().await.unwrap();
        let read = unit.due_generation(ids[2]).await.unwrap().unwrap();
        assert!(unit.settle_due(ids[2], read, Some(seconds(3)), Some(seconds(60))).await.unwrap());
        unit.commit().await.unwrap();
        let ended = grant(&world, ours, ids[1]).await;
        let unit = db.store.tenant(ours).write().await.unwrap();
        unit.touch_due_of_grant(ended, seconds(9)).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(order(9).await[0], ids[1]);
        assert_eq!(order(59).await[0], ids[1]);
        assert_eq!(order(60).await[..2], [ids[1], ids[2]]);
        // It keeps its place when the owner can't even look; unless it is touched meanwhile, and then it is due at once.
        let put_off = async |row, until| {
            let unit = db.store.tenant(ours).write().await.unwrap();
            unit.put_off_due(row, seconds(until)).await.unwrap();
            unit.commit().await.unwrap();
        };
        let row = async |now| db.store.due_for(&[ours, theirs], seconds(now), 10).await.unwrap()[0];
        put_off(row(9).await, 11).await;
        assert!(!order(10).await.contains(&ids[1]));
        assert_eq!(order(11).await[0], ids[1]);
        let read = row(11).await;
        touch(&world, ours, ids[1], seconds(9)).await;
        put_off(read, 50).await;
        assert_eq!(order(9).await[0], ids[1]);
        // What a new grant needs may have to be taken back all the same, until the owner has seen it.
        touch(&world, ours, ids[1], seconds(9)).await;
        assert_eq!(order(9).await[0], ids[1]);
    }

    async fn what_was_gone_and_is_granted_again_is_unfinished_until_the_grants_end_is_noted(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let mut seen = Observed::default();
        seen.looked(world.now(), false);
        seen.sending(CallKind::Create, world.now());
        seen.gone(world.now());
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.save_observed(id, &seen, 1, world.now()).await.unwrap();
        assert!(!unit.has_unfinished_assignments().await.unwrap());
        unit.commit().await.unwrap();
        let grant = grant(&world, tenant, id).await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert!(unit.has_unfinished_assignments().await.unwrap());
        unit.note_grant_ends(&[grant], world.now()).await.unwrap();
        assert!(!unit.has_unfinished_assignments().await.unwrap());
    }

    async fn a_revocation_that_falls_into_a_read_is_not_overwritten_by_it(db: &TestStore) {
        if db.store.backend() == Backend::Sqlite {
            // All that a unit reads there is of one moment.
            return;
        }
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        grant(&world, tenant, id).await;
        touch(&world, tenant, id, seconds(10)).await;
        let revoking = db.tamper(
            "BEGIN; LOCK TABLE due IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); \
             UPDATE access_grant SET revoked_at = 7; \
             UPDATE due SET generation = generation + 1, due_at = 7; COMMIT",
        );
        let reading = async {
            // The table is locked once nobody can read it any more.
            let locked = Duration::from_millis(100);
            while tokio::time::timeout(locked, db.store.next_due(&[tenant], seconds(0))).await.is_ok() {}
            let unit = db.store.tenant(tenant).read().await.unwrap();
            unit.assignment_work(id).await.unwrap().unwrap()
        };
        let ((), read) = tokio::join!(revoking, reading);
        let saw_it = read.grants[0].times.revoked_at.is_some();
        let overwrites_it = settle(&world, tenant, id, read.generation, Some(seconds(900))).await;
        assert!(saw_it || !overwrites_it, "{read:?}");
    }

    async fn a_former_owner_writes_nothing_over_the_new_one(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let mut seen = Observed::default();
        seen.looked(world.now(), false);
        seen.sending(CallKind::Create, world.now());
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.save_observed(id, &seen, 7, world.now()).await.unwrap();
        unit.save_observed(id, &seen, 7, world.now()).await.unwrap();
        unit.commit().await.unwrap();

        let unit = db.store.tenant(tenant).write().await.unwrap();
        let refused = unit.save_observed(id, &Observed::default(), 6, world.now()).await;
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        drop(unit);
        let unit = db.store.tenant(tenant).read().await.unwrap();
        assert_eq!(unit.assignment_work(id).await.unwrap().unwrap().observed, seen);
    }

    async fn several_are_read_and_written_as_each_by_itself(db: &TestStore) {
        let world = World::new(db);
        let (tenant, other) = (world.tenant("acme").await, world.tenant("globex").await);
        let mut ids = Vec::new();
        for person in ["p-1", "p-2", "p-3"] {
            let id = assignment(&world, tenant, &key(person)).await;
            for nth in 0..3 {
                let grant = grant(&world, tenant, id).await;
                if nth > 0 {
                    let unit = db.store.tenant(tenant).write().await.unwrap();
                    unit.note_grant_ends(&[grant], world.now()).await.unwrap();
                    unit.commit().await.unwrap();
                }
            }
            ids.push(id);
        }
        ids.sort_unstable();
        touch(&world, tenant, ids[1], seconds(10)).await;
        let theirs = assignment(&world, other, &key("p-1")).await;
        let each = async || {
            let unit = db.store.tenant(tenant).read().await.unwrap();
            let mut works = Vec::new();
            for id in &ids {
                works.push(unit.assignment_work(*id).await.unwrap().unwrap());
            }
            works
        };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert_eq!(unit.assignment_works(&[ids[2], theirs, ids[0], ids[1]]).await.unwrap(), each().await);
        let mut works = unit.lock_assignment_works(&ids).await.unwrap();
        assert_eq!(works, each().await);
        for (work, kind) in works.iter_mut().zip([CallKind::Create, CallKind::Delete, CallKind::Create]) {
            work.observed.looked(world.now(), false);
            work.observed.sending(kind, world.now());
        }
        unit.save_all_observed(&works, 7, world.now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(each().await, works);
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let late = unit.save_all_observed(&works, 6, world.now()).await;
        assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    }

    async fn of_several_those_that_somebody_else_holds_are_left_out(db: &TestStore) {
        if db.store.backend() == Backend::Sqlite {
            // Whoever writes there does so alone.
            return;
        }
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let held = assignment(&world, tenant, &key("p-1")).await;
        let free = assignment(&world, tenant, &key("p-2")).await;
        grant(&world, tenant, held).await;
        let holder = db.store.tenant(tenant).write().await.unwrap();
        holder.lock_assignment_work(held).await.unwrap();
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let works = unit.lock_assignment_works(&[held, free]).await.unwrap();
        assert_eq!(works.iter().map(|work| work.id).collect::<Vec<_>>(), [free]);
    }

    async fn what_aws_may_hold_is_never_forgotten(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let mut seen = Observed::default();
        seen.looked(world.now(), false);
        seen.sending(CallKind::Create, world.now());
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert_eq!(unit.touch_forgotten(world.now()).await.unwrap(), 0, "nothing was sent yet");
        unit.save_observed(id, &seen, 1, world.now()).await.unwrap();
        assert_eq!(unit.touch_forgotten(world.now()).await.unwrap(), 1);
        assert_eq!(unit.touch_forgotten(world.now()).await.unwrap(), 0, "it is due");
        assert!(unit.due_generation(id).await.unwrap().is_some());
    }

    async fn a_due_row_that_is_made_anew_is_not_taken_for_the_former_one(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let (first, later) = (world.now(), world.now() + Seconds::of(1));
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.touch_due(id, first).await.unwrap();
        let read = unit.due_generation(id).await.unwrap().unwrap();
        assert!(unit.settle_due(id, read, None, None).await.unwrap());
        unit.touch_due(id, later).await.unwrap();
        assert!(!unit.settle_due(id, read, None, None).await.unwrap(), "somebody who slept would delete it");
        assert_ne!(unit.due_generation(id).await.unwrap(), Some(read));
    }

    async fn a_former_owner_writes_nothing_after_the_new_one_has_found_nothing_to_do(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let former = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.take_lease(tenant, former, LEASE).await.unwrap(), Some(1));
        db.store.release_lease(tenant, former).await.unwrap();
        let later = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.take_lease(tenant, later, LEASE).await.unwrap(), Some(2));

        let mut seen = Observed::default();
        seen.looked(world.now(), false);
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let refused = unit.save_observed(id, &seen, 1, world.now()).await;
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        unit.save_observed(id, &seen, 2, world.now()).await.unwrap();
    }

    async fn a_grants_moments_are_read_back_as_they_were_written(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let grant = grant(&world, tenant, id).await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let work = unit.lock_assignment_work(id).await.unwrap().unwrap();
        assert_eq!(work.grants.len(), 1);
        let times = work.grants[0].times.started(world.now()).succeeded(world.now());
        unit.save_grant_times(grant, &times, None, world.now()).await.unwrap();
        unit.commit().await.unwrap();
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert_eq!(unit.assignment_work(id).await.unwrap().unwrap().grants[0].times, times);
        assert_eq!(unit.phases_of_grant(grant).await.unwrap(), vec![Phase::Unseen]);
    }

    async fn a_call_is_written_before_it_is_sent_and_its_end_beside_it(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let sent_at = world.now();
        let call = AssignmentCall {
            id: AssignmentCallId::new(sent_at, &world.entropy),
            assignment: id,
            kind: CallKind::Create,
            fence: 1,
            sent_at,
        };
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.insert_call(&call).await.unwrap();
        unit.commit().await.unwrap();
        let written =
            "SELECT kind || ' ' || fence || ' ' || COALESCE(outcome, 'sent') || ' ' || COALESCE(aws_request_id, '-')
             || ' ' || COALESCE(error, '-') FROM assignment_call";
        assert_eq!(db.ask(written).await, "create 1 sent - -");
        let mut told = Vec::new();
        for outcome in [
            CallOutcome::Accepted { aws_request_id: "r-1".to_owned() },
            CallOutcome::Unknown { reason: "timed out".to_owned() },
            CallOutcome::Again { reason: "Rate exceeded".to_owned() },
            CallOutcome::Refused { reason: "no".to_owned() },
            CallOutcome::NoSuchEntitlement,
            CallOutcome::Succeeded,
        ] {
            let unit = db.store.tenant(tenant).write().await.unwrap();
            unit.update_call(id, CallKind::Create, sent_at, &outcome, world.now()).await.unwrap();
            unit.commit().await.unwrap();
            told.push(db.ask(written).await);
        }
        let expected = [
            "create 1 accepted r-1 -",
            "create 1 unknown r-1 timed out",
            "create 1 again r-1 Rate exceeded",
            "create 1 refused r-1 no",
            "create 1 no_such_entitlement r-1 -",
            "create 1 succeeded r-1 -",
        ];
        assert_eq!(told, expected);
    }

    async fn an_answer_to_a_call_that_was_not_written_down_is_not_lost_without_a_word(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let lost = unit
            .update_call(id, CallKind::Delete, world.now(), &CallOutcome::Succeeded, world.now())
            .await;
        assert!(matches!(lost, Err(StoreError::Stale { table: "assignment_call" })), "{lost:?}");
    }

    async fn a_lease_keeps_its_number_while_it_is_renewed_and_gets_a_new_one_when_it_ran_out(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let node = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.take_lease(tenant, node, LEASE).await.unwrap(), Some(1));
        assert_eq!(db.store.take_lease(tenant, node, LEASE).await.unwrap(), Some(1));
        db.tamper("UPDATE connection_lease SET expires_at = 1").await;
        assert_eq!(db.store.take_lease(tenant, node, LEASE).await.unwrap(), Some(2));
    }

    async fn another_node_gets_a_lease_only_when_it_ran_out_or_was_handed_over(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let (first, second) =
            (NodeId::new(world.now(), &world.entropy), NodeId::new(world.now(), &world.entropy));
        assert_eq!(db.store.take_lease(tenant, first, LEASE).await.unwrap(), Some(1));
        // One process has the SQLite file: another node can only be its successor.
        if db.store.backend() == Backend::Postgres {
            assert_eq!(db.store.take_lease(tenant, second, LEASE).await.unwrap(), None);
            db.store.release_lease(tenant, second).await.unwrap();
            assert_eq!(db.store.take_lease(tenant, second, LEASE).await.unwrap(), None);
            db.store.release_lease(tenant, first).await.unwrap();
        }
        assert_eq!(db.store.take_lease(tenant, second, LEASE).await.unwrap(), Some(2));
    }

    async fn leases_are_renewed_together_while_something_is_due(db: &TestStore) {
        let world = World::new(db);
        let node = NodeId::new(world.now(), &world.entropy);
        let (busy, idle, over) =
            (world.tenant("busy").await, world.tenant("idle").await, world.tenant("over").await);
        for tenant in [busy, over] {
            let id = assignment(&world, tenant, &key("p-1")).await;
            touch(&world, tenant, id, seconds(900)).await;
        }
        for tenant in [busy, idle, over] {
            assert_eq!(db.store.take_lease(tenant, node, LEASE).await.unwrap(), Some(1));
        }
        db.tamper("UPDATE connection_lease SET expires_at = 1 WHERE tenant_id = (SELECT id FROM tenant WHERE slug = 'over')")
            .await;
        assert_eq!(db.store.renew_leases(node, LEASE).await.unwrap(), [(busy, 1)]);
        assert_eq!(db.store.tenants_without_owner(node).await.unwrap(), [over]);
        let stranger = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.renew_leases(stranger, LEASE).await.unwrap(), []);
        // Of one file's processes only the last one lives.
        let mut free = if db.store.backend() == Backend::Sqlite { vec![busy, over] } else { vec![over] };
        free.sort();
        let mut found = db.store.tenants_without_owner(stranger).await.unwrap();
        found.sort();
        assert_eq!(found, free);
        db.store.release_leases(node).await.unwrap();
        assert_eq!(db.store.take_lease(busy, stranger, LEASE).await.unwrap(), Some(2));
    }

    async fn what_should_be_gone_is_counted_by_since_when(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let ended = grant(&world, tenant, id).await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        unit.touch_due_of_grant(ended, seconds(60)).await.unwrap();
        unit.commit().await.unwrap();
        for (moment, count) in [(59, 0), (60, 1)] {
            assert_eq!(db.store.owed_since(&[tenant], seconds(moment)).await.unwrap(), count, "{moment}");
        }
        assert_eq!(db.store.owed_since(&[], seconds(60)).await.unwrap(), 0);
    }

    async fn of_many_nodes_that_ask_together_one_gets_the_lease(db: &TestStore) {
        if db.store.backend() == Backend::Sqlite {
            return;
        }
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let mut asking = Vec::new();
        for _ in 0..10 {
            let (store, node) = (db.store.clone(), NodeId::new(world.now(), &world.entropy));
            asking.push(tokio::spawn(async move { store.take_lease(tenant, node, LEASE).await.unwrap() }));
        }
        let mut given = Vec::new();
        for one in asking {
            given.extend(one.await.unwrap());
        }
        assert_eq!(given, vec![1]);
    }
    async fn an_assignment_is_loaded_and_shown_however_many_grants_it_had(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("acme").await;
        let id = assignment(&world, tenant, &key("p-1")).await;
        let revoked = grant(&world, tenant, id).await;
        db.tamper("UPDATE access_grant SET revoked_at = created_at, revoked_by = 'system'").await;
        // More than either database takes values in one statement.
        let (fresh, each) = match db.store.backend() {
            Backend::Sqlite => ("randomblob(16)", SQLITE_SERIES),
            Backend::Postgres => ("gen_random_uuid()", "generate_series(1, 66000)"),
        };
        let columns = "tenant_id, grantee_id, resource_type, resource_id, action, account_id, permission_set_arn, \
                       duration_seconds, decided_at, start_by, revoked_at, revoked_by, audit_enabled, \
                       metadata, created_at, updated_at";
        db.tamper(&format!(
            "INSERT INTO access_grant (id, {columns}) SELECT {fresh}, {columns} FROM access_grant, {each}"
        ))
        .await;
        db.tamper(
            "INSERT INTO grant_assignment (tenant_id, grant_id, assignment_id, standing)
             SELECT g.tenant_id, g.id, l.assignment_id, l.standing FROM access_grant g, grant_assignment l
             WHERE g.id <> l.grant_id",
        )
        .await;
        let live = grant(&world, tenant, id).await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        let work = unit.lock_assignment_work(id).await.unwrap().unwrap();
        assert_eq!(work.grants[0].id, live, "what is live comes first");
        assert!(work.grants.len() < 100, "{} grants are loaded", work.grants.len());
        unit.mark_standing(id).await.unwrap();
        unit.commit().await.unwrap();
        let unit = db.store.tenant(tenant).read().await.unwrap();
        let shown = unit.grant(revoked, world.now()).await.unwrap().unwrap();
        assert!(shown.assignments[0].needed_by_another);
        assert!(!shown.standing, "what was over before stays as it was");
        assert!(unit.grant(live, world.now()).await.unwrap().unwrap().standing);
    }
}

#[tokio::test]
async fn nodes_nudge_each_other_about_tenants() {
    let Some(database) = TestStore::postgres().await else { return };
    let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
    let mut listener = database.store.listen_for_nudges().await.unwrap().unwrap();
    let another = database.reopen(StoreOptions::new(&database.url)).await;
    another.nudge_nodes(&[tenant]).await.unwrap();
    assert_eq!(listener.next().await.unwrap(), Some(tenant));
    let sqlite = TestStore::sqlite().await;
    assert!(sqlite.store.listen_for_nudges().await.unwrap().is_none());
}
