//! The connection to AWS and what was seen there.

pub(crate) mod aws_connection {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "aws_connection")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub saved_instance: Option<String>,
        pub saved_role: Option<String>,
        pub saved_region: Option<String>,
        pub saved_version: i64,
        pub verified_instance: Option<String>,
        pub verified_role: Option<String>,
        pub verified_region: Option<String>,
        pub verified_identity_store: Option<String>,
        pub verified_external_id: Option<String>,
        pub verified_at: Option<i64>,
        pub suspended: Option<String>,
        pub external_id: String,
        pub external_id_pending: Option<String>,
        pub pending_proved_at: Option<i64>,
        #[sea_orm(column_type = "JsonBinary")]
        pub last_test: Option<Json>,
        pub last_test_at: Option<i64>,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod aws_resource {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "aws_resource")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub instance_arn: String,
        #[sea_orm(column_name = "type")]
        pub kind: String,
        pub aws_id: String,
        pub account_id: Option<String>,
        pub discovered_name: Option<String>,
        #[sea_orm(column_type = "JsonBinary")]
        pub parents: Option<Json>,
        #[sea_orm(column_type = "JsonBinary")]
        pub tags: Option<Json>,
        pub state: Option<String>,
        #[sea_orm(column_type = "JsonBinary")]
        pub attributes: Option<Json>,
        pub seen_at: Option<i64>,
        pub gone_at: Option<i64>,
        pub pushed_name: Option<String>,
        pub rank: Option<i32>,
        #[sea_orm(column_type = "JsonBinary")]
        pub metadata: Option<Json>,
        pub access_level: Option<String>,
        pub exclusive: bool,
        pub exclusive_since: Option<i64>,
        pub pushed_at: Option<i64>,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod identity_user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_user")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub identity_store_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub principal_id: String,
        pub user_name: String,
        pub email: Option<String>,
        pub email_folded: Option<String>,
        pub status: Option<String>,
        pub seen_at: i64,
        pub gone_at: Option<i64>,
    }

    no_relations!();
}

pub(crate) mod discovery_run {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "discovery_run")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub instance_arn: String,
        pub state: String,
        pub started_at: i64,
        pub ended_at: Option<i64>,
        #[sea_orm(column_type = "JsonBinary")]
        pub counts: Json,
        pub error: Option<String>,
        pub requested_by: Option<Uuid>,
    }

    no_relations!();
}
