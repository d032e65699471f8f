//! A draft of the policies is tried before anybody saves it.

use std::collections::BTreeSet;

use curfew_app::policies::{
    AskedBy, DifferenceKind, DraftChange, NewRule, Outcome, PastRequests, PolicyChange, Said, Simulation,
    TermsChange, Trial, TrialRequests,
};
use curfew_app::requests::{self, Circumstances, PersonName, Supposed, WhatIf};
use curfew_app::testing::TestApp;
use curfew_app::{AppError, Caller, policies};
use curfew_domain::policy::PolicyTerms;
use curfew_domain::{
    AccessRequest, Action, BuiltInRole, Change, ErrorCode, PolicyId, ResourceRef, Scope, Seconds, UserId,
};
use curfew_store::on_both_databases;

use crate::world::*;

const FORBID_ALL: &str = "@notice(\"Closed.\") forbid (principal, action, resource);";
/// Fails for any time but a second: it is more than a number can be.
const FAILS: &str =
    "forbid (principal, action, resource) when { context.duration_seconds * 9223372036854775807 > 0 };";

fn past(limit: u32) -> TrialRequests {
    TrialRequests::Past(PastRequests { from: None, to: None, limit })
}

fn trial(changes: Vec<DraftChange>, asked: TrialRequests) -> Trial {
    Trial { changes, asked, kinds: DifferenceKind::ALL.into_iter().collect() }
}

fn make(terms: PolicyTerms, statements: &str) -> DraftChange {
    DraftChange::New(Box::new(new_policy(terms, statements)))
}

fn alter(policy: PolicyId, change: PolicyChange) -> DraftChange {
    DraftChange::Change { policy, change: Box::new(change), rules: Change::Keep }
}

fn off() -> PolicyChange {
    PolicyChange { enabled: Change::To(false), ..PolicyChange::default() }
}

fn rule(text: &str) -> NewRule {
    NewRule { said: Said::Text(text.to_owned()), notice: None, audit_session: None }
}

impl World {
    async fn simulate(&self, changes: Vec<DraftChange>) -> Result<Simulation, AppError> {
        policies::simulate(&self.test.app, &self.admin, trial(changes, past(1_000))).await
    }

    async fn suppose(&self, changes: Vec<DraftChange>, of: Vec<Supposed>) -> Result<Simulation, AppError> {
        let trial = trial(changes, TrialRequests::Supposed(of));
        policies::simulate(&self.test.app, &self.admin, trial).await
    }

    /// Asks, and has it answered with yes.
    async fn asks(&self, caller: &Caller, account_id: &str) -> AccessRequest {
        self.submit(caller, to_read(account(account_id))).await.unwrap()
    }
}

fn supposed(person: PersonName, resource: ResourceRef) -> Supposed {
    Supposed {
        person,
        what_if: WhatIf {
            resource,
            action: Action::Read,
            duration: None,
            groups: Vec::new(),
            circumstances: Circumstances {
                permission_set: Some(READ.parse().unwrap()),
                ..Circumstances::default()
            },
        },
    }
}

fn but(supposed: Supposed, change: impl FnOnce(&mut WhatIf)) -> Supposed {
    let mut supposed = supposed;
    change(&mut supposed.what_if);
    supposed
}

fn email(name: &str) -> PersonName {
    PersonName::Email(format!("{name}@acme.example").parse().unwrap())
}

fn counts(simulation: &Simulation) -> (u64, u64, u64, u64) {
    let summary = &simulation.summary;
    (simulation.unchanged, summary.wider, summary.narrower, summary.other)
}

on_both_databases! {
    async fn a_narrower_draft_says_for_whom_and_why(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let (alice, bob) = (
            world.person("alice", BuiltInRole::User, None).await,
            world.person("bob", BuiltInRole::User, None).await,
        );
        world.asks(&alice, DEV).await;
        let in_prod = world.asks(&alice, PROD).await;
        world.asks(&bob, STAGING).await;
        let freeze = format!(
            "@notice(\"Prod is frozen.\") forbid (principal, action, resource == AwsAccount::\"{PROD}\");"
        );
        let found = world.simulate(vec![make(auto(), &freeze)]).await.unwrap();
        assert_eq!((found.replayed, found.unreplayable, found.complete), (3, 0, true));
        assert_eq!(counts(&found), (2, 0, 1, 0));
        assert_eq!(found.differences_total, 1);
        let difference = &found.differences[0];
        assert_eq!(difference.asked_by, AskedBy::Request { id: in_prod.id, recorded: "approved".to_owned() });
        assert_eq!((difference.requester, difference.kind), (alice.user, DifferenceKind::Narrower));
        assert_eq!(difference.resource, account(PROD));
        assert_eq!(difference.account.as_ref().unwrap().as_str(), PROD);
        assert_eq!((difference.permission_set.as_str(), difference.action), (READ, Action::Read));
        assert_eq!(difference.before.policies[0].policy, Some(made.id));
        assert_eq!(difference.before.policies[0].rules[0].rule, Some(made.rules[0].id));
        let by = &difference.after.policies[0];
        assert_eq!((by.policy, by.change, by.rules[0].rule, by.rules[0].ordinal), (None, Some(0), None, 0));
        assert_eq!(difference.after.notices, ["Prod is frozen."]);
        assert_eq!(
            difference.why,
            "Now it is approved at once for 3600 s by \"a policy\" (rule 0). \
             With the draft it is denied by \"a policy\" (rule 0)."
        );
        let people: Vec<_> = found.summary.people.iter().map(|one| (one.person, one.narrower)).collect();
        assert_eq!(people, [(alice.user, 1)]);
    }

    async fn a_wider_draft_is_told_from_a_narrower_one(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(by_people(2), PERMIT_ALL).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        let terms = |terms| PolicyChange { terms, ..PolicyChange::default() };
        let fewer = TermsChange { approvals_required: Change::To(1), ..TermsChange::default() };
        let longer = TermsChange { maximum: Change::To(Seconds::of(36_000)), ..TermsChange::default() };
        let longer_with_more = TermsChange { approvals_required: Change::To(3), ..longer.clone() };
        for (change, kind, why) in [
            (fewer, DifferenceKind::Wider, "With the draft it needs 1 approval for 3600 s"),
            (longer, DifferenceKind::Wider, "It could be extended to 36000 s in all instead of 28800 s."),
            (longer_with_more, DifferenceKind::Other, "it needs 3 approvals"),
        ] {
            let found = world.simulate(vec![alter(made.id, terms(change))]).await.unwrap();
            let difference = &found.differences[0];
            assert_eq!(difference.kind, kind);
            assert!(difference.why.contains(why), "{}", difference.why);
            assert_eq!(difference.after.policies[0].policy, Some(made.id), "it is the same policy");
            assert_eq!(difference.after.policies[0].rules[0].rule, Some(made.rules[0].id), "and rule");
            assert_eq!(difference.after.policies[0].change, Some(0));
        }
    }

    async fn what_is_deleted_or_disabled_decides_no_more(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        for change in [DraftChange::Delete(made.id), alter(made.id, off())] {
            let found = world.simulate(vec![change]).await.unwrap();
            assert_eq!(counts(&found), (0, 0, 1, 0));
            assert!(found.differences[0].why.ends_with("With the draft it is denied, for no rule permits it."));
            assert!(found.differences[0].after.policies.is_empty());
        }
        let another = vec![DraftChange::Delete(made.id), make(auto(), PERMIT_ALL)];
        assert_eq!(counts(&world.simulate(another).await.unwrap()), (1, 0, 0, 0), "another says the same");
    }

    async fn rules_that_are_given_take_the_place_of_all_of_a_policys(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), &PERMIT_ALL.repeat(3)).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        let with = |set: Option<&str>, rules: Option<Vec<NewRule>>| {
            let policy_set = set.map_or(Change::Keep, |set| Change::To(set.to_owned()));
            DraftChange::Change {
                policy: made.id,
                change: Box::new(PolicyChange { policy_set, ..PolicyChange::default() }),
                rules: rules.map_or(Change::Keep, Change::To),
            }
        };
        for (draft, ordinals) in [
            (with(Some(FORBID_ALL), None), vec![0]),
            (with(None, Some(vec![rule(PERMIT_ALL), rule(FORBID_ALL)])), vec![1]),
            (with(Some(FORBID_ALL), Some(vec![rule(FORBID_ALL)])), vec![0, 1]),
        ] {
            let found = world.simulate(vec![draft]).await.unwrap();
            let by = &found.differences[0].after.policies[0];
            assert_eq!(by.policy, Some(made.id));
            assert_eq!(by.rules.iter().map(|rule| rule.ordinal).collect::<Vec<_>>(), ordinals);
            assert!(by.rules.iter().all(|rule| rule.rule.is_none()), "the draft's rules have no ids");
        }
        let none = world.simulate(vec![with(None, Some(Vec::new()))]).await.unwrap();
        assert_eq!(counts(&none), (0, 0, 1, 0));
    }

    async fn other_words_for_the_same_decision_are_a_difference_too(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        let with = |rules| DraftChange::Change {
            policy: made.id,
            change: Box::default(),
            rules: Change::To(rules),
        };
        let welcome = rule("@notice(\"Welcome.\") permit (principal, action, resource);");
        let unfollowed = NewRule { audit_session: Some(false), ..rule(PERMIT_ALL) };
        for (new, why) in [(welcome, "Other notices would be shown."), (unfollowed, "no longer be followed.")] {
            let found = world.simulate(vec![with(vec![new])]).await.unwrap();
            assert_eq!(counts(&found), (0, 0, 0, 1));
            assert!(found.differences[0].why.ends_with(why), "{}", found.differences[0].why);
        }
        assert_eq!(counts(&world.simulate(vec![with(vec![rule(PERMIT_ALL)])]).await.unwrap()), (1, 0, 0, 0));
    }

    async fn the_present_policies_are_compared_and_not_what_was_decided_then(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        policies::change(&world.test.app, &world.admin, made.id, off()).await.unwrap();
        let found = world.simulate(vec![make(by_people(1), PERMIT_ALL)]).await.unwrap();
        let difference = &found.differences[0];
        assert_eq!(difference.kind, DifferenceKind::Wider);
        assert!(matches!(&difference.asked_by, AskedBy::Request { recorded, .. } if recorded == "approved"));
        assert!(matches!(difference.before.outcome, Outcome::Denied { .. }));
        assert!(matches!(difference.after.outcome, Outcome::NeedsApproval { .. }));
    }

    async fn a_request_is_asked_once_as_it_was_asked_first(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.asks(&alice, DEV).await;
        world.test.clock.advance(Seconds::of(7_200));
        requests::approve(&world.test.app, &world.admin, request.id, None).await.unwrap();
        let found = world.simulate(vec![make(auto(), FORBID_ALL)]).await.unwrap();
        assert_eq!(found.replayed, 1);
        assert_eq!(found.differences[0].requested_at, request.created_at);
        assert_eq!(found.oldest, Some(request.created_at));
    }

    async fn past_requests_are_taken_newest_first_within_the_range_and_the_limit(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut asked = Vec::new();
        for account_id in [DEV, STAGING, PROD, DEV] {
            world.test.clock.advance(Seconds::of(60));
            asked.push(world.asks(&alice, account_id).await);
        }
        let at = |n: usize| Some(asked[n].created_at);
        for (from, to, limit, expected, complete) in [
            (None, None, 1_000, vec![3, 2, 1, 0], true),
            (None, None, 4, vec![3, 2, 1, 0], true),
            (None, None, 3, vec![3, 2, 1], false),
            (None, at(1), 3, vec![0], true),
            (at(1), at(3), 1_000, vec![2, 1], true),
            (at(1), at(3), 1, vec![2], false),
            (at(3), at(1), 1_000, vec![], true),
        ] {
            let asked_for = TrialRequests::Past(PastRequests { from, to, limit });
            let trial = trial(vec![make(auto(), FORBID_ALL)], asked_for);
            let found = policies::simulate(&world.test.app, &world.admin, trial).await.unwrap();
            let expected: Vec<_> = expected.into_iter().map(|n: usize| asked[n].id).collect();
            let ids = found.differences.iter().map(|difference| match &difference.asked_by {
                AskedBy::Request { id, .. } => *id,
                AskedBy::Supposition { .. } => panic!("{difference:?}"),
            });
            assert_eq!(ids.collect::<Vec<_>>(), expected);
            assert_eq!((found.replayed, found.complete), (expected.len() as u64, complete));
            assert_eq!(found.oldest, asked.iter().find(|one| expected.last() == Some(&one.id)).map(|one| one.created_at));
        }
    }

    async fn more_than_a_page_is_asked_and_more_than_250_differences_are_counted(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let first = world.asks(&alice, DEV).await;
        requests::cancel(&world.test.app, &alice, first.id).await.unwrap();
        again(db, &world, first.id, 260).await;
        let found = world.simulate(vec![make(auto(), FORBID_ALL)]).await.unwrap();
        assert_eq!((found.replayed, found.complete), (261, true));
        assert_eq!((found.differences.len(), found.differences_total), (250, 261));
        let wider_only = Trial {
            kinds: BTreeSet::from([DifferenceKind::Wider]),
            ..trial(vec![make(auto(), FORBID_ALL)], past(1_000))
        };
        let found = policies::simulate(&world.test.app, &world.admin, wider_only).await.unwrap();
        assert_eq!((found.differences.len(), found.differences_total, found.summary.narrower), (0, 0, 261));
    }

    async fn what_is_erased_of_a_person_is_counted_and_not_asked(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, bob) = (
            world.person("alice", BuiltInRole::User, None).await,
            world.person("bob", BuiltInRole::User, None).await,
        );
        let erased = world.asks(&alice, DEV).await;
        world.asks(&bob, DEV).await;
        let of = if db.store.backend() == curfew_store::Backend::Sqlite {
            format!("x'{}'", erased.id.uuid().simple())
        } else {
            format!("'{}'", erased.id)
        };
        db.tamper(&format!("UPDATE decision SET personal = NULL WHERE request_id = {of}")).await;
        let found = world.simulate(vec![make(auto(), FORBID_ALL)]).await.unwrap();
        assert_eq!((found.replayed, found.unreplayable, found.complete), (1, 1, true));
        assert_eq!(found.differences[0].requester, bob.user);
        assert_eq!(found.oldest, Some(erased.created_at), "it was looked at");
    }

    async fn requests_that_nobody_made_are_tried_by_what_is_known_now(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let in_hours = "forbid (principal, action, resource is AwsAccount) unless { context.hour < 18 && context has ticket };";
        let at = |hour: &str, ticket: bool, supposed| {
            but(supposed, |what_if| {
                let circumstances = &mut what_if.circumstances;
                circumstances.requested_at = Some(format!("2026-03-02T{hour}:00:00Z").parse().unwrap());
                circumstances.ticket = ticket.then(|| "OPS-1".to_owned());
            })
        };
        let of = |resource| supposed(email("alice"), resource);
        let by_set = but(of(set(READ)), |what_if| {
            what_if.circumstances.account = Some(PROD.parse().unwrap());
            what_if.circumstances.permission_set = None;
        });
        let asked = vec![
            at("19", true, of(account(DEV))),
            at("09", true, of(account(DEV))),
            at("09", false, supposed(PersonName::Id(alice.user), account(PROD))),
            at("09", true, of(unit(LAB))),
            at("20", false, of(unit(LAB))),
            at("20", false, by_set),
        ];
        let found = world.suppose(vec![make(auto(), in_hours)], asked).await.unwrap();
        assert_eq!((found.replayed, found.unreplayable, found.complete), (6, 0, true));
        let numbers = found.differences.iter().map(|difference| match difference.asked_by {
            AskedBy::Supposition { number } => number,
            AskedBy::Request { .. } => panic!("{difference:?}"),
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [0, 2, 4, 5]);
        assert!(found.differences.iter().all(|difference| difference.requester == alice.user));
        assert_eq!((&found.differences[2].resource, &found.differences[2].account), (&unit(LAB), &None));
        assert_eq!(found.differences[3].resource, set(READ));
        assert!(world.logged().await.iter().all(|action| action == "policy.created"), "nothing is written");
    }

    async fn what_can_t_be_asked_for_can_t_be_supposed(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        world.person("alice", BuiltInRole::User, None).await;
        let sam = world.person("sam", BuiltInRole::User, None).await;
        curfew_app::users::suspend(&world.test.app, &world.admin, sam.user).await.unwrap();
        let alice = || supposed(email("alice"), account(DEV));
        let nobody = PersonName::Id(UserId::new(world.test.app.now(), world.test.app.entropy.as_ref()));
        let asked = vec![
            alice(),
            supposed(nobody, account(DEV)),
            supposed(email("eve"), account(DEV)),
            supposed(email("sam"), account(DEV)),
            but(alice(), |what_if| what_if.circumstances.permission_set = None),
            but(alice(), |what_if| what_if.duration = Some(Seconds::of(1_000_000))),
            supposed(email("alice"), account("999999999999")),
            but(alice(), |what_if| what_if.circumstances.permission_set = Some(ADMIN.parse().unwrap())),
        ];
        let refused = world.suppose(vec![make(auto(), FORBID_ALL)], asked).await;
        assert_eq!(
            fields(refused),
            [
                "requests[1].requester",
                "requests[2].requester",
                "requests[3].requester",
                "requests[4].permission_set_arn",
                "requests[5].duration_seconds",
                "requests[6].resource.id",
                "requests[7].action",
            ]
        );
    }

    async fn a_draft_is_validated_as_policies_are_that_are_saved(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let nope = "permit (principal, action, resource) when { context.nope };";
        let changes = vec![
            make(auto(), PERMIT_ALL),
            make(auto(), "permit (principal == User::\"nobody@acme.example\", action, resource);"),
            alter(made.id, PolicyChange { policy_set: Change::To(nope.to_owned()), ..PolicyChange::default() }),
        ];
        let refused = world.simulate(changes).await;
        let Err(AppError::PolicyInvalid { errors, message }) = refused else { panic!("{refused:?}") };
        assert!(message.starts_with("changes[1]: line 1, column 22"), "{message}");
        let mut wrong: Vec<_> = errors.iter().map(|error| error["change"].as_u64().unwrap()).collect();
        wrong.dedup();
        assert_eq!(wrong, [1, 2], "and the sound one is not among them");
        assert!(errors.iter().all(|error| error["line"] == 1 && error["hint"].is_string()));
        let too_long = PolicyTerms { default: Some(Seconds::of(36_000)), ..auto() };
        let most = Change::To(Some(Seconds::of(36_000)));
        let emergencies = TermsChange { break_glass_maximum: most, ..TermsChange::default() };
        let emergencies = PolicyChange { terms: emergencies, ..PolicyChange::default() };
        for (change, field) in [
            (make(too_long, PERMIT_ALL), "changes[0].default_duration_seconds"),
            (alter(made.id, emergencies), "changes[0].break_glass_max_duration_seconds"),
        ] {
            assert_eq!(fields(world.simulate(vec![change]).await), [field]);
        }
        let twice = vec![alter(made.id, off()), DraftChange::Delete(made.id)];
        assert_eq!(fields(world.simulate(twice).await), ["changes[1].policy_id"]);
        let many = (0..1_000).map(|_| make(auto(), PERMIT_ALL)).collect();
        assert_eq!(code(world.simulate(many).await), ErrorCode::Conflict);
    }

    async fn a_draft_s_rules_that_fail_are_told_and_forbid(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.asks(&alice, DEV).await;
        world.asks(&alice, PROD).await;
        let changes = vec![make(auto(), PERMIT_ALL), make(auto(), &[PERMIT_ALL, FAILS].concat())];
        let found = world.simulate(changes).await.unwrap();
        assert_eq!(counts(&found), (0, 0, 2, 0));
        let [fault] = &found.faults[..] else { panic!("{:?}", found.faults) };
        let of = fault.of.as_ref().unwrap();
        assert_eq!((fault.decisions, of.policy, of.change), (2, None, Some(1)));
        assert_eq!((of.rules[0].rule, of.rules[0].ordinal), (None, 1));
        assert!(!fault.message.is_empty());
        let kept = alter(made.id, PolicyChange::default());
        assert_eq!(world.simulate(vec![kept]).await.unwrap().faults, []);
    }

    async fn another_tenants_policies_are_not_there_and_its_requests_are_not_asked(db: &TestStore) {
        let world = World::new(db).await;
        let other = World::beside(TestApp { app: world.test.app.clone(), clock: world.test.clock.clone() }, 2).await;
        let theirs = other.policy(auto(), PERMIT_ALL).await.policy;
        let bob = other.person("bob", BuiltInRole::User, None).await;
        other.asks(&bob, DEV).await;
        for change in [DraftChange::Delete(theirs.id), alter(theirs.id, off())] {
            assert_eq!(code(world.simulate(vec![change]).await), ErrorCode::NotFound);
        }
        let found = world.simulate(vec![make(auto(), FORBID_ALL)]).await.unwrap();
        assert_eq!((found.replayed, found.complete, found.oldest), (0, true, None));
        let stranger = world.suppose(vec![make(auto(), FORBID_ALL)], vec![supposed(email("bob"), account(DEV))]);
        assert_eq!(fields(stranger.await), ["requests[0].requester"]);
    }

    async fn it_takes_the_right_to_read_policies_and_everybodys_requests(db: &TestStore) {
        let world = World::new(db).await;
        let user = world.person("uma", BuiltInRole::User, None).await;
        let with = |scopes: &[Scope]| Caller { scopes: scopes.iter().copied().collect(), ..world.admin.clone() };
        for (caller, allowed) in [
            (user, false),
            (with(&[Scope::PoliciesRead]), false),
            (with(&[Scope::RequestsRead, Scope::PoliciesWrite]), false),
            (with(&[Scope::PoliciesRead, Scope::RequestsRead]), true),
            (with(&[Scope::PoliciesRead, Scope::RequestsApprove]), true),
        ] {
            for asked in [past(1_000), TrialRequests::Supposed(vec![supposed(email("uma"), account(DEV))])] {
                let trial = trial(vec![make(auto(), PERMIT_ALL)], asked);
                let found = policies::simulate(&world.test.app, &caller, trial).await;
                assert_eq!(found.is_ok(), allowed, "{found:?}");
                assert!(allowed || code(found) == ErrorCode::Forbidden);
            }
        }
    }
}

/// The same request and decision so many times over, each a second after the one before.
async fn again(
    db: &curfew_store::testing::TestStore,
    world: &World,
    request: curfew_domain::RequestId,
    times: u64,
) {
    let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
    let first = unit.request(request).await.unwrap().unwrap();
    let decision = unit.decisions(request).await.unwrap().remove(0);
    drop(unit);
    let unit = db.store.tenant(world.tenant).write().await.unwrap();
    for number in 1..=times {
        let at = first.created_at + Seconds::new(i64::try_from(number).unwrap()).unwrap();
        let id = curfew_domain::RequestId::new(at, world.test.app.entropy.as_ref());
        let request = AccessRequest { id, created_at: at, ..first.clone() };
        unit.insert_request(&request).await.unwrap();
        let decision = curfew_store::DecisionRecord {
            id: curfew_domain::DecisionId::new(at, world.test.app.entropy.as_ref()),
            request: id,
            created_at: at,
            ..decision.clone()
        };
        unit.insert_decision(&decision).await.unwrap();
    }
    unit.commit().await.unwrap();
}
