//! Access that a finding of drift tells of becomes a grant's.

use curfew_app::drift::{self, Remedy};
use curfew_app::{AppError, Caller};
use curfew_domain::{
    BuiltInRole, Drift, DriftId, DriftKind, DriftOutcome, DriftPlace, ErrorCode, Page, PageLimit,
    PageRequest, Scope, Seconds,
};
use curfew_store::{DriftFilter, GrantView, NewDrift, on_both_databases};

use crate::world::*;

impl World {
    /// Somebody has a permission set in an account, and nobody knows why.
    async fn found(&self, principal: &str) -> DriftId {
        let (app, now) = (&self.test.app, self.test.app.now());
        let finding = NewDrift {
            id: DriftId::new(now, app.entropy.as_ref()),
            kind: DriftKind::UnmanagedUser,
            place: DriftPlace {
                instance: INSTANCE.parse().unwrap(),
                account: DEV.parse().unwrap(),
                permission_set: READ.parse().unwrap(),
                principal: principal.parse().unwrap(),
            },
            assignment: None,
            outcome: DriftOutcome::LeftAlone,
            found_at: now,
        };
        let unit = app.store.tenant(self.tenant).write().await.unwrap();
        assert!(unit.insert_drift(&finding).await.unwrap());
        unit.commit().await.unwrap();
        finding.id
    }

    async fn adopt(&self, caller: &Caller, id: DriftId, seconds: u32) -> Result<Drift, AppError> {
        let remedy = Remedy::Adopt {
            reason: "forgotten by the backup".parse().unwrap(),
            duration: Seconds::of(seconds),
        };
        drift::resolve(&self.test.app, caller, id, remedy).await
    }

    async fn grants(&self) -> Vec<GrantView> {
        let filter = curfew_app::grants::GrantFilter::default();
        let page = PageRequest { limit: PageLimit::default(), after: None };
        curfew_app::grants::list(&self.test.app, &self.admin, filter, page).await.unwrap().items
    }
}

on_both_databases! {
    async fn it_is_a_grant_by_hand_for_whoever_has_the_access(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let id = world.found("principal-alice").await;
        let adopted = world.adopt(&world.admin, id, 1_800).await.unwrap();
        assert_eq!((adopted.outcome, adopted.is_open()), (DriftOutcome::Adopted, false));
        assert!(adopted.over_at.is_some());
        let given = world.grants().await;
        assert_eq!(given.len(), 1);
        assert_eq!((given[0].grant.grantee, given[0].grant.request), (alice.user, None));
        assert_eq!(given[0].grant.times.duration, Seconds::of(1_800));
        let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
        let work = unit.assignment_work(adopted.assignment.unwrap()).await.unwrap().unwrap();
        assert!(work.claim_wanted_at.is_some());
        assert_eq!(work.grants[0].id, given[0].grant.id);
        drop(unit);
        let log = world.logged().await;
        assert_eq!(log[log.len() - 2..], ["grant.created", "drift.resolved"]);
        assert_eq!(code(world.adopt(&world.admin, id, 1_800).await), ErrorCode::InvalidState);
        assert_eq!(world.grants().await.len(), 1);
    }

    async fn the_rules_of_access_that_is_given_by_hand_hold(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        let id = world.found("principal-alice").await;
        for scope in [Scope::DriftResolve, Scope::GrantsCreate] {
            let scopes = Scope::ALL.iter().copied().filter(|one| *one != scope).collect();
            let poor = Caller { scopes, ..world.admin.clone() };
            assert_eq!(code(world.adopt(&poor, id, 1_800).await), ErrorCode::Forbidden, "{scope:?}");
        }
        assert_eq!(fields(world.adopt(&world.admin, id, 864_000).await), ["duration_seconds"]);
        let own = world.found("principal-admin").await;
        assert_eq!(code(world.adopt(&world.admin, own, 1_800).await), ErrorCode::Forbidden, "oneself");
        let nobodys = world.found("principal-nobody").await;
        assert_eq!(code(world.adopt(&world.admin, nobodys, 1_800).await), ErrorCode::Conflict);
        world.policy(auto(), "forbid (principal, action, resource);").await;
        assert_eq!(code(world.adopt(&world.admin, id, 1_800).await), ErrorCode::Forbidden);
        assert_eq!(world.grants().await.len(), 0);
        let filter = DriftFilter { open: Some(true), ..DriftFilter::default() };
        let page = PageRequest { limit: PageLimit::default(), after: None };
        let Page { items, .. } = drift::list(&world.test.app, &world.admin, &filter, &page).await.unwrap();
        assert_eq!(items.len(), 3, "all are open still");
    }

    async fn what_is_over_or_settled_by_another_is_not_adopted(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        let id = world.found("principal-alice").await;
        let (one, other) = tokio::join!(world.adopt(&world.admin, id, 1_800), world.adopt(&world.admin, id, 1_800));
        let refused = if one.is_ok() { other } else { one };
        assert_eq!(code(refused), ErrorCode::InvalidState);
        assert_eq!(world.grants().await.len(), 1, "the other one's is undone with it");
        let gone = world.found("principal-alice").await;
        let unit = world.test.app.store.tenant(world.tenant).write().await.unwrap();
        unit.end_drift(gone, world.test.app.now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(world.adopt(&world.admin, gone, 1_800).await), ErrorCode::InvalidState);
    }
}
