//! Whether a node can work.

use curfew_domain::Seconds;
use serde_json::json;

use crate::support::{Acme, Caller};

#[tokio::test]
async fn a_node_is_ready_once_its_reconciler_runs_and_while_its_clock_is_right() {
    let acme = Acme::start().await;
    assert_eq!(acme.edge.get(&Caller::nobody(), "/healthz").await.body, json!({ "status": "ok" }));
    acme.edge.get(&Caller::nobody(), "/readyz").await.refused(503, "unavailable");
    // Whoever asks within a second gets the same answer.
    let later = || acme.edge.test.clock.advance(Seconds::of(1));
    acme.edge.test.app.health.reconciler_is_alive(acme.edge.test.app.now());
    later();
    assert_eq!(acme.edge.get(&Caller::nobody(), "/readyz").await.status, 200);
    acme.edge.test.app.health.clock_is_ahead(true);
    later();
    acme.edge.get(&Caller::nobody(), "/readyz").await.refused(503, "unavailable");
    acme.edge.test.app.health.clock_is_ahead(false);
    acme.edge.test.app.store.close().await;
    later();
    acme.edge.get(&Caller::nobody(), "/healthz").await.refused(503, "unavailable");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_without_its_details() {
    let acme = Acme::start().await;
    acme.edge.test.app.store.close().await;
    let reply = acme.get("/v1/audit-log").await;
    reply.refused(503, "unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(!reply.body.to_string().contains("pool"), "{}", reply.body);
}
