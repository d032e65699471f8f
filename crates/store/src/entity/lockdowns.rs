//! Lockdowns, as they are kept.

pub(crate) mod lockdown {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "lockdown")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub scope: String,
        pub subject: String,
        pub reason: Option<String>,
        pub created_by: Uuid,
        pub created_at: i64,
        pub grants_revoked: i64,
        pub lifted_by: Option<Uuid>,
        pub lifted_at: Option<i64>,
    }

    no_relations!();
}
