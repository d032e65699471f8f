//! Many grants at once: one that the server made, copied row by row in the database, and given in AWS by hand.

use std::time::Duration;

use curfew_sim::{Assignment, PrincipalType, SimControl};
use curfew_tests::{Backend, Database, Json, eventually, holds};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value};
use uuid::Uuid;

use crate::requests::Estate;

/// What one tenant's grants are copied from.
pub(super) struct Seed<'a> {
    connection: &'a DatabaseConnection,
    estate: &'a Estate,
    /// The tenant's place among all: its ids begin there.
    first_id: usize,
    tenant: Uuid,
    grant: Uuid,
    assignment: Uuid,
}

/// A grant's assignment, by its number.
pub(super) struct Held {
    pub(super) account: String,
    pub(super) set: String,
    pub(super) principal: String,
}

/// So many ids has each tenant.
const IDS: usize = 100_000_000;

/// The columns that are made anew for each copy.
type Anew<'a> = &'a [(&'a str, String)];

impl<'a> Seed<'a> {
    /// Lets somebody ask for access, waits until it is there, and takes what that has left behind for a pattern.
    pub(super) async fn plant(connection: &'a DatabaseConnection, estate: &'a Estate, number: usize) -> Self {
        let (person, ask) = (&estate.people[0], estate.ask(0));
        let body = serde_json::from_str(&ask.body).expect("JSON");
        let id = person.post("/v1/requests", body).await.is(201).text("grant_id");
        eventually("the first grant", async || {
            let grant = estate.admin.get(&format!("/v1/grants/{id}")).await.ok();
            holds(grant["provisioning_status"] == "successful")
        })
        .await;
        let (tenant, grant) = (id_of(estate.admin.tenant()), id_of(&id));
        let sql = "SELECT assignment_id FROM grant_assignment WHERE tenant_id = $1 AND grant_id = $2";
        let row = query(connection, sql, [tenant.into(), grant.into()]).await;
        let assignment = row.try_get("", "assignment_id").expect("an id");
        Self { connection, estate, first_id: number * IDS, tenant, grant, assignment }
    }

    /// Makes so many grants live, each of an assignment of its own: nothing is due of them before long.
    pub(super) async fn live(&self, aws: &SimControl, count: usize) {
        self.note_names().await;
        let (account, set, principal) =
            (self.name("account", "n.i"), self.name("set", "n.i"), self.name("principal", "n.i"));
        let id = self.id("n.i");
        let grant = [
            ("id", id.clone()),
            ("request_id", "CAST(NULL AS uuid)".to_owned()),
            ("resource_id", account.clone()),
            ("account_id", account.clone()),
            ("permission_set_arn", set.clone()),
        ];
        let held = [
            ("id", id.clone()),
            ("account_id", account),
            ("permission_set_arn", set),
            ("principal_id", principal),
        ];
        self.copy("access_grant", "id", self.grant, count, &grant).await;
        self.copy("assignment", "id", self.assignment, count, &held).await;
        let link = [("grant_id", id.clone()), ("assignment_id", id.clone())];
        self.copy("grant_assignment", "grant_id", self.grant, count, &link).await;
        self.copy("due", "assignment_id", self.assignment, count, &[("assignment_id", id)]).await;
        for number in 0..count {
            let Held { account, set, principal } = self.held(number);
            let assignment = Assignment {
                account,
                permission_set: set,
                principal_type: PrincipalType::User,
                principal_id: principal,
            };
            aws.assign(self.estate.instance(), &assignment);
        }
    }

    /// Makes so many grants that have ended long ago, ten of each assignment, which is long gone.
    pub(super) async fn ended(&self, count: usize) {
        const TO_EACH: usize = 10;
        let id = self.id(&format!("(n.i + {})", IDS / 2));
        let assignment = self.id(&format!("(n.i / {TO_EACH} + {})", IDS / 2));
        let grant = [
            ("id", id.clone()),
            ("request_id", "CAST(NULL AS uuid)".to_owned()),
            ("expires_at", "t.started_at + 1000000".to_owned()),
            ("end_noted_at", "t.started_at + 1000000".to_owned()),
        ];
        let gone = [
            ("id", id.clone()),
            ("account_id", self.name("account", "n.i")),
            ("permission_set_arn", self.name("set", "n.i")),
            ("principal_id", "'gone-' || n.i".to_owned()),
            ("phase", "'gone'".to_owned()),
            ("observed", self.gone()),
        ];
        self.copy("assignment", "id", self.assignment, count.div_ceil(TO_EACH), &gone).await;
        self.copy("access_grant", "id", self.grant, count, &grant).await;
        let link = [("grant_id", id), ("assignment_id", assignment)];
        self.copy("grant_assignment", "grant_id", self.grant, count, &link).await;
    }

    /// Lets some of the live grants end: each as said, in microseconds. Their holders were told.
    pub(super) async fn end_at(&self, ends: &[(usize, i64)]) {
        run(self.connection, "BEGIN").await;
        for (number, end) in ends {
            let id: Value = Uuid::from_u128(self.number(*number)).into();
            for sql in [
                "UPDATE access_grant SET expires_at = $1, expiring_noted_at = created_at \
                 WHERE tenant_id = $2 AND id = $3",
                "UPDATE due SET due_at = $1, take_back_at = $1, generation = generation + 1 \
                 WHERE tenant_id = $2 AND assignment_id = $3",
            ] {
                let values = [(*end).into(), self.tenant.into(), id.clone()];
                let backend = self.connection.get_database_backend();
                let statement = Statement::from_sql_and_values(backend, sql, values);
                let done = self.connection.execute_raw(statement).await.expect("an update");
                assert_eq!(done.rows_affected(), 1, "grant {number} is not there");
            }
        }
        run(self.connection, "COMMIT").await;
    }

    /// What grant number `number` is for: accounts change soonest, then permission sets, then people.
    pub(super) fn held(&self, number: usize) -> Held {
        let (accounts, sets) = (self.estate.accounts(), self.estate.sets());
        let person = number / (accounts.len() * sets.len());
        Held {
            account: accounts[number % accounts.len()].clone(),
            set: sets[number / accounts.len() % sets.len()].to_owned(),
            principal: self.estate.holders()[person].clone(),
        }
    }

    /// Where copies find their names.
    async fn note_names(&self) {
        run(
            self.connection,
            "CREATE TABLE IF NOT EXISTS bench_name (kind TEXT, i BIGINT, name TEXT, PRIMARY KEY (kind, i))",
        )
        .await;
        run(self.connection, "DELETE FROM bench_name").await;
        let sets = self.estate.sets();
        let sets: Vec<String> = sets.into_iter().map(str::to_owned).collect();
        for (kind, names) in
            [("account", self.estate.accounts()), ("set", &sets), ("principal", self.estate.holders())]
        {
            let rows: Vec<String> =
                names.iter().enumerate().map(|(i, name)| format!("('{kind}', {i}, '{name}')")).collect();
            run(self.connection, &format!("INSERT INTO bench_name VALUES {}", rows.join(", "))).await;
        }
    }

    fn name(&self, kind: &str, number: &str) -> String {
        let (accounts, sets) = (self.estate.accounts().len(), self.estate.sets().len());
        let place = match kind {
            "account" => format!("{number} % {accounts}"),
            "set" => format!("({number} / {accounts}) % {sets}"),
            _ => format!("{number} / {}", accounts * sets),
        };
        format!("(SELECT name FROM bench_name WHERE kind = '{kind}' AND bench_name.i = {place})")
    }

    /// What is known of an assignment that is gone for good.
    fn gone(&self) -> String {
        match self.connection.get_database_backend() {
            DbBackend::Postgres => "jsonb_build_object('in_flight', '[]'::jsonb, 'gone_at', t.created_at, 'looks', 4, 'attempts', 0, 'refused', false)".to_owned(),
            _ => "json_object('in_flight', json('[]'), 'gone_at', t.created_at, 'looks', 4, 'attempts', 0, 'refused', json('false'))".to_owned(),
        }
    }

    /// The id of copy number `number`, in SQL and here. As those of the server's own, they grow.
    fn id(&self, number: &str) -> String {
        let number = format!("({number} + {})", self.first_id);
        match self.connection.get_database_backend() {
            DbBackend::Postgres => format!("('{ID}' || lpad(to_hex({number}), 15, '0'))::uuid"),
            _ => format!("unhex('{ID}' || printf('%015x', {number}))"),
        }
    }

    fn number(&self, number: usize) -> u128 {
        let text = format!("{ID}{:015x}", number + self.first_id);
        u128::from_str_radix(&text, 16).expect("hexadecimal digits")
    }

    /// Copies a row, with some columns made anew.
    async fn copy(&self, table: &str, by: &str, id: Uuid, count: usize, anew: Anew<'_>) {
        let one = format!("SELECT * FROM {table} WHERE tenant_id = $1 AND {by} = $2");
        let values: [Value; 2] = [self.tenant.into(), id.into()];
        let row = query(self.connection, &one, values.clone()).await;
        // Computed by the database.
        let columns: Vec<String> = row.column_names().into_iter().filter(|name| name != "is_open").collect();
        let made: Vec<String> = columns
            .iter()
            .map(|column| {
                let found = anew.iter().find(|(name, _)| name == column);
                found.map_or_else(|| format!("t.{column}"), |(_, sql)| sql.clone())
            })
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL \
             SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT {} FROM {table} t CROSS JOIN n \
             WHERE t.tenant_id = $1 AND t.{by} = $2",
            columns.join(", "),
            made.join(", ")
        );
        let statement = Statement::from_sql_and_values(self.connection.get_database_backend(), sql, values);
        let done = self.connection.execute_raw(statement).await.expect("copies");
        assert_eq!(done.rows_affected(), u64::try_from(count).expect("it fits"), "{table}");
    }
}

/// The first digits of every copy's id.
const ID: &str = "01900000000070008";

/// A connection past every wall, and one alone: what it is told stands in one session.
pub(super) async fn connect(database: &Database) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(database.url_above_the_walls());
    options.max_connections(1).sqlx_logging(false).acquire_timeout(Duration::from_mins(2));
    sea_orm::Database::connect(options).await.expect("the database")
}

/// The database knows what is in it, as it would after a minute, and nothing of the copying is left.
pub(super) async fn finish(connection: &DatabaseConnection, backend: &Backend) {
    run(connection, "DROP TABLE IF EXISTS bench_name").await;
    if matches!(backend, Backend::Postgresql(_)) {
        run(connection, "VACUUM ANALYZE").await;
    } else {
        // No statistics: nobody gathers them where Curfew runs.
        run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
}

pub(super) async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn query<const N: usize>(
    connection: &DatabaseConnection,
    sql: &str,
    values: [Value; N],
) -> sea_orm::QueryResult {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.query_one_raw(statement).await.expect("an answer").expect("a row")
}

fn id_of(text: &str) -> Uuid {
    text.parse().expect("a UUID")
}
