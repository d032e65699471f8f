//! The database goes away under a running server, and comes back.

use curfew_tests::{Cluster, Json, eventually, holds};

use crate::access::Office;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_postgresql_comes_back_goes_on_where_it_was() {
    let Some(cluster) = Cluster::start() else { return };
    let office = Office::open(cluster.backend()).await;
    let grant = office.granted(3_600).await;
    office.is_held(&grant).await;

    cluster.stop();
    let stranger = office.server.stranger();
    eventually("the server to see that its database is gone", async || {
        holds(stranger.get("/healthz").await.status == 503)
    })
    .await;
    office.admin.get("/v1/users/me").await.refused(503, "unavailable");
    office.admin.delete(&format!("/v1/grants/{grant}")).await.refused(503, "unavailable");

    cluster.resume();
    eventually("the server to find its database again", async || {
        holds(stranger.get("/healthz").await.status == 200)
    })
    .await;
    eventually("calls to be answered again", async || {
        holds(office.admin.get("/v1/users/me").await.status == 200)
    })
    .await;
    let revoked = office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
    assert_eq!(revoked.text("status"), "revoked");
    office.is_gone(&grant, "revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_while_postgresql_is_down_is_removed_when_it_is_back() {
    let Some(cluster) = Cluster::start() else { return };
    let office = Office::open(cluster.backend()).await;
    let grant = office.granted(4).await;
    office.cloud.holds_in_the_end(&[crate::access::HELD]).await;
    cluster.stop();
    let stopped = std::time::Instant::now();
    eventually("the grant's time to be over", async || holds(stopped.elapsed().as_secs() >= 5)).await;
    cluster.resume();
    office.is_gone(&grant, "expired").await;
}
