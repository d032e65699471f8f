//! Opening a database, and what is said when it can't be.

use curfew_store::testing::{PostgresDatabase, TestStore};
use curfew_store::{MigrateError, OpenError, Store, StoreOptions};

async fn refused(url: &str) -> OpenError {
    let error = Store::open(StoreOptions::new(url)).await.unwrap_err();
    let mut words = format!("{error} {error:?}");
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(cause) = source {
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(!words.contains("s3cret"), "a password is shown: {words}");
    error
}

#[tokio::test]
async fn another_scheme_is_refused() {
    assert!(matches!(refused("mysql://root:s3cret@localhost/x").await, OpenError::UnknownScheme));
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("not/there/curfew.db");
    let error = refused(&format!("sqlite://{}", path.display())).await;
    assert!(matches!(&error, OpenError::DirectoryMissing { path: named } if *named == path), "{error:?}");
    assert!(error.to_string().contains("not/there"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let letter = "Dear Sir or Madam, ".repeat(1_000);
    std::fs::write(&path, &letter).unwrap();
    let error = refused(&format!("sqlite://{}", path.display())).await;
    assert!(matches!(&error, OpenError::NotADatabase { path: named } if *named == path), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn what_can_not_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("curfew.db");
    std::fs::create_dir(&path).unwrap();
    let error = refused(&format!("sqlite://{}", path.display())).await;
    assert!(matches!(&error, OpenError::NotWritable { path: named, .. } if *named == path), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let db = TestStore::sqlite().await;
    let path = db.url.strip_prefix("sqlite://").unwrap();
    for file in [path.to_owned(), format!("{path}-wal")] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://x.db?mode=memory", "sqlite://"] {
        assert!(matches!(refused(url).await, OpenError::Malformed { .. }), "{url}");
    }
}

#[tokio::test]
async fn a_second_opening_of_the_same_file_is_refused_until_the_first_is_closed() {
    let first = TestStore::sqlite().await;
    assert!(matches!(refused(&first.url).await, OpenError::InUse { .. }));
    first.store.ping().await.unwrap();
    first.store.close().await;
    let second = Store::open(StoreOptions::new(&first.url)).await.unwrap();
    second.ping().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn another_path_to_the_same_file_is_refused_too() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink(directory.path().join("curfew.db"), &link).unwrap();
    let by_link = format!("sqlite://{}", link.display());
    // The file that it leads to is not there yet.
    let first = Store::open(StoreOptions::new(&by_link)).await.unwrap();
    let by_name = format!("sqlite://{}", directory.path().join("curfew.db").display());
    assert!(matches!(refused(&by_name).await, OpenError::InUse { .. }));
    first.close().await;
    let second = Store::open(StoreOptions::new(&by_name)).await.unwrap();
    assert!(matches!(refused(&by_link).await, OpenError::InUse { .. }));
    second.close().await;
}

#[tokio::test]
async fn a_file_that_is_missing_is_not_made_where_that_is_not_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("curfew.db");
    let url = format!("sqlite://{}", path.display());
    let as_it_is = StoreOptions { make_missing: false, ..StoreOptions::new(url) };
    let error = Store::open(as_it_is).await.unwrap_err();
    assert!(matches!(&error, OpenError::NotThere { path: named } if *named == path), "{error:?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_written_is_there_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("curfew.db").display());
    let store = Store::open(StoreOptions::new(&url)).await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), vec!["m0001_foundation"]);
    store.migrate().await.unwrap();
    store.close().await;
    drop(store);
    let store = Store::open(StoreOptions::new(&url)).await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_postgresql_that_does_not_answer_is_named_without_its_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("postgres://curfew:s3cret@127.0.0.1:{port}/curfew")).await;
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}, database curfew")), "{error}");
}

#[tokio::test]
async fn a_postgresql_without_tls_is_not_spoken_with_where_tls_is_asked_for() {
    let Some(database) = PostgresDatabase::create().await else { return };
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused(&format!("{}?sslmode={mode}", database.url())).await;
        assert!(matches!(error, OpenError::NoTls { .. }), "{mode}: {error:?}");
    }
}

#[tokio::test]
async fn what_postgresql_refuses_is_said_in_its_words() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let url = database.url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let error = refused(&format!("{server}/not_there")).await;
    assert!(matches!(&error, OpenError::Refused { reason, .. } if reason.contains("not_there")), "{error:?}");
}

#[tokio::test]
async fn a_role_that_may_not_change_the_schema_is_told_so_and_another_may_do_it() {
    let Some(database) = PostgresDatabase::create().await else { return };
    let superuser = StoreOptions::new(database.url_as_superuser());
    database.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres").await;
    let store = Store::open(StoreOptions::new(database.url())).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, MigrateError::NotAllowed(_)), "{error:?}");

    store.migrate_as(superuser).await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    store.check_schema().await.unwrap();
    assert!(store.unwalled().read().await.unwrap().installation().await.is_ok());
}
