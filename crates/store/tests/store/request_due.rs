//! When requests are to be looked at.

use curfew_domain::{RequestId, Seconds};
use curfew_store::on_both_databases;
use curfew_store::testing::World;

on_both_databases! {
    async fn what_is_due_is_found_longest_due_first_and_no_tenant_moves_anothers(db: &TestStore) {
        let world = World::new(db);
        let (acme, bolt, now) = (world.tenant("acme").await, world.tenant("bolt").await, world.now());
        let [first, second] = [(); 2].map(|()| RequestId::new(now, &world.entropy));
        let set = async |tenant, request, at| {
            let unit = db.store.tenant(tenant).write().await.unwrap();
            unit.set_request_due(request, at).await.unwrap();
            unit.commit().await.unwrap();
        };
        let (early, late) = (now + Seconds::of(60), now + Seconds::of(120));
        set(acme, first, Some(late)).await;
        set(bolt, second, Some(early)).await;
        let due = async |at| {
            let found = db.store.due_requests(at, 10).await.unwrap();
            found.into_iter().map(|row| (row.tenant, row.request)).collect::<Vec<_>>()
        };
        assert_eq!(db.store.next_due_request().await.unwrap(), Some(early));
        assert_eq!((due(now).await, due(early).await), (vec![], vec![(bolt, second)]));
        assert_eq!(due(late).await, [(bolt, second), (acme, first)]);
        assert_eq!(db.store.due_requests(late, 1).await.unwrap().len(), 1);
        // Neither moved nor taken away from behind another wall.
        set(acme, second, Some(now)).await;
        set(acme, second, None).await;
        let unit = db.store.tenant(acme).read().await.unwrap();
        assert_eq!(unit.request_due_at(second).await.unwrap(), None);
        drop(unit);
        assert_eq!(db.store.next_due_request().await.unwrap(), Some(early));
        set(bolt, second, None).await;
        assert_eq!(due(late).await, [(acme, first)]);
    }
}
