//! The floor: an axum handler that does nothing but insert the rows, in one transaction, as durably.

use std::collections::HashMap;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, routing};
use curfew_tests::{Backend, Database, eventually, free_port, fresh_id, holds};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait, Value,
};
use uuid::Uuid;

use super::rows::{Cell, Insert, Template};

/// The floor as a process of its own.
pub(crate) struct Floor {
    process: Child,
    port: u16,
}

impl Floor {
    pub(crate) async fn start(backend: &Backend, database: &Database, templates: &[Template]) -> Self {
        let file = database.folder().join("templates.json");
        std::fs::write(&file, serde_json::to_vec(templates).expect("JSON")).expect("a file");
        let port = free_port();
        let url = match backend {
            // Past row-level security, which is no part of a floor.
            Backend::Postgresql(_) => database.url_above_the_walls(),
            Backend::Sqlite => database.url().to_owned(),
        };
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(["floor", &url, &port.to_string()]).arg(&file);
        let floor = Self { process: command.spawn().expect("the floor starts"), port };
        let address = format!("127.0.0.1:{port}");
        eventually("the floor", async || holds(std::net::TcpStream::connect(&address).is_ok())).await;
        floor
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Bare {
    database: DatabaseConnection,
    templates: HashMap<Uuid, Template>,
    turn: AtomicUsize,
}

/// `floor URL PORT TEMPLATES`: serves until it is killed.
pub(crate) async fn serve(arguments: &[String]) {
    let [url, port, file] = arguments else { panic!("floor URL PORT TEMPLATES") };
    let templates: Vec<Template> =
        serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("templates");
    let bare = Bare {
        database: connect(url).await,
        templates: templates.into_iter().map(|template| (template.tenant, template)).collect(),
        turn: AtomicUsize::new(0),
    };
    let router = Router::new().route("/v1/requests", routing::post(insert)).with_state(Arc::new(bare));
    let port: u16 = port.parse().expect("a port");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    axum::serve(listener, router).await.expect("it serves");
}

/// As curfewd's store opens them.
async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).test_before_acquire(false);
    if url.starts_with("sqlite:") {
        options.max_connections(1).map_sqlx_sqlite_opts(|options| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(std::time::Duration::from_secs(10))
        });
    } else {
        options.max_connections(16);
    }
    sea_orm::Database::connect(options).await.expect("the database")
}

async fn insert(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    Json(_asked): Json<serde_json::Value>,
) -> (StatusCode, Json<serde_json::Value>) {
    let tenant = headers.get("X-Tenant-ID").and_then(|value| value.to_str().ok()).expect("a tenant");
    let template = &bare.templates[&tenant.parse::<Uuid>().expect("a UUID")];
    let turn = bare.turn.fetch_add(1, Ordering::Relaxed);
    let assignment = template.assignments[turn % template.assignments.len()];
    let again = Again::of(template, assignment);
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = bare.database.begin_with_options(options).await.expect("a transaction");
    for rows in &template.inserts {
        execute(&tx, &insert_statement(rows), again.values(rows)).await;
    }
    let due = "UPDATE due SET due_at = CASE WHEN due_at < $1 THEN due_at ELSE $1 END, \
               generation = generation + 1 WHERE assignment_id = $2";
    execute(&tx, due, vec![again.now.into(), assignment.into()]).await;
    tx.commit().await.expect("committed");
    (StatusCode::CREATED, Json(template.answer.clone()))
}

async fn execute(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    tx.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn insert_statement(insert: &Insert) -> String {
    let width = insert.columns.len();
    let row = |number: usize| {
        let places: Vec<String> = (1..=width).map(|place| format!("${}", number * width + place)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..insert.rows.len()).map(row).collect();
    format!("INSERT INTO {} ({}) VALUES {}", insert.table, insert.columns.join(", "), rows.join(", "))
}

/// The template's rows with ids and a moment of their own.
struct Again {
    ids: HashMap<Uuid, Uuid>,
    texts: HashMap<String, String>,
    then: i64,
    now: i64,
}

impl Again {
    fn of(template: &Template, assignment: Uuid) -> Self {
        let mut ids: HashMap<Uuid, Uuid> = template.fresh.iter().map(|id| (*id, ordered_id())).collect();
        let texts = ids.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        let linked = template.inserts.iter().find(|insert| insert.table == "grant_assignment");
        if let Some(Cell::Uuid(old)) = linked.and_then(|insert| cell(insert, "assignment_id")) {
            ids.insert(*old, assignment);
        }
        let now = i64::try_from(since_1970().as_micros()).expect("before the year 294,000");
        Self { ids, texts, then: template.at, now }
    }

    fn values(&self, insert: &Insert) -> Vec<Value> {
        insert.rows.iter().flatten().map(|cell| self.value(cell)).collect()
    }

    fn value(&self, cell: &Cell) -> Value {
        match cell {
            Cell::Uuid(id) => (*self.ids.get(id).unwrap_or(id)).into(),
            Cell::Text(text) => self.texts.get(text).unwrap_or(text).clone().into(),
            Cell::Big(moment) if *moment == self.then => self.now.into(),
            other => other.value(),
        }
    }
}

fn cell<'a>(insert: &'a Insert, column: &str) -> Option<&'a Cell> {
    let place = insert.columns.iter().position(|one| one == column)?;
    insert.rows.first().map(|row| &row[place])
}

/// UUID v7, as Curfew's: later ones sort later, which spares the indexes.
fn ordered_id() -> Uuid {
    let millis = u64::try_from(since_1970().as_millis()).expect("before the year 10,889");
    let mut random = [0; 10];
    random.copy_from_slice(&fresh_id().as_bytes()[6..]);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[expect(clippy::disallowed_methods, reason = "rows that look like Curfew's; nothing is decided by it")]
fn since_1970() -> std::time::Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970")
}
