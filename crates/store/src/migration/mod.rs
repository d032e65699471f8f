//! The schema's history.
//!
//! To change the schema: add `m0002_….rs` with a [`MigrationTrait`] beside the first one and list it below; what was
//! released is never edited. A table that belongs to tenants is walled with [`ddl::wall`].

mod ddl;
mod m0001_foundation;

use sea_orm_migration::prelude::*;

pub(crate) use m0001_foundation::WALLED;

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_foundation::Foundation)]
    }
}
