//! The rows that one request leaves behind, as patterns for the same rows again.

use std::collections::BTreeSet;

use curfew_tests::{Database, Json};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::town::{Estate, Town};

/// What a request of one tenant inserts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) tenant: Uuid,
    pub(crate) inserts: Vec<Insert>,
    /// The ids that each request has anew.
    pub(crate) fresh: Vec<Uuid>,
    /// When it was made: each request has its own moment.
    pub(crate) at: i64,
    /// What its requests are due for, in turn.
    pub(crate) assignments: Vec<Uuid>,
    /// What is answered.
    pub(crate) answer: serde_json::Value,
}

/// Rows of one table.
#[derive(Serialize, Deserialize, PartialEq)]
pub(crate) struct Insert {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value, by how it is bound.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Uuid(Uuid),
    Big(i64),
    Small(i32),
    Bool(bool),
    Json(serde_json::Value),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(crate) fn value(&self) -> Value {
        match self.clone() {
            Self::Text(text) => text.into(),
            Self::Uuid(id) => id.into(),
            Self::Big(number) => number.into(),
            Self::Small(number) => number.into(),
            Self::Bool(truth) => truth.into(),
            Self::Json(json) => json.into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }

    /// Nothing for what is absent: a column that is left out is absent too.
    fn read(row: &QueryResult, column: &str) -> Option<Self> {
        fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: &str) -> Result<Option<T>, DbErr> {
            row.try_get("", column)
        }
        get(row, column)
            .map(|found| found.map(Self::Text))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Uuid)))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Big)))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Small)))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Bool)))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Json)))
            .or_else(|_| get(row, column).map(|found| found.map(Self::Bytes)))
            .unwrap_or_else(|_| panic!("{column} is of a type that is not known here"))
    }
}

/// Lets each tenant ask for everything once, and looks at what its next request leaves behind.
pub(crate) async fn capture(town: &Town, database: &Database) -> Vec<Template> {
    let connection = database.above_the_walls().await;
    let mut templates = Vec::new();
    for estate in &town.estates {
        templates.push(template(estate, &connection).await);
    }
    connection.close().await.expect("closed");
    templates
}

/// PostgreSQL does so by itself within a minute of a table's first rows, and then plans anew. Until then it goes by plans
/// that it made for empty tables.
pub(crate) async fn gather_statistics(database: &Database) {
    let connection = database.above_the_walls().await;
    connection.execute_unprepared("ANALYZE").await.expect("statistics");
    connection.close().await.expect("closed");
}

async fn template(estate: &Estate, connection: &DatabaseConnection) -> Template {
    for number in 0..estate.assignments() {
        submit(estate, number).await;
    }
    let answer = submit(estate, 0).await;
    let reader = Reader { connection, tenant: estate.people[0].tenant().parse().expect("a UUID") };
    let id = |field: &str| answer.text(field).parse::<Uuid>().expect("a UUID");
    let (request, grant) = (id("id"), id("grant_id"));
    let mut inserts = reader.all("access_request", "id", &[request.into()]).await;
    inserts.extend(reader.all("decision", "request_id", &[request.into()]).await);
    inserts.extend(reader.all("access_grant", "id", &[grant.into()]).await);
    inserts.extend(reader.all("grant_assignment", "grant_id", &[grant.into()]).await);
    let about = [request.to_string().into(), grant.to_string().into()];
    let entries = reader.all("audit_entry", "resource_id", &about).await;
    let ids: Vec<Value> = ids_of(&entries).into_iter().map(Value::from).collect();
    inserts.extend(entries);
    inserts.extend(reader.all("audit_text", "entry_id", &ids).await);
    let at = moment_of(&inserts[0]);
    inserts.push(unsealed(&ids, reader.tenant, at));
    let mut fresh = ids_of(&inserts);
    // The person too: one may have only so many grants, and then ask for no more.
    fresh.extend([request, grant, id("requester_id")]);
    Template {
        tenant: reader.tenant,
        fresh: fresh.into_iter().collect(),
        at,
        assignments: reader.assignments().await,
        inserts,
        answer,
    }
}

async fn submit(estate: &Estate, number: usize) -> serde_json::Value {
    let body = serde_json::from_str(&estate.ask(number).body).expect("JSON");
    let person = &estate.people[number % estate.people.len()];
    person.post("/v1/requests", body).await.is(201)
}

struct Reader<'a> {
    connection: &'a DatabaseConnection,
    tenant: Uuid,
}

impl Reader<'_> {
    /// The tenant's rows of a table in which a column is one of these. What is not inserted with them is left out.
    async fn all(&self, table: &str, column: &str, values: &[Value]) -> Vec<Insert> {
        let places: Vec<String> = (2..values.len() + 2).map(|place| format!("${place}")).collect();
        let sql =
            format!("SELECT * FROM {table} WHERE tenant_id = $1 AND {column} IN ({})", places.join(", "));
        let bound = std::iter::once(self.tenant.into()).chain(values.iter().cloned());
        let backend = self.connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, bound);
        let rows = self.connection.query_all_raw(statement).await.expect("rows");
        assert!(!rows.is_empty(), "the request left no row in {table}");
        gather(table, &rows)
    }

    async fn assignments(&self) -> Vec<Uuid> {
        let rows = self.all("assignment", "tenant_id", &[self.tenant.into()]).await;
        ids_of(&rows).into_iter().collect()
    }
}

/// Rows with the same columns go into one statement.
fn gather(table: &str, rows: &[QueryResult]) -> Vec<Insert> {
    // Written when an entry is sealed, and computed by the database.
    const NOT_INSERTED: [&str; 4] = ["sequence", "hash", "previous_hash", "is_open"];
    let mut inserts: Vec<Insert> = Vec::new();
    for row in rows {
        let (columns, cells): (Vec<String>, Vec<Cell>) = row
            .column_names()
            .into_iter()
            .filter(|column| !NOT_INSERTED.contains(&column.as_str()))
            .filter_map(|column| Cell::read(row, &column).map(|cell| (column, cell)))
            .unzip();
        match inserts.iter_mut().find(|insert| insert.columns == columns) {
            Some(insert) => insert.rows.push(cells),
            None => inserts.push(Insert { table: table.to_owned(), columns, rows: vec![cells] }),
        }
    }
    inserts
}

/// As the request left it: by now the entries may be sealed.
fn unsealed(entries: &[Value], tenant: Uuid, at: i64) -> Insert {
    let columns = ["entry_id", "tenant_id", "created_at"].map(str::to_owned).to_vec();
    let id = |entry: &Value| match entry {
        Value::Uuid(Some(id)) => *id,
        other => panic!("an id, not {other:?}"),
    };
    let row = |entry| vec![Cell::Uuid(id(entry)), Cell::Uuid(tenant), Cell::Big(at)];
    Insert { table: "audit_unsealed".to_owned(), columns, rows: entries.iter().map(row).collect() }
}

fn ids_of(inserts: &[Insert]) -> BTreeSet<Uuid> {
    column(inserts, "id")
        .filter_map(|cell| if let Cell::Uuid(id) = cell { Some(*id) } else { None })
        .collect()
}

fn moment_of(insert: &Insert) -> i64 {
    match column(std::slice::from_ref(insert), "created_at").next() {
        Some(Cell::Big(at)) => *at,
        _ => panic!("{} has no created_at", insert.table),
    }
}

fn column<'a>(inserts: &'a [Insert], name: &'a str) -> impl Iterator<Item = &'a Cell> {
    inserts.iter().flat_map(move |insert| {
        let place = insert.columns.iter().position(|column| column == name);
        insert.rows.iter().filter_map(move |row| place.map(|place| &row[place]))
    })
}
