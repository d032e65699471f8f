//! What stops the program from starting is said in one message, before the port opens.

use std::net::TcpListener;

use curfew_tests::{Backend, Cluster, Server, on_both_databases};

async fn refused_with(name: &str, value: &str) {
    let server = Server::on(Backend::Sqlite).env(name, value).ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{name}={value}: {}", ended.output);
    assert!(ended.output.contains(name), "{name}={value}: {}", ended.output);
    assert!(!ended.output.contains("panicked"), "{name}={value}: {}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_setting_is_named() {
    for (name, value) in [
        ("BIND_ADDRESS", "everywhere"),
        ("CURFEW_RATE_LIMIT", "lots"),
        ("CURFEW_MASTER_KEY", "short"),
        ("JWT_SECRET", "short"),
        ("JWT_TTL", "soon"),
        ("LOG_LEVEL", "shouting"),
        ("PUBLIC_URL", "not a url"),
        ("RECONCILIATION_INTERVAL", "often"),
        ("WORKER_CONCURRENCY", "0"),
        ("DATABASE_URL", "mysql://localhost/curfew"),
        ("DATABASE_URL", "postgres://curfew@localhost:port/curfew"),
        ("CURFEW_TRUSTED_PROXIES", "the one downstairs"),
    ] {
        refused_with(name, value).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_others_can_reach_demands_a_setup_token() {
    let server = Server::on(Backend::Sqlite).env("BIND_ADDRESS", "0.0.0.0").ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    assert!(ended.output.contains("CURFEW_SETUP_TOKEN"), "{}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_a_proxy_publishes_demands_a_setup_token() {
    let server = Server::on(Backend::Sqlite).env("PUBLIC_URL", "https://curfew.example.com").ready().await;
    let ended = server.run(&["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    assert!(ended.output.contains("CURFEW_SETUP_TOKEN"), "{}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_t_be_written_is_named() {
    // Nobody can make a file in /proc, root neither.
    let server = Server::on(Backend::Sqlite).env("DATABASE_URL", "sqlite:///proc/curfew.db").ready().await;
    let ended = server.run(&["serve"]);
    assert!(!ended.status.success(), "{}", ended.output);
    assert!(ended.output.contains("/proc/curfew.db"), "{}", ended.output);
    assert!(!ended.output.contains("panicked"), "{}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_file_is_refused_and_the_first_goes_on() {
    let server = Server::on(Backend::Sqlite).start().await;
    let admin = server.set_up().await;
    let ended = server.run(&["serve"]);
    assert!(!ended.status.success(), "{}", ended.output);
    assert!(ended.output.contains("curfew.db"), "{}", ended.output);
    assert!(!ended.output.contains("panicked"), "{}", ended.output);
    admin.get("/v1/users/me").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_multi_a_role_that_passes_the_walls_is_refused() {
    let Some(backend) = Backend::postgresql() else { return };
    let mut server = Server::on(backend).start().await;
    server.set_up_as("multi").await;
    assert!(server.terminate().success(), "{}", server.logs().text());
    let past_the_walls = server.database().url_of_a_role("curfew_test_bypass", "NOSUPERUSER BYPASSRLS").await;
    // The tables are curfew's; a member of it may use them.
    let connection = server.database().above_the_walls().await;
    let sql = "GRANT curfew TO curfew_test_bypass";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.expect("granted");
    connection.close().await.expect("closed");
    for url in [server.database().url_above_the_walls(), past_the_walls] {
        let ended = server.run_with("DATABASE_URL", &url, &["serve"]);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
        assert!(ended.output.contains("BYPASSRLS"), "{}", ended.output);
    }
    server.start_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_migrate_is_told_who_does() {
    let Some(backend) = Backend::postgresql() else { return };
    let server = Server::on(backend).ready().await;
    let guest = server.database().url_of_a_role("curfew_test_guest", "NOSUPERUSER NOBYPASSRLS").await;
    let ended = server.run_with("DATABASE_URL", &guest, &["serve"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.output);
    assert!(ended.output.contains("`curfewd migrate`"), "{}", ended.output);
    let wrong = "postgres://curfew@127.0.0.1:1/nowhere";
    let ended = server.run_with("MIGRATE_DATABASE_URL", wrong, &["serve"]);
    assert!(!ended.status.success() && ended.output.contains("MIGRATE_DATABASE_URL"), "{}", ended.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_demands_tls_gets_it_and_is_trusted_by_its_certificate_where_that_is_asked_for() {
    let Some(cluster) = Cluster::start_with_tls() else { return };
    let server = Server::on(cluster.backend()).ready().await;
    let known = format!("sslmode=verify-full&sslrootcert={}", cluster.certificate().display());
    for taken in ["", "sslmode=require", &known] {
        let url = format!("{}?{taken}", server.database().url());
        let ended = server.run_with("DATABASE_URL", &url, &["migrate"]);
        assert!(ended.status.success(), "{taken}: {}", ended.output);
    }
    for (refused, words) in [
        ("sslmode=disable", "no encryption"),
        ("sslmode=verify-full", "no trusted connection to the PostgreSQL at 127.0.0.1"),
        ("sslmode=verify-full", "invalid peer certificate"),
    ] {
        let url = format!("{}?{refused}", server.database().url());
        let ended = server.run_with("DATABASE_URL", &url, &["migrate"]);
        assert_eq!(ended.status.code(), Some(1), "{refused}: {}", ended.output);
        assert!(ended.output.contains(words), "{refused}: {}", ended.output);
    }
}

on_both_databases! {
    async fn a_taken_port_is_named(backend: Backend) {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let server = Server::on(backend).env("SERVER_PORT", port.clone()).ready().await;
        let ended = server.run_as_configured(&["serve"]);
        assert!(!ended.status.success(), "{}", ended.output);
        assert!(ended.output.contains(&port), "{}", ended.output);
        assert!(!ended.output.contains("panicked"), "{}", ended.output);
    }

    async fn migrate_makes_the_tables_and_may_be_run_again(backend: Backend) {
        let mut server = Server::on(backend).ready().await;
        for _ in 0..2 {
            let ended = server.run(&["migrate"]);
            assert!(ended.status.success(), "{}", ended.output);
        }
        server.start_again().await;
        server.set_up().await;
    }

    async fn the_openapi_command_prints_what_the_server_serves(backend: Backend) {
        let server = Server::on(backend).start().await;
        let served = server.stranger().get("/openapi.json").await.ok();
        let printed = server.run(&["openapi"]);
        assert!(printed.status.success(), "{}", printed.output);
        let printed: serde_json::Value = serde_json::from_str(&printed.output).expect("JSON");
        assert_eq!(printed, served);
    }
}
