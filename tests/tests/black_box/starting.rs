//! What stops the program from starting is said in one message, before the port opens.

use std::net::TcpListener;

use curfew_tests::{Backend, Server, on_both_databases};

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
