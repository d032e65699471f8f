//! The walls, tried by going around the repositories: as PostgreSQL's role itself, with SQL of one's own.

use std::collections::BTreeSet;

use curfew_domain::{Actor, TenantId};
use curfew_store::on_both_databases;
use curfew_store::testing::{PostgresDatabase, TestStore, World};
use sea_orm::sqlx::postgres::{PgConnection, PgRow};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, Row};

/// What is found before the tenant is known; everything else must be walled.
const UNWALLED: &[&str] = &[
    "audit_unsealed",
    "connection_lease",
    "credential",
    "due",
    "installation",
    "instance_claim",
    "login_attempt",
    "login_name",
    "outbox_due",
    "request_due",
    "seaql_migrations",
    "session_due",
    "tenant_aws_version",
    "tenant_deletion",
    "tenant_version",
];

/// Two tenants with an entry each, and a connection as the store's own role.
struct Around {
    _db: TestStore,
    role: PgConnection,
    ours: TenantId,
    theirs: TenantId,
}

impl Around {
    async fn the_walls() -> Option<Self> {
        let db = TestStore::postgres().await?;
        let world = World::new(&db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        for tenant in [ours, theirs] {
            world.record(tenant, Actor::System, "grant-1").await;
        }
        let role = PgConnection::connect(&db.url).await.unwrap();
        Some(Self { _db: db, role, ours, theirs })
    }

    async fn stand_behind(&mut self, tenant: TenantId) {
        self.run(&format!("SELECT set_config('curfew.tenant', '{tenant}', false)")).await.unwrap();
    }

    async fn run(&mut self, sql: &str) -> Result<u64, sea_orm::sqlx::Error> {
        Ok(self.role.execute(AssertSqlSafe(sql.to_owned())).await?.rows_affected())
    }

    async fn rows(&mut self, sql: &str) -> Vec<PgRow> {
        self.role.fetch_all(AssertSqlSafe(sql.to_owned())).await.unwrap()
    }

    async fn count(&mut self, table: &str) -> i64 {
        self.rows(&format!("SELECT count(*) FROM {table}")).await[0].get(0)
    }
}

#[tokio::test]
async fn every_table_is_walled_by_force_or_on_the_short_list() {
    let Some(mut around) = Around::the_walls().await else { return };
    let open: BTreeSet<String> = around
        .rows(
            "SELECT relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
             WHERE relkind = 'r' AND nspname = 'public' AND NOT (relrowsecurity AND relforcerowsecurity)",
        )
        .await
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(open, UNWALLED.iter().map(ToString::to_string).collect());
}

/// A policy that lets all through would bind nobody, forced or not.
#[tokio::test]
async fn every_walled_table_has_the_one_policy_for_all_that_is_done_with_it() {
    const WALL: &str = "(tenant_id = (NULLIF(current_setting('curfew.tenant'::text, true), ''::text))::uuid)";
    let Some(mut around) = Around::the_walls().await else { return };
    let text = |row: &PgRow, column: usize| row.get::<Option<String>, _>(column).unwrap_or_default();
    let mut walled = BTreeSet::new();
    for row in around
        .rows(
            "SELECT tablename::text, permissive || ' ' || cmd, qual, with_check FROM pg_policies
             WHERE schemaname = 'public' AND tablename <> 'tenant'",
        )
        .await
    {
        let table = text(&row, 0);
        let policy = [text(&row, 1), text(&row, 2), text(&row, 3)];
        assert_eq!(policy, ["PERMISSIVE ALL", WALL, WALL], "{table}");
        assert!(walled.insert(table.clone()), "{table} has two");
    }
    let tables: BTreeSet<String> = around
        .rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tenant'")
        .await
        .iter()
        .map(|row| row.get(0))
        .filter(|table: &String| !UNWALLED.contains(&table.as_str()))
        .collect();
    assert_eq!(walled, tables);

    let id = WALL.replace("tenant_id", "id");
    let family = format!("({id} OR {})", WALL.replace("tenant_id", "parent_id"));
    let own = around
        .rows("SELECT cmd, qual, with_check FROM pg_policies WHERE tablename = 'tenant' ORDER BY cmd")
        .await;
    let own: Vec<_> = own.iter().map(|row| [text(row, 0), text(row, 1), text(row, 2)]).collect();
    assert_eq!(
        own,
        [["DELETE", &id, ""], ["INSERT", "", &family], ["SELECT", &family, ""], ["UPDATE", &id, &id],]
    );
}

#[tokio::test]
async fn without_a_wall_set_nothing_is_seen() {
    let Some(mut around) = Around::the_walls().await else { return };
    for table in ["tenant", "audit_entry", "audit_text"] {
        assert_eq!(around.count(table).await, 0, "{table}");
    }
    around.run("SELECT set_config('curfew.tenant', '', false)").await.unwrap();
    assert_eq!(around.count("audit_entry").await, 0);
}

#[tokio::test]
async fn behind_one_wall_nothing_of_the_other_is_seen() {
    let Some(mut around) = Around::the_walls().await else { return };
    around.stand_behind(around.ours).await;
    let theirs = around.theirs;
    for table in ["audit_entry", "audit_text"] {
        assert_eq!(around.count(table).await, 1, "{table}");
        assert_eq!(around.count(&format!("{table} WHERE tenant_id = '{theirs}'")).await, 0, "{table}");
    }
    assert_eq!(around.count(&format!("tenant WHERE id = '{theirs}'")).await, 0);
}

#[tokio::test]
async fn nothing_is_written_or_moved_across_a_wall() {
    let Some(mut around) = Around::the_walls().await else { return };
    around.stand_behind(around.ours).await;
    let theirs = around.theirs;
    for refused in [
        format!("INSERT INTO setting (tenant_id, key, value, updated_at) VALUES ('{theirs}', 'k', '1', 1)"),
        format!("UPDATE audit_entry SET tenant_id = '{theirs}'"),
        format!("UPDATE tenant SET id = '{theirs}'"),
    ] {
        let error = around.run(&refused).await.unwrap_err();
        assert!(error.to_string().contains("row-level security"), "{refused}: {error}");
    }
    for unfelt in [
        format!("UPDATE audit_entry SET action = 'x' WHERE tenant_id = '{theirs}'"),
        format!("DELETE FROM audit_text WHERE tenant_id = '{theirs}'"),
        format!("UPDATE tenant SET name = 'x' WHERE id = '{theirs}'"),
        format!("DELETE FROM tenant WHERE id = '{theirs}'"),
    ] {
        assert_eq!(around.run(&unfelt).await.unwrap(), 0, "{unfelt}");
    }
}

#[tokio::test]
async fn a_parent_reads_and_founds_its_children_and_changes_none() {
    let Some(mut around) = Around::the_walls().await else { return };
    around.stand_behind(around.ours).await;
    let (ours, child) = (around.ours, "01890000-0000-7000-8000-000000000001");
    let found = |parent: String| {
        format!(
            "INSERT INTO tenant (id, parent_id, name, slug, locale, is_master, state, mfa_required, created_at, updated_at)
             VALUES ('{child}', {parent}, 'C', 'child', 'en', false, 'active', true, 1, 1)"
        )
    };
    assert!(around.run(&found("NULL".to_owned())).await.is_err());
    assert!(around.run(&found(format!("'{}'", around.theirs))).await.is_err());
    assert_eq!(around.run(&found(format!("'{ours}'"))).await.unwrap(), 1);
    assert_eq!(around.count(&format!("tenant WHERE id = '{child}'")).await, 1);
    assert_eq!(around.run(&format!("UPDATE tenant SET name = 'x' WHERE id = '{child}'")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_role_that_passes_the_walls_is_known() {
    let Some(database) = PostgresDatabase::create().await else { return };
    for (url, bypasses) in [(database.url(), false), (database.url_as_superuser(), true)] {
        let store = curfew_store::Store::open(curfew_store::StoreOptions::new(url)).await.unwrap();
        assert_eq!(store.role_bypasses_rls().await.unwrap(), bypasses);
    }
}

on_both_databases! {
    async fn a_unit_finds_nothing_of_another_tenant(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        let user = world.user();
        let entry = world.record(theirs, Actor::Local(user), "grant-1").await;
        let unit = db.store.tenant(ours).write().await.unwrap();
        assert_eq!(unit.audit_entry(entry).await.unwrap(), None);
        assert_eq!(unit.tenant_by_id(theirs).await.unwrap(), None);
        assert_eq!(unit.erase_audit_texts_of(user).await.unwrap(), 0);
        unit.commit().await.unwrap();
        assert_eq!(db.store.seal(ours).await.unwrap(), 0);
        assert_eq!(db.store.seal(theirs).await.unwrap(), 1);
    }

    async fn a_wall_does_not_outlast_its_unit(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        for _ in 0..20 {
            for tenant in [ours, theirs] {
                let unit = db.store.tenant(tenant).read().await.unwrap();
                assert_eq!(unit.this_tenant().await.unwrap().unwrap().id, tenant);
            }
            assert!(db.store.unwalled().read().await.unwrap().installation().await.is_ok());
        }
    }
}
