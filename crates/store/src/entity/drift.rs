//! How AWS differs from what should be there.

pub(crate) mod finding {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "drift")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub kind: String,
        pub instance_arn: String,
        pub account_id: String,
        pub permission_set_arn: String,
        pub principal_id: String,
        pub assignment_id: Option<Uuid>,
        pub outcome: String,
        pub found_at: i64,
        pub over_at: Option<i64>,
        pub resolved_at: Option<i64>,
        pub resolved_by: Option<String>,
        pub resolve_reason: Option<String>,
    }

    no_relations!();
}

pub(crate) mod drift_listed {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "drift_listed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub instance_arn: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub permission_set_arn: String,
        pub first_listed_at: i64,
    }

    no_relations!();
}
