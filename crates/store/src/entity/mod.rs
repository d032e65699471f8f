//! Rows as they lie in the database: raw columns, private to this crate. Repositories turn them into domain types
//! and refuse what doesn't parse.
//!
//! Relations are not declared: every query says its tenant and its joins itself.
#![expect(unreachable_pub, reason = "SeaORM's derives make the entity's parts `pub`; the modules are not")]

/// The rest of what SeaORM wants of an entity.
macro_rules! no_relations {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}

mod prelude {
    pub(crate) use sea_orm::entity::prelude::*;
}

mod access;
mod audit;
mod aws;
mod people;
mod unwalled;

pub(crate) use access::*;
pub(crate) use audit::*;
pub(crate) use aws::*;
pub(crate) use people::*;
pub(crate) use unwalled::*;
