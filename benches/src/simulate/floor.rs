//! The floor: the same rows, read in pages and parsed, and nothing decided.

use curfew_tests::Database;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value};
use uuid::Uuid;

const PAGE: usize = 100;

/// Reads what a replay of so many requests reads.
pub(super) async fn read(database: &Database, tenant: &str, requests: usize) {
    let connection = database.above_the_walls().await;
    let tenant: Uuid = tenant.parse().expect("a UUID");
    let (mut seen, mut last) = (0, (i64::MAX, Uuid::max()));
    while seen < requests {
        let (rows, next) = page(&connection, tenant, last).await;
        assert!(rows > 0, "there are only {seen} requests");
        (seen, last) = (seen + rows, next);
    }
    connection.close().await.expect("closed");
}

async fn page(connection: &DatabaseConnection, tenant: Uuid, last: (i64, Uuid)) -> (usize, (i64, Uuid)) {
    let sql = "SELECT r.id, r.created_at, d.context, d.personal FROM access_request r \
               JOIN decision d ON d.tenant_id = r.tenant_id AND d.request_id = r.id \
               WHERE r.tenant_id = $1 AND (r.created_at, r.id) < ($2, $3) \
               ORDER BY r.created_at DESC, r.id DESC LIMIT $4";
    let bound: [Value; 4] = [tenant.into(), last.0.into(), last.1.into(), (PAGE as u64).into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, bound);
    let rows = connection.query_all_raw(statement).await.expect("rows");
    let mut last = last;
    for row in &rows {
        last = (row.try_get("", "created_at").expect("a moment"), row.try_get("", "id").expect("an id"));
        for column in ["context", "personal"] {
            let json: serde_json::Value = row.try_get("", column).expect("JSON");
            std::hint::black_box(json);
        }
    }
    (rows.len(), last)
}
