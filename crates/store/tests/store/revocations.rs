//! Ending many grants at once.

use curfew_domain::{DoneBy, LockdownOf, Seconds, TenantId, Timestamp};
use curfew_store::testing::{TestStore, World};
use curfew_store::{Backend, on_both_databases};

/// More than one statement takes.
const MANY: usize = 5_000;

/// The id number `i` of a kind, in the database's own words.
fn id(backend: Backend, kind: u8) -> String {
    match backend {
        Backend::Postgres => {
            format!("('00000000-0000-7000-80{kind:02}-' || lpad(to_hex(i), 12, '0'))::uuid")
        }
        Backend::Sqlite => format!("unhex(printf('00000000000070008{kind:03}%012x', i))"),
    }
}

/// Gives the tenant this many live grants, each of an assignment of its own and every second of the next one's too.
async fn give(world: &World<'_>, tenant: TenantId, many: usize, kind: u8) {
    let backend = world.db.store.backend();
    let (grant, assignment) = (id(backend, kind), id(backend, kind + 1));
    let (next, own) =
        (assignment.replace(", i))", ", i + 1))").replace("(i)", "(i + 1)"), world.literal(tenant));
    let own = if backend == Backend::Postgres { format!("{own}::uuid") } else { own };
    let (now, json) = (world.now().micros(), if backend == Backend::Postgres { "::jsonb" } else { "" });
    let series = |most: usize| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})")
    };
    let set = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
    let far = now + 3_600_000_000;
    for sql in [
        format!(
            "{} INSERT INTO access_grant (tenant_id, id, grantee_id, resource_type, resource_id, action, account_id, \
             permission_set_arn, duration_seconds, decided_at, start_by, audit_enabled, metadata, created_at, updated_at) \
             SELECT {own}, {grant}, {grant}, 'aws_account', '123456789012', 'read', '123456789012', '{set}', 3600, {now}, \
             {far}, true, '{{}}'{json}, {now}, {now} FROM n",
            series(many)
        ),
        format!(
            "{} INSERT INTO assignment (tenant_id, id, instance_arn, region, identity_store_id, account_id, \
             permission_set_arn, principal_id, phase, observed, fence, created_at, updated_at) \
             SELECT {own}, {assignment}, 'i', 'r', 's', '123456789012', '{set}', 'p-' || i, 'present', '{{}}'{json}, 1, \
             {now}, {now} FROM n",
            series(many + 1)
        ),
        format!(
            "{} INSERT INTO grant_assignment (tenant_id, grant_id, assignment_id, standing) \
             SELECT {own}, {grant}, {assignment}, false FROM n UNION ALL \
             SELECT {own}, {grant}, {next}, false FROM n WHERE i % 2 = 0",
            series(many)
        ),
    ] {
        world.db.tamper(&sql).await;
    }
}

async fn owed(db: &TestStore, tenant: TenantId, now: Timestamp) -> usize {
    db.store.owed_since(&[tenant], now).await.unwrap()
}

on_both_databases! {
    async fn thousands_of_grants_end_in_one_unit_and_all_of_them_are_due(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        give(&world, ours, MANY, 10).await;
        give(&world, theirs, 3, 20).await;
        let now = world.now();
        let unit = db.store.tenant(ours).write().await.unwrap();
        let why = "a lockdown".parse().unwrap();
        let other = LockdownOf::Account("999999999999".parse().unwrap());
        assert!(unit.revoke_all(&other, DoneBy::System, &why, now).await.unwrap().is_empty());
        let account = LockdownOf::Account("123456789012".parse().unwrap());
        let revoked = unit.revoke_all(&account, DoneBy::System, &why, now).await.unwrap();
        assert_eq!(revoked.len(), MANY);
        assert!(revoked.is_sorted_by(|a, b| a.grant < b.grant), "locks are taken in the order of ids");
        unit.commit().await.unwrap();
        // The last grant's second assignment is nobody else's.
        assert_eq!(owed(db, ours, now).await, MANY + usize::from(MANY.is_multiple_of(2)));
        assert_eq!(owed(db, theirs, now).await, 0);
        let unit = db.store.tenant(ours).write().await.unwrap();
        let again = unit.revoke_all(&LockdownOf::Tenant, DoneBy::System, &why, world.now()).await.unwrap();
        assert!(again.is_empty());
        drop(unit);
        let unit = db.store.tenant(theirs).write().await.unwrap();
        let over = now + Seconds::of(4_000);
        assert!(unit.revoke_all(&LockdownOf::Tenant, DoneBy::System, &why, over).await.unwrap().is_empty());
        let theirs = unit.revoke_all(&LockdownOf::Tenant, DoneBy::System, &why, world.now()).await.unwrap();
        assert_eq!(theirs.len(), 3);
    }
}
