//! The schema, and bringing it up to date.

use curfew_store::on_both_databases;

on_both_databases! {
    async fn every_table_and_column_is_there(db: &TestStore) {
        db.store.check_schema().await.unwrap();
    }

    async fn migrating_again_changes_nothing(db: &TestStore) {
        assert_eq!(db.store.pending_migrations().await.unwrap(), Vec::<String>::new());
        db.store.migrate().await.unwrap();
        db.store.check_schema().await.unwrap();
    }
}
