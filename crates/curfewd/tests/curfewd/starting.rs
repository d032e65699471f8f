//! What keeps the server from starting is said in one message, with a status of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::program::Place;

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const OTHER: &str = "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[test]
fn settings_that_are_wrong_are_all_named_and_nothing_is_touched() {
    let place = Place::new();
    let ended = place
        .run(&["serve"], &[("LOG_LEVEL", "loud"), ("JWT_SECRET", "hunter2"), ("BIND_ADDRESS", "0.0.0.0")]);
    assert_eq!(ended.status, 2, "{}", ended.output);
    let lines: Vec<_> = ended.output.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.output);
    for (line, name) in lines.iter().zip(["CURFEW_SETUP_TOKEN", "JWT_SECRET", "LOG_LEVEL"]) {
        assert!(line.starts_with(&format!("curfewd: {name} ")), "{line}");
    }
    assert!(!ended.output.contains("hunter2"));
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0);
}

#[test]
fn settings_are_read_from_files_too() {
    let place = Place::new();
    fs::write(place.path("curfew.toml"), "jwt_ttl = \"soon\"\n").unwrap();
    fs::write(place.path(".env"), "WORKER_CONCURRENCY=0\n").unwrap();
    let ended = place.run(&["serve"], &[]);
    assert_eq!(ended.status, 2);
    assert!(
        ended.output.contains("JWT_TTL") && ended.output.contains("WORKER_CONCURRENCY"),
        "{}",
        ended.output
    );
}

#[test]
fn a_taken_port_is_named_and_the_database_is_let_go() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = place.run(&["serve"], &[("SERVER_PORT", &port)]);
    assert_eq!(ended.status, 1);
    assert!(ended.output.contains(&format!("the port {port} of 127.0.0.1")), "{}", ended.output);
    drop(place.serve(&[]));
}

#[test]
fn a_second_process_on_the_same_file_is_refused() {
    let place = Place::new();
    let _first = place.serve(&[]);
    for (arguments, status) in [(&["serve"][..], 1), (&["migrate"], 1), (&["audit", "verify"], 2)] {
        let ended = place.run(arguments, &[]);
        assert_eq!(ended.status, status, "{arguments:?}: {}", ended.output);
        assert!(ended.output.contains("another process has the database curfew.db open"), "{}", ended.output);
    }
}

#[test]
fn a_database_that_cant_be_had_is_named() {
    let place = Place::new();
    fs::write(
        place.path("text.db"),
        "this is not a database, and long enough not to be an empty one\n".repeat(20),
    )
    .unwrap();
    for (url, words) in [
        ("sqlite://missing/curfew.db", "DATABASE_URL: the directory of the database missing/curfew.db"),
        ("sqlite:///proc/curfew.db", "DATABASE_URL: the database /proc/curfew.db can't be written"),
        ("sqlite://text.db", "DATABASE_URL: the file text.db is not a SQLite database"),
        ("postgres://curfew:hunter2@127.0.0.1:9/curfew", "no PostgreSQL answers at 127.0.0.1:9"),
    ] {
        let keys = [("JWT_SECRET", KEY), ("CURFEW_MASTER_KEY", KEY), ("CURFEW_SIGNING_KEY", KEY)];
        let environment: Vec<_> = keys.into_iter().chain([("DATABASE_URL", url)]).collect();
        for command in ["serve", "migrate"] {
            let ended = place.run(&[command], &environment);
            assert_eq!(ended.status, 1, "{url}: {}", ended.output);
            assert!(ended.output.contains(words), "{url}: {}", ended.output);
            assert!(!ended.output.contains("hunter2"), "{}", ended.output);
        }
    }
}

#[test]
fn a_place_where_secrets_cant_be_kept_is_named() {
    let place = Place::new();
    for url in ["sqlite://missing/curfew.db", "sqlite:///proc/curfew.db"] {
        for command in ["serve", "migrate"] {
            let ended = place.run(&[command], &[("DATABASE_URL", url)]);
            assert_eq!(ended.status, 2, "{url}: {}", ended.output);
            assert!(
                ended.output.contains("DATABASE_URL: the secrets beside the database"),
                "{}",
                ended.output
            );
            assert!(ended.output.contains(&url["sqlite://".len()..]), "{}", ended.output);
        }
    }
}

#[test]
fn an_embedded_first_run_makes_its_secrets_and_the_next_needs_them() {
    let place = Place::new();
    drop(place.serve(&[]));
    let secrets = place.path("curfew.db.secrets");
    assert_eq!(fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
    drop(place.serve(&[]));
    fs::remove_file(&secrets).unwrap();
    let ended = place.run(&["serve"], &[]);
    assert_eq!(ended.status, 2);
    assert!(ended.output.contains("curfew.db.secrets"), "{}", ended.output);
}

#[tokio::test]
async fn a_database_made_with_another_master_key_is_refused() {
    let place = Place::new();
    crate::embedded::set_up(&place, &[("CURFEW_MASTER_KEY", KEY)]).await;
    drop(place.serve(&[("CURFEW_MASTER_KEY", KEY)]));
    let ended = place.run(&["serve"], &[("CURFEW_MASTER_KEY", OTHER)]);
    assert_eq!(ended.status, 2);
    assert!(ended.output.contains("CURFEW_MASTER_KEY lacks the key"), "{}", ended.output);
    drop(place.serve(&[("CURFEW_MASTER_KEY", &format!("{OTHER},{KEY}"))]));
}

#[test]
fn an_audit_file_that_cant_be_written_is_named() {
    let place = Place::new();
    let ended = place.run(&["serve"], &[("CURFEW_AUDIT_HEADS", "missing/heads")]);
    assert_eq!(ended.status, 2);
    assert!(ended.output.contains("CURFEW_AUDIT_HEADS: missing/heads"), "{}", ended.output);
}

#[test]
fn a_wrong_call_is_answered_with_how_it_is_called() {
    let place = Place::new();
    let ended = place.run(&["serv"], &[]);
    assert_eq!(ended.status, 2);
    assert!(ended.output.contains("Usage"), "{}", ended.output);
    let help = place.run(&["--help"], &[]);
    assert_eq!(help.status, 0);
    assert!(help.output.contains("migrate"), "{}", help.output);
}

#[test]
fn the_description_is_printed_without_any_setting() {
    let place = Place::new();
    let printed = place.run(&["openapi"], &[("LOG_LEVEL", "loud")]);
    assert_eq!(printed.status, 0);
    let document: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn migrate_makes_the_schema_and_may_be_repeated() {
    let place = Place::new();
    for _ in 0..2 {
        let ended = place.run(&["migrate"], &[]);
        assert_eq!((ended.status, ended.output.as_str()), (0, ""));
    }
}
