//! The database goes away under a running server, and comes back.

use curfew_tests::{Backend, Client, Cluster, Door, Json, Server, eventually, holds};
use serde_json::json;

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
    eventually("the log to say why", async || {
        let why = |line: &String| {
            line.contains("the audit log could not be sealed") && line.contains("unavailable: ")
        };
        holds(office.server.logs().lines().iter().any(why))
    })
    .await;

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
async fn a_server_whose_postgresql_goes_silent_goes_on_with_the_one_that_takes_its_place() {
    let Some(door) = Door::before_postgresql().await else { return };
    let office = Office::open(door.backend()).await;
    let grant = office.granted(3_600).await;
    office.is_held(&grant).await;

    door.forget_connections();
    eventually("a revocation to be taken", async || {
        holds(office.admin.delete(&format!("/v1/grants/{grant}")).await.status == 200)
    })
    .await;
    office.is_gone(&grant, "revoked").await;
    eventually("the server to be ready again", async || {
        holds(office.server.stranger().get("/readyz").await.status == 200)
    })
    .await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_and_loses_nothing() {
    let server = Server::on(Backend::Sqlite).on_a_small_disk().start().await;
    let admin = server.set_up().await;
    let filler = server.small_disk().join("filler");
    fill(&filler);

    let made = hire_until_refused(&admin).await;
    admin.get("/v1/users").await.ok();

    std::fs::remove_file(&filler).expect("the filler goes");
    eventually("changes to be taken again", async || {
        let body = json!({ "email": "last@acme.example", "name": "Last", "roles": ["user"] });
        holds(admin.post("/v1/users", body).await.status == 201)
    })
    .await;
    for id in made {
        admin.get(&format!("/v1/users/{id}")).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_while_the_disk_is_full_is_removed_once_there_is_room() {
    const SECONDS: u32 = 10;
    let office = Office::open_with(Server::on(Backend::Sqlite).on_a_small_disk()).await;
    let grant = office.granted(SECONDS).await;
    office.is_held(&grant).await;
    let held = std::time::Instant::now();
    let filler = office.server.small_disk().join("filler");
    fill(&filler);
    hire_until_refused(&office.admin).await;
    assert_eq!(office.cloud.held(), [crate::access::HELD], "the disk was full too late");
    eventually("the grant's time to be over", async || {
        holds(held.elapsed().as_secs() > SECONDS.into() && office.grant(&grant).await["status"] == "expired")
    })
    .await;
    std::fs::remove_file(&filler).expect("the filler goes");
    office.is_gone(&grant, "expired").await;
}

/// Makes people until the server takes no more, and says whom it has taken.
async fn hire_until_refused(admin: &Client) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        let email = format!("person-{}@acme.example", made.len());
        let body = json!({ "email": email, "name": "Somebody", "roles": ["user"] });
        let reply = admin.post("/v1/users", body).await;
        if reply.status != 201 {
            reply.refused(503, "unavailable");
            return made;
        }
        made.push(reply.body.text("id"));
        assert!(made.len() < 20_000, "the disk does not fill");
    }
}

/// To the last byte.
fn fill(path: &std::path::Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).expect("a file");
    for size in [65_536, 512, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
